"""Which entries are open to a candidacy: the year policy, asked with what the database knows.

Everything is read for many candidacies at once, so that a sweep over a cohort and one person's page
cost the same number of queries.  Source: the programme's rules, section 5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import UUID

from candidates import selectors as candidates
from candidates.selectors import CandidacyCard
from candidates.states import CandidacyState
from scoring import api as scoring
from scoring.rules.banking import EntryResult
from scoring.rules.numbers import listed
from scoring.rules.ruleset import RuleSet

from . import rules
from .models import Entry, Framework
from .rules import OpenEntries, YearPolicy
from .states import ATTEMPTED_ENTRIES

if TYPE_CHECKING:
    from candidates.models import Candidacy


def open_entries_for(candidacy: CandidacyCard | Candidacy | UUID, now: datetime) -> OpenEntries:
    """What the candidate may prepare and submit in the year they are in; nothing once the years are over."""
    card = card_of(candidacy)
    year = candidates.year_at(card.id, now)
    return open_entries([card], year=year or policy_of(card).years + 1)[card.id]


def card_of(candidacy: CandidacyCard | Candidacy | UUID) -> CandidacyCard:
    """The frozen card of a candidacy that the caller may know by its row or its key only.

    Raises:
        LookupError: there is no such candidacy.
    """
    if isinstance(candidacy, CandidacyCard):
        return candidacy
    card = candidates.candidacy_card(candidacy if isinstance(candidacy, UUID) else candidacy.pk)
    if card is None:
        raise LookupError(f"There is no candidacy {candidacy}.")
    return card


def open_entries(candidacies: Sequence[CandidacyCard], *, year: int) -> dict[UUID, OpenEntries]:
    """For each candidacy the entries open in `year`, with a reason for every entry."""
    rule_sets = _rule_sets({candidacy.framework_slug for candidacy in candidacies})
    scored, awaiting = _attempts([candidacy.id for candidacy in candidacies], before=year)
    extended = extended_candidacies(candidacies, year)
    return {
        candidacy.id: _judged(
            candidacy,
            rule_sets[candidacy.framework_slug],
            history=scored[candidacy.id],
            awaiting=awaiting[candidacy.id],
            is_extended=candidacy.id in extended,
            year=year,
        )
        for candidacy in candidacies
    }


def policy_of(candidacy: CandidacyCard) -> YearPolicy:
    """What the candidacy's cohort allows in which year."""
    return YearPolicy(retakes_in_year_2=candidacy.retakes_in_year_2)


def history_of(entries: Iterable[Entry]) -> list[EntryResult]:
    """The released results of `entries` (with `template` and `score` loaded), as the rules read them."""
    return [
        EntryResult(
            entry=entry.template.key,
            year=entry.year,
            score=entry.score.score,
            look_fors={key: Fraction(text) for key, text in entry.score.look_fors.items()},
            condition=entry.score.condition or None,
        )
        for entry in entries
        if hasattr(entry, "score")
    ]


def extended_candidacies(candidacies: Sequence[CandidacyCard], year: int) -> set[UUID]:
    """The candidacies whose entries never submitted may be submitted in `year` although it is too late.

    Staff say so with an extension for that year: without one, only retakes are submitted in it.
    """
    too_late = [candidacy for candidacy in candidacies if year > policy_of(candidacy).first_attempt_years]
    general = {card.cohort_id: card.window for card in candidates.cohort_years() if card.year == year}
    too_late = [candidacy for candidacy in too_late if candidacy.cohort_id in general]
    if not too_late:
        return set()
    windows = candidates.submission_windows([candidacy.id for candidacy in too_late], year)
    return {
        candidacy.id
        for candidacy in too_late
        if windows[candidacy.id].closes > general[candidacy.cohort_id].closes
    }


def _judged(
    candidacy: CandidacyCard,
    ruleset: RuleSet,
    *,
    history: Sequence[EntryResult],
    awaiting: Collection[str],
    is_extended: bool,
    year: int,
) -> OpenEntries:
    if candidacy.state == CandidacyState.ENDED:
        why = "This candidacy has ended, so no entry is open. You may register again and start over."
        return OpenEntries((), (), dict.fromkeys(ruleset.entry_keys, why))
    opened = rules.open_entries(
        ruleset=ruleset,
        policy=policy_of(candidacy),
        history=history,
        year=year,
        certified=candidacy.state == CandidacyState.CERTIFIED,
        # An attempt whose score is not out was made in time, though the history does not know it yet.
        extended_entries=ruleset.entry_keys if is_extended else awaiting,
    )
    return _without_unscored(opened, ruleset, awaiting) if awaiting else opened


def _without_unscored(opened: OpenEntries, ruleset: RuleSet, awaiting: Collection[str]) -> OpenEntries:
    """Nothing is retaken, nor judged, on scores that are not out yet."""
    names = listed([ruleset.name_of(key) for key in ruleset.entry_keys if key in awaiting])
    reasons = dict(opened.reasons)
    for key in opened.retakes:
        reasons[key] = f"{ruleset.name_of(key)} may be judged for a retake once {names} has its score."
    for key in awaiting:
        reasons[key] = f"{ruleset.name_of(key)} was submitted, and its score is not out yet."
    still_open = tuple(key for key in opened.entries if key not in awaiting and key not in opened.retakes)
    return OpenEntries(still_open, (), reasons)


def _rule_sets(framework_slugs: Collection[str]) -> Mapping[str, RuleSet]:
    frameworks = Framework.objects.filter(slug__in=framework_slugs).values_list("slug", "rule_set_id")
    return {slug: scoring.rule_set(rule_set_id) for slug, rule_set_id in frameworks}


def _attempts(
    candidacy_ids: Collection[UUID], *, before: int
) -> tuple[Mapping[UUID, list[EntryResult]], Mapping[UUID, set[str]]]:
    """Each candidacy's released results, and the keys of entries submitted whose score is not out."""
    scored: dict[UUID, list[EntryResult]] = defaultdict(list)
    awaiting: dict[UUID, set[str]] = defaultdict(set)
    attempts = Entry.objects.filter(
        candidacy_id__in=candidacy_ids, year__lt=before, state__in=sorted(ATTEMPTED_ENTRIES)
    ).select_related("template", "score")
    for entry in attempts:
        results = history_of([entry])
        scored[entry.candidacy_id] += results
        if not results:
            awaiting[entry.candidacy_id].add(entry.template.key)
    return scored, awaiting
