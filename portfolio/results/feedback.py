"""How a score reads on its scale: the ends to draw it between, and the level it lies in.

Scores are means of scorers' marks, so one may lie between two levels; then it is shown with both.
Source: the programme's rules, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from scoring.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest score there can be."""

    lowest: Fraction
    highest: Fraction


@dataclass(frozen=True, slots=True)
class Level:
    """A level of the scale, and what the rubric says evidence at it looks like."""

    level: int
    meaning: str
    wording: str


def look_for_bounds(ruleset: RuleSet) -> Bounds:
    values = ruleset.scale.values
    return Bounds(Fraction(values[0]), Fraction(values[-1]))


def entry_bounds(ruleset: RuleSet, key: str) -> Bounds:
    """Where an entry's score can lie: as a mean on the scale itself, as a sum beyond it."""
    ends = look_for_bounds(ruleset)
    keys = ruleset.entry(key).look_for_keys
    return Bounds(
        ruleset.entry_score(key, dict.fromkeys(keys, ends.lowest)),
        ruleset.entry_score(key, dict.fromkeys(keys, ends.highest)),
    )


def overall_bounds(ruleset: RuleSet) -> Bounds:
    ends = {key: entry_bounds(ruleset, key) for key in ruleset.entry_keys}
    return Bounds(
        ruleset.overall_score({key: bounds.lowest for key, bounds in ends.items()}),
        ruleset.overall_score({key: bounds.highest for key, bounds in ends.items()}),
    )


def levels_of(ruleset: RuleSet, score: Fraction, wordings: Mapping[int, str]) -> tuple[Level, ...]:
    """The level whose marks enclose the score, or the two it lies between, the lower first."""
    meanings = {level.level: level.description for level in ruleset.scale.levels}
    below = [point.level for point in ruleset.scale.points if Fraction(point.value) <= score]
    above = [point.level for point in ruleset.scale.points if Fraction(point.value) >= score]
    found = dict.fromkeys([*below[-1:], *above[:1]])
    return tuple(Level(level, meanings.get(level, ""), wordings.get(level, "")) for level in found)
