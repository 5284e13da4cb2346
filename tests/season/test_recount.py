"""The second reckoning finds every kind of mistake it exists for, and nothing in a right record."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from certification.season.recount import disagreements

Json = dict[str, Any]


def reading(entry: str, scorer: str, marks: str, role: str = "scorer", condition: str | None = None) -> Json:
    look_fors = ("process", "data") if entry == "entry-1" else ("communication",)
    ratings = dict(zip(look_fors, marks.split(), strict=True)) if condition is None else {}
    return {"entry": entry, "scorer": scorer, "role": role, "condition": condition, "ratings": ratings}


def a_season() -> Json:
    """One who fails entry 1 at first, is far apart on entry 2, and is certified by a retake; one refused."""
    years = [
        {
            "year": 1, "open": ["entry-1", "entry-2"], "submitted": ["entry-1"],
            "readings": [reading("entry-1", "S01", "2 2.25"), reading("entry-1", "S02", "1.75 2")],
            "scores": {"entry-1": "2"}, "banked": {"entry-1": "2"}, "overall": None,
            "outcome": "continuing", "reasons": ["Entry 2 was not submitted yet."],
            "open_next_year": ["entry-2"],
        },
        {
            "year": 2, "open": ["entry-2"], "submitted": ["entry-2"],
            "readings": [
                reading("entry-2", "S01", "4"), reading("entry-2", "S02", "2.25"),
                reading("entry-2", "L01", "3.25", role="adjudicator"),
            ],
            "scores": {"entry-2": "3.25"}, "banked": {"entry-1": "2", "entry-2": "3.25"}, "overall": "2.625",
            "outcome": "continuing", "reasons": ["The overall misses the threshold."],
            "open_next_year": ["entry-1", "entry-2"],
        },
        {
            "year": 3, "open": ["entry-1", "entry-2"], "submitted": ["entry-1", "entry-2"],
            "readings": [
                reading("entry-1", "S03", "3 3"), reading("entry-1", "S04", "3 3.25"),
                reading("entry-2", "S03", "", condition="no_audio"),
                reading("entry-2", "S04", "", condition="no_audio"),
            ],
            "scores": {"entry-1": "3.0625"}, "banked": {"entry-1": "3.0625", "entry-2": "3.25"},
            "overall": "3.15625", "outcome": "certified", "reasons": ["Everything is met."],
            "open_next_year": [],
        },
    ]  # fmt: skip
    refused = {
        "alias": "C002",
        "registered": False,
        "refused": "Too short.",
        "certificate": None,
        "years": [],
    }
    return {
        "rule_set": {
            "threshold": "2.75", "floor": "1.75", "gap": "1.25", "resolution": "adjudicator",
            "entries": {"entry-1": "0.5", "entry-2": "0.5"},
            "look_fors": {"entry-1": {"process": "1", "data": "1"}, "entry-2": {"communication": "1"}},
        },
        "candidates": [
            {
                "alias": "C001", "registered": True, "refused": None,
                "certificate": "ICG-2029-ABCDEFGH", "years": years,
            },
            refused,
        ],
    }  # fmt: skip


def test_right_record_agrees() -> None:
    assert disagreements(a_season()) == []


def test_exactly_the_gap_is_agreement() -> None:
    season = a_season()
    year = season["candidates"][0]["years"][1]
    year["readings"] = [reading("entry-2", "S01", "4"), reading("entry-2", "S02", "2.75")]
    year["scores"]["entry-2"] = year["banked"]["entry-2"] = "3.375"
    year["overall"] = "2.6875"
    season["candidates"][0]["years"][2]["banked"]["entry-2"] = "3.375"
    season["candidates"][0]["years"][2]["overall"] = "3.21875"
    assert disagreements(season) == []


def test_numbers_without_an_end_are_compared_to_the_twelfth_place() -> None:
    season = a_season()
    season["rule_set"]["look_fors"]["entry-1"]["data"] = "2"
    first = season["candidates"][0]["years"][0]
    assert disagreements(season) != []
    first["scores"]["entry-1"] = first["banked"]["entry-1"] = "2.041666666667"
    second = season["candidates"][0]["years"][1]
    second["banked"]["entry-1"], second["overall"] = "2.041666666667", "2.645833333333"
    third = season["candidates"][0]["years"][2]
    third["scores"]["entry-1"] = third["banked"]["entry-1"] = "3.083333333333"
    third["overall"] = "3.166666666667"
    assert disagreements(season) == []
    third["overall"] = "3.166666666668"
    assert disagreements(season) != []


def change(path: str, value: Any) -> Callable[[Json], None]:
    """Set what lies at a path such as `0.years.1.outcome` below the candidates."""

    def apply(season: Json) -> None:
        *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        place = season["candidates"]
        for step in way:
            place = place[step]
        place[last] = value

    return apply


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (change("0.years.0.readings.0.ratings.data", "4"), "scored"),
        (change("0.years.1.scores.entry-2", "3.125"), "scored"),
        (change("0.years.1.readings.2.role", "scorer"), "read by"),
        (change("0.years.1.readings.1.scorer", "S01"), "read twice"),
        (change("0.years.0.readings.0.ratings", {"process": "2"}), "marks for"),
        (change("0.years.2.banked.entry-2", "4"), "banked"),
        (change("0.years.1.overall", "2.75"), "came to"),
        (change("0.years.0.overall", "0"), "came to"),
        (change("0.years.1.outcome", "certified"), "ended as"),
        (change("0.years.2.outcome", "ended"), "ended as"),
        (change("0.years.1.open_next_year", ["entry-1"]), "promised"),
        (change("0.years.1.open", ["entry-1", "entry-2"]), "opened"),
        (change("0.years.0.submitted", ["entry-1", "entry-3"]), "took"),
        (change("0.years.0.submitted", []), "not submitted"),
        (change("0.years.0.reasons", []), "no reason"),
        (change("0.years.0.year", 2), "missing"),
        (change("0.certificate", None), "certificate"),
        (change("0.registered", False), "registration"),
        (change("0.refused", "Too short."), "refused"),
    ],
)  # fmt: skip
def test_wrong_record_is_found(tamper: Callable[[Json], None], said: str) -> None:
    season = copy.deepcopy(a_season())
    tamper(season)
    problems = disagreements(season)
    assert problems
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("C001: ") for problem in problems)


def test_unknown_resolution_is_not_reckoned() -> None:
    season = a_season()
    season["rule_set"]["resolution"] = "closest_two"
    assert "closest_two" in disagreements(season)[0]
