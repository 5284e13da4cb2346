"""The rule sets the project ships.

The scale, the cuts and equal entry weights are the pilot's published ones; the gap and its resolution
are decided here, and so are the two-entry look-fors, which await the organisation's confirmation.
Source: the programme's rules, sections 5 and 6.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

# The twelve marks: each level has a lower, a middle and an upper one.
PILOT_SCALE: dict[str, Any] = {
    "points": [
        {"value": "0.75", "level": 1, "label": "1−"},
        {"value": "1", "level": 1, "label": "1"},
        {"value": "1.25", "level": 1, "label": "1+"},
        {"value": "1.75", "level": 2, "label": "2−"},
        {"value": "2", "level": 2, "label": "2"},
        {"value": "2.25", "level": 2, "label": "2+"},
        {"value": "2.75", "level": 3, "label": "3−"},
        {"value": "3", "level": 3, "label": "3"},
        {"value": "3.25", "level": 3, "label": "3+"},
        {"value": "3.75", "level": 4, "label": "4−"},
        {"value": "4", "level": 4, "label": "4"},
        {"value": "4.25", "level": 4, "label": "4+"},
    ],
    "levels": [
        {"level": 1, "description": "The evidence shows hardly any of this practice, or none."},
        {"level": 2, "description": "The evidence shows some of this practice, in part or now and then."},
        {"level": 3, "description": "The evidence plainly shows this practice."},
        {
            "level": 4,
            "description": "The evidence shows this practice plainly, throughout, and beyond doubt.",
        },
    ],
}

CONDITIONS: list[dict[str, str]] = [
    {"code": "missing_piece", "label": "a required piece is missing"},
    {"code": "wrong_file", "label": "a file is the wrong one or cannot be read"},
    {"code": "no_audio", "label": "a video has no sound"},
    {"code": "over_limit", "label": "a piece is over its limit of pages or minutes"},
    {"code": "edited_video", "label": "a video was edited beyond trimming"},
    {"code": "identity_disclosed", "label": "the evidence discloses who the candidate is"},
]

# Framework → entry → (title, look-fors).
FRAMEWORKS: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "two-entry": {
        "entry-1": (
            "Entry 1",
            (
                "identify",
                "learn",
                "improve",
                "process",
                "data",
                "partnership",
                "reflection",
                "student-goal",
            ),
        ),
        "entry-2": (
            "Entry 2",
            (
                "shared-vision",
                "partnership-climate",
                "collaboration",
                "communication",
                "sustained-growth",
            ),
        ),
    },
    "pilot-seven": {
        "partnership-principles": (
            "Partnership Principles",
            ("equality", "choice-and-voice", "dialogue", "reciprocity"),
        ),
        "communication-skills": (
            "Communication Skills",
            ("listening", "questioning", "common-ground", "trust"),
        ),
        "coaches-as-leaders": (
            "Coaches as Leaders",
            ("self-knowledge", "ambition-for-students", "organisation", "reliability"),
        ),
        "impact-cycle": (
            "The Impact Cycle",
            ("identify", "learn", "improve", "student-goal"),
        ),
        "data": (
            "Data",
            ("choice-of-measure", "gathering", "shared-analysis", "use-in-goals"),
        ),
        "instructional-playbook": (
            "The Instructional Playbook",
            ("audience", "choice-of-strategies", "descriptions", "checklists"),
        ),
        "system-support": (
            "System Support",
            ("principal-alignment", "role-clarity", "time-for-coaching", "shared-learning"),
        ),
    },
}


def pilot_data(framework: str) -> dict[str, Any]:
    """The data of the pilot rule set for `two-entry` or `pilot-seven`."""
    entries = FRAMEWORKS[framework]
    # Written out so that equal weights read as shares where they are finite ones: 0.5 and 0.5.
    weight = "0.5" if len(entries) == 2 else "1"
    return {
        "title": f"Pilot rules, {framework}",
        "scale": deepcopy(PILOT_SCALE),
        "entries": [
            {
                "key": key,
                "title": title,
                "weight": weight,
                "look_fors": [{"key": look_for, "weight": "1"} for look_for in look_fors],
            }
            for key, (title, look_fors) in entries.items()
        ],
        "combine_look_fors": "mean",
        "combine_entries": "mean",
        "scorers_per_entry": 2,
        "combine_readings": "mean",
        "gap": "1.25",
        "resolution": "adjudicator",
        "near_cut": None,
        "conditions": deepcopy(CONDITIONS),
        "floor": "1.75",
        "threshold": "2.75",
        "banking_unit": "entry",
        "best_of": True,
        "retakes": "below_floor_only_when_only_floor_failed",
        "display_places": 2,
    }
