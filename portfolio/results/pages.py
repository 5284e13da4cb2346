"""What the results pages show: frozen values in a fixed number of queries, never a scorer's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from django.urls import reverse

from accounts.models import User
from candidates import selectors as candidates
from certification.kernel.windows import Window
from scoring import api as scoring
from scoring.api import LookForCard
from scoring.rules.ruleset import RuleSet

from ..models import Entry, Framework
from ..states import EntryState, Outcome
from .feedback import Bounds, Level, entry_bounds, levels_of, look_for_bounds, overall_bounds
from .models import BankedScore, Decision, EntryScore

_TONES = {Outcome.CERTIFIED: "success", Outcome.CONTINUING: "info", Outcome.ENDED: "warn"}
_HEADLINES = {
    Outcome.CERTIFIED: "You are certified",
    Outcome.CONTINUING: "Your candidacy goes on",
    Outcome.ENDED: "This candidacy has ended",
}


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry after a year's release: the score that counts, and what came of it this year.

    `score` is None while no attempt could be scored; `attempted` says that this year had an attempt;
    `kept_from_before` that an earlier year's score counts.
    """

    title: str
    score: Fraction | None
    earned_in_year: int | None
    below_floor: bool
    attempted: bool
    this_year: Fraction | None
    condition: str
    report_url: str
    bounds: Bounds
    kept_from_before: bool


@dataclass(frozen=True, slots=True)
class OpenNext:
    """What may be submitted next year, and when; nothing when `titles` is empty."""

    year: int
    titles: tuple[str, ...]
    window: Window


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """One released year of a candidacy."""

    number: str
    cohort_name: str
    name: str
    year: int
    outcome: Outcome
    headline: str
    tone: str
    overall: Fraction | None
    overall_bounds: Bounds
    threshold: Fraction | None
    floor: Fraction | None
    reasons: tuple[str, ...]
    entries: tuple[EntryLine, ...]
    following: OpenNext | None
    released_at: datetime
    other_years: tuple[tuple[int, str], ...]

    @property
    def trail(self) -> tuple[tuple[str, str], ...]:
        return (("Dashboard", reverse("dashboard")),)

    @property
    def here(self) -> str:
        return f"Results of year {self.year}"


def results_page(account: User, candidacy_id: UUID, year: int) -> ResultsPage | None:
    """The account's own released year; None when it is not out, or not theirs."""
    decisions = list(
        Decision.objects.filter(candidacy_id=candidacy_id, candidacy__account=account)
        .select_related("release")
        .order_by("year")
    )
    decision = next((row for row in decisions if row.year == year), None)
    card = candidates.candidacy_card(candidacy_id)
    if decision is None or card is None:
        return None
    framework = Framework.objects.get(slug=card.framework_slug)
    ruleset = scoring.rule_set(framework.rule_set_id)
    titles = dict(framework.entries.values_list("key", "title"))
    outcome = Outcome(decision.outcome)
    return ResultsPage(
        number=card.number,
        cohort_name=card.cohort_name,
        name=candidates.person(candidacy_id).name_on_certificate,
        year=year,
        outcome=outcome,
        headline=_HEADLINES[outcome],
        tone=_TONES[outcome],
        overall=decision.overall,
        overall_bounds=overall_bounds(ruleset),
        threshold=_exact(ruleset.threshold),
        floor=_exact(ruleset.floor),
        reasons=tuple(decision.reasons),
        entries=_entry_lines(ruleset, titles, candidacy_id, year),
        following=_following(titles, decision),
        released_at=decision.release.released_at,
        other_years=tuple(
            (row.year, reverse("portfolio:results", args=[candidacy_id, row.year]))
            for row in decisions
            if row.year != year
        ),
    )


def _entry_lines(
    ruleset: RuleSet, titles: Mapping[str, str], candidacy_id: UUID, year: int
) -> tuple[EntryLine, ...]:
    banked = {row.entry_key: row for row in BankedScore.objects.filter(candidacy_id=candidacy_id, year=year)}
    attempts = {
        row.entry.template.key: row
        for row in EntryScore.objects.filter(
            entry__candidacy_id=candidacy_id, entry__year=year
        ).select_related("entry__template")
    }
    return tuple(
        _entry_line(ruleset, titles, key, year, banked.get(key), attempts.get(key))
        for key in ruleset.entry_keys
    )


def _entry_line(
    ruleset: RuleSet,
    titles: Mapping[str, str],
    key: str,
    year: int,
    banked: BankedScore | None,
    attempt: EntryScore | None,
) -> EntryLine:
    floor = _exact(ruleset.floor)
    return EntryLine(
        title=titles[key],
        score=banked.score if banked else None,
        earned_in_year=banked.earned_in_year if banked else None,
        below_floor=banked is not None and floor is not None and banked.score < floor,
        attempted=attempt is not None,
        this_year=attempt.score if attempt else None,
        condition=ruleset.condition_label(attempt.condition) if attempt and attempt.condition else "",
        report_url=reverse("portfolio:report", args=[attempt.entry_id]) if attempt else "",
        bounds=entry_bounds(ruleset, key),
        kept_from_before=banked is not None and banked.earned_in_year < year,
    )


def _following(titles: Mapping[str, str], decision: Decision) -> OpenNext | None:
    if decision.outcome != Outcome.CONTINUING:
        return None
    return OpenNext(
        year=decision.year + 1,
        titles=tuple(titles[key] for key in decision.open_next_year),
        window=candidates.submission_window(decision.candidacy_id, decision.year + 1),
    )


@dataclass(frozen=True, slots=True)
class FeedbackLine:
    """One look-for of a report.  `levels` are two when the score lies between them."""

    title: str
    description: str
    score: Fraction
    levels: tuple[Level, ...]
    counts: bool


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One entry's score report.  `condition` says why it could not be scored; then there are no lines."""

    entry_title: str
    number: str
    cohort_name: str
    name: str
    year: int
    is_retake: bool
    score: Fraction | None
    condition: str
    floor: Fraction | None
    entry_bounds: Bounds
    look_for_bounds: Bounds
    points: tuple[Fraction, ...]
    lines: tuple[FeedbackLine, ...]
    banked: Fraction | None
    banked_year: int | None
    released_at: datetime
    results_url: str
    rule_set_title: str
    rule_set_digest: str

    @property
    def trail(self) -> tuple[tuple[str, str], ...]:
        return (("Dashboard", reverse("dashboard")), (f"Results of year {self.year}", self.results_url))

    @property
    def condition_sentence(self) -> str:
        """Why there is no score, and what that does not cost."""
        stands = " An earlier year’s score stands." if self.banked is not None else ""
        return f"{self.condition[:1].upper()}{self.condition[1:]}. It counts as submitted.{stands}"

    @property
    def other_attempt_counts(self) -> bool:
        """Another year's score stands instead of this one."""
        return self.banked_year is not None and self.banked_year != self.year


def report_page(account: User, entry_id: UUID) -> ReportPage | None:
    """The score report of the account's own entry; None when it is not out, or not theirs."""
    entry = (
        Entry.objects.filter(pk=entry_id, candidacy__account=account, state=EntryState.RELEASED)
        .select_related("template__framework", "score__release", "candidacy__cohort")
        .first()
    )
    if entry is None:
        return None
    given = entry.score
    ruleset = scoring.rule_set(entry.template.framework.rule_set_id)
    rubric_entry = scoring.rubric(entry.template.framework.rubric_id).entry(entry.template.key)
    banked = BankedScore.objects.filter(
        candidacy_id=entry.candidacy_id, entry_key=entry.template.key, year=entry.year
    ).first()
    scores = {key: Fraction(text) for key, text in given.look_fors.items()}
    return ReportPage(
        entry_title=entry.template.title,
        number=entry.candidacy.number,
        cohort_name=entry.candidacy.cohort.name,
        name=candidates.person(entry.candidacy_id).name_on_certificate,
        year=entry.year,
        is_retake=entry.is_retake,
        score=given.score,
        condition=ruleset.condition_label(given.condition) if given.condition else "",
        floor=_exact(ruleset.floor),
        entry_bounds=entry_bounds(ruleset, entry.template.key),
        look_for_bounds=look_for_bounds(ruleset),
        points=tuple(Fraction(value) for value in ruleset.scale.values),
        lines=_feedback_lines(ruleset, entry.template.key, rubric_entry.look_fors, scores),
        banked=banked.score if banked else None,
        banked_year=banked.earned_in_year if banked else None,
        released_at=given.release.released_at,
        results_url=reverse("portfolio:results", args=[entry.candidacy_id, entry.year]),
        rule_set_title=ruleset.title,
        rule_set_digest=given.rule_set_digest,
    )


def _feedback_lines(
    ruleset: RuleSet, entry_key: str, cards: tuple[LookForCard, ...], scores: Mapping[str, Fraction]
) -> tuple[FeedbackLine, ...]:
    by_key = {card.key: card for card in cards}
    return tuple(
        FeedbackLine(
            title=by_key[look_for.key].title,
            description=by_key[look_for.key].description,
            score=scores[look_for.key],
            levels=levels_of(ruleset, scores[look_for.key], by_key[look_for.key].levels),
            counts=look_for.weight > 0,
        )
        for look_for in ruleset.entry(entry_key).look_fors
        if look_for.key in scores
    )


def _exact(value: object) -> Fraction | None:
    return None if value is None else Fraction(str(value))
