"""From readings to an entry's score."""

from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoring.rules.combine import (
    Awaiting,
    BadReading,
    Discrepant,
    Dispute,
    ReaderRole,
    Reading,
    Scored,
    Unscorable,
    entry_score_of_reading,
    problems_of,
    status,
)
from scoring.rules.numbers import plain
from scoring.rules.parsing import parse_rule_set
from tests.scoring.rules import naive
from tests.scoring.rules.builders import adjudicate, cannot, pilot, read, readings_of, rule_sets

E2 = "entry-2"


def test_two_agreeing_scorers_are_averaged_exactly_line_by_line() -> None:
    rules = pilot()
    marks = {
        "shared-vision": "3",
        "partnership-climate": "3",
        "collaboration": "2.75",
        "communication": "4",
        "sustained-growth": "3.25",
    }
    result = status(rules, E2, [read(rules, E2, "a", marks), read(rules, E2, "b", "2.75")])
    assert isinstance(result, Scored)
    assert result.score == Fraction(119, 40)
    assert result.look_fors["communication"] == Fraction(27, 8)
    assert result.reasons == ("Entry 2 is the mean of 2 readings.",)


def test_an_entry_awaits_all_its_scorers_even_when_an_adjudicator_has_read_it() -> None:
    rules = pilot()
    assert status(rules, E2, []) == Awaiting(2)
    assert status(rules, E2, [read(rules, E2, "a", "3")]) == Awaiting(1)
    assert status(rules, E2, [read(rules, E2, "a", "3"), adjudicate(rules, E2, "3")]) == Awaiting(1)


def test_scorers_exactly_the_gap_apart_agree() -> None:
    rules = pilot()
    result = status(rules, E2, [read(rules, E2, "a", "3"), read(rules, E2, "b", "1.75")])
    assert isinstance(result, Scored)
    assert result.score == Fraction(19, 8)


def test_scorers_further_apart_than_the_gap_are_discrepant_by_however_little() -> None:
    rules = pilot()
    nearly = dict.fromkeys(rules.entry(E2).look_for_keys, "1.75") | {"communication": "1.25"}
    result = status(rules, E2, [read(rules, E2, "a", "3"), read(rules, E2, "b", nearly)])
    assert result == Discrepant(
        "The scorers of Entry 2 are 1.35 apart (1.65 and 3.00), more than the 1.25 allowed;"
        " an adjudicator decides.",
        Dispute.GAP,
    )


@pytest.mark.parametrize(
    ("resolution", "lead", "expected"),
    [
        ("adjudicator", "3", Fraction(3)),
        ("mean_of_three", "3", Fraction(9, 3)),
        ("mean_of_three", "2", Fraction(8, 3)),
        ("closest_two", "2.75", Fraction(19, 8)),
        ("closest_two", "3.75", Fraction(31, 8)),
        ("closest_two", "3", Fraction(7, 2)),
    ],
)
def test_a_discrepancy_resolves_as_the_rule_set_says(resolution: str, lead: str, expected: Fraction) -> None:
    rules = pilot(resolution=resolution)
    readings = [read(rules, E2, "a", "2"), read(rules, E2, "b", "4"), adjudicate(rules, E2, lead)]
    result = status(rules, E2, readings)
    assert isinstance(result, Scored)
    assert result.score == expected
    assert set(result.look_fors.values()) == {expected}


def test_an_adjudicator_nobody_needed_changes_nothing() -> None:
    rules = pilot()
    scorers = [read(rules, E2, "a", "3"), read(rules, E2, "b", "3")]
    assert status(rules, E2, [*scorers, adjudicate(rules, E2, "1")]) == status(rules, E2, scorers)


def test_two_conditions_make_an_entry_unscorable_and_the_rule_sets_order_names_the_first() -> None:
    rules = pilot()
    result = status(rules, E2, [cannot("a", "no_audio"), cannot("b", "wrong_file")])
    assert result == Unscorable(
        "wrong_file",
        ("Entry 2 could not be scored: a file is the wrong one or cannot be read and a video has no sound.",),
    )


@pytest.mark.parametrize("resolution", ["adjudicator", "mean_of_three", "closest_two"])
def test_when_one_scorer_sees_a_condition_the_adjudicator_decides(resolution: str) -> None:
    rules = pilot(resolution=resolution)
    split = [cannot("a", "no_audio"), read(rules, E2, "b", "4")]
    dispute = status(rules, E2, split)
    assert isinstance(dispute, Discrepant)
    assert dispute.dispute is Dispute.CONDITION

    scored = status(rules, E2, [*split, adjudicate(rules, E2, "2")])
    assert isinstance(scored, Scored)
    assert scored.score == 2

    unscorable = status(rules, E2, [*split, cannot("lead", "over_limit", ReaderRole.ADJUDICATOR)])
    assert isinstance(unscorable, Unscorable)
    assert unscorable.condition == "over_limit"


def test_an_adjudicators_condition_stands_over_two_scores_far_apart() -> None:
    rules = pilot()
    readings = [read(rules, E2, "a", "1"), read(rules, E2, "b", "4")]
    result = status(rules, E2, [*readings, cannot("lead", "no_audio", ReaderRole.ADJUDICATOR)])
    assert result == Unscorable("no_audio", ("Entry 2 could not be scored: a video has no sound.",))


def test_a_score_near_a_cut_gets_an_extra_reading_only_where_the_rule_set_asks() -> None:
    readings = [read(pilot(), E2, "a", "2.75"), read(pilot(), E2, "b", "2.75")]
    assert isinstance(status(pilot(), E2, readings), Scored)
    asking = pilot(near_cut="0.1")
    dispute = status(asking, E2, readings)
    assert isinstance(dispute, Discrepant)
    assert dispute.reason == (
        "Entry 2 scored 2.75, within 0.10 of the cut at 2.75; an adjudicator reads it as well."
    )
    settled = status(asking, E2, [*readings, adjudicate(asking, E2, "3")])
    assert isinstance(settled, Scored)
    assert settled.reasons == ("Entry 2 was close to a cut, so the adjudicator's score stands.",)


def test_a_score_exactly_the_asked_distance_from_a_cut_is_near_and_any_further_is_not() -> None:
    rules = pilot(near_cut="0.25")
    at_distance = [read(rules, E2, "a", "3"), read(rules, E2, "b", "3")]
    assert isinstance(status(rules, E2, at_distance), Discrepant)
    further = [read(rules, E2, "a", "3"), read(rules, E2, "b", "3.25")]
    assert isinstance(status(rules, E2, further), Scored)
    near_floor = [read(rules, E2, "a", "2"), read(rules, E2, "b", "2")]
    assert isinstance(status(rules, E2, near_floor), Discrepant)


def test_of_equally_close_pairs_of_equal_height_the_adjudicators_counts() -> None:
    rules = pilot(resolution="closest_two", near_cut="0.25")
    keys = rules.entry(E2).look_for_keys
    lifted = dict.fromkeys(keys, "3") | {keys[0]: "3.25", keys[1]: "2.75"}
    readings = [read(rules, E2, "a", "3"), read(rules, E2, "b", "3")]
    lead = read(rules, E2, "lead", lifted, ReaderRole.ADJUDICATOR)
    result = status(rules, E2, [*readings, lead])
    assert isinstance(result, Scored)
    assert [reading.scorer for reading in result.used] == ["a", "lead"]
    assert result.look_fors[keys[0]] == Fraction(25, 8)


def test_without_a_gap_scorers_are_never_discrepant() -> None:
    rules = pilot(gap=None)
    assert isinstance(status(rules, E2, [read(rules, E2, "a", ".75"), read(rules, E2, "b", "4.25")]), Scored)


def test_every_problem_of_a_reading_says_what_and_where() -> None:
    rules = pilot()
    marks: dict[str, Any] = {
        "shared-vision": Decimal("2.5"),
        "communication": 3.0,
        "collaboration": Decimal("3"),
        "partnership-climate": Decimal("3"),
        "charm": Decimal("4"),
    }
    reading = Reading("a", ReaderRole.SCORER, None, marks)
    with pytest.raises(BadReading) as caught:
        status(rules, E2, [reading])
    assert caught.value.problems == (
        "Entry 2, sustained-growth: needs a mark.",
        "Entry 2, charm: is not a look-for of this entry; remove its mark.",
        "Entry 2, communication: the mark 3.0 must be an exact decimal.",
        (
            "Entry 2, shared-vision: 2.5 is not on the scale; choose one of"
            " 0.75, 1, 1.25, 1.75, 2, 2.25, 2.75, 3, 3.25, 3.75, 4, 4.25."
        ),
    )


def test_a_condition_must_be_known_and_takes_no_marks() -> None:
    rules = pilot()
    reading = Reading("a", ReaderRole.SCORER, "boring", {"communication": Decimal(3)})
    assert problems_of(rules, E2, reading) == (
        "Entry 2: “boring” is not one of the unscorable codes.",
        "Entry 2: an entry that cannot be scored takes no marks; remove them.",
    )
    with pytest.raises(BadReading, match="a reading with a condition has no score"):
        entry_score_of_reading(rules, E2, cannot("a", "no_audio"))


def test_readers_are_different_people_and_no_more_than_needed() -> None:
    rules = pilot()
    twice = [read(rules, E2, "a", "3"), read(rules, E2, "a", "3")]
    with pytest.raises(BadReading, match="the same person read it twice"):
        status(rules, E2, twice)
    with pytest.raises(BadReading, match="has 3 scorers' readings and takes 2"):
        status(rules, E2, [read(rules, E2, name, "3") for name in "abc"])
    leads = [read(rules, E2, name, "3", ReaderRole.ADJUDICATOR) for name in "xy"]
    with pytest.raises(BadReading, match="has 2 adjudicators' readings and takes one"):
        status(rules, E2, leads)


def test_a_role_may_be_given_as_text() -> None:
    assert Reading("a", "adjudicator", "no_audio", {}).role is ReaderRole.ADJUDICATOR  # type: ignore[arg-type]


@given(st.data())
def test_the_order_of_readings_never_matters(data: st.DataObject) -> None:
    rules = data.draw(rule_sets)
    readings = data.draw(readings_of(rules, "entry-1"))
    expected = status(rules, "entry-1", readings)
    assert all(status(rules, "entry-1", shuffled) == expected for shuffled in permutations(readings))


@given(st.data())
def test_an_independent_reckoning_agrees(data: st.DataObject) -> None:
    rules = data.draw(rule_sets)
    readings = data.draw(readings_of(rules, "entry-1"))
    result = status(rules, "entry-1", readings)
    expected = naive.combine(rules.to_data(), "entry-1", [as_json(reading) for reading in readings])
    assert as_dict(result) == expected
    if isinstance(result, Scored):
        assert isinstance(result.score, Fraction)
        assert all(isinstance(score, Fraction) for score in result.look_fors.values())


@given(st.data())
def test_raising_a_mark_never_lowers_the_entry_while_the_same_readings_count(data: st.DataObject) -> None:
    rules = data.draw(rule_sets)
    readings = data.draw(readings_of(rules, "entry-1", conditions=False))
    before = status(rules, "entry-1", readings)
    place = data.draw(st.integers(0, len(readings) - 1))
    key = data.draw(st.sampled_from(rules.entry("entry-1").look_for_keys))
    old = readings[place]
    higher = data.draw(st.sampled_from([mark for mark in rules.scale.values if mark >= old.ratings[key]]))
    raised = Reading(old.scorer, old.role, None, {**old.ratings, key: higher})
    after = status(rules, "entry-1", [*readings[:place], raised, *readings[place + 1 :]])
    assume(isinstance(before, Scored) and isinstance(after, Scored))
    assert isinstance(before, Scored)
    assert isinstance(after, Scored)
    assume([reading.scorer for reading in before.used] == [reading.scorer for reading in after.used])
    assert after.score >= before.score
    assert all(after.look_fors[name] >= score for name, score in before.look_fors.items())


def as_json(reading: Reading) -> dict[str, Any]:
    ratings = {key: plain(mark) for key, mark in reading.ratings.items()}
    return {
        "scorer": reading.scorer,
        "role": str(reading.role),
        "condition": reading.condition,
        "ratings": ratings,
    }


def as_dict(result: Awaiting | Discrepant | Scored | Unscorable) -> dict[str, Any]:
    match result:
        case Awaiting(readings):
            return {"state": "awaiting", "readings": readings}
        case Discrepant():
            return {"state": "discrepant"}
        case Unscorable(condition):
            return {"state": "unscorable", "condition": condition}
        case Scored(score, look_fors):
            return {"state": "scored", "score": score, "look_fors": dict(look_fors)}


def test_a_programme_with_a_hundred_point_scale_and_one_scorer_is_expressible() -> None:
    rules = parse_rule_set(
        {
            **pilot().to_data(),
            "scale": {"points": [{"value": n, "level": n // 10, "label": str(n)} for n in range(101)]},
            "scorers_per_entry": 1,
            "floor": "50",
            "threshold": "70",
        }
    )
    result = status(rules, E2, [read(rules, E2, "a", "73")])
    assert isinstance(result, Scored)
    assert result.score == 73
    assert result.reasons == ("Entry 2 has the score of its one reading.",)
