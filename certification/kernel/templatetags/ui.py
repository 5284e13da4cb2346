"""What templates need beyond Django's own tags: instants in two zones, money, scores, the drawn year.

Drawings are given as percentages for SVG attributes, because the content security policy forbids
inline styles.  Each component is shown with an example in docs/design-system.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.template import Context
from django.urls import NoReverseMatch, reverse

from certification.kernel import clock
from certification.kernel.exact import display
from certification.kernel.money import money_text
from certification.kernel.windows import spoken

register = template.Library()

Score = Fraction | Decimal
_DIAL_RADIUS = 52
_DIAL_TURN = Fraction(3, 4)
_MAX_PLACES = 6


# ---- navigation ----


@register.inclusion_tag("ui/nav_item.html", takes_context=True)
def nav_item(context: Context, name: str, label: str) -> dict[str, Any]:
    """A link of the header; marked when the page is under it, absent when the site has no such page."""
    try:
        url = reverse(name)
    except NoReverseMatch:
        return {"url": None}
    request = context.get("request")
    path = request.path if request else ""
    return {"url": url, "label": label, "current": path == url or (url != "/" and path.startswith(url))}


# ---- instants ----


def _zones(context: Context) -> tuple[str, str]:
    programme = context.get("programme_zone") or settings.PROGRAMME_ZONE
    return programme, context.get("viewer_zone") or programme


def _instant(context: Context, at: datetime | None, *, ending: bool, stacked: bool) -> dict[str, Any]:
    if at is None:
        return {"at": None}
    programme_zone, viewer_zone = _zones(context)
    shown = at - timedelta(minutes=1) if ending else at
    differs = shown.astimezone(ZoneInfo(programme_zone)).utcoffset() != (
        shown.astimezone(ZoneInfo(viewer_zone)).utcoffset()
    )
    return {
        "at": at,
        "iso": f"{shown.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        "programme_text": spoken(shown, programme_zone),
        "programme_offset_minutes": _offset_minutes(shown, programme_zone),
        "viewer_text": spoken(shown, viewer_zone) if differs else "",
        "stacked": stacked,
    }


def _offset_minutes(at: datetime, zone: str) -> int:
    offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return int(offset.total_seconds()) // 60


@register.inclusion_tag("ui/instant.html", takes_context=True)
def instant(context: Context, at: datetime | None, stacked: bool = False) -> dict[str, Any]:
    """`at` in the programme's zone and, beside it, in the viewer's."""
    return _instant(context, at, ending=False, stacked=stacked)


@register.inclusion_tag("ui/instant.html", takes_context=True)
def deadline(context: Context, closes: datetime | None, stacked: bool = False) -> dict[str, Any]:
    """The last admitted minute of a window that closes at `closes`: 15 June, 23:59, not 16 June, 00:00."""
    return _instant(context, closes, ending=True, stacked=stacked)


# ---- money and scores ----


@register.inclusion_tag("ui/money.html")
def money(amount_minor: int, currency: str) -> dict[str, str]:
    """An amount of integer minor units: `50000, "USD"` is $500.00."""
    return {"amount": money_text(amount_minor, currency), "currency": currency.upper()}


@register.filter
def score(value: Score | None) -> str:
    """A score rounded to two places for people; an en dash when there is none."""
    return "\N{EN DASH}" if value is None else display(value)


def honest_score(value: Score, bounds: Iterable[Score]) -> str:
    """`value` with two places, or more where two would show it on the wrong side of a bound.

    2.749 rounds to 2.75; printed so beside a threshold of 2.75 it would look like a pass.
    A score within a millionth of a bound is cut off instead, which keeps it on its side.
    """
    exact = Fraction(value)
    limits = [Fraction(bound) for bound in bounds]
    for places in range(2, _MAX_PLACES + 1):
        text = display(exact, places)
        if all((Fraction(text) >= limit) == (exact >= limit) for limit in limits):
            return text
    hundredths = exact.numerator * 100 // exact.denominator
    return display(Fraction(hundredths, 100))


@dataclass(frozen=True, slots=True)
class Mark:
    """A bound drawn on a score: its name, digits and place along the scale in per cent."""

    label: str
    text: str
    place: str


def _percent(value: Score, lowest: Score, highest: Score) -> Fraction:
    share = (Fraction(value) - Fraction(lowest)) / (Fraction(highest) - Fraction(lowest))
    return max(Fraction(0), min(Fraction(1), share)) * 100


def _score_context(
    value: Score | None,
    lowest: Score | str,
    highest: Score | str,
    bounds: Sequence[tuple[str, Score | None]],
    label: str,
) -> dict[str, Any]:
    low, high = Fraction(lowest), Fraction(highest)
    marks = [
        Mark(name, display(bound), display(_percent(bound, low, high)))
        for name, bound in bounds
        if bound is not None
    ]
    limits = [bound for _, bound in bounds if bound is not None]
    return {
        "label": label,
        "value": value,
        "text": "" if value is None else honest_score(value, limits),
        "fill": "0" if value is None else display(_percent(value, low, high)),
        "below": value is not None and any(Fraction(value) < Fraction(limit) for limit in limits),
        "marks": marks,
        "lowest": display(low),
        "highest": display(high),
    }


@register.inclusion_tag("ui/score_bar.html")
def score_bar(
    value: Score | None,
    label: str,
    floor: Score | None = None,
    threshold: Score | None = None,
    points: Sequence[Score] = (),
    lowest: Score | str = "0.75",
    highest: Score | str = "4.25",
) -> dict[str, Any]:
    """A score on its rubric's scale, with the floor or threshold it is held against."""
    bounds = (("floor", floor), ("threshold", threshold))
    low, high = Fraction(lowest), Fraction(highest)
    return _score_context(value, low, high, bounds, label) | {
        "ticks": [display(_percent(point, low, high)) for point in points]
    }


@register.inclusion_tag("ui/score_dial.html")
def score_dial(
    value: Score | None,
    label: str,
    threshold: Score | None = None,
    lowest: Score | str = "0.75",
    highest: Score | str = "4.25",
) -> dict[str, Any]:
    """The overall score as a three-quarter dial with the threshold marked."""
    context = _score_context(value, lowest, highest, (("threshold", threshold),), label)
    turn = _DIAL_TURN * 100
    context["turn"] = display(turn)
    context["arc"] = display(Fraction(context["fill"]) * _DIAL_TURN)
    context["mark_lines"] = [_dial_mark(Fraction(mark.place)) for mark in context["marks"]]
    return context


def _dial_mark(place: Fraction) -> dict[str, str]:
    """End points of a short radial line at `place` per cent of the dial, which begins at lower left."""
    angle = math.radians(135 + float(place) * 2.7)
    inner, outer = _DIAL_RADIUS - 8, _DIAL_RADIUS + 8
    return {
        "x1": f"{60 + inner * math.cos(angle):.2f}",
        "y1": f"{60 + inner * math.sin(angle):.2f}",
        "x2": f"{60 + outer * math.cos(angle):.2f}",
        "y2": f"{60 + outer * math.sin(angle):.2f}",
    }


# ---- the year ----


@dataclass(frozen=True, slots=True)
class YearItem:
    """A window (`closes` given) or a single moment of the drawn year."""

    label: str
    opens: datetime
    closes: datetime | None = None

    def state(self, now: datetime) -> str:
        if now < self.opens:
            return "before"
        return "open" if self.closes is not None and now < self.closes else "after"


@register.inclusion_tag("ui/year_timeline.html", takes_context=True)
def year_timeline(context: Context, items: Sequence[Any], label: str = "The year") -> dict[str, Any]:
    """Windows and moments along twelve or more months, with a line at now.

    `items` are `YearItem`s or anything with `label`, `opens` and `closes` (None for a moment).
    The drawing runs from the first day of the earliest month to the end of the latest.
    """
    if not items:
        return {"items": []}
    programme_zone, viewer_zone = _zones(context)
    zone = ZoneInfo(programme_zone)
    now = context.get("programme_now") or clock.now()
    first = _month_start(min(item.opens for item in items).astimezone(zone))
    last = _next_month(_month_start(max(item.closes or item.opens for item in items).astimezone(zone)))
    months = _months(first, last)
    return {
        "label": label,
        "programme_zone": programme_zone,
        "viewer_zone": viewer_zone,
        "now_place": _place(now, first, last) if first <= now < last else None,
        "now_anchor": "end" if _place_share(now, first, last) > Fraction(9, 10) else "start",
        "months": [
            {"name": f"{month:%b}", "place": _place(month, first, last), "odd": index % 2 == 1}
            for index, month in enumerate(months)
        ],
        "items": [_drawn(item, now, first, last) for item in items],
    }


def _drawn(item: Any, now: datetime, first: datetime, last: datetime) -> dict[str, Any]:
    closes = item.closes or item.opens
    width = (_place_share(closes, first, last) - _place_share(item.opens, first, last)) * 100
    return {
        "label": item.label,
        "opens": item.opens,
        "closes": item.closes,
        "state": YearItem(item.label, item.opens, item.closes).state(now),
        "place": _place(item.opens, first, last),
        "width": display(width),
    }


def _place_share(at: datetime, first: datetime, last: datetime) -> Fraction:
    return Fraction(int((at - first).total_seconds()), int((last - first).total_seconds()))


def _place(at: datetime, first: datetime, last: datetime) -> str:
    return display(_place_share(at, first, last) * 100)


def _month_start(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(month: datetime) -> datetime:
    return _month_start(month + timedelta(days=32))


def _months(first: datetime, last: datetime) -> list[datetime]:
    months = [first]
    while (following := _next_month(months[-1])) < last:
        months.append(following)
    return months
