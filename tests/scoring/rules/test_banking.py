"""Scores kept over the years, and how they stand against the cuts."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.rules.banking import EntryResult, bank, overall, stand
from scoring.rules.parsing import parse_rule_set
from tests.scoring.rules import naive
from tests.scoring.rules.builders import histories, pilot, rule_sets


def scored(entry: str, year: int, score: str, **look_fors: str) -> EntryResult:
    return EntryResult(entry, year, Fraction(score), {key: Fraction(text) for key, text in look_fors.items()})


def unscorable(entry: str, year: int, condition: str = "no_audio") -> EntryResult:
    return EntryResult(entry, year, None, {}, condition)


def test_the_best_attempt_is_banked_and_the_earliest_of_equals() -> None:
    history = [scored("entry-1", 1, "2"), scored("entry-1", 2, "3"), scored("entry-1", 3, "3")]
    kept = bank(pilot(), history)["entry-1"]
    assert (kept.score, kept.year) == (Fraction(3), 2)


def test_where_best_of_is_off_the_latest_attempt_is_banked() -> None:
    history = [scored("entry-1", 1, "3"), scored("entry-1", 3, "2")]
    kept = bank(pilot(best_of=False), history)["entry-1"]
    assert (kept.score, kept.year) == (Fraction(2), 3)


@pytest.mark.parametrize("best_of", [True, False])
def test_an_unscorable_retake_falls_back_to_the_banked_score(best_of: bool) -> None:
    rules = pilot(best_of=best_of)
    history = [scored("entry-1", 1, "2.5"), unscorable("entry-1", 3)]
    assert bank(rules, history)["entry-1"].score == Fraction(5, 2)
    assert (
        "Entry 1 of year 3 could not be scored: a video has no sound; its score of 2.50 from year 1 stands."
        in (stand(rules, history).reasons)
    )


def test_an_unscorable_entry_counts_as_submitted_and_leaves_the_overall_undecided() -> None:
    standing = stand(pilot(), [scored("entry-1", 1, "4"), unscorable("entry-2", 1)])
    assert standing.unscorable == ("entry-2",)
    assert standing.never_submitted == ()
    assert standing.overall is None
    assert not standing.certified
    assert standing.reasons == (
        "Entry 2 of year 1 could not be scored: a video has no sound.",
        "The overall score is undecided until every entry has a score.",
    )


def test_a_missing_entry_is_undecided_and_never_zero() -> None:
    standing = stand(pilot(), [scored("entry-1", 1, "4.25")])
    assert standing.overall is None
    assert standing.misses_threshold is False
    assert standing.never_submitted == ("entry-2",)
    assert standing.reasons[0] == "Entry 2 has not been submitted yet."


def test_reasons_name_the_score_and_the_cut() -> None:
    standing = stand(pilot(), [scored("entry-1", 1, "1.63"), scored("entry-2", 1, "3")])
    assert standing.reasons == (
        "Entry 1 scored 1.63, below the floor of 1.75.",
        "The overall score is 2.32, below the threshold of 2.75.",
    )


def test_a_failing_score_is_never_shown_as_the_cut_it_misses() -> None:
    standing = stand(pilot(), [scored("entry-1", 1, "2.746"), scored("entry-2", 1, "2.75")])
    assert standing.reasons[-1] == "The overall score is 2.748, below the threshold of 2.75."


def test_per_look_for_banking_keeps_each_line_at_its_best_and_recombines() -> None:
    data = pilot().to_data()
    data["entries"][1]["look_fors"] = [{"key": "a", "weight": "3"}, {"key": "b", "weight": "1"}]
    rules = parse_rule_set({**data, "banking_unit": "look_for"})
    history = [scored("entry-2", 1, "2.25", a="2", b="3"), scored("entry-2", 3, "2.5", a="3", b="1")]
    kept = bank(rules, history)["entry-2"]
    assert dict(kept.look_fors) == {"a": 3, "b": 3}
    assert (kept.score, kept.year) == (Fraction(3), 3)


def test_a_programme_of_weighted_sums_is_expressible() -> None:
    """Components weigh unequally and add up to points, with a passing total and no floor."""
    weights = {"knowledge": "0.4", "differentiation": "0.15", "practice": "0.3", "reflection": "0.15"}
    rules = parse_rule_set(
        {
            **pilot().to_data(),
            "title": "Weighted points",
            "entries": [
                {
                    "key": key,
                    "weight": str(Decimal(weight) * 40),
                    "look_fors": [{"key": "whole", "weight": "1"}],
                }
                for key, weight in weights.items()
            ],
            "combine_entries": "sum",
            "floor": None,
            "threshold": "98",
        }
    )
    marks = {"knowledge": "3", "differentiation": "2", "practice": "2.25", "reflection": "1"}
    standing = stand(rules, [scored(key, 1, mark) for key, mark in marks.items()])
    assert standing.overall == 93
    assert standing.reasons == ("The overall score is 93.00, below the threshold of 98.00.",)
    better = stand(rules, [scored(key, 1, mark) for key, mark in {**marks, "practice": "3"}.items()])
    assert better.overall == 102
    assert better.certified


def test_a_programme_without_cuts_certifies_whoever_has_every_score() -> None:
    rules = pilot(floor=None, threshold=None)
    standing = stand(rules, [scored("entry-1", 1, "1"), scored("entry-2", 1, "1")])
    assert standing.certified
    assert standing.reasons == ("The overall score is 1.00.",)


def test_a_result_is_a_score_or_a_condition() -> None:
    with pytest.raises(ValueError, match="needs a score or a condition"):
        EntryResult("entry-1", 1, None)
    with pytest.raises(ValueError, match="needs a score or a condition"):
        EntryResult("entry-1", 1, Fraction(3), {}, "no_audio")


def test_a_history_with_two_results_of_an_entry_in_one_year_is_refused() -> None:
    with pytest.raises(ValueError, match="two results in year 1"):
        stand(pilot(), [scored("entry-1", 1, "2"), scored("entry-1", 1, "3")])


def test_a_result_of_an_entry_the_rule_set_lacks_is_refused() -> None:
    with pytest.raises(KeyError, match="entry-7"):
        stand(pilot(), [scored("entry-7", 1, "2")])


@given(st.data())
def test_banking_what_is_banked_changes_nothing(data: st.DataObject) -> None:
    rules = data.draw(rule_sets)
    kept = bank(rules, data.draw(histories(rules)))
    again = bank(rules, [EntryResult(b.entry, b.year, b.score, b.look_fors) for b in kept.values()])
    assert again == kept


@given(st.data())
def test_the_order_of_a_history_never_matters(data: st.DataObject) -> None:
    rules = data.draw(rule_sets)
    history = data.draw(histories(rules))
    assert stand(rules, data.draw(st.permutations(history))) == stand(rules, history)


@given(st.data())
def test_another_attempt_never_lowers_what_is_banked_where_the_best_counts(data: st.DataObject) -> None:
    rules = data.draw(rule_sets.filter(lambda rules: rules.best_of))
    history = data.draw(histories(rules))
    before = bank(rules, [result for result in history if result.year < 3])
    after = bank(rules, history)
    assert all(after[key].score >= kept.score for key, kept in before.items())


@given(st.data())
def test_an_independent_reckoning_agrees(data: st.DataObject) -> None:
    rules = data.draw(rule_sets)
    history = data.draw(histories(rules))
    expected = naive.facts(rules.to_data(), [vars(result) for result in history])
    standing = stand(rules, history)
    assert {key: kept.score for key, kept in standing.banked.items()} == expected["banked"]
    assert overall(rules, standing.banked) == standing.overall == expected["overall"]
    assert list(standing.below_floor) == expected["low"]
    assert list(standing.never_submitted) == expected["never"]
    assert list(standing.unscorable) == expected["unscorable"]
    assert standing.misses_threshold == expected["missed"]
    assert standing.certified == expected["certified"]
    assert all(reason.endswith(".") for reason in standing.reasons)
