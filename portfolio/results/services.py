"""The release: everybody's scores at one moment, in one transaction, and not a second before.

Until the instant of release nothing of a result is written on this side of the wall, so there is
nothing that a page could show too early.  Source: the programme's rules, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from uuid import UUID

from django.db import transaction

from candidates import selectors as candidates
from candidates import services as candidate_services
from candidates.states import CandidacyState
from certification.kernel.locks import advisory
from scoring import api as scoring
from scoring.api import PacketOutcome

from .. import locks
from ..models import Entry
from ..states import EntryState, Outcome
from . import notices
from .models import BankedScore, Decision, EntryScore, Release
from .selectors import blockers_of, code_of, codes_of, entries_of, undecided, unreleased_years
from .verdicts import Verdict, verdicts_of

_CONCLUSION = {Outcome.CERTIFIED: CandidacyState.CERTIFIED, Outcome.ENDED: CandidacyState.ENDED}


def release_due(now: datetime) -> dict[str, int]:
    """Release every year whose instant has come; years that share an instant come out together.

    A release with a blocker waits whole: nobody reads a score while somebody else's is missing.
    Later years of a cohort that waits wait too, because they are decided on the earlier ones.
    """
    counts = {"releases": 0, "entries": 0, "decisions": 0}
    waiting: set[UUID] = set()
    for due_at, group in groupby(unreleased_years(now), key=lambda card: card.release_at):
        cohorts = {card.cohort_id for card in group}
        released = None if cohorts & waiting else _release(due_at, now)
        if released is None:
            waiting |= cohorts
            continue
        counts["releases"] += 1
        counts["entries"] += released.entries
        counts["decisions"] += released.decisions
    return counts


@transaction.atomic
def _release(due_at: datetime, now: datetime) -> Release | None:
    """Everything of one release, or nothing at all."""
    advisory("portfolio:release")
    # Read again under the lock: another worker may have released it meanwhile.
    years = [card for card in unreleased_years(now) if card.release_at == due_at]
    if not years or blockers_of(years):
        return None
    entries = locks.entries(entries_of(years).select_related("candidacy", "template", "blinding"))
    outcomes = scoring.outcomes(codes_of(entries))
    verdicts = verdicts_of(years, undecided(years), entries, outcomes)
    release = Release.objects.create(
        due_at=due_at, released_at=now, entries=len(entries), decisions=len(verdicts)
    )
    _write_scores(release, entries, outcomes)
    _write_verdicts(release, verdicts, now)
    return release


def _write_scores(release: Release, entries: Sequence[Entry], outcomes: Mapping[str, PacketOutcome]) -> None:
    rows = []
    for entry in entries:
        outcome = outcomes[code_of(entry)]
        rows.append(
            EntryScore(
                entry=entry,
                release=release,
                score=outcome.score,
                condition=outcome.condition or "",
                look_fors=_texts(outcome.look_fors),
                reasons=list(outcome.reasons),
                rule_set_digest=outcome.rule_set_digest,
            )
        )
    EntryScore.objects.bulk_create(rows)
    Entry.objects.filter(pk__in=[entry.pk for entry in entries]).update(state=EntryState.RELEASED)


def _write_verdicts(release: Release, verdicts: Sequence[Verdict], now: datetime) -> None:
    Decision.objects.bulk_create(
        Decision(
            candidacy_id=verdict.candidacy.id,
            release=release,
            year=verdict.year,
            outcome=verdict.decision.outcome,
            ended_as=verdict.decision.ended_as or "",
            overall=verdict.decision.overall,
            reasons=list(verdict.decision.reasons),
            open_next_year=list(verdict.decision.open_next_year),
            decided_at=now,
        )
        for verdict in verdicts
    )
    BankedScore.objects.bulk_create(
        BankedScore(
            candidacy_id=verdict.candidacy.id,
            release=release,
            entry_key=key,
            year=verdict.year,
            score=banked.score,
            look_fors=_texts(banked.look_fors),
            earned_in_year=banked.year,
        )
        for verdict in verdicts
        for key, banked in verdict.decision.banked.items()
    )
    for verdict in verdicts:
        state = _CONCLUSION.get(verdict.decision.outcome)
        if state is not None:
            candidate_services.conclude_candidacy(
                candidacy_id=verdict.candidacy.id,
                state=state,
                ended_as=verdict.decision.ended_as or "",
                now=now,
            )
    notices.scores_are_out(verdicts, candidates.persons([verdict.candidacy.id for verdict in verdicts]))


def _texts(scores: Mapping[str, Fraction]) -> dict[str, str]:
    return {key: f"{score.numerator}/{score.denominator}" for key, score in scores.items()}
