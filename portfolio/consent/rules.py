"""What a video's consent lacks: plain functions from what is on record to sentences.

Source: the programme's rules, section 10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody, or a group, in a video.

    Attributes:
        form: what the form that covers them is called; empty when none does.
        until_on: the last day of the consent; None without end.
    """

    who: str
    minors: bool
    form: str
    for_scoring: bool
    for_training: bool
    for_research: bool
    until_on: date | None


@dataclass(frozen=True, slots=True)
class Video:
    """A video as its candidate knows it, and who was recorded as seen in it.

    `slot` is its slot's title: two videos may have the same name.
    """

    name: str
    slot: str
    people: tuple[Seen, ...]
    nobody: bool


def named(name: str, slot: str) -> str:
    """What a video is called where another one may have the same file name."""
    return f"“{name}” in “{slot}”" if slot else f"“{name}”"


def lacking(videos: Iterable[Video], *, released_on: date) -> list[str]:
    """One sentence for everything that keeps the videos from being handed in; none when all is covered.

    Args:
        released_on: the programme's day on which the scores of the year come out.
    """
    return [sentence for video in videos for sentence in _lacks(video, released_on)]


def what_lacks(seen: Seen, *, released_on: date) -> str:
    """What keeps one person's video from being handed in, in a few words; empty when they are covered."""
    lack = _lack_of(seen, released_on)
    return lack.words if lack else ""


@dataclass(frozen=True, slots=True)
class _Lack:
    """One thing that is not covered: beside the person it is `words`, in a list of problems a `sentence`."""

    words: str
    sentence: str


def _lack_of(seen: Seen, released_on: date) -> _Lack | None:
    if not seen.form:
        return _Lack("no release form", f"no release form covers {seen.who}.")
    if not seen.for_scoring:
        return _Lack(
            "the form does not allow scoring", f"the form that covers {seen.who} does not allow scoring."
        )
    if seen.until_on is not None and seen.until_on < released_on:
        ends = f"ends on {_spoken(seen.until_on)}, before the scores come out"
        return _Lack(f"the consent {ends}", f"the consent for {seen.who} {ends} on {_spoken(released_on)}.")
    return None


def _lacks(video: Video, released_on: date) -> list[str]:
    if not video.people and not video.nobody:
        return [f"{named(video.name, video.slot)}: say who is seen in it, or that nobody can be recognised."]
    lacks = (_lack_of(seen, released_on) for seen in video.people)
    return [f"{named(video.name, video.slot)}: {lack.sentence}" for lack in lacks if lack]


def _spoken(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
