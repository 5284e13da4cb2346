"""What a year's results mean for each candidacy: worked out once, for the preview and the release alike.

Nothing is written here.  Source: the programme's rules, section 8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from candidates.selectors import CandidacyCard, CohortYearCard
from scoring import api as scoring
from scoring.api import PacketOutcome
from scoring.rules.banking import EntryResult
from scoring.rules.ruleset import RuleSet

from .. import rules
from ..models import Entry, Framework
from ..openness import extended_candidacies, history_of, policy_of
from ..states import EntryState
from .selectors import code_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidacy's year, worked out and not yet written."""

    candidacy: CandidacyCard
    year: int
    decision: rules.Decision


def verdicts_of(
    years: Sequence[CohortYearCard],
    candidacies: Sequence[CandidacyCard],
    entries: Sequence[Entry],
    outcomes: Mapping[str, PacketOutcome],
) -> list[Verdict]:
    """What these years' results mean for `candidacies` of their cohorts.

    `entries` are those handed in by them in these years (with `template` and `blinding` loaded);
    `outcomes` has the result of each by its packet's code.
    """
    year_of = {card.cohort_id: card.year for card in years}
    histories = _histories([card.id for card in candidacies], entries, outcomes)
    rule_sets = _rule_sets({card.framework_slug for card in candidacies})
    extended = _extended_next_year(candidacies, year_of)
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
        for card in candidacies
    ]


def _extended_next_year(candidacies: Sequence[CandidacyCard], year_of: Mapping[UUID, int]) -> set[UUID]:
    """Those whom staff let submit next year what would be too late then."""
    by_year: dict[int, list[CandidacyCard]] = defaultdict(list)
    for card in candidacies:
        by_year[year_of[card.cohort_id]].append(card)
    return {
        candidacy_id
        for year, cards in by_year.items()
        for candidacy_id in extended_candidacies(cards, year + 1)
    }


def _histories(
    candidacy_ids: Sequence[UUID], entries: Sequence[Entry], outcomes: Mapping[str, PacketOutcome]
) -> Mapping[UUID, list[EntryResult]]:
    """Results of earlier years as released, and of this one as scored."""
    histories: dict[UUID, list[EntryResult]] = defaultdict(list)
    released = Entry.objects.filter(candidacy_id__in=candidacy_ids, state=EntryState.RELEASED)
    for entry in released.select_related("template", "score"):
        histories[entry.candidacy_id] += history_of([entry])
    for entry in entries:
        outcome = outcomes[code_of(entry)]
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
