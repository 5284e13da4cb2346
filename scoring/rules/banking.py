"""Scores kept over the years, and whether they make a certificate.

What may be done next when they do not is the year policy's matter (`portfolio.rules`).
Source: the programme's rules, sections 6 and 8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from scoring.rules.ruleset import BankingUnit, RuleSet


@dataclass(frozen=True)
class EntryResult:
    """What came of submitting one entry in one year of the candidacy: a score, or a condition instead.

    Raises:
        ValueError: it has both a score and a condition, or neither.
    """

    entry: str
    year: int
    score: Fraction | None
    look_fors: Mapping[str, Fraction] = field(default_factory=dict)
    condition: str | None = None

    def __post_init__(self) -> None:
        if (self.score is None) == (self.condition is None):
            raise ValueError(f"The result of {self.entry} in year {self.year} needs a score or a condition.")


@dataclass(frozen=True)
class Banked:
    """The score an entry keeps, and the year it (or the latest of its look-fors) was earned in."""

    entry: str
    score: Fraction
    year: int
    look_fors: Mapping[str, Fraction]


@dataclass(frozen=True)
class Standing:
    """How the banked scores stand against the cuts.  `overall` is None while any entry has no score."""

    banked: Mapping[str, Banked]
    overall: Fraction | None
    never_submitted: tuple[str, ...]
    unscorable: tuple[str, ...]
    below_floor: tuple[str, ...]
    misses_threshold: bool
    reasons: tuple[str, ...]

    @property
    def certified(self) -> bool:
        """Every entry has a score, none is below the floor, and the overall meets the threshold."""
        return self.overall is not None and not self.below_floor and not self.misses_threshold

    @property
    def only_floor_failed(self) -> bool:
        """The overall score would do, were it not for an entry below the floor."""
        return self.overall is not None and bool(self.below_floor) and not self.misses_threshold


def bank(ruleset: RuleSet, history: Sequence[EntryResult]) -> dict[str, Banked]:
    """Each entry's banked score, for the entries that were ever scored.

    The best attempt is banked (the latest, where the rule set says so); where look-fors are the banking
    unit each keeps its own best and the entry's score is made of those.  An attempt that could not be
    scored banks nothing, so an unscorable retake leaves the score that was there.
    """
    banked = {}
    for entry_key in ruleset.entry_keys:
        attempts = sorted(
            (result for result in history if result.entry == entry_key and result.score is not None),
            key=lambda result: result.year,
        )
        if attempts:
            by_look_for = ruleset.banking_unit is BankingUnit.LOOK_FOR and ruleset.best_of
            banked[entry_key] = (_best_look_fors if by_look_for else _one_attempt)(ruleset, attempts)
    return banked


def overall(ruleset: RuleSet, banked: Mapping[str, Banked]) -> Fraction | None:
    """The overall score, or None while an entry has none: a missing entry is undecided, never zero."""
    if any(key not in banked for key in ruleset.entry_keys):
        return None
    return ruleset.overall_score({key: banked[key].score for key in ruleset.entry_keys})


def stand(ruleset: RuleSet, history: Sequence[EntryResult]) -> Standing:
    """How everything submitted so far stands: what is banked, what is missing, which cuts are met.

    Raises:
        KeyError: a result is of an entry the rule set does not have.
        ValueError: an entry has two results in one year; pass only the one that counts.
    """
    latest = _latest_results(ruleset, history)
    banked = bank(ruleset, history)
    total = overall(ruleset, banked)
    floor, threshold = ruleset.floor, ruleset.threshold
    never_submitted = tuple(key for key in ruleset.entry_keys if key not in latest)
    unscorable = tuple(key for key in ruleset.entry_keys if key in latest and key not in banked)
    below_floor = tuple(
        key
        for key in ruleset.entry_keys
        if floor is not None and key in banked and banked[key].score < Fraction(floor)
    )
    misses_threshold = total is not None and threshold is not None and total < Fraction(threshold)
    return Standing(
        banked=banked,
        overall=total,
        never_submitted=never_submitted,
        unscorable=unscorable,
        below_floor=below_floor,
        misses_threshold=misses_threshold,
        reasons=(
            *(f"{ruleset.name_of(key)} has not been submitted yet." for key in never_submitted),
            *(_about_unscorable(ruleset, latest[key], banked) for key in latest if latest[key].condition),
            *_about_floor(ruleset, banked, below_floor, everything_scored=total is not None),
            _about_overall(ruleset, total, misses_threshold=misses_threshold),
        ),
    )


def _latest_results(ruleset: RuleSet, history: Sequence[EntryResult]) -> dict[str, EntryResult]:
    for result in history:
        ruleset.entry(result.entry)
        if sum((other.entry, other.year) == (result.entry, result.year) for other in history) > 1:
            raise ValueError(
                f"{result.entry} has two results in year {result.year}; pass the one that counts."
            )
    by_year = {result.entry: result for result in sorted(history, key=lambda result: result.year)}
    return {key: by_year[key] for key in ruleset.entry_keys if key in by_year}


def _one_attempt(ruleset: RuleSet, attempts: Sequence[EntryResult]) -> Banked:
    """The best attempt, the earliest of equals; or simply the latest."""
    chosen = max(attempts, key=_score) if ruleset.best_of else attempts[-1]
    return Banked(chosen.entry, _score(chosen), chosen.year, chosen.look_fors)


def _score(result: EntryResult) -> Fraction:
    if result.score is None:
        raise ValueError(f"{result.entry} of year {result.year} could not be scored and banks nothing.")
    return result.score


def _best_look_fors(ruleset: RuleSet, attempts: Sequence[EntryResult]) -> Banked:
    entry = ruleset.entry(attempts[0].entry)
    best = {key: max(attempts, key=lambda result: result.look_fors[key]) for key in entry.look_for_keys}
    look_fors = {key: result.look_fors[key] for key, result in best.items()}
    year = max(result.year for result in best.values())
    return Banked(entry.key, ruleset.entry_score(entry.key, look_fors), year, look_fors)


def _about_unscorable(ruleset: RuleSet, result: EntryResult, banked: Mapping[str, Banked]) -> str:
    name = ruleset.name_of(result.entry)
    why = (
        f"{name} of year {result.year} could not be scored: {ruleset.condition_label(result.condition or '')}"
    )
    if result.entry not in banked:
        return f"{why}."
    kept = banked[result.entry]
    return f"{why}; its score of {ruleset.shown(kept.score)} from year {kept.year} stands."


def _about_floor(
    ruleset: RuleSet, banked: Mapping[str, Banked], below_floor: Sequence[str], *, everything_scored: bool
) -> list[str]:
    if ruleset.floor is None:
        return []
    floor = ruleset.shown_cut(ruleset.floor)
    if not below_floor and everything_scored:
        return [f"Every entry meets the floor of {floor}."]
    return [
        f"{ruleset.name_of(key)} scored {ruleset.shown(banked[key].score, beside=ruleset.floor)},"
        f" below the floor of {floor}."
        for key in below_floor
    ]


def _about_overall(ruleset: RuleSet, total: Fraction | None, *, misses_threshold: bool) -> str:
    if total is None:
        return "The overall score is undecided until every entry has a score."
    if ruleset.threshold is None:
        return f"The overall score is {ruleset.shown(total)}."
    verdict = "below" if misses_threshold else "which meets"
    return (
        f"The overall score is {ruleset.shown(total, beside=ruleset.threshold)},"
        f" {verdict} the threshold of {ruleset.shown_cut(ruleset.threshold)}."
    )
