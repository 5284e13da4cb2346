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

from accounts.models import User
from certification.kernel import audit, locks
from certification.kernel.errors import BadInput

from .models import Conflict, Qualification, Scorer
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
    *,
    account_id: UUID,
    alias: str = "",
    is_lead: bool = False,
    employer: str = "",
    district: str = "",
    by: User | None = None,
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
    audit.record(actor=by, action="enlisted a scorer", subject=made)
    return made.pk


def _next_alias() -> str:
    numbered = (_NUMBERED.fullmatch(alias) for alias in Scorer.objects.values_list("alias", flat=True))
    taken = [int(match[1]) for match in numbered if match]
    return f"S{max(taken, default=0) + 1:02d}"


@transaction.atomic
def change_scorer(
    *, scorer_id: UUID, is_lead: bool, is_active: bool, employer: str, district: str, by: User
) -> Scorer:
    """Correct what matching knows of a scorer; one who is not active is given no more packets."""
    scorer = Scorer.objects.select_for_update().get(pk=scorer_id)
    scorer.is_lead, scorer.is_active = is_lead, is_active
    scorer.employer, scorer.district = employer.strip(), district.strip()
    scorer.save(update_fields=["is_lead", "is_active", "employer", "district"])
    audit.record(actor=by, action="edited a scorer", subject=scorer)
    return scorer


@transaction.atomic
def declare_conflict(*, scorer_id: UUID, organisation: str, by: User) -> Conflict:
    """Keep an organisation's candidates from a scorer.  Declared twice, it stays one conflict.

    Raises:
        BadInput: no organisation is named.
    """
    name = " ".join(organisation.split())
    if not name:
        raise BadInput("Name the organisation whose candidates the scorer must not score.")
    scorer = Scorer.objects.select_for_update().get(pk=scorer_id)
    known = scorer.conflicts.filter(organisation__iexact=name).first()
    if known is not None:
        return known
    declared = scorer.conflicts.create(organisation=name)
    audit.record(actor=by, action="declared a conflict", subject=scorer, detail={"organisation": name})
    return declared


@transaction.atomic
def withdraw_conflict(*, conflict_id: UUID, by: User) -> None:
    """Let a scorer score an organisation's candidates again.  Withdrawn already, nothing changes."""
    conflict = Conflict.objects.select_for_update(of=["self"]).filter(pk=conflict_id).first()
    if conflict is None:
        return
    detail = {"organisation": conflict.organisation}
    audit.record(actor=by, action="withdrew a conflict", subject=conflict.scorer, detail=detail)
    conflict.delete()


@transaction.atomic
def qualify(
    *,
    scorer_id: UUID,
    rubric_entry_id: UUID,
    exact_percent: Decimal,
    within_one_percent: Decimal,
    now: datetime,
    by: User | None = None,
) -> Qualification:
    """Let a scorer score one kind of entry, after the benchmark papers were passed at `now`.

    Raises:
        BadInput: the percentages miss the gate.
    """
    misses = _misses_of_gate(exact_percent, within_one_percent)
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
    detail = {
        "entry": qualification.rubric_entry.title,
        "exact_percent": str(exact_percent),
        "within_one_percent": str(within_one_percent),
    }
    audit.record(actor=by, action="qualified a scorer", subject=qualification.scorer, detail=detail)
    return qualification


@transaction.atomic
def withdraw_qualification(*, qualification_id: UUID, by: User) -> None:
    """Give a scorer no more packets of one kind of entry.  Withdrawn already, nothing changes."""
    qualification = Qualification.objects.select_for_update(of=["self"]).filter(pk=qualification_id).first()
    if qualification is None:
        return
    detail = {"entry": qualification.rubric_entry.title}
    audit.record(actor=by, action="withdrew a qualification", subject=qualification.scorer, detail=detail)
    qualification.delete()


def _misses_of_gate(exact_percent: Decimal, within_one_percent: Decimal) -> tuple[str, ...]:
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
