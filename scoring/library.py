"""Rubrics and rule sets: what is scored by.  Never changed once used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from certification.kernel import locks

from .models import LookFor, Rubric, RubricEntry, RuleSetVersion
from .rules.parsing import parse_rule_set
from .rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class LookForCard:
    """One line of the rubric; `levels` says what evidence at each level looks like."""

    key: str
    title: str
    description: str
    levels: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RubricEntrySpec:
    """One kind of entry to load: its key is the key the rule set uses."""

    key: str
    title: str
    look_fors: tuple[LookForCard, ...]


@dataclass(frozen=True, slots=True)
class RubricEntryCard:
    id: UUID
    key: str
    title: str
    look_fors: tuple[LookForCard, ...]


@dataclass(frozen=True, slots=True)
class RubricCard:
    id: UUID
    slug: str
    version: int
    title: str
    entries: tuple[RubricEntryCard, ...]

    def entry(self, key: str) -> RubricEntryCard:
        return next(entry for entry in self.entries if entry.key == key)


@transaction.atomic
def load_rubric(*, slug: str, title: str, entries: Sequence[RubricEntrySpec]) -> RubricCard:
    """The newest rubric called `slug`, made from `entries` when there is none.

    A rubric that exists stays as staff have edited it; other words for a later cohort are a new slug.
    """
    locks.advisory("scoring.library")
    found = Rubric.objects.filter(slug=slug).first()
    if found is not None:
        return rubric(found.pk)
    made = Rubric.objects.create(slug=slug, title=title)
    for place, spec in enumerate(entries, start=1):
        entry = RubricEntry.objects.create(rubric=made, key=spec.key, title=spec.title, ordinal=place)
        LookFor.objects.bulk_create(
            LookFor(
                entry=entry,
                key=look_for.key,
                title=look_for.title,
                description=look_for.description,
                levels={str(level): text for level, text in look_for.levels.items()},
                ordinal=row,
            )
            for row, look_for in enumerate(spec.look_fors, start=1)
        )
    return rubric(made.pk)


def rubric(rubric_id: UUID) -> RubricCard:
    """A whole rubric, for the pages that show directions, look-fors and feedback."""
    found = Rubric.objects.prefetch_related("entries__look_fors").get(pk=rubric_id)
    return RubricCard(
        id=found.pk,
        slug=found.slug,
        version=found.version,
        title=found.title,
        entries=tuple(
            RubricEntryCard(
                id=entry.pk,
                key=entry.key,
                title=entry.title,
                look_fors=tuple(look_for_card(look_for) for look_for in entry.look_fors.all()),
            )
            for entry in found.entries.all()
        ),
    )


def look_for_card(look_for: LookFor) -> LookForCard:
    levels = {int(level): text for level, text in look_for.levels.items()}
    return LookForCard(look_for.key, look_for.title, look_for.description, levels)


@transaction.atomic
def load_rule_set(*, slug: str, title: str, data: Mapping[str, Any]) -> UUID:
    """The id of the rule set that says exactly this, made as the slug's next version when there is none.

    Raises:
        BadRuleSet: `data` is no rule set; lists every problem.
    """
    locks.advisory("scoring.library")
    parsed = parse_rule_set(data)
    versions = RuleSetVersion.objects.filter(slug=slug)
    same = versions.filter(digest=parsed.digest()).first()
    if same is not None:
        return same.pk
    newest = versions.first()
    made = RuleSetVersion.objects.create(
        slug=slug,
        version=newest.version + 1 if newest else 1,
        title=title,
        data=parsed.to_data(),
        digest=parsed.digest(),
    )
    return made.pk


@transaction.atomic
def start_new_version(*, rule_set_id: UUID) -> RuleSetVersion:
    """A copy of a rule set as its slug's next version, to be changed before anything uses it."""
    locks.advisory("scoring.library")
    old = RuleSetVersion.objects.get(pk=rule_set_id)
    newest = RuleSetVersion.objects.filter(slug=old.slug).order_by("-version").first()
    assert newest is not None
    return RuleSetVersion.objects.create(
        slug=old.slug, version=newest.version + 1, title=old.title, data=old.data, digest=old.digest
    )


def rule_set(rule_set_id: UUID) -> RuleSet:
    """The arithmetic itself, parsed."""
    return parse_rule_set(RuleSetVersion.objects.values_list("data", flat=True).get(pk=rule_set_id))
