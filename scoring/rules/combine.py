"""From scorers' readings to one entry's score.

The order in which readings arrive never matters: they are put in the scorers' order first.
Source: the programme's rules, section 6.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import combinations

from scoring.rules.numbers import listed, mean, plain
from scoring.rules.ruleset import Combine, Resolution, RuleSet


class ReaderRole(StrEnum):
    """As what somebody read the entry."""

    SCORER = "scorer"
    ADJUDICATOR = "adjudicator"


class Dispute(StrEnum):
    """Why an entry needs an adjudicator."""

    GAP = "gap"
    CONDITION = "condition"
    NEAR_CUT = "near_cut"


class BadReading(ValueError):
    """A reading that cannot count; `problems` holds one sentence per fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True)
class Reading:
    """What one person made of one entry: a mark for every look-for, or a condition and no marks.

    `scorer` only tells readers apart; it is never shown.
    """

    scorer: str
    role: ReaderRole
    condition: str | None
    ratings: Mapping[str, Decimal]

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", ReaderRole(self.role))


@dataclass(frozen=True)
class Awaiting:
    """The entry still needs this many scorers' readings."""

    readings: int


@dataclass(frozen=True)
class Discrepant:
    """The entry needs an adjudicator's reading."""

    reason: str
    dispute: Dispute


@dataclass(frozen=True)
class Scored:
    """The entry has its score; `used` are the readings the score is made of."""

    score: Fraction
    look_fors: Mapping[str, Fraction]
    used: tuple[Reading, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Unscorable:
    """The entry counts as attempted and has no score; `condition` says why."""

    condition: str
    reasons: tuple[str, ...]


Status = Awaiting | Discrepant | Scored | Unscorable


def problems_of(ruleset: RuleSet, entry_key: str, reading: Reading) -> tuple[str, ...]:
    """Everything wrong with one reading, a sentence each; empty when it may count."""
    entry = ruleset.entry(entry_key)
    if reading.condition is not None:
        problems = []
        if reading.condition not in {condition.code for condition in ruleset.conditions}:
            problems.append(f"{entry.name}: “{reading.condition}” is not one of the unscorable codes.")
        if reading.ratings:
            problems.append(f"{entry.name}: an entry that cannot be scored takes no marks; remove them.")
        return tuple(problems)
    problems = [
        f"{entry.name}, {key}: needs a mark." for key in entry.look_for_keys if key not in reading.ratings
    ]
    for key, mark in sorted(reading.ratings.items()):
        if key not in entry.look_for_keys:
            problems.append(f"{entry.name}, {key}: is not a look-for of this entry; remove its mark.")
        elif not isinstance(mark, Decimal):
            problems.append(f"{entry.name}, {key}: the mark {mark!r} must be an exact decimal.")
        elif mark not in ruleset.scale.values:
            marks = ", ".join(plain(value) for value in ruleset.scale.values)
            problems.append(f"{entry.name}, {key}: {mark} is not on the scale; choose one of {marks}.")
    return tuple(problems)


def entry_score_of_reading(ruleset: RuleSet, entry_key: str, reading: Reading) -> Fraction:
    """The entry score one reader's marks make by themselves.

    Raises:
        BadReading: the marks are not exactly the entry's look-fors on the scale, or there is a condition.
    """
    problems = problems_of(ruleset, entry_key, reading)
    if reading.condition is not None:
        problems = (*problems, f"{ruleset.name_of(entry_key)}: a reading with a condition has no score.")
    if problems:
        raise BadReading(problems)
    return ruleset.entry_score(entry_key, reading.ratings)


def status(ruleset: RuleSet, entry_key: str, readings: Sequence[Reading]) -> Status:
    """Where one entry stands, given everything read of it so far.

    An adjudicator's reading counts only where the scorers differ; one given besides is left unused.

    Raises:
        BadReading: lists every problem of every reading.
    """
    ordered = sorted(readings, key=lambda reading: (reading.role == ReaderRole.ADJUDICATOR, reading.scorer))
    scorers = [reading for reading in ordered if reading.role is ReaderRole.SCORER]
    adjudicators = [reading for reading in ordered if reading.role is ReaderRole.ADJUDICATOR]
    _require_sound(ruleset, entry_key, scorers, adjudicators)

    if len(scorers) < ruleset.scorers_per_entry:
        return Awaiting(ruleset.scorers_per_entry - len(scorers))
    if all(reading.condition is not None for reading in scorers):
        return _unscorable(ruleset, entry_key, scorers)
    dispute = _dispute(ruleset, entry_key, scorers)
    if dispute is None:
        agreed = f"{ruleset.name_of(entry_key)} is the mean of {len(scorers)} readings."
        alone = f"{ruleset.name_of(entry_key)} has the score of its one reading."
        return _scored(ruleset, entry_key, scorers, (agreed if len(scorers) > 1 else alone,))
    if not adjudicators:
        return dispute
    return _resolved(ruleset, entry_key, dispute, scorers, adjudicators[0])


def _require_sound(
    ruleset: RuleSet, entry_key: str, scorers: Sequence[Reading], adjudicators: Sequence[Reading]
) -> None:
    name = ruleset.name_of(entry_key)
    everybody = [*scorers, *adjudicators]
    problems = [problem for reading in everybody for problem in problems_of(ruleset, entry_key, reading)]
    if len({reading.scorer for reading in everybody}) < len(everybody):
        problems.append(f"{name}: the same person read it twice; each reading needs another reader.")
    if len(scorers) > ruleset.scorers_per_entry:
        problems.append(
            f"{name}: has {len(scorers)} scorers' readings and takes {ruleset.scorers_per_entry}."
        )
    if len(adjudicators) > 1:
        problems.append(f"{name}: has {len(adjudicators)} adjudicators' readings and takes one.")
    if problems:
        raise BadReading(problems)


def _dispute(ruleset: RuleSet, entry_key: str, scorers: Sequence[Reading]) -> Discrepant | None:
    name = ruleset.name_of(entry_key)
    if any(reading.condition is not None for reading in scorers):
        labels = listed(_condition_labels(ruleset, scorers))
        return Discrepant(
            f"The scorers of {name} differ on whether it can be scored ({labels}); an adjudicator decides.",
            Dispute.CONDITION,
        )
    scores = sorted(ruleset.entry_score(entry_key, reading.ratings) for reading in scorers)
    apart = scores[-1] - scores[0]
    if ruleset.gap is not None and apart > Fraction(ruleset.gap):
        return Discrepant(
            f"The scorers of {name} are {ruleset.shown(apart, beside=ruleset.gap)} apart"
            f" ({listed([ruleset.shown(score) for score in scores])}),"
            f" more than the {ruleset.shown_cut(ruleset.gap)} allowed; an adjudicator decides.",
            Dispute.GAP,
        )
    return _near_cut(ruleset, name, mean(scores))


def _near_cut(ruleset: RuleSet, name: str, score: Fraction) -> Discrepant | None:
    """The floor is a cut on an entry; the threshold is one only where entries are averaged onto its scale."""
    if ruleset.near_cut is None:
        return None
    threshold = ruleset.threshold if ruleset.combine_entries is Combine.MEAN else None
    for cut in (ruleset.floor, threshold):
        if cut is not None and abs(score - Fraction(cut)) <= Fraction(ruleset.near_cut):
            return Discrepant(
                f"{name} scored {ruleset.shown(score)}, within {ruleset.shown_cut(ruleset.near_cut)}"
                f" of the cut at {ruleset.shown_cut(cut)}; an adjudicator reads it as well.",
                Dispute.NEAR_CUT,
            )
    return None


def _resolved(
    ruleset: RuleSet, entry_key: str, dispute: Discrepant, scorers: Sequence[Reading], adjudicator: Reading
) -> Scored | Unscorable:
    name = ruleset.name_of(entry_key)
    if adjudicator.condition is not None:
        return _unscorable(ruleset, entry_key, [adjudicator])
    # Scorers who differ on whether there is anything to score leave nothing to average.
    if ruleset.resolution is Resolution.ADJUDICATOR or dispute.dispute is Dispute.CONDITION:
        why = f"The scorers of {name} differed, so the adjudicator's score stands."
        if dispute.dispute is Dispute.NEAR_CUT:
            why = f"{name} was close to a cut, so the adjudicator's score stands."
        return _scored(ruleset, entry_key, [adjudicator], (why,))
    everybody = [*scorers, adjudicator]
    if ruleset.resolution is Resolution.MEAN_OF_THREE:
        why = f"{name} is the mean of all {len(everybody)} readings, the adjudicator's among them."
        return _scored(ruleset, entry_key, everybody, (why,))
    why = f"{name} is the mean of the two closest of {len(everybody)} readings."
    return _scored(ruleset, entry_key, _closest_two(ruleset, entry_key, everybody), (why,))


def _closest_two(ruleset: RuleSet, entry_key: str, readings: Sequence[Reading]) -> list[Reading]:
    """The two readings with the nearest entry scores; of equally near pairs, the higher one.

    Pairs alike in both are told apart by the adjudicator's presence and then by the readers' order,
    so that the choice, and with it the look-for lines, never depends on who was saved first.
    """

    def rank(pair: Iterable[Reading]) -> tuple[Fraction, Fraction, bool, list[str]]:
        pair = tuple(pair)
        low, high = sorted(ruleset.entry_score(entry_key, reading.ratings) for reading in pair)
        adjudicated = any(reading.role is ReaderRole.ADJUDICATOR for reading in pair)
        return high - low, -(high + low), not adjudicated, sorted(reading.scorer for reading in pair)

    return list(min(combinations(readings, 2), key=rank))


def _scored(ruleset: RuleSet, entry_key: str, used: Sequence[Reading], reasons: tuple[str, ...]) -> Scored:
    look_fors = {
        key: mean([Fraction(reading.ratings[key]) for reading in used])
        for key in ruleset.entry(entry_key).look_for_keys
    }
    return Scored(ruleset.entry_score(entry_key, look_fors), look_fors, tuple(used), reasons)


def _unscorable(ruleset: RuleSet, entry_key: str, readings: Sequence[Reading]) -> Unscorable:
    """Where scorers chose different codes, the rule set's order decides which one is named first."""
    found = {reading.condition for reading in readings}
    code = next(condition.code for condition in ruleset.conditions if condition.code in found)
    labels = listed(_condition_labels(ruleset, readings))
    return Unscorable(code, (f"{ruleset.name_of(entry_key)} could not be scored: {labels}.",))


def _condition_labels(ruleset: RuleSet, readings: Sequence[Reading]) -> list[str]:
    found = {reading.condition for reading in readings}
    return [condition.label for condition in ruleset.conditions if condition.code in found]
