"""Who may score: enlisting, conflicts, and the gate a scorer passes for each kind of entry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from certification.kernel import locks
from certification.kernel.errors import BadInput

from .models import Qualification, Scorer
from .states import OPEN_ASSIGNMENTS, AssignmentState

_NUMBERED = re.compile(r"S(\d+)")


@dataclass(frozen=True, slots=True)
class Gate:
    """What a scorer must reach on benchmark papers, in per cent of marks."""

    exact_percent: Decimal
    within_one_percent: Decimal


# Decided for this programme.  Source: the programme's rules, section 6.
GATE = Gate(exact_percent=Decimal(70), within_one_percent=Decimal(100))


@dataclass(frozen=True, slots=True)
class ScorerCard:
    """A qualified scorer as matching needs to know them.  Never shown to candidates."""

    id: UUID
    alias: str
    is_lead: bool
    employer: str
    district: str
    conflicts: tuple[str, ...]
    open_assignments: int


def scorer_of(user: Any) -> UUID | None:
    """The id of the active scorer behind an account, or None."""
    if user.pk is None:
        return None
    return Scorer.objects.filter(account_id=user.pk, is_active=True).values_list("pk", flat=True).first()


@transaction.atomic
def enlist_scorer(
    *, account_id: UUID, alias: str = "", is_lead: bool = False, employer: str = "", district: str = ""
) -> UUID:
    """Make an account a scorer, known to everybody else by an alias; the next free S01, S02 … without one.

    The account is a bare key, for no table here refers to identity.  Enlisted twice, it stays one scorer.
    """
    locks.advisory("scoring.enlist")
    found = Scorer.objects.filter(account_id=account_id).first()
    if found is not None:
        return found.pk
    made = Scorer.objects.create(
        account_id=account_id,
        alias=alias or _next_alias(),
        is_lead=is_lead,
        employer=employer.strip(),
        district=district.strip(),
    )
    return made.pk


def _next_alias() -> str:
    numbered = (_NUMBERED.fullmatch(alias) for alias in Scorer.objects.values_list("alias", flat=True))
    taken = [int(match[1]) for match in numbered if match]
    return f"S{max(taken, default=0) + 1:02d}"


@transaction.atomic
def qualify(
    *,
    scorer_id: UUID,
    rubric_entry_id: UUID,
    exact_percent: Decimal,
    within_one_percent: Decimal,
    now: datetime,
) -> Qualification:
    """Let a scorer score one kind of entry, after the benchmark papers.

    Raises:
        BadInput: the percentages miss the gate.
    """
    misses = misses_of_gate(exact_percent, within_one_percent)
    if misses:
        raise BadInput(
            "The scorer has not passed the gate. Practise, then try other benchmark papers.", misses
        )
    qualification, _ = Qualification.objects.update_or_create(
        scorer_id=scorer_id,
        rubric_entry_id=rubric_entry_id,
        defaults={
            "exact_percent": exact_percent,
            "within_one_percent": within_one_percent,
            "qualified_at": now,
        },
    )
    return qualification


def misses_of_gate(exact_percent: Decimal, within_one_percent: Decimal) -> tuple[str, ...]:
    """What is missing to pass the gate, a sentence each; empty when it is passed."""
    misses = []
    if exact_percent < GATE.exact_percent:
        misses.append(f"{exact_percent:f} % of the marks were exact; {GATE.exact_percent:f} % are needed.")
    if within_one_percent < GATE.within_one_percent:
        misses.append(
            f"{within_one_percent:f} % were within one level; {GATE.within_one_percent:f} % are needed."
        )
    return tuple(misses)


def with_load(found: QuerySet[Scorer]) -> QuerySet[Scorer]:
    """Scorers with how many packets they have `open` and `submitted`."""
    return found.annotate(
        open=Count("assignments", filter=Q(assignments__state__in=OPEN_ASSIGNMENTS)),
        submitted=Count("assignments", filter=Q(assignments__state=AssignmentState.SUBMITTED)),
    )


def scorer_cards(rubric_entry_id: UUID) -> list[ScorerCard]:
    """Every active scorer qualified for this kind of entry, by alias."""
    qualified = Scorer.objects.filter(is_active=True, qualifications__rubric_entry=rubric_entry_id)
    scorers = with_load(qualified).prefetch_related("conflicts")
    return [
        ScorerCard(
            id=scorer.pk,
            alias=scorer.alias,
            is_lead=scorer.is_lead,
            employer=scorer.employer,
            district=scorer.district,
            conflicts=tuple(sorted(conflict.organisation for conflict in scorer.conflicts.all())),
            open_assignments=scorer.open,  # type: ignore[attr-defined]
        )
        for scorer in scorers
    ]
