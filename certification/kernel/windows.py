"""Windows of the programme's year: civil dates in one zone, turned into instants once.

Source: the programme's rules, section 2.  A window is half-open: it contains the instant it opens
and not the instant it closes, so 31 January is the last whole day of a window closing 1 February 00:00.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from .errors import WindowClosed

YEARS_OF_CANDIDACY = 3


class WindowState(StrEnum):
    BEFORE = "before"
    OPEN = "open"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Window:
    """Instants `[opens, closes)`, both aware.

    Raises:
        ValueError: an instant is naive, or the window would end before it begins.
    """

    opens: datetime
    closes: datetime

    def __post_init__(self) -> None:
        if self.opens.tzinfo is None or self.closes.tzinfo is None:
            raise ValueError("A window needs aware instants.")
        if self.closes <= self.opens:
            raise ValueError("A window must close after it opens.")

    def state(self, now: datetime) -> WindowState:
        if now < self.opens:
            return WindowState.BEFORE
        return WindowState.OPEN if now < self.closes else WindowState.AFTER

    def contains(self, now: datetime) -> bool:
        return self.state(now) is WindowState.OPEN

    def with_grace(self, minutes: int) -> Window:
        """The same window, closing `minutes` later.  Source: section 2, `grace_minutes`."""
        return Window(self.opens, self.closes + timedelta(minutes=minutes))


@dataclass(frozen=True, slots=True)
class CandidacyYear:
    """One of the years of a candidacy: when entries are admitted and when scores come out."""

    number: int
    submission: Window
    release_at: datetime


@dataclass(frozen=True, slots=True)
class Calendar:
    """Everything dated in one cohort's life."""

    registration: Window
    years: tuple[CandidacyYear, ...]


def civil(day: date, zone: str, at: time = time(0)) -> datetime:
    """The instant, in UTC, at which clocks in `zone` show `at` on `day`.

    A wall time that occurs twice (autumn) means its first occurrence; one that is skipped
    (spring) means the instant the clocks would have reached without the change.
    """
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def calendar_for(first_year: int, zone: str) -> Calendar:
    """The calendar of the cohort that first submits in `first_year`.

    It registers from 1 November of the year before until the end of 31 January, submits
    1 May to the end of 15 June in each of three years, and reads scores on 31 October at 09:00.
    """
    registration = Window(civil(date(first_year - 1, 11, 1), zone), civil(date(first_year, 2, 1), zone))
    years = tuple(
        CandidacyYear(
            number=offset + 1,
            submission=Window(
                civil(date(first_year + offset, 5, 1), zone), civil(date(first_year + offset, 6, 16), zone)
            ),
            release_at=civil(date(first_year + offset, 10, 31), zone, time(9)),
        )
        for offset in range(YEARS_OF_CANDIDACY)
    )
    return Calendar(registration, years)


def require_open(window: Window, now: datetime, *, what: str, zone: str) -> None:
    """Let the caller go on only while `window` is open.  Call it inside the writing transaction.

    Raises:
        WindowClosed: with a sentence naming `what`, and the instant in the programme's zone.
    """
    match window.state(now):
        case WindowState.BEFORE:
            raise WindowClosed(f"{what} opens on {spoken(window.opens, zone)}. Please come back then.")
        case WindowState.AFTER:
            raise WindowClosed(
                f"{what} closed on {spoken(window.closes, zone, ending=True)}. "
                "Nothing was changed. If something kept you, write to the programme office."
            )
        case WindowState.OPEN:
            return


def spoken(instant: datetime, zone: str, *, ending: bool = False) -> str:
    """An instant as people say it: `15 June 2027, 23:59 CDT`.

    With `ending`, the last admitted minute is named, because "closed on 16 June, 00:00" misleads.
    """
    shown = (instant - timedelta(minutes=1) if ending else instant).astimezone(ZoneInfo(zone))
    return f"{shown.day} {shown:%B %Y, %H:%M %Z}"
