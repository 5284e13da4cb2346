"""The three years of a cohort, drawn: a row for each year, all on the same twelve months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.conf import settings

from candidates.seasons import Season, SeasonYear
from certification.kernel.exact import display
from certification.kernel.windows import Window
from portfolio.rules import YearPolicy


@dataclass(frozen=True, slots=True)
class Bar:
    """A window in the drawing: its place and width in per cent of the row, and where it stands."""

    label: str
    place: str
    width: str
    state: str


@dataclass(frozen=True, slots=True)
class YearRow:
    """One year: what is drawn of it, its dates, and what may be submitted in it."""

    number: int
    bars: tuple[Bar, ...]
    scores_place: str
    now_place: str
    registration: Window | None
    submission: Window
    release_at: datetime
    may_submit: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ThreeYears:
    months: tuple[tuple[str, str], ...]
    rows: tuple[YearRow, ...]


def three_years(season: Season, now: datetime) -> ThreeYears:
    """The drawing for the season's cohort; each row begins with the month in which it registered."""
    zone = ZoneInfo(settings.PROGRAMME_ZONE)
    first = season.registration.opens.astimezone(zone).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    starts = [first.replace(year=first.year + offset) for offset in range(len(season.years) + 1)]
    policy = YearPolicy(retakes_in_year_2=season.retakes_in_year_2)
    rows = tuple(
        _row(season, year, policy, start, end, now)
        for year, start, end in zip(season.years, starts, starts[1:], strict=False)
    )
    months = tuple(
        (f"{month:%b}", _place(month, starts[0], starts[1])) for month in _months(starts[0], starts[1])
    )
    return ThreeYears(months, rows)


def _row(
    season: Season, year: SeasonYear, policy: YearPolicy, start: datetime, end: datetime, now: datetime
) -> YearRow:
    registers = season.registration if start <= season.registration.opens < end else None
    windows = [("Registration", registers), ("Submission", year.submission)]
    return YearRow(
        number=year.number,
        bars=tuple(_bar(label, window, start, end, now) for label, window in windows if window),
        scores_place=_place(year.release_at, start, end),
        now_place=_place(now, start, end) if start <= now < end else "",
        registration=registers,
        submission=year.submission,
        release_at=year.release_at,
        may_submit=may_submit(policy, year.number),
        is_current=start <= now < end,
    )


def may_submit(policy: YearPolicy, year: int) -> str:
    """What a year is for, in a sentence.  Source: the programme's rules, section 5."""
    if year > policy.first_attempt_years:
        return "Entries that fell short, once more. No first attempts."
    if year < policy.first_attempt_years:
        return "Every entry, some of them, or none."
    again = " Entries that fell short may be tried again." if year >= policy.first_retake_year else ""
    return f"Every entry that has not been submitted yet: all of them have to be in by now.{again}"


def _bar(label: str, window: Window, start: datetime, end: datetime, now: datetime) -> Bar:
    left, right = _share(window.opens, start, end), _share(window.closes, start, end)
    return Bar(label, display(left * 100), display((right - left) * 100), str(window.state(now)))


def _share(at: datetime, start: datetime, end: datetime) -> Fraction:
    """How far along the row an instant lies; what staff moved beyond the row is drawn at its end."""
    at = min(max(at, start), end)
    return Fraction(int((at - start).total_seconds()), int((end - start).total_seconds()))


def _place(at: datetime, start: datetime, end: datetime) -> str:
    return display(_share(at, start, end) * 100)


def _months(start: datetime, end: datetime) -> list[datetime]:
    months = [start]
    while (following := (months[-1] + timedelta(days=32)).replace(day=1)) < end:
        months.append(following)
    return months
