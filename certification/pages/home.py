"""The public home page: the state of the year, in one look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from candidates.seasons import Season, current_season
from certification.kernel.templatetags.ui import YearItem
from certification.kernel.windows import WindowState


@dataclass(frozen=True, slots=True)
class HomePage:
    season: Season | None
    timeline: tuple[YearItem, ...]

    @property
    def is_open(self) -> bool:
        return self.season is not None and self.season.registration_state is WindowState.OPEN

    @property
    def opens_later(self) -> bool:
        return self.season is not None and self.season.registration_state is WindowState.BEFORE


def home_page(now: datetime) -> HomePage:
    season = current_season(now)
    if season is None:
        return HomePage(None, ())
    return HomePage(
        season,
        (
            YearItem("Registration", season.registration.opens, season.registration.closes),
            YearItem("First submission window", season.submission.opens, season.submission.closes),
            YearItem("First scores", season.release_at, None),
        ),
    )
