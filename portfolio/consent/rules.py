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
    """A video as its candidate knows it, and who was recorded as seen in it."""

    name: str
    people: tuple[Seen, ...]
    nobody: bool


def lacking(videos: Iterable[Video], *, released_on: date) -> list[str]:
    """One sentence for everything that keeps the videos from being handed in; none when all is covered.

    Args:
        released_on: the programme's day on which the scores of the year come out.
    """
    return [sentence for video in videos for sentence in _lacks(video, released_on)]


def what_lacks(seen: Seen, *, released_on: date) -> str:
    """What keeps one person's video from being handed in, in a few words; empty when they are covered."""
    if not seen.form:
        return "no release form"
    if not seen.for_scoring:
        return "the form does not allow scoring"
    if seen.until_on is not None and seen.until_on < released_on:
        return f"the consent ends on {_spoken(seen.until_on)}, before the scores come out"
    return ""


def _lacks(video: Video, released_on: date) -> list[str]:
    where = f"“{video.name}”"
    if not video.people:
        if video.nobody:
            return []
        return [f"{where}: say who is seen in it, or that nobody can be recognised."]
    return [sentence for seen in video.people if (sentence := _lacks_of(seen, where, released_on))]


def _lacks_of(seen: Seen, where: str, released_on: date) -> str:
    if not seen.form:
        return f"{where}: no release form covers {seen.who}."
    if not seen.for_scoring:
        return f"{where}: the form that covers {seen.who} does not allow scoring."
    if seen.until_on is not None and seen.until_on < released_on:
        return (
            f"{where}: the consent for {seen.who} ends on {_spoken(seen.until_on)},"
            f" before the scores come out on {_spoken(released_on)}."
        )
    return ""


def _spoken(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
