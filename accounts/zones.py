"""The time zones a person may choose: places, grouped by their part of the world."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from zoneinfo import available_timezones

_AREAS = frozenset(
    (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
)

Choice = tuple[str, str]


@cache
def zone_choices() -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    """Zones as choices of a form: (area, ((zone, city), …)), without the aliases of old systems."""
    zones = sorted(zone for zone in available_timezones() if _area(zone) in _AREAS)
    return tuple(
        (area, tuple((zone, _city(zone)) for zone in of_area)) for area, of_area in groupby(zones, _area)
    )


def _area(zone: str) -> str:
    return zone.partition("/")[0]


def _city(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ").replace("/", ", ")
