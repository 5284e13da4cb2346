"""What a release would bring if it happened with the results there are: for staff, weeks ahead."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from scoring import api as scoring

from ..states import Outcome
from .selectors import Blocker, blockers_of, codes_of, entries_of, undecided, unreleased_years
from .verdicts import verdicts_of


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One candidacy in a preview; `outcome` is None while a result of theirs is missing."""

    candidate_number: str
    cohort_name: str
    year: int
    handed_in: tuple[str, ...]
    outcome: Outcome | None
    overall: Fraction | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """A release to come: what holds it up, and what it would decide."""

    due_at: datetime
    lines: tuple[PreviewLine, ...]
    blockers: tuple[Blocker, ...]

    @property
    def tally(self) -> tuple[tuple[str, int], ...]:
        """How many candidacies come to which outcome."""
        counted = Counter(line.outcome for line in self.lines)
        known = tuple((outcome.label, counted[outcome]) for outcome in Outcome if counted[outcome])
        return (*known, ("Waiting for scores", counted[None])) if counted[None] else known


def coming_releases(until: datetime) -> list[datetime]:
    """The instants of the releases not later than `until` that have not happened, the next first."""
    return sorted({card.release_at for card in unreleased_years(until)})


def preview(due_at: datetime) -> Preview:
    """What the release of `due_at` would bring; a number of queries that does not grow with it."""
    years = [card for card in unreleased_years(due_at) if card.release_at == due_at]
    year_of = {card.cohort_id: card.year for card in years}
    entries = list(
        entries_of(years)
        .select_related("candidacy", "template", "blinding")
        .order_by("candidacy__number", "template__ordinal")
    )
    blockers = blockers_of(years)
    held_up = {blocker.entry_id for blocker in blockers}
    waiting = {entry.candidacy_id for entry in entries if entry.pk in held_up}
    candidacies = undecided(years)
    ready = [entry for entry in entries if entry.candidacy_id not in waiting]
    verdicts = {
        verdict.candidacy.id: verdict.decision
        for verdict in verdicts_of(
            years,
            [card for card in candidacies if card.id not in waiting],
            ready,
            scoring.outcomes(codes_of(ready)),
        )
    }
    titles: dict[UUID, list[str]] = defaultdict(list)
    for entry in entries:
        titles[entry.candidacy_id].append(entry.template.title)
    lines = []
    for card in candidacies:
        decision = verdicts.get(card.id)
        lines.append(
            PreviewLine(
                candidate_number=card.number,
                cohort_name=card.cohort_name,
                year=year_of[card.cohort_id],
                handed_in=tuple(titles[card.id]),
                outcome=decision.outcome if decision else None,
                overall=decision.overall if decision else None,
                reasons=decision.reasons if decision else (),
            )
        )
    return Preview(due_at=due_at, lines=tuple(lines), blockers=tuple(blockers))
