"""What the public pages say about time and money: the cohort they speak of, and the next dates of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from certification.kernel.windows import Window, WindowState

from .models import Cohort

_NEXT_DATES = 5


@dataclass(frozen=True, slots=True)
class SeasonYear:
    """One year of the cohort: its submission window (grace included) and its release."""

    number: int
    submission: Window
    release_at: datetime


@dataclass(frozen=True, slots=True)
class Season:
    """The cohort people can join now or next, or the last one there was, with its policy."""

    cohort_name: str
    framework_slug: str
    fee_minor: int
    currency: str
    min_years_employed: Decimal
    refuse_below_percent: int
    clean_from_percent: int
    retakes_in_year_2: bool
    registration: Window
    registration_state: WindowState
    years: tuple[SeasonYear, ...]


@dataclass(frozen=True, slots=True)
class ProgrammeDate:
    """Something dated that is still to come, and for whom; `ending` when it is the end of a window."""

    what: str
    at: datetime
    ending: bool
    cohorts: tuple[str, ...]

    @property
    def for_whom(self) -> str:
        """The cohorts' names as a sentence has them."""
        *first, last = self.cohorts
        return f"{', '.join(first)} and {last}" if first else last


@dataclass(frozen=True, slots=True)
class Programme:
    """The season, None before there is a cohort, and the next dates of every cohort, the nearest first."""

    season: Season | None
    next_dates: tuple[ProgrammeDate, ...]


def programme_at(now: datetime) -> Programme:
    """Where the programme stands; two queries, however many cohorts there are."""
    cohorts = list(Cohort.objects.order_by("registration_opens_at").prefetch_related("years"))
    joinable = [cohort for cohort in cohorts if now < cohort.registration_window.closes]
    chosen = joinable[0] if joinable else cohorts[-1] if cohorts else None
    return Programme(_season(chosen, now) if chosen else None, _next_dates(cohorts, now))


def _season(cohort: Cohort, now: datetime) -> Season:
    return Season(
        cohort_name=cohort.name,
        framework_slug=cohort.framework_slug,
        fee_minor=cohort.fee_minor,
        currency=cohort.currency,
        min_years_employed=cohort.min_years_employed,
        refuse_below_percent=cohort.refuse_below_percent,
        clean_from_percent=cohort.clean_from_percent,
        retakes_in_year_2=cohort.retakes_in_year_2,
        registration=cohort.registration_window,
        registration_state=cohort.registration_window.state(now),
        years=tuple(
            SeasonYear(year.number, year.submission_window, year.release_at)
            for year in sorted(cohort.years.all(), key=lambda year: year.number)
        ),
    )


def _next_dates(cohorts: Iterable[Cohort], now: datetime) -> tuple[ProgrammeDate, ...]:
    for_whom: dict[tuple[datetime, str, bool], list[str]] = {}
    for cohort in cohorts:
        for what, at, ending in _dates_of(cohort):
            if at > now:
                for_whom.setdefault((at, what, ending), []).append(cohort.name)
    return tuple(
        ProgrammeDate(what, at, ending, tuple(names))
        for (at, what, ending), names in sorted(for_whom.items())[:_NEXT_DATES]
    )


def _dates_of(cohort: Cohort) -> Iterator[tuple[str, datetime, bool]]:
    yield "Registration opens", cohort.registration_window.opens, False
    yield "Registration closes", cohort.registration_window.closes, True
    for year in cohort.years.all():
        yield "Submission opens", year.submission_window.opens, False
        yield "Submission closes", year.submission_window.closes, True
        yield "Scores come out", year.release_at, False
