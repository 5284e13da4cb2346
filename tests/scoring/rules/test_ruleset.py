"""What a rule set may say, and what is said back when it may not."""

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from scoring.rules.catalogue import FRAMEWORKS, pilot_data
from scoring.rules.parsing import parse_rule_set
from scoring.rules.ruleset import BadRuleSet
from tests.scoring.rules.builders import PILOT_MARKS, pilot, rule_set_data


def problems_of(data: Any) -> tuple[str, ...]:
    with pytest.raises(BadRuleSet) as caught:
        parse_rule_set(data)
    return caught.value.problems


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_pilot_rules_are_the_published_ones(framework: str) -> None:
    rules = pilot(framework)
    assert rules.scale.values == PILOT_MARKS
    assert [point.level for point in rules.scale.points] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert (rules.floor, rules.threshold, rules.gap) == (Decimal("1.75"), Decimal("2.75"), Decimal("1.25"))
    assert rules.scorers_per_entry == 2
    assert len({entry.weight for entry in rules.entries}) == 1


def test_frameworks_have_the_agreed_look_fors() -> None:
    two, seven = pilot("two-entry"), pilot("pilot-seven")
    assert [len(entry.look_fors) for entry in two.entries] == [8, 5]
    assert [len(entry.look_fors) for entry in seven.entries] == [4] * 7


def test_catalogue_cannot_be_changed_by_what_it_handed_out() -> None:
    pilot_data("two-entry")["scale"]["points"].clear()
    assert pilot("two-entry").scale.values == PILOT_MARKS


@given(rule_set_data())
def test_reading_what_was_written_gives_the_same_rule_set(data: dict[str, Any]) -> None:
    rules = parse_rule_set(data)
    again = parse_rule_set(json.loads(json.dumps(rules.to_data())))
    assert again == rules
    assert again.to_data() == rules.to_data()
    assert again.digest() == rules.digest()


def test_digest_does_not_depend_on_how_a_number_is_spelled_or_fields_are_ordered() -> None:
    spelled = {**pilot_data("two-entry"), "threshold": "2.750"}
    shuffled = dict(reversed(list(spelled.items())))
    assert parse_rule_set(shuffled).digest() == pilot().digest()


def test_digest_changes_with_any_field() -> None:
    changes: list[dict[str, Any]] = [
        {"threshold": "2.76"},
        {"floor": None},
        {"gap": "1"},
        {"resolution": "closest_two"},
        {"best_of": False},
        {"banking_unit": "look_for"},
        {"near_cut": "0.1"},
        {"title": "Others"},
    ]
    digests = {pilot(**change).digest() for change in [{}, *changes]}
    assert len(digests) == len(changes) + 1


def test_every_problem_is_named_at_once() -> None:
    data = deepcopy(pilot_data("two-entry"))
    data["floor"] = 1.75
    data["gap"] = "-1"
    data["resolution"] = "toss"
    data["scorers_per_entry"] = 0
    data["entries"][0]["weight"] = "much"
    data["entries"][1]["key"] = "entry-1"
    data["entries"][1]["look_fors"][2]["wieght"] = "1"
    data["scale"]["points"][3]["value"] = "0.5"
    data["treshold"] = data.pop("threshold")
    problems = problems_of(data)
    for expected in [
        'floor: must be a plain decimal number written as text, such as "2.75".',
        "gap: must not be less than 0, and -1 is.",
        "resolution: must be one of adjudicator, mean_of_three, closest_two.",
        "scorers_per_entry: must be from 1 to 9, and 0 is not.",
        'entries[0].weight: must be a plain decimal number written as text, such as "2.75".',
        "entries: “entry-1” is there more than once.",
        "entries[1].look_fors[2].wieght: is not a field of a rule set; check its spelling.",
        "scale.points: must rise, but 0.5 follows 1.25.",
        "threshold: is missing.",
        "treshold: is not a field of a rule set; check its spelling.",
    ]:
        assert expected in problems
    assert len(problems) == 10


@pytest.mark.parametrize("data", [None, [], "rules", 3])
def test_something_that_is_no_object_is_refused_with_one_sentence(data: Any) -> None:
    assert problems_of(data)[0] == "The rule set: must be an object with named fields."


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e3", " 1", "1_0", "", "٣", "1.", True, 2.5, [], "9" * 40]
)
def test_a_number_is_a_plain_decimal(text: Any) -> None:
    assert any(
        problem.startswith("threshold:")
        for problem in problems_of({**pilot_data("two-entry"), "threshold": text})
    )


def test_a_cut_nobody_can_reach_is_refused() -> None:
    problems = problems_of({**pilot_data("two-entry"), "threshold": "4.26", "floor": "5"})
    assert problems == (
        "threshold: 4.26 can never be reached; the highest possible overall score is 4.25.",
        "floor: 5 can never be reached by Entry 1; its highest possible score is 4.25.",
        "floor: 5 can never be reached by Entry 2; its highest possible score is 4.25.",
    )


def test_weights_that_are_all_zero_are_refused() -> None:
    data = deepcopy(pilot_data("two-entry"))
    for entry in data["entries"]:
        entry["weight"] = "0"
    for look_for in data["entries"][0]["look_fors"]:
        look_for["weight"] = "0"
    assert problems_of(data) == (
        "entries[0].look_fors: needs at least one weight above zero.",
        "entries: needs at least one weight above zero.",
    )


def test_scale_levels_must_describe_every_level_used() -> None:
    data = deepcopy(pilot_data("two-entry"))
    del data["scale"]["levels"][1]
    assert problems_of(data) == ("scale.levels: lacks level 2, which the points use.",)


def test_an_entry_without_a_title_is_called_by_its_key() -> None:
    data = deepcopy(pilot_data("two-entry"))
    data["entries"][0]["title"] = ""
    assert parse_rule_set(data).name_of("entry-1") == "Entry 1"


def test_an_unknown_entry_is_named_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="has no entry “entry-9”; it has entry-1, entry-2"):
        pilot().entry("entry-9")
