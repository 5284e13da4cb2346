"""The example of the scoring page: worked out by the real rules, for whatever rule set there is."""

from __future__ import annotations

import uuid
from decimal import Decimal
from fractions import Fraction

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings

from certification.kernel import clock
from certification.pages.worked_example import example, working
from portfolio.frameworks import load_frameworks
from portfolio.models import Framework
from portfolio.rules import YearPolicy
from scoring import api as scoring
from scoring.api import RubricCard
from scoring.rules.catalogue import pilot_data
from scoring.rules.ruleset import Combine, RuleSet
from tests.factories import candidates as make
from tests.scoring.rules.builders import pilot, rule_sets

NO_RUBRIC = RubricCard(id=uuid.UUID(int=1), slug="none", version=1, title="None", entries=())


def test_the_pilots_example_is_recomputed_by_hand() -> None:
    shown = example(pilot(), NO_RUBRIC, YearPolicy())
    first, again = shown.stages
    strong, weak = first.entries
    # Eight look-fors: 3, 3.25, 3, 2.75 twice; and 2.75, 3, 2.75, 3 twice.
    assert [reader.score for reader in strong.readers] == ["3.00", "2.88"]
    assert strong.score == Fraction(3 + Fraction("2.875"), 2)
    assert [reader.name for reader in weak.readers] == ["Scorer 1", "Scorer 2", "Adjudicator"]
    assert weak.readers[2].marks == ("1.25", "1.75", "1.25", "1", "1.25")
    assert weak.score == Fraction("1.3")
    assert weak.readers[2].working == "(1.25 + 1.75 + 1.25 + 1 + 1.25) ÷ 5 = 1.30"
    assert first.overall == (strong.score + weak.score) / 2
    assert not first.certified
    assert again.year == 3
    assert again.certified
    assert again.overall == (strong.score + again.entries[0].score) / 2
    assert "The standard is met" in again.reasons[-1]


def test_cases_close_to_the_line_fall_where_the_rules_say() -> None:
    at, below, floor = example(pilot(), NO_RUBRIC, YearPolicy()).edges
    assert (at.certified, below.certified, floor.certified) == (True, False, False)
    assert "The overall score is 2.745, below the threshold of 2.75." in below.reasons
    assert floor.scores == (("Entry 1", "4.25"), ("Entry 2", "1.25"))
    assert "The overall score is 2.75, which meets the threshold of 2.75." in floor.reasons


def test_other_numbers_in_the_rule_set_are_other_numbers_in_the_example() -> None:
    lenient = example(pilot(floor="1", threshold="2"), NO_RUBRIC, YearPolicy())
    assert [stage.certified for stage in lenient.stages] == [True]
    apart = example(pilot(gap="3"), NO_RUBRIC, YearPolicy()).stages[0].entries[1]
    assert len(apart.readers) == 2
    early = example(pilot(), NO_RUBRIC, YearPolicy(retakes_in_year_2=True))
    assert early.stages[1].year == 2


@given(rule_sets)
@settings(max_examples=60, deadline=None)
def test_every_rule_set_has_an_example(ruleset: RuleSet) -> None:
    shown = example(ruleset, NO_RUBRIC, YearPolicy())
    for stage in shown.stages:
        assert stage.reasons
        assert stage.overall is not None
        for entry in stage.entries:
            assert entry.bounds.lowest <= entry.score <= entry.bounds.highest
            assert len(entry.rows) == len(entry.look_fors)


@pytest.mark.parametrize(
    ("parts", "combine", "said"),
    [
        ([("1", "3"), ("1", "2.75")], Combine.MEAN, "(3 + 2.75) ÷ 2 = R"),
        ([("0.5", "3"), ("0.5", "2.75")], Combine.MEAN, "(3 + 2.75) ÷ 2 = R"),
        ([("2", "3"), ("1", "2.75"), ("0", "4")], Combine.MEAN, "(2 × 3 + 1 × 2.75) ÷ 3 = R"),
        ([("1", "3"), ("1", "2.75")], Combine.SUM, "3 + 2.75 = R"),
        ([("2", "3"), ("2", "2.75")], Combine.SUM, "2 × 3 + 2 × 2.75 = R"),
    ],
)
def test_the_arithmetic_is_written_out(parts: list[tuple[str, str]], combine: Combine, said: str) -> None:
    assert working([(Decimal(weight), number) for weight, number in parts], combine, "R") == said


@pytest.mark.django_db
def test_the_page_follows_the_framework_of_the_cohort() -> None:
    load_frameworks()
    make.cohort(framework_slug="pilot-seven")
    changed = {
        **pilot_data("pilot-seven"),
        "threshold": "3.1",
        "floor": None,
        "scorers_per_entry": 3,
        "resolution": "closest_two",
        "combine_look_fors": "sum",
        "near_cut": "0.2",
        "best_of": False,
    }
    Framework.objects.filter(slug="pilot-seven").update(
        rule_set_id=scoring.load_rule_set(slug="other", title="Other", data=changed)
    )
    with clock.fixed(make.REGISTERING):
        page = Client().get(reverse("how_scoring_works")).text
    for said in (
        "Three trained scorers mark every look-for",
        "The sum of one scorer’s marks",
        "the mean of the two closest readings stands",
        "An entry within 0.20 of a line",
        "The latest score of each entry",
        "the overall score is 3.10 or more",
        "System Support",
    ):
        assert said in page
    assert "no entry is below" not in page
