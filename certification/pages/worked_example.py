"""How scoring works, shown by doing it: the real rules over marks that were made up.

Nothing here knows a number of the programme.  The marks are chosen by their place on the scale, so the
example follows whatever rule set a framework is scored by, and every sentence about a result is the one
that candidates and staff read.  Source: the programme's rules, sections 6 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from portfolio.results.feedback import Bounds, entry_bounds, overall_bounds
from portfolio.rules import YearPolicy, decide
from scoring.api import RubricCard
from scoring.rules.banking import EntryResult, stand
from scoring.rules.combine import Discrepant, ReaderRole, Reading, Scored, entry_score_of_reading, status
from scoring.rules.numbers import plain
from scoring.rules.ruleset import Combine, EntryRule, RuleSet

# Places on the scale in elevenths: on the twelve marks of the pilot these are the marks themselves.
_STRONG = ((7, 8, 7, 6), (6, 7, 6, 7))
_WEAK = ((7, 6, 7, 8), (2, 1, 2, 1))
_BETTER = ((7, 7, 8, 7), (8, 6, 7, 7))
_THIRD = (2, 3, 2, 1)
_ELEVENTHS = 11
_ALMOST = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who read the entry, the marks in the look-fors' order, and the score they make."""

    name: str
    marks: tuple[str, ...]
    score: str
    working: str


@dataclass(frozen=True, slots=True)
class ScoredEntry:
    """One entry of the example: every reader's marks, and what became of them."""

    title: str
    year: int
    look_fors: tuple[str, ...]
    readers: tuple[Reader, ...]
    reasons: tuple[str, ...]
    score: Fraction
    bounds: Bounds

    @property
    def rows(self) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
        """A row for each look-for: its title, and each reader's name and mark."""
        return tuple(
            (title, tuple((reader.name, reader.marks[place]) for reader in self.readers))
            for place, title in enumerate(self.look_fors)
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """What a year's scores came to, in the sentences that a candidate would read."""

    year: int
    entries: tuple[ScoredEntry, ...]
    overall: Fraction | None
    working: str
    reasons: tuple[str, ...]
    certified: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A case close to a cut: the entries' scores, and what they come to."""

    scores: tuple[tuple[str, str], ...]
    certified: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A first try that falls short, a second that does not, and cases near the cuts."""

    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...]
    overall_bounds: Bounds


def example(ruleset: RuleSet, rubric: RubricCard, policy: YearPolicy) -> Example:
    """The candidate of the example: all entries in the first year, the last of them weak, and a retake."""
    *strong, weak = ruleset.entries
    again = policy.first_retake_year
    first = [
        *(_scored(ruleset, rubric, entry, 1, _shifted(_STRONG, turn)) for turn, entry in enumerate(strong)),
        _scored(ruleset, rubric, weak, 1, _WEAK),
    ]
    retake = _scored(ruleset, rubric, weak, again, _BETTER)
    history = [result for _, result in first]
    stages = [_stage(ruleset, policy, first, history, 1)]
    if not stages[0].certified:
        stages.append(_stage(ruleset, policy, [retake], [*history, retake[1]], again))
    return Example(tuple(stages), tuple(_edges(ruleset)), overall_bounds(ruleset))


def _stage(
    ruleset: RuleSet,
    policy: YearPolicy,
    scored: Sequence[tuple[ScoredEntry, EntryResult]],
    history: Sequence[EntryResult],
    year: int,
) -> Stage:
    decision = decide(ruleset=ruleset, policy=policy, history=history, year=year)
    kept = [
        (entry.weight, ruleset.shown(decision.banked[entry.key].score))
        for entry in ruleset.entries
        if entry.key in decision.banked
    ]
    shown = "" if decision.overall is None else ruleset.shown(decision.overall, beside=ruleset.threshold)
    return Stage(
        year=year,
        entries=tuple(entry for entry, _ in scored),
        overall=decision.overall,
        working=working(kept, ruleset.combine_entries, shown),
        reasons=decision.reasons,
        certified=stand(ruleset, history).certified,
    )


def _scored(
    ruleset: RuleSet, rubric: RubricCard, entry: EntryRule, year: int, patterns: Sequence[Sequence[int]]
) -> tuple[ScoredEntry, EntryResult]:
    readings = [
        Reading(f"scorer-{turn}", ReaderRole.SCORER, None, _marks(ruleset, entry, patterns[turn % 2]))
        for turn in range(ruleset.scorers_per_entry)
    ]
    why: list[str] = []
    outcome = status(ruleset, entry.key, readings)
    if isinstance(outcome, Discrepant):
        why.append(outcome.reason)
        third = Reading("adjudicator", ReaderRole.ADJUDICATOR, None, _marks(ruleset, entry, _THIRD))
        readings.append(third)
        outcome = status(ruleset, entry.key, readings)
    assert isinstance(outcome, Scored)
    titles = {look_for.key: look_for.title for known in rubric.entries for look_for in known.look_fors}
    entry_titles = {known.key: known.title for known in rubric.entries}
    return (
        ScoredEntry(
            title=entry_titles.get(entry.key, entry.name),
            year=year,
            look_fors=tuple(titles.get(key, key) for key in entry.look_for_keys),
            readers=tuple(_reader(ruleset, entry, reading, turn) for turn, reading in enumerate(readings, 1)),
            reasons=(*why, *outcome.reasons),
            score=outcome.score,
            bounds=entry_bounds(ruleset, entry.key),
        ),
        EntryResult(entry.key, year, outcome.score, outcome.look_fors),
    )


def _reader(ruleset: RuleSet, entry: EntryRule, reading: Reading, turn: int) -> Reader:
    score = ruleset.shown(entry_score_of_reading(ruleset, entry.key, reading))
    marks = tuple(plain(reading.ratings[key]) for key in entry.look_for_keys)
    weights = [look_for.weight for look_for in entry.look_fors]
    return Reader(
        name="Adjudicator" if reading.role is ReaderRole.ADJUDICATOR else f"Scorer {turn}",
        marks=marks,
        score=score,
        working=working(list(zip(weights, marks, strict=True)), ruleset.combine_look_fors, score),
    )


def working(parts: Sequence[tuple[Decimal, str]], combine: Combine, result: str) -> str:
    """The arithmetic written out: `(3 + 2.75) ÷ 2 = 2.88`, with weights where they are unequal."""
    weights = [weight for weight, _ in parts]
    alike = len(set(weights)) <= 1 and (combine is Combine.MEAN or set(weights) <= {Decimal(1)})
    terms = [
        number if alike else f"{plain(weight)} × {number}" for weight, number in parts if alike or weight
    ]
    total = " + ".join(terms)
    if combine is Combine.SUM:
        return f"{total} = {result}"
    divisor = str(len(parts)) if alike else plain(sum(weights, Decimal(0)))
    return f"({total}) ÷ {divisor} = {result}"


def _marks(ruleset: RuleSet, entry: EntryRule, pattern: Sequence[int]) -> dict[str, Decimal]:
    values = ruleset.scale.values
    return {
        key: values[pattern[turn % len(pattern)] * (len(values) - 1) // _ELEVENTHS]
        for turn, key in enumerate(entry.look_for_keys)
    }


def _shifted(patterns: Sequence[Sequence[int]], by: int) -> list[tuple[int, ...]]:
    """The same marks in another order, so that no two entries look copied."""
    return [
        tuple(pattern[(place + by) % len(pattern)] for place in range(len(pattern))) for pattern in patterns
    ]


def _edges(ruleset: RuleSet) -> Iterable[Edge]:
    """Exactly at the threshold; a hair below it; good enough over all, with one entry below the floor.

    Only where everything is a mean: elsewhere no single score says where the lines are.
    """
    if ruleset.threshold is None or {ruleset.combine_entries, ruleset.combine_look_fors} != {Combine.MEAN}:
        return
    level = dict.fromkeys(ruleset.entry_keys, Fraction(ruleset.threshold))
    last = ruleset.entry_keys[-1]
    yield _edge(ruleset, level)
    yield _edge(ruleset, level | {last: level[last] - _ALMOST})
    below = [value for value in ruleset.scale.values if ruleset.floor is not None and value < ruleset.floor]
    if below and len(ruleset.entries) > 1:
        top = Fraction(ruleset.scale.values[-1])
        yield _edge(ruleset, dict.fromkeys(ruleset.entry_keys, top) | {last: Fraction(below[-1])})


def _edge(ruleset: RuleSet, scores: dict[str, Fraction]) -> Edge:
    results = [
        EntryResult(key, 1, score, dict.fromkeys(ruleset.entry(key).look_for_keys, score))
        for key, score in scores.items()
    ]
    standing = stand(ruleset, results)
    return Edge(
        scores=tuple(
            (ruleset.name_of(key), ruleset.shown(score, beside=ruleset.threshold))
            for key, score in scores.items()
        ),
        certified=standing.certified,
        reasons=standing.reasons,
    )
