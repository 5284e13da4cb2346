"""Instants, money and scores read the same on every page."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from django.template import Context, Template

from certification.kernel.money import money_text
from certification.kernel.templatetags import ui
from tests.ui.gallery import NOW

CLOSES = datetime(2027, 6, 16, 5, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    zones = {"programme_zone": "America/Chicago", "viewer_zone": "Europe/Berlin", "programme_now": NOW}
    return Template("{% load ui %}" + source).render(Context({**zones, **context}))


def test_a_deadline_names_the_last_admitted_minute_in_both_zones() -> None:
    html = render("{% deadline closes %}", closes=CLOSES)
    assert "15 June 2027, 23:59 CDT" in html
    assert "16 June 2027, 06:59" in html
    assert 'datetime="2027-06-16T04:59Z"' in html


def test_an_instant_is_not_repeated_for_a_viewer_in_the_programme_zone() -> None:
    html = render("{% instant at %}", at=CLOSES, viewer_zone="America/Chicago")
    assert "16 June 2027, 00:00 CDT" in html
    assert "hidden" in html


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (50000, "USD", "$500.00"),
        (5, "usd", "$0.05"),
        (1234567, "EUR", "€12,345.67"),
        (-50000, "USD", "\N{MINUS SIGN}$500.00"),
        (500, "JPY", "500"),
        (0, "CHF", "0.00"),
    ],
)
def test_money_is_counted_in_minor_units(amount_minor: int, currency: str, text: str) -> None:
    assert money_text(amount_minor, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(25, 8), "3.13"),
        (Decimal("2.75"), "2.75"),
        (Decimal("2.749"), "2.749"),
        (Fraction(27499, 10000), "2.7499"),
        (Fraction(11, 4) - Fraction(1, 10**9), "2.74"),
        (Decimal("1.7499"), "1.7499"),
    ],
)
def test_a_score_is_not_rounded_across_its_bound(value: Fraction, text: str) -> None:
    assert ui.honest_score(value, [Decimal("1.75"), Decimal("2.75")]) == text


def test_a_score_bar_says_its_value_and_bounds_in_words() -> None:
    html = render('{% score_bar value "Entry 1" floor=floor %}', value=Decimal("1.5"), floor=Decimal("1.75"))
    assert "Entry 1: 1.50 on a scale from 0.75 to 4.25, floor 1.75" in html
    assert "score-below" in html


def test_a_missing_score_is_never_zero() -> None:
    html = render('{% score_bar value "Entry 1" %}{% score_dial value "Overall" %}', value=None)
    assert "no score" in html
    assert "0.00" not in html


def test_the_year_marks_what_is_open_now() -> None:
    items = [
        ui.YearItem(
            "Registration", datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2027, 2, 1, 6, tzinfo=UTC)
        ),
        ui.YearItem("Submission", datetime(2027, 5, 1, 5, tzinfo=UTC), CLOSES),
        ui.YearItem("Release", datetime(2027, 10, 31, 14, tzinfo=UTC)),
    ]
    html = render('{% year_timeline items "The year" %}', items=items)
    assert html.count("Open now") == 1
    assert html.count("Closed") == 1
    assert html.count('class="year-month') == 12


def test_a_link_to_a_page_the_site_lacks_is_left_out() -> None:
    assert render('{% nav_item "no-such-page" "Nowhere" %}').strip() == ""
