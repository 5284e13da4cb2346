"""Rubrics and rule sets: loaded once, changed by new versions."""

from __future__ import annotations

import pytest

from scoring import api, library
from scoring.models import LookFor, RuleSetVersion
from scoring.rules.catalogue import pilot_data
from scoring.rules.ruleset import BadRuleSet
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db


def test_a_rubric_loaded_twice_is_one_and_keeps_what_staff_wrote() -> None:
    card = make.rubric()
    LookFor.objects.filter(entry_id=card.entry("entry-1").id, key="identify").update(title="Seeing clearly")
    again = make.rubric()
    assert again.id == card.id
    assert again.entry("entry-1").look_fors[0].title == "Seeing clearly"
    assert [entry.key for entry in again.entries] == ["entry-1", "entry-2"]
    assert again.entry("entry-2").look_fors[0].levels[4] == "shared-vision, level 4"


def test_a_rule_set_is_the_next_version_only_when_it_says_something_else() -> None:
    first = make.rule_set()
    assert make.rule_set() == first
    second = make.rule_set(scorers_per_entry=3)
    assert second != first
    assert RuleSetVersion.objects.get(pk=second).version == 2
    assert make.rule_set() == first
    assert api.rule_set(second).scorers_per_entry == 3


def test_a_rule_set_that_is_none_is_refused_with_every_problem() -> None:
    with pytest.raises(BadRuleSet) as bad:
        api.load_rule_set(slug="x", title="x", data={**pilot_data("two-entry"), "gap": "wide", "floor": "x"})
    assert len(bad.value.problems) == 2


def test_a_new_version_starts_as_a_copy() -> None:
    old = make.rule_set()
    made = library.start_new_version(rule_set_id=old)
    assert (made.version, made.used_at, api.rule_set(made.pk)) == (2, None, api.rule_set(old))
