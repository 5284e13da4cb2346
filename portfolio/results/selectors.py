"""What a release is made of, and what still stands in its way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse

from candidates import selectors as candidates
from candidates.selectors import CandidacyCard, CohortYearCard
from scoring import api as scoring
from scoring.api import PacketProgress, PacketState

from ..models import Entry
from ..states import BlindingState, EntryState, Outcome
from .models import Decision

_HANDED_IN = (EntryState.SUBMITTED, EntryState.SEALED)
_UNBLINDED = {
    BlindingState.WAITING: "its evidence is not cleaned yet",
    BlindingState.CLEANED: "its cleaned evidence waits for the blinding check",
    BlindingState.CHECKED: "its blinding waits for a second person",
    BlindingState.FAILED: "its evidence could not be cleaned",
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """An entry that a release waits for: whose, which, and what is missing."""

    entry_id: UUID
    candidate_number: str
    entry_title: str
    year: int
    release_at: datetime
    why: str


def blockers(now: datetime, horizon: timedelta = timedelta(0)) -> list[Blocker]:
    """Every entry without its result, of the releases due within `horizon`, whose window is over by now."""
    years = [card for card in unreleased_years(now + horizon) if card.window.closes <= now]
    return blockers_of(years)


def unreleased_years(until: datetime) -> list[CohortYearCard]:
    """The cohort years to be released not later than `until` whose scores are not out, by release.

    A year is out when nothing handed in in it waits and every candidacy it decides on has its decision.
    """
    due = candidates.cohort_years_due(until)
    if not due:
        return []
    waiting = set(
        Entry.objects.filter(state__in=_HANDED_IN).values_list("candidacy__cohort_id", "year").distinct()
    )
    active = candidates.active_candidacies()
    decided = _decided(active)
    return [
        card
        for card in due
        if (card.cohort_id, card.year) in waiting
        or any(_awaits(candidacy, card, decided) for candidacy in active)
    ]


def undecided(years: Sequence[CohortYearCard]) -> list[CandidacyCard]:
    """The candidacies that a release of these years decides on, also those that handed in nothing."""
    active = candidates.active_candidacies()
    decided = _decided(active)
    return [candidacy for candidacy in active if any(_awaits(candidacy, card, decided) for card in years)]


def _decided(candidacies: Sequence[CandidacyCard]) -> set[tuple[UUID, int]]:
    rows = Decision.objects.filter(candidacy_id__in=[candidacy.id for candidacy in candidacies])
    return set(rows.values_list("candidacy_id", "year"))


def _awaits(candidacy: CandidacyCard, card: CohortYearCard, decided: Collection[tuple[UUID, int]]) -> bool:
    """Whether this year decides on this candidacy.

    Somebody enrolled after the year's release, because a payment settled late, had no part in it.
    """
    return (
        candidacy.cohort_id == card.cohort_id
        and candidacy.enrolled_at < card.release_at
        and (candidacy.id, card.year) not in decided
    )


def entries_of(years: Sequence[CohortYearCard]) -> QuerySet[Entry]:
    """The entries handed in in these cohort years whose scores are not out."""
    of_years = Q(pk__in=[])
    for card in years:
        of_years |= Q(candidacy__cohort_id=card.cohort_id, year=card.year)
    return Entry.objects.filter(of_years, state__in=_HANDED_IN)


def blockers_of(years: Sequence[CohortYearCard]) -> list[Blocker]:
    """Every entry of these years whose result is not there, by candidate's number."""
    handed_in = entries_of(years).select_related("candidacy", "template", "blinding")
    entries = list(handed_in.order_by("candidacy__number", "template__ordinal"))
    progress = scoring.progress(codes_of(entries))
    release_of = {(card.cohort_id, card.year): card.release_at for card in years}
    return [
        Blocker(
            entry_id=entry.pk,
            candidate_number=entry.candidacy.number,
            entry_title=entry.template.title,
            year=entry.year,
            release_at=release_of[entry.candidacy.cohort_id, entry.year],
            why=why,
        )
        for entry in entries
        if (why := _missing(entry, progress))
    ]


def codes_of(entries: Iterable[Entry]) -> list[str]:
    """The codes under which these entries are scored; those not signed off have none yet."""
    return [
        entry.blinding.packet_code
        for entry in entries
        if hasattr(entry, "blinding") and entry.blinding.packet_code
    ]


def code_of(entry: Entry) -> str:
    """The code of an entry whose blinding is signed off."""
    code = entry.blinding.packet_code
    assert code is not None  # the database refuses a sign-off without it
    return code


def _missing(entry: Entry, progress: dict[str, PacketProgress]) -> str:
    if entry.state == EntryState.SUBMITTED:
        return "it is not sealed yet"
    if not hasattr(entry, "blinding"):
        return _UNBLINDED[BlindingState.WAITING]
    if entry.blinding.state != BlindingState.SIGNED_OFF:
        return _UNBLINDED[BlindingState(entry.blinding.state)]
    packet = progress[code_of(entry)]
    match packet.state:
        case PacketState.CLOSED:
            return ""
        case PacketState.ADJUDICATION:
            return "it waits for its adjudicator"
        case PacketState.READY:
            return "it has no scorers yet"
        case _:
            missing = packet.readings_needed - packet.readings_done
            return f"it waits for {missing} of {packet.readings_needed} readings"


@dataclass(frozen=True, slots=True)
class ResultCard:
    """One released year on the candidate's dashboard."""

    year: int
    outcome: Outcome
    overall: Fraction | None
    reasons: tuple[str, ...]
    decided_at: datetime
    url: str


def results_of(candidacy_id: UUID) -> list[ResultCard]:
    """Every released year of a candidacy, the first year first; empty before the first release."""
    return [
        ResultCard(
            year=row.year,
            outcome=Outcome(row.outcome),
            overall=row.overall,
            reasons=tuple(row.reasons),
            decided_at=row.decided_at,
            url=reverse("portfolio:results", args=[row.candidacy_id, row.year]),
        )
        for row in Decision.objects.filter(candidacy_id=candidacy_id).order_by("year")
    ]
