"""The release: everybody's scores at one moment, in one transaction, and not a second before.

Until the instant of release nothing of a result is written on this side of the wall, so there is
nothing that a page could show too early.  Source: the programme's rules, section 8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from uuid import UUID

from django.db import transaction

from candidates import selectors as candidates
from candidates import services as candidate_services
from candidates.selectors import CandidacyCard, CohortYearCard
from candidates.states import CandidacyState
from certification.kernel import locks
from scoring import api as scoring
from scoring.api import PacketOutcome
from scoring.rules.banking import EntryResult
from scoring.rules.ruleset import RuleSet

from .. import rules
from ..models import Entry, Framework
from ..openness import extended_candidacies, history_of, policy_of
from ..states import EntryState, Outcome
from . import notices
from .models import BankedScore, Decision, EntryScore, Release
from .selectors import blockers_of, entries_of, packet_code, unreleased_years

_CONCLUSION = {Outcome.CERTIFIED: CandidacyState.CERTIFIED, Outcome.ENDED: CandidacyState.ENDED}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidacy's year, worked out and not yet written."""

    candidacy: CandidacyCard
    year: int
    decision: rules.Decision


def release_due(now: datetime) -> dict[str, int]:
    """Release every year whose instant has come; years that share an instant come out together.

    A release with a blocker waits whole: nobody reads a score while somebody else's is missing.
    """
    counts = {"releases": 0, "entries": 0, "decisions": 0}
    for _, years in groupby(unreleased_years(now), key=lambda card: card.release_at):
        released = _release(list(years), now)
        if released is not None:
            counts["releases"] += 1
            counts["entries"] += released.entries
            counts["decisions"] += released.decisions
    return counts


@transaction.atomic
def _release(years: Sequence[CohortYearCard], now: datetime) -> Release | None:
    locks.advisory("portfolio:release")
    due_at = years[0].release_at
    years = [card for card in unreleased_years(now) if card.release_at == due_at]
    if not years or blockers_of(years):
        return None
    entries = list(
        entries_of(years)
        .select_for_update(of=("self",))
        .select_related("candidacy", "template", "blinding")
        .order_by("pk")
    )
    outcomes = scoring.outcomes([code for entry in entries if (code := packet_code(entry))])
    verdicts = verdicts_of(years, entries, outcomes)
    release = Release.objects.create(
        due_at=due_at, released_at=now, entries=len(entries), decisions=len(verdicts)
    )
    _write_scores(release, entries, outcomes)
    _write_verdicts(release, verdicts, now)
    return release


def verdicts_of(
    years: Sequence[CohortYearCard], entries: Sequence[Entry], outcomes: Mapping[str, PacketOutcome]
) -> list[Verdict]:
    """What these years' results mean for every active candidacy of their cohorts."""
    year_of = {card.cohort_id: card.year for card in years}
    active = [card for card in candidates.active_candidacies() if card.cohort_id in year_of]
    decided = set(Decision.objects.values_list("candidacy_id", "year"))
    active = [card for card in active if (card.id, year_of[card.cohort_id]) not in decided]
    histories = _histories([card.id for card in active], entries, outcomes)
    rule_sets = _rule_sets({card.framework_slug for card in active})
    extended = {
        candidacy_id
        for year in set(year_of.values())
        for candidacy_id in extended_candidacies(
            [card for card in active if year_of[card.cohort_id] == year], year + 1
        )
    }
    return [
        Verdict(
            candidacy=card,
            year=year_of[card.cohort_id],
            decision=rules.decide(
                ruleset=rule_sets[card.framework_slug],
                policy=policy_of(card),
                history=histories[card.id],
                year=year_of[card.cohort_id],
                extended_entries=(rule_sets[card.framework_slug].entry_keys if card.id in extended else ()),
            ),
        )
        for card in active
    ]


def _histories(
    candidacy_ids: Sequence[UUID], entries: Sequence[Entry], outcomes: Mapping[str, PacketOutcome]
) -> Mapping[UUID, list[EntryResult]]:
    """Results of earlier years as released, and of this one as scored."""
    histories: dict[UUID, list[EntryResult]] = defaultdict(list)
    released = Entry.objects.filter(candidacy_id__in=candidacy_ids, state=EntryState.RELEASED)
    for entry in released.select_related("template", "score"):
        histories[entry.candidacy_id] += history_of([entry])
    for entry in entries:
        outcome = outcomes[entry.blinding.packet_code]
        histories[entry.candidacy_id].append(
            EntryResult(
                entry=entry.template.key,
                year=entry.year,
                score=outcome.score,
                look_fors=outcome.look_fors,
                condition=outcome.condition,
            )
        )
    return histories


def _rule_sets(slugs: set[str]) -> Mapping[str, RuleSet]:
    found = Framework.objects.filter(slug__in=slugs).values_list("slug", "rule_set_id")
    return {slug: scoring.rule_set(rule_set_id) for slug, rule_set_id in found}


def _write_scores(release: Release, entries: Sequence[Entry], outcomes: Mapping[str, PacketOutcome]) -> None:
    rows = []
    for entry in entries:
        outcome = outcomes[entry.blinding.packet_code]
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
        state = _CONCLUSION.get(Outcome(verdict.decision.outcome))
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
