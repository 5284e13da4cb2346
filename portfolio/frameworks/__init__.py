"""The frameworks that ship with the project, as data, and how they come into the database.

A framework is loaded once: afterwards it belongs to the staff, who change it in the administration,
and loading again leaves their changes alone.  Source: the programme's rules, section 5.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from scoring import api as scoring
from scoring.rules.catalogue import pilot_data

from ..models import EntryTemplate, Framework, Slot

SHIPPED = ("two-entry", "pilot-seven")
_LEVELS = {
    4: "Throughout, plainly and beyond doubt: {practice}.",
    3: "Plainly: {practice}.",
    2: "Only in part, or now and then: {practice}.",
    1: "Hardly, or nowhere: {practice}.",
}


def shipped_data(slug: str) -> dict[str, Any]:
    """The data of a shipped framework: its entries with their slots and look-fors."""
    data: dict[str, Any] = json.loads(Path(__file__).with_name(f"{slug}.json").read_text(encoding="utf-8"))
    return data


@transaction.atomic
def load_frameworks() -> dict[str, UUID]:
    """Make sure the shipped frameworks exist, with their rubrics and rule sets: slug → framework."""
    return {slug: _load(shipped_data(slug)) for slug in SHIPPED}


def _load(data: dict[str, Any]) -> UUID:
    existing = Framework.objects.filter(slug=data["slug"]).first()
    if existing is not None:
        return existing.pk
    rules = pilot_data(data["slug"])
    rubric = scoring.load_rubric(
        slug=data["rubric_slug"], title=data["rubric_title"], entries=_rubric_entries(data)
    )
    framework = Framework.objects.create(
        slug=data["slug"],
        title=data["title"],
        summary=data["summary"],
        to_be_confirmed=data["to_be_confirmed"],
        rubric_id=rubric.id,
        rule_set_id=scoring.load_rule_set(slug=data["slug"], title=rules["title"], data=rules),
    )
    for ordinal, entry in enumerate(data["entries"], start=1):
        template = EntryTemplate.objects.create(
            framework=framework,
            key=entry["key"],
            title=entry["title"],
            purpose=entry["purpose"],
            ordinal=ordinal,
        )
        Slot.objects.bulk_create(
            Slot(template=template, ordinal=place, **_slot_fields(slot))
            for place, slot in enumerate(entry["slots"], start=1)
        )
    return framework.pk


def _slot_fields(slot: dict[str, Any]) -> dict[str, Any]:
    minutes = slot["max_minutes"]
    return {**slot, "max_minutes": None if minutes is None else Decimal(minutes)}


def _rubric_entries(data: dict[str, Any]) -> list[scoring.RubricEntrySpec]:
    return [
        scoring.RubricEntrySpec(
            key=entry["key"],
            title=entry["title"],
            look_fors=tuple(
                scoring.LookForCard(
                    key=look_for["key"],
                    title=look_for["title"],
                    description=look_for["description"],
                    levels={
                        level: words.format(practice=look_for["practice"]) for level, words in _LEVELS.items()
                    },
                )
                for look_for in entry["look_fors"]
            ),
        )
        for entry in data["entries"]
    ]
