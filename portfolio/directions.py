"""The directions: a framework as everybody may read it, with what scorers look for beside each entry."""

from __future__ import annotations

from dataclasses import dataclass

from scoring import api as scoring
from scoring.api import LookForCard, RubricCard
from scoring.rules.ruleset import RuleSet

from .models import EntryTemplate, Framework
from .slots import SlotRules, slot_rules


@dataclass(frozen=True, slots=True)
class FrameworkCard:
    """A framework in a list."""

    slug: str
    title: str
    summary: str
    to_be_confirmed: bool


@dataclass(frozen=True, slots=True)
class EntryDirections:
    """What one entry asks for and is judged by."""

    key: str
    title: str
    purpose: str
    slots: tuple[SlotRules, ...]
    look_fors: tuple[LookForCard, ...]


@dataclass(frozen=True, slots=True)
class FrameworkDirections:
    """The whole directions of a framework."""

    framework: FrameworkCard
    entries: tuple[EntryDirections, ...]


def all_frameworks() -> tuple[FrameworkCard, ...]:
    """Every framework, by its slug."""
    return tuple(_card(framework) for framework in Framework.objects.all())


def framework_directions(slug: str) -> FrameworkDirections | None:
    """The directions of the framework called `slug`, if there is one."""
    framework = Framework.objects.filter(slug=slug).prefetch_related("entries__slots").first()
    if framework is None:
        return None
    look_fors = _look_fors(framework)
    return FrameworkDirections(
        _card(framework), tuple(_entry(template, look_fors) for template in framework.entries.all())
    )


def scoring_of(slug: str) -> tuple[RuleSet, RubricCard] | None:
    """What the entries of a framework are scored by, if there is one called `slug`."""
    framework = Framework.objects.filter(slug=slug).first()
    if framework is None:
        return None
    return scoring.rule_set(framework.rule_set_id), scoring.rubric(framework.rubric_id)


def entry_directions(framework_slug: str, key: str) -> EntryDirections:
    """The directions of one entry.

    Raises:
        EntryTemplate.DoesNotExist: the framework has no such entry.
    """
    template = (
        EntryTemplate.objects.select_related("framework")
        .prefetch_related("slots")
        .get(framework__slug=framework_slug, key=key)
    )
    return _entry(template, _look_fors(template.framework))


def _card(framework: Framework) -> FrameworkCard:
    return FrameworkCard(framework.slug, framework.title, framework.summary, framework.to_be_confirmed)


def _look_fors(framework: Framework) -> dict[str, tuple[LookForCard, ...]]:
    """By entry; an entry that staff added and the rubric does not know yet simply has none."""
    return {entry.key: entry.look_fors for entry in scoring.rubric(framework.rubric_id).entries}


def _entry(template: EntryTemplate, look_fors: dict[str, tuple[LookForCard, ...]]) -> EntryDirections:
    return EntryDirections(
        key=template.key,
        title=template.title,
        purpose=template.purpose,
        slots=tuple(slot_rules(slot) for slot in template.slots.all()),
        look_fors=look_fors.get(template.key, ()),
    )
