"""Every component once, with the longest names and the worst errors: for the tests, and to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator

from certification.kernel.templatetags.ui import YearItem

NOW = datetime(2027, 5, 20, 14, 5, tzinfo=UTC)
LONG_NAME = "Wilhelmina Konstantinopoulou-Featherstonehaugh van der Berg"

LEVELS = [
    ("4 · Clear, consistent and convincing", ["3.75", "4", "4.25"]),
    ("3 · Clear", ["2.75", "3", "3.25"]),
    ("2 · Limited", ["1.75", "2", "2.25"]),
    ("1 · Little or none", ["0.75", "1", "1.25"]),
]
POINTS = [Decimal(point) for _, points in LEVELS for point in points]


class Everything(forms.Form):
    name = forms.CharField(label="Name on the certificate", help_text="As it should be printed.")
    email = forms.EmailField(label="E-mail address")
    started_on = forms.DateField(
        label="Full-time coach since",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The first day of your present post.",
    )
    share = forms.IntegerField(label="Share of time spent coaching, in per cent", min_value=0, max_value=100)
    country = forms.ChoiceField(label="Country", choices=[("us", "United States"), ("de", "Germany")])
    about = forms.CharField(label="About your role", widget=forms.Textarea, required=False)
    payment = forms.ChoiceField(
        label="How will you pay?",
        widget=forms.RadioSelect,
        choices=[
            ("card", "Credit card"),
            ("paypal", "PayPal"),
            ("order", "Purchase order of a school or district"),
        ],
        help_text="The fee is the same.",
    )
    years = forms.MultipleChoiceField(
        label="Years you coached",
        widget=forms.CheckboxSelectMultiple,
        choices=[("25", "2025"), ("26", "2026")],
    )
    agree = forms.BooleanField(
        label="I have read the Candidate Requirements and my role meets every one of them.",
        help_text="Version 3, 1 October 2026.",
    )
    evidence = forms.FileField(label="Written pieces", help_text="One PDF or DOCX of at most 20 pages.")
    note = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> None:
        raise forms.ValidationError("Registration closed on 31 January 2027, 23:59 CST. Nothing was changed.")


class Rating(forms.Form):
    identify = forms.ChoiceField(
        label="Identify: a clear picture of reality and a goal that matters to students",
        widget=forms.RadioSelect,
        choices=[(level, [(point, point) for point in points]) for level, points in LEVELS],
        help_text="Look in the identify conversation and in the PEERS goal.",
    )


class Filter(forms.Form):
    search = forms.CharField(label="Name or number", required=False)
    state = forms.ChoiceField(label="State", choices=[("", "Any"), ("paid", "Paid")], required=False)


@dataclass(frozen=True)
class Step:
    label: str
    url: str
    status: str


@dataclass(frozen=True)
class PageImage:
    url: str
    number: int
    text: str


def page_of_many() -> Page[int]:
    return Paginator(list(range(95)), 20).page(2)


def components() -> dict[str, Any]:
    """The context of gallery/components.html."""
    return {
        "long_name": LONG_NAME,
        "form": Everything(),
        "failed": Everything({"name": LONG_NAME, "email": "nobody", "share": "140"}, prefix="failed"),
        "filter": Filter(prefix="filter"),
        "steps": [
            Step("Your name", "#", "done"),
            Step("Employer and role", "#", "done"),
            Step("Eligibility", "#", "current"),
            Step("Affirmations", "", "todo"),
            Step("Payment", "", "todo"),
        ],
        "year": [
            YearItem(
                "Registration", datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2027, 2, 1, 6, tzinfo=UTC)
            ),
            YearItem("Submission", datetime(2027, 5, 1, 5, tzinfo=UTC), datetime(2027, 6, 16, 5, tzinfo=UTC)),
            YearItem("Scores are released", datetime(2027, 10, 31, 14, tzinfo=UTC)),
        ],
        "closes": datetime(2027, 6, 16, 5, tzinfo=UTC),
        "floor": Decimal("1.75"),
        "threshold": Decimal("2.75"),
        "points": POINTS,
        "strong": Fraction(25, 8),
        "weak": Decimal("1.50"),
        "nearly": Fraction(2749, 1000),
        "page": page_of_many(),
        "trail": [("Dashboard", "/dashboard/"), ("Portfolio", "/portfolio/")],
    }


def scoring(page_url: str = "page.jpg") -> dict[str, Any]:
    """The context of gallery/scoring.html."""
    return {
        "pages": [
            PageImage(page_url, number, "The text of the page." if number == 1 else "")
            for number in (1, 2, 3)
        ],
        "ratings": [Rating(prefix="a"), Rating({"b-identify": "3.25"}, prefix="b"), Rating({}, prefix="c")],
    }
