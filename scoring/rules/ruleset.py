"""A rule set: everything about scoring that is data rather than code.

A rule set is versioned and never changes once used; its digest says which one a score was made
with.  Source: the programme's rules, section 6.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Any

from scoring.rules.numbers import plain, shown, shown_cut, weighted_sum


class Combine(StrEnum):
    """How weighted parts become one score."""

    MEAN = "mean"
    SUM = "sum"


class CombineReadings(StrEnum):
    """How the readings of agreeing scorers become one score."""

    MEAN = "mean"


class Resolution(StrEnum):
    """What stands once an adjudicator has read an entry the scorers differ on."""

    ADJUDICATOR = "adjudicator"
    MEAN_OF_THREE = "mean_of_three"
    CLOSEST_TWO = "closest_two"


class BankingUnit(StrEnum):
    """What keeps its best score from one year to the next."""

    ENTRY = "entry"
    LOOK_FOR = "look_for"


class Retakes(StrEnum):
    """Which entries of an uncertified candidate qualify for a retake."""

    BELOW_FLOOR_ONLY_WHEN_ONLY_FLOOR_FAILED = "below_floor_only_when_only_floor_failed"
    ANY_ENTRY = "any_entry"


class BadRuleSet(ValueError):
    """The data is no rule set; `problems` holds one sentence per fault, each naming its field."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True)
class Point:
    """One mark a scorer may give: its value, the level it belongs to and the label scorers see."""

    value: Decimal
    level: int
    label: str


@dataclass(frozen=True)
class Level:
    """What a level of the scale means."""

    level: int
    description: str


@dataclass(frozen=True)
class Scale:
    """The marks there are, lowest first.  Steps may be unequal, so a mark counts by its value."""

    points: tuple[Point, ...]
    levels: tuple[Level, ...] = ()

    @cached_property
    def values(self) -> tuple[Decimal, ...]:
        """Every mark on the scale, lowest first."""
        return tuple(point.value for point in self.points)


@dataclass(frozen=True)
class LookFor:
    """One line scorers mark, and what it weighs within its entry.  Zero weight: feedback only."""

    key: str
    weight: Decimal


@dataclass(frozen=True)
class EntryRule:
    """One entry, what it weighs in the overall score, and its look-fors."""

    key: str
    weight: Decimal
    look_fors: tuple[LookFor, ...]
    title: str = ""

    @property
    def name(self) -> str:
        """What sentences call the entry: its title, or its key made readable."""
        return self.title or self.key.replace("-", " ").replace("_", " ").capitalize()

    @property
    def look_for_keys(self) -> tuple[str, ...]:
        """The look-fors' keys, in the order they are shown."""
        return tuple(look_for.key for look_for in self.look_fors)


@dataclass(frozen=True)
class Condition:
    """A reason an entry cannot be scored: its code, and a label that completes "could not be scored: ..."."""

    code: str
    label: str


@dataclass(frozen=True)
class RuleSet:
    """How marks become scores, and scores a pass.

    `gap`: two scorers' entry scores further apart than this (strictly) are discrepant; none means never.
    `near_cut`: an agreed entry score this close to a cut gets an extra reading; none means never.
    `floor`: no entry may score below it.  `threshold`: the overall score must reach it.
    """

    title: str
    scale: Scale
    entries: tuple[EntryRule, ...]
    combine_look_fors: Combine
    combine_entries: Combine
    scorers_per_entry: int
    gap: Decimal | None
    resolution: Resolution
    floor: Decimal | None
    threshold: Decimal | None
    banking_unit: BankingUnit
    best_of: bool
    retakes: Retakes
    conditions: tuple[Condition, ...] = ()
    combine_readings: CombineReadings = CombineReadings.MEAN
    near_cut: Decimal | None = None
    display_places: int = 2

    def to_data(self) -> dict[str, Any]:
        """A JSON-able dict that `parsing.parse_rule_set` turns back into an equal rule set.

        Ordered things are lists, because a JSON object in the database keeps no order.
        """
        return {
            "title": self.title,
            "scale": {
                "points": [
                    {"value": plain(point.value), "level": point.level, "label": point.label}
                    for point in self.scale.points
                ],
                "levels": [
                    {"level": level.level, "description": level.description} for level in self.scale.levels
                ],
            },
            "entries": [
                {
                    "key": entry.key,
                    "title": entry.title,
                    "weight": plain(entry.weight),
                    "look_fors": [
                        {"key": look_for.key, "weight": plain(look_for.weight)}
                        for look_for in entry.look_fors
                    ],
                }
                for entry in self.entries
            ],
            "combine_look_fors": self.combine_look_fors.value,
            "combine_entries": self.combine_entries.value,
            "scorers_per_entry": self.scorers_per_entry,
            "combine_readings": self.combine_readings.value,
            "gap": _plain_or_none(self.gap),
            "resolution": self.resolution.value,
            "near_cut": _plain_or_none(self.near_cut),
            "conditions": [
                {"code": condition.code, "label": condition.label} for condition in self.conditions
            ],
            "floor": _plain_or_none(self.floor),
            "threshold": _plain_or_none(self.threshold),
            "banking_unit": self.banking_unit.value,
            "best_of": self.best_of,
            "retakes": self.retakes.value,
            "display_places": self.display_places,
        }

    def digest(self) -> str:
        """SHA-256, in hex, of the rule set's canonical JSON: equal rule sets have equal digests."""
        canonical = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    @property
    def entry_keys(self) -> tuple[str, ...]:
        """The entries' keys, in the order they are shown."""
        return tuple(entry.key for entry in self.entries)

    def entry(self, key: str) -> EntryRule:
        """The entry called `key`; KeyError when the rule set has none."""
        for entry in self.entries:
            if entry.key == key:
                return entry
        raise KeyError(
            f"The rule set “{self.title}” has no entry “{key}”; it has {', '.join(self.entry_keys)}."
        )

    def name_of(self, key: str) -> str:
        """What sentences call the entry."""
        return self.entry(key).name

    def condition_label(self, code: str) -> str:
        """The label of an unscorable code; the code itself when the rule set no longer has it."""
        return next((condition.label for condition in self.conditions if condition.code == code), code)

    def entry_score(self, entry_key: str, look_for_scores: Mapping[str, Fraction | Decimal]) -> Fraction:
        """One entry's score from a score for each of its look-fors."""
        look_fors = self.entry(entry_key).look_fors
        total = weighted_sum((part.weight, Fraction(look_for_scores[part.key])) for part in look_fors)
        if self.combine_look_fors is Combine.SUM:
            return total
        return total / sum(Fraction(part.weight) for part in look_fors)

    def overall_score(self, entry_scores: Mapping[str, Fraction]) -> Fraction:
        """The overall score from a score for each entry."""
        total = weighted_sum((entry.weight, entry_scores[entry.key]) for entry in self.entries)
        if self.combine_entries is Combine.SUM:
            return total
        return total / sum(Fraction(entry.weight) for entry in self.entries)

    def shown(self, value: Fraction, *, beside: Decimal | None = None) -> str:
        """A score as people read it: rounded, yet never onto or across the cut it is shown `beside`."""
        return shown(value, self.display_places, beside=beside)

    def shown_cut(self, value: Decimal) -> str:
        """A floor, threshold or gap as people read it."""
        return shown_cut(value, self.display_places)


def _plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
