"""Rule sets and readings for tests: the pilot's, other programmes', and random ones."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from scoring.rules.banking import EntryResult
from scoring.rules.catalogue import pilot_data
from scoring.rules.combine import ReaderRole, Reading
from scoring.rules.numbers import plain
from scoring.rules.parsing import parse_rule_set
from scoring.rules.ruleset import RuleSet

PILOT_MARKS = tuple(Decimal(level) + Decimal(step) / 4 for level in (1, 2, 3, 4) for step in (-1, 0, 1))


def pilot(framework: str = "two-entry", **changes: Any) -> RuleSet:
    """The pilot rule set with some fields changed."""
    return parse_rule_set({**pilot_data(framework), **changes})


def read(
    ruleset: RuleSet,
    entry: str,
    scorer: str,
    mark: str | Mapping[str, str],
    role: ReaderRole = ReaderRole.SCORER,
) -> Reading:
    """A reading that gives every look-for `mark`, or each its own."""
    keys = ruleset.entry(entry).look_for_keys
    marks = dict.fromkeys(keys, mark) if isinstance(mark, str) else mark
    return Reading(scorer, role, None, {key: Decimal(text) for key, text in marks.items()})


def adjudicate(ruleset: RuleSet, entry: str, mark: str) -> Reading:
    """The adjudicator's reading, the same mark for every look-for."""
    return read(ruleset, entry, "lead", mark, ReaderRole.ADJUDICATOR)


def cannot(scorer: str, condition: str, role: ReaderRole = ReaderRole.SCORER) -> Reading:
    """A reading that found the entry unscorable."""
    return Reading(scorer, role, condition, {})


weights = st.integers(0, 40).map(lambda tenths: plain(Decimal(tenths) / 10))


def some_weight(items: list[dict[str, Any]]) -> bool:
    """At least one item weighs something."""
    return any(Decimal(item["weight"]) for item in items)


@st.composite
def rule_set_data(draw: st.DrawFn) -> dict[str, Any]:
    """Random but valid data of a rule set: any scale, weights, cuts and ways to combine."""
    quarters = sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=8)))
    entries = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        count = draw(st.integers(1, 3))
        look_fors = st.tuples(*[st.builds(dict, key=st.just(f"l{n}"), weight=weights) for n in range(count)])
        entries.append(
            {
                "key": f"entry-{number}",
                "title": draw(st.sampled_from(["", f"Part {number}"])),
                "weight": draw(weights),
                "look_fors": draw(look_fors.map(list).filter(some_weight)),
            }
        )
    if not some_weight(entries):
        entries[0]["weight"] = "1"
    data = {
        "title": "Random rules",
        "scale": {
            "points": [{"value": plain(Decimal(q) / 4), "level": q // 4, "label": str(q)} for q in quarters]
        },
        "entries": entries,
        "combine_look_fors": draw(st.sampled_from(["mean", "sum"])),
        "combine_entries": draw(st.sampled_from(["mean", "sum"])),
        "scorers_per_entry": draw(st.integers(1, 3)),
        "gap": draw(st.sampled_from([None, "0", "0.5", "1.25", "3"])),
        "resolution": draw(st.sampled_from(["adjudicator", "mean_of_three", "closest_two"])),
        "near_cut": draw(st.sampled_from([None, None, "0", "0.25"])),
        "conditions": [{"code": "silent", "label": "no sound"}, {"code": "wrong", "label": "wrong file"}],
        "floor": None,
        "threshold": None,
        "banking_unit": draw(st.sampled_from(["entry", "look_for"])),
        "best_of": draw(st.booleans()),
        "retakes": draw(st.sampled_from(["below_floor_only_when_only_floor_failed", "any_entry"])),
        "display_places": draw(st.integers(0, 4)),
    }
    return {**data, **draw(reachable_cuts(parse_rule_set(data)))}


@st.composite
def reachable_cuts(draw: st.DrawFn, ruleset: RuleSet) -> dict[str, str | None]:
    """A floor and a threshold between nothing and the best possible scores, or none."""
    top = ruleset.scale.values[-1]
    best = {
        key: ruleset.entry_score(key, dict.fromkeys(ruleset.entry(key).look_for_keys, top))
        for key in ruleset.entry_keys
    }
    highest = {"floor": min(best.values()), "threshold": ruleset.overall_score(best)}
    share = st.sampled_from([None, 0, 25, 50, 60, 75, 90])
    cuts = {}
    for name, score in highest.items():
        percent = draw(share)
        cuts[name] = None if percent is None else plain(Decimal(int(score * percent)) / 100)
    return cuts


rule_sets = rule_set_data().map(parse_rule_set)


@st.composite
def readings_of(draw: st.DrawFn, ruleset: RuleSet, entry: str, *, conditions: bool = True) -> list[Reading]:
    """All the scorers' readings of an entry and, sometimes, an adjudicator's."""
    roles = [ReaderRole.SCORER] * draw(
        st.integers(0 if conditions else ruleset.scorers_per_entry, ruleset.scorers_per_entry)
    )
    roles += [ReaderRole.ADJUDICATOR] * draw(st.integers(0, 1))
    keys = ruleset.entry(entry).look_for_keys
    marks = st.fixed_dictionaries({key: st.sampled_from(ruleset.scale.values) for key in keys})
    codes = [None, None, None, "silent", "wrong"] if conditions else [None]
    readings = []
    for number, role in enumerate(roles):
        code = draw(st.sampled_from(codes))
        readings.append(Reading(f"S{number}", role, code, {} if code else draw(marks)))
    return readings


@st.composite
def histories(draw: st.DrawFn, ruleset: RuleSet, years: int = 3) -> list[EntryResult]:
    """Random results over the years, each made of a random mark for every look-for."""
    history = []
    for year in range(1, years + 1):
        for key in ruleset.entry_keys:
            what = draw(st.sampled_from(["nothing", "scored", "scored", "unscorable"]))
            if what == "unscorable":
                history.append(EntryResult(key, year, None, {}, "silent"))
            if what == "scored":
                history.append(draw(results(ruleset, key, year)))
    return history


@st.composite
def results(draw: st.DrawFn, ruleset: RuleSet, entry: str, year: int) -> EntryResult:
    """A scored result, each look-for the mean of two marks."""
    mark = st.sampled_from(ruleset.scale.values)
    look_fors = {key: draw(st.tuples(mark, mark)) for key in ruleset.entry(entry).look_for_keys}
    means = {key: Fraction(sum(pair)) / 2 for key, pair in look_fors.items()}
    return EntryResult(entry, year, ruleset.entry_score(entry, means), means)
