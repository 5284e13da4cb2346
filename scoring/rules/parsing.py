"""Reading a rule set from data, and saying everything that is wrong with it at once."""

import re
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar

from scoring.rules.numbers import plain
from scoring.rules.ruleset import (
    BadRuleSet,
    BankingUnit,
    Combine,
    CombineReadings,
    Condition,
    EntryRule,
    Level,
    LookFor,
    Point,
    Resolution,
    Retakes,
    RuleSet,
    Scale,
)

DECIMAL = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NOTHING: Any = object()

Choice = TypeVar("Choice", bound=StrEnum)


def parse_rule_set(data: Any) -> RuleSet:
    """The rule set a JSON-able dict describes.

    Raises:
        BadRuleSet: lists every problem, not the first.
    """
    problems: list[str] = []
    top = _Fields(data, "", problems)
    scale = _scale(top.part("scale"))
    rule_set = RuleSet(
        title=top.text("title"),
        scale=scale,
        entries=tuple(_entry(part) for part in top.parts("entries")),
        combine_look_fors=top.choice("combine_look_fors", Combine),
        combine_entries=top.choice("combine_entries", Combine),
        scorers_per_entry=top.whole("scorers_per_entry", at_least=1, at_most=9),
        combine_readings=top.choice("combine_readings", CombineReadings, default=CombineReadings.MEAN),
        gap=top.number_or_none("gap", at_least=Decimal(0)),
        resolution=top.choice("resolution", Resolution),
        near_cut=top.number_or_none("near_cut", default=None, at_least=Decimal(0)),
        conditions=tuple(
            Condition(part.key("code"), part.text("label")) for part in top.parts("conditions", default=())
        ),
        floor=top.number_or_none("floor"),
        threshold=top.number_or_none("threshold"),
        banking_unit=top.choice("banking_unit", BankingUnit),
        best_of=top.flag("best_of"),
        retakes=top.choice("retakes", Retakes),
        display_places=top.whole("display_places", default=2, at_least=0, at_most=9),
    )
    top.refuse_unknown()
    _refuse_repeats(rule_set, problems)
    if not problems:
        _refuse_unreachable(rule_set, problems)
    if problems:
        raise BadRuleSet(problems)
    return rule_set


def _scale(fields: "_Fields") -> Scale:
    points = tuple(
        Point(part.number("value"), part.whole("level"), part.text("label"))
        for part in fields.parts("points")
    )
    levels = tuple(
        Level(part.whole("level"), part.text("description")) for part in fields.parts("levels", default=())
    )
    described = {level.level for level in levels}
    for lower, upper in pairwise(points):
        if upper.value <= lower.value:
            fields.complain("points", f"must rise, but {plain(upper.value)} follows {plain(lower.value)}")
        if upper.level < lower.level:
            fields.complain("points", f"puts {plain(upper.value)} in a lower level than {plain(lower.value)}")
    for level in sorted({point.level for point in points} - described) if levels else ():
        fields.complain("levels", f"lacks level {level}, which the points use")
    return Scale(points, levels)


def _entry(fields: "_Fields") -> EntryRule:
    look_fors = tuple(
        LookFor(part.key("key"), part.number("weight", at_least=Decimal(0)))
        for part in fields.parts("look_fors")
    )
    if look_fors and not any(part.weight for part in look_fors):
        fields.complain("look_fors", "needs at least one weight above zero")
    return EntryRule(
        key=fields.key("key"),
        title=fields.text("title", default=""),
        weight=fields.number("weight", at_least=Decimal(0)),
        look_fors=look_fors,
    )


def _refuse_repeats(rule_set: RuleSet, problems: list[str]) -> None:
    groups = [
        ("entries", [entry.key for entry in rule_set.entries]),
        ("conditions", [condition.code for condition in rule_set.conditions]),
        ("scale.levels", [str(level.level) for level in rule_set.scale.levels]),
    ]
    groups += [
        (f"entries[{place}].look_fors", [part.key for part in entry.look_fors])
        for place, entry in enumerate(rule_set.entries)
    ]
    for where, keys in groups:
        for key in sorted({key for key in keys if key and keys.count(key) > 1}):
            problems.append(f"{where}: “{key}” is there more than once.")
    if rule_set.entries and not any(entry.weight for entry in rule_set.entries):
        problems.append("entries: needs at least one weight above zero.")


def _refuse_unreachable(rule_set: RuleSet, problems: list[str]) -> None:
    """A cut nobody could reach is a slip of the pen, and would fail a whole cohort."""
    top = rule_set.scale.values[-1]
    best = {
        entry.key: rule_set.entry_score(entry.key, {part.key: top for part in entry.look_fors})
        for entry in rule_set.entries
    }
    overall = rule_set.overall_score(best)
    if rule_set.threshold is not None and Fraction(rule_set.threshold) > overall:
        problems.append(
            f"threshold: {plain(rule_set.threshold)} can never be reached;"
            f" the highest possible overall score is {rule_set.shown(overall)}."
        )
    for entry in rule_set.entries:
        if rule_set.floor is not None and Fraction(rule_set.floor) > best[entry.key]:
            problems.append(
                f"floor: {plain(rule_set.floor)} can never be reached by {entry.name};"
                f" its highest possible score is {rule_set.shown(best[entry.key])}."
            )


class _Fields:
    """The fields of one JSON object.  A bad field is noted and replaced, so that reading goes on."""

    def __init__(self, data: Any, where: str, problems: list[str]) -> None:
        self.where, self.problems, self.known = where, problems, set[str]()
        self.inner: list[_Fields] = []
        self.readable = isinstance(data, dict)
        self.data: dict[str, Any] = data if self.readable else {}
        if not self.readable:
            problems.append(f"{where or 'The rule set'}: must be an object with named fields.")

    def path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def complain(self, name: str, what: str) -> None:
        self.problems.append(f"{self.path(name)}: {what}.")

    def take(self, name: str, default: Any = NOTHING) -> Any:
        self.known.add(name)
        value = self.data.get(name, default)
        if value is NOTHING and self.readable:
            self.complain(name, "is missing")
        return value

    def refuse_unknown(self) -> None:
        for name in sorted(str(name) for name in self.data if name not in self.known):
            self.complain(name, "is not a field of a rule set; check its spelling")
        for part in self.inner:
            part.refuse_unknown()

    def text(self, name: str, default: Any = NOTHING) -> str:
        value = self.take(name, default)
        if isinstance(value, str) and (value.strip() or value == default):
            return value
        if value is not NOTHING:
            self.complain(name, "must be text and not empty")
        return ""

    def key(self, name: str) -> str:
        value = self.take(name)
        if isinstance(value, str) and KEY.fullmatch(value):
            return value
        if value is not NOTHING:
            self.complain(name, "must be a key of small letters, digits, hyphens and underscores")
        return ""

    def number(self, name: str, at_least: Decimal | None = None) -> Decimal:
        return self._number(name, self.take(name), at_least) or Decimal(0)

    def number_or_none(
        self, name: str, *, default: Any = NOTHING, at_least: Decimal | None = None
    ) -> Decimal | None:
        value = self.take(name, default)
        return None if value is None else self._number(name, value, at_least)

    def _number(self, name: str, value: Any, at_least: Decimal | None) -> Decimal | None:
        if value is NOTHING:
            return None
        spelled = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(spelled, str) or not DECIMAL.fullmatch(spelled):
            self.complain(name, 'must be a plain decimal number written as text, such as "2.75"')
            return None
        number = Decimal(spelled)
        if at_least is not None and number < at_least:
            self.complain(name, f"must not be less than {plain(at_least)}, and {spelled} is")
        return number

    def whole(
        self, name: str, *, default: Any = NOTHING, at_least: int | None = None, at_most: int | None = None
    ) -> int:
        value = self.take(name, default)
        if isinstance(value, int) and not isinstance(value, bool):
            if (at_least is not None and value < at_least) or (at_most is not None and value > at_most):
                self.complain(name, f"must be from {at_least} to {at_most}, and {value} is not")
            return value
        if value is not NOTHING:
            self.complain(name, "must be a whole number")
        return at_least or 0

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if value is not NOTHING and not isinstance(value, bool):
            self.complain(name, "must be true or false")
        return value is True

    def choice(self, name: str, choices: type[Choice], default: Any = NOTHING) -> Choice:
        value = self.take(name, default)
        allowed = list(choices)
        if value in allowed:
            return choices(value)
        if value is not NOTHING:
            self.complain(name, f"must be one of {', '.join(allowed)}")
        return allowed[0]

    def part(self, name: str) -> "_Fields":
        value = self.take(name)
        return self._inside(value, self.path(name)) if value is not NOTHING else _Fields({}, "", [])

    def parts(self, name: str, default: Any = NOTHING) -> "list[_Fields]":
        value = self.take(name, default)
        if isinstance(value, list | tuple) and (value or default is not NOTHING):
            return [self._inside(item, f"{self.path(name)}[{place}]") for place, item in enumerate(value)]
        if value is not NOTHING:
            self.complain(name, "must be a list with at least one item")
        return []

    def _inside(self, data: Any, where: str) -> "_Fields":
        fields = _Fields(data, where, self.problems)
        self.inner.append(fields)
        return fields
