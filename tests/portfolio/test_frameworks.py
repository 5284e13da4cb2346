"""The shipped frameworks: loaded once, then the staff's; and in step with the rule sets."""

from __future__ import annotations

import pytest

from portfolio.frameworks import SHIPPED, load_frameworks, shipped_data
from portfolio.models import Framework, Slot
from scoring import api as scoring

pytestmark = pytest.mark.django_db


def test_loading_twice_changes_nothing() -> None:
    first = load_frameworks()
    counts = Framework.objects.count(), Slot.objects.count()

    assert load_frameworks() == first
    assert (Framework.objects.count(), Slot.objects.count()) == counts


def test_what_staff_changed_stays_when_loading_again() -> None:
    load_frameworks()
    slot = Slot.objects.get(template__framework__slug="two-entry", key="identify-conversation")
    slot.max_minutes = 12
    slot.save()

    load_frameworks()

    slot.refresh_from_db()
    assert slot.max_minutes == 12


@pytest.mark.parametrize("slug", SHIPPED)
def test_entries_and_look_fors_are_those_of_the_rule_set(slug: str) -> None:
    load_frameworks()
    framework = Framework.objects.get(slug=slug)
    rule_set = scoring.rule_set(framework.rule_set_id)
    rubric = scoring.rubric(framework.rubric_id)

    assert [entry.key for entry in framework.entries.all()] == list(rule_set.entry_keys)
    for entry in rule_set.entries:
        assert [look_for.key for look_for in rubric.entry(entry.key).look_fors] == list(entry.look_for_keys)


def test_the_published_limits_of_the_impact_cycle_videos_hold() -> None:
    load_frameworks()
    videos = Slot.objects.filter(template__framework__slug="two-entry", template__key="entry-1", kind="video")

    assert [slot.max_minutes for slot in videos] == [10, 5, 5, 5, 5, 5]


@pytest.mark.parametrize("slug", SHIPPED)
def test_every_shipped_framework_says_that_it_awaits_confirmation(slug: str) -> None:
    assert shipped_data(slug)["to_be_confirmed"] is True
