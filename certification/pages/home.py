"""The public home page: the state of the year, in one look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from candidates.seasons import Programme, ProgrammeDate, Season
from certification.kernel.templatetags.ui import YearItem
from certification.kernel.windows import WindowState

_SOON_DAYS = 7


@dataclass(frozen=True, slots=True)
class YearNow:
    """Where the year stands: `days` are the civil days until registration opens, or until its last day."""

    season: Season | None
    next_dates: tuple[ProgrammeDate, ...]
    days: int

    @property
    def is_open(self) -> bool:
        return self.season is not None and self.season.registration_state is WindowState.OPEN

    @property
    def opens_later(self) -> bool:
        return self.season is not None and self.season.registration_state is WindowState.BEFORE

    @property
    def is_last_day(self) -> bool:
        return self.is_open and self.days == 0

    @property
    def closes_soon(self) -> bool:
        return self.is_open and self.days <= _SOON_DAYS

    @property
    def in_days(self) -> str:
        """How far off it is, as people say it."""
        return {0: "today", 1: "tomorrow"}.get(self.days, f"in {self.days} days")

    @property
    def timeline(self) -> tuple[YearItem, ...]:
        """The cohort's first year, to be drawn."""
        if self.season is None:
            return ()
        first = self.season.years[0]
        return (
            YearItem("Registration", self.season.registration.opens, self.season.registration.closes),
            YearItem("First submission window", first.submission.opens, first.submission.closes),
            YearItem("First scores", first.release_at),
        )


def year_now(programme: Programme, now: datetime) -> YearNow:
    season = programme.season
    if season is None:
        return YearNow(None, programme.next_dates, 0)
    window = season.registration
    # The last admitted minute is of the last day; the closing instant itself is of the day after.
    aim = window.opens if now < window.opens else window.closes - timedelta(minutes=1)
    return YearNow(season, programme.next_dates, _civil_days(now, aim))


def _civil_days(now: datetime, later: datetime) -> int:
    """Days between two instants, as a calendar in the programme's zone counts them."""
    zone = ZoneInfo(settings.PROGRAMME_ZONE)
    return (later.astimezone(zone).date() - now.astimezone(zone).date()).days
