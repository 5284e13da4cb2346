"""What a video's consent lacks, as plain rules."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from portfolio.consent.rules import Seen, Video, lacking, what_lacks

RELEASED = date(2027, 10, 31)


def seen(**other: Any) -> Seen:
    said: dict[str, Any] = {
        "who": "the teacher",
        "minors": False,
        "form": "Release",
        "for_scoring": True,
        "for_training": False,
        "for_research": False,
        "until_on": None,
    }
    return Seen(**said | other)


def video(*people: Seen, nobody: bool = False, name: str = "clip.mp4", slot: str = "Clip") -> Video:
    return Video(name, slot, people, nobody)


def test_everybody_covered_lacks_nothing() -> None:
    assert lacking([video(seen(), seen(who="grade 4", minors=True))], released_on=RELEASED) == []
    assert lacking([], released_on=RELEASED) == []


def test_a_video_with_nobody_recorded_lacks_that_unless_nobody_can_be_recognised() -> None:
    assert lacking([video()], released_on=RELEASED) == [
        "“clip.mp4” in “Clip”: say who is seen in it, or that nobody can be recognised."
    ]
    assert lacking([video(nobody=True)], released_on=RELEASED) == []


@pytest.mark.parametrize(
    ("other", "sentence", "words"),
    [
        ({"form": ""}, "“clip.mp4” in “Clip”: no release form covers the teacher.", "no release form"),
        (
            {"for_scoring": False, "for_training": True},
            "“clip.mp4” in “Clip”: the form that covers the teacher does not allow scoring.",
            "the form does not allow scoring",
        ),
        (
            {"until_on": date(2027, 10, 30)},
            (
                "“clip.mp4” in “Clip”: the consent for the teacher ends on 30 October 2027,"
                " before the scores come out on 31 October 2027."
            ),
            "the consent ends on 30 October 2027, before the scores come out",
        ),
    ],
)
def test_what_one_person_lacks_is_said(other: dict[str, Any], sentence: str, words: str) -> None:
    person = seen(**other)
    assert lacking([video(person)], released_on=RELEASED) == [sentence]
    assert what_lacks(person, released_on=RELEASED) == words


def test_a_consent_that_ends_on_the_day_of_the_release_holds() -> None:
    assert lacking([video(seen(until_on=RELEASED))], released_on=RELEASED) == []


def test_everything_is_said_at_once_and_for_each_video() -> None:
    found = lacking(
        [video(seen(form=""), seen(who="the class", for_scoring=False)), video(name="two.mp4")],
        released_on=RELEASED,
    )
    assert len(found) == 3
    assert found[-1].startswith("“two.mp4”")


def test_a_statement_that_nobody_is_seen_does_not_outweigh_somebody_recorded() -> None:
    assert lacking([video(seen(form=""), nobody=True)], released_on=RELEASED) != []


def test_two_videos_of_one_name_are_told_apart_by_their_slots() -> None:
    found = lacking([video(slot="Identifying"), video(slot="Implementing")], released_on=RELEASED)
    assert len(set(found)) == 2
