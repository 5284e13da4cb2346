"""Which entry may be submitted in which year, and what a year's scores come to."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.rules import Decision, EndedAs, OpenEntries, YearPolicy, decide, open_entries
from portfolio.states import Outcome
from scoring.rules.banking import EntryResult
from scoring.rules.ruleset import RuleSet
from tests.scoring.rules import naive
from tests.scoring.rules.builders import histories, pilot, rule_sets

POLICY = YearPolicy()
BOTH = ("entry-1", "entry-2")


def scored(entry: str, year: int, score: str) -> EntryResult:
    return EntryResult(entry, year, Fraction(score))


def unscorable(entry: str, year: int) -> EntryResult:
    return EntryResult(entry, year, None, {}, "no_audio")


def opened(
    history: Sequence[EntryResult], year: int, policy: YearPolicy = POLICY, **more: Any
) -> OpenEntries:
    return open_entries(ruleset=pilot(), policy=policy, history=history, year=year, **more)


def decided(history: Sequence[EntryResult], year: int, policy: YearPolicy = POLICY, **more: Any) -> Decision:
    return decide(ruleset=pilot(), policy=policy, history=history, year=year, **more)


def seven(*scores: str) -> Decision:
    """The decision after year 1 on the seven pilot entries, in order; missing ones were not submitted."""
    rules = pilot("pilot-seven")
    history = [scored(key, 1, score) for key, score in zip(rules.entry_keys, scores, strict=False)]
    return decide(ruleset=rules, policy=POLICY, history=history, year=1)


# The boundary cases of the pilot rule.


def test_all_entries_at_the_threshold_pass() -> None:
    decision = seven(*["2.75"] * 7)
    assert decision.outcome is Outcome.CERTIFIED
    assert decision.overall == Fraction("2.75")
    assert decision.reasons == (
        "Every entry meets the floor of 1.75.",
        "The overall score is 2.75, which meets the threshold of 2.75.",
        "The standard is met, and the certificate is earned.",
    )


def test_a_mean_at_the_threshold_fails_when_one_entry_is_below_the_floor() -> None:
    decision = seven(*["3"] * 6, "1.25")
    assert decision.overall == Fraction("2.75")
    assert decision.outcome is Outcome.CONTINUING
    assert decision.reasons[0] == "System Support scored 1.25, below the floor of 1.75."


def test_an_entry_exactly_at_the_floor_passes() -> None:
    decision = seven(*["3"] * 6, "1.75")
    assert decision.outcome is Outcome.CERTIFIED
    assert decision.overall == Fraction("19.75") / 7


def test_a_mean_short_of_the_threshold_by_a_seventh_of_a_hundredth_fails() -> None:
    decision = seven(*["2.75"] * 6, "2.74")
    assert decision.outcome is Outcome.CONTINUING
    assert decision.overall == Fraction("19.24") / 7
    assert "The overall score is 2.749, below the threshold of 2.75." in decision.reasons


def test_a_missing_entry_is_undecided_however_good_the_others_are() -> None:
    decision = seven(*["4.25"] * 6)
    assert decision.outcome is Outcome.CONTINUING
    assert decision.overall is None
    assert decision.open_next_year == ("system-support",)


# Year 1 and year 2.


def test_in_year_1_every_entry_is_open() -> None:
    assert opened([], 1).entries == BOTH
    assert opened([], 1).retakes == ()


def test_in_year_2_every_entry_not_submitted_yet_is_open_and_must_be_submitted() -> None:
    result = opened([scored("entry-1", 1, "1")], 2)
    assert result.entries == ("entry-2",)
    assert result.reasons == {
        "entry-1": "Entry 1 has been submitted and is closed in year 2; retakes open in year 3.",
        "entry-2": "Entry 2 must be submitted in year 2, the last year for a first submission;"
        " otherwise the candidacy ends as incomplete.",
    }


def test_a_candidate_who_submitted_nothing_in_year_1_has_everything_open_in_year_2() -> None:
    decision = decided([], 1)
    assert decision.outcome is Outcome.CONTINUING
    assert decision.open_next_year == BOTH


def test_both_submitted_and_missed_in_year_1_waits_through_year_2() -> None:
    decision = decided([scored("entry-1", 1, "2"), scored("entry-2", 1, "3")], 1)
    assert decision.outcome is Outcome.CONTINUING
    assert decision.open_next_year == ()
    assert decision.reasons == (
        "Every entry meets the floor of 1.75.",
        "The overall score is 2.50, below the threshold of 2.75.",
        "Entry 1 has been submitted and is closed in year 2; retakes open in year 3.",
        "Entry 2 has been submitted and is closed in year 2; retakes open in year 3.",
        "Nothing may be submitted in year 2; the candidacy goes on after it.",
    )


def test_that_candidate_still_continues_after_the_idle_year_2() -> None:
    decision = decided([scored("entry-1", 1, "2"), scored("entry-2", 1, "3")], 2)
    assert decision.outcome is Outcome.CONTINUING
    assert decision.open_next_year == BOTH


def test_a_cohort_may_allow_retakes_in_year_2() -> None:
    policy = YearPolicy(retakes_in_year_2=True)
    missed = [scored("entry-1", 1, "2"), scored("entry-2", 1, "3")]
    assert opened(missed, 2, policy).retakes == BOTH
    weak_half = [scored("entry-1", 1, "1")]
    assert opened(weak_half, 2, policy).entries == BOTH
    assert opened(weak_half, 2, policy).retakes == ("entry-1",)


def test_a_sound_entry_is_no_retake_while_the_other_was_never_submitted() -> None:
    result = opened([scored("entry-1", 1, "2")], 2, YearPolicy(retakes_in_year_2=True))
    assert result.entries == ("entry-2",)
    assert result.reasons["entry-1"] == (
        "Entry 1 may not be retaken in year 2: it meets the floor,"
        " and the overall score awaits entries not submitted yet."
    )


# The end of year 2.


def test_an_entry_never_submitted_by_the_end_of_year_2_ends_the_candidacy_as_incomplete() -> None:
    decision = decided([scored("entry-1", 1, "4")], 2)
    assert (decision.outcome, decision.ended_as) == (Outcome.ENDED, EndedAs.INCOMPLETE)
    assert decision.open_next_year == ()
    assert decision.reasons[-1] == (
        "Entry 2 had to be submitted by the end of year 2, so the candidacy ends as incomplete."
        " Registering again and starting over is possible."
    )
    assert opened([scored("entry-1", 1, "1")], 3).entries == ()


def test_staff_may_extend_an_entry_never_submitted_into_year_3() -> None:
    history = [scored("entry-1", 1, "4")]
    decision = decided(history, 2, extended_entries={"entry-2"})
    assert decision.outcome is Outcome.CONTINUING
    assert decision.open_next_year == ("entry-2",)
    assert "Entry 2 may still be submitted in year 3, because staff extended it." in decision.reasons


def test_extending_one_of_two_missing_entries_does_not_save_the_candidacy() -> None:
    decision = decided([], 2, extended_entries={"entry-2"})
    assert decision.ended_as is EndedAs.INCOMPLETE
    assert decision.reasons[-1].startswith("Entry 1 had to be submitted")


def test_an_entry_that_could_not_be_scored_counts_as_submitted() -> None:
    decision = decided([scored("entry-1", 1, "4"), unscorable("entry-2", 2)], 2)
    assert decision.outcome is Outcome.CONTINUING
    assert decision.overall is None
    assert decision.open_next_year == BOTH


# Year 3.


def test_retake_of_a_strong_entry_is_refused_when_only_a_floor_failed() -> None:
    result = opened([scored("entry-1", 1, "1.7"), scored("entry-2", 1, "4")], 3)
    assert result.entries == ("entry-1",)
    assert result.reasons == {
        "entry-1": "Entry 1 may be retaken in year 3, because its score is below the floor.",
        "entry-2": "Entry 2 may not be retaken in year 3: the overall score meets the threshold,"
        " and only Entry 1 must rise to the floor.",
    }


def test_any_entry_may_be_retaken_when_the_overall_misses() -> None:
    result = opened([scored("entry-1", 1, "1"), scored("entry-2", 2, "4.25")], 3)
    assert result.retakes == BOTH
    assert result.reasons["entry-2"] == (
        "Entry 2 may be retaken in year 3, because the overall score is below the threshold."
    )


def test_any_entry_may_be_retaken_when_one_could_not_be_scored() -> None:
    result = opened([unscorable("entry-1", 1), scored("entry-2", 2, "4.25")], 3)
    assert result.retakes == BOTH
    assert result.reasons == {
        "entry-1": "Entry 1 may be retaken in year 3, because it could not be scored.",
        "entry-2": "Entry 2 may be retaken in year 3,"
        " because there is no overall score while Entry 1 could not be scored.",
    }


def test_a_rule_set_may_let_any_entry_be_retaken_when_only_a_floor_failed() -> None:
    rules = pilot(retakes="any_entry")
    history = [scored("entry-1", 1, "1.7"), scored("entry-2", 1, "4")]
    assert open_entries(ruleset=rules, policy=POLICY, history=history, year=3).entries == BOTH


def test_a_retake_that_reaches_the_cuts_certifies_in_year_3() -> None:
    history = [scored("entry-1", 1, "1.5"), scored("entry-2", 1, "3"), scored("entry-1", 3, "2.5")]
    decision = decided(history, 3)
    assert decision.outcome is Outcome.CERTIFIED
    assert decision.banked["entry-1"].year == 3


def test_an_unscorable_retake_keeps_the_banked_score_and_ends_the_candidacy_all_the_same() -> None:
    history = [scored("entry-1", 1, "1.5"), scored("entry-2", 1, "3"), unscorable("entry-1", 3)]
    decision = decided(history, 3)
    assert (decision.outcome, decision.ended_as) == (Outcome.ENDED, EndedAs.YEARS_OVER)
    assert decision.banked["entry-1"].score == Fraction(3, 2)
    assert decision.reasons[-1] == (
        "The 3 years of the candidacy are over without certification, so it ends."
        " Registering again and starting over is possible."
    )


def test_after_the_last_year_nothing_is_open() -> None:
    result = opened([scored("entry-1", 1, "1"), scored("entry-2", 1, "1")], 4)
    assert result.entries == ()
    assert set(result.reasons.values()) == {"The 3 years of the candidacy are over, so no entry is open."}


# Certified.


def test_a_certified_candidate_has_nothing_open() -> None:
    assert opened([scored("entry-1", 1, "3"), scored("entry-2", 1, "3")], 2).entries == ()
    on_record = opened([scored("entry-1", 1, "3")], 2, certified=True)
    assert on_record.entries == ()
    assert set(on_record.reasons.values()) == {"The certificate is earned, so no entry is open."}


def test_results_of_later_years_are_not_looked_at() -> None:
    early = [scored("entry-1", 1, "3")]
    late = [*early, scored("entry-2", 2, "3")]
    assert decided(late, 1) == decided(early, 1)
    assert opened(late, 2) == opened(early, 2)


# Properties over every rule set and history.

policies = st.builds(YearPolicy, retakes_in_year_2=st.booleans())


@given(st.data())
def test_an_independent_reckoning_agrees_in_every_year(data: st.DataObject) -> None:
    rules: RuleSet = data.draw(rule_sets)
    policy = data.draw(policies)
    history = data.draw(histories(rules))
    extended = data.draw(st.sets(st.sampled_from(rules.entry_keys)))
    plain, rows = rules.to_data(), [vars(result) for result in history]
    for year in (1, 2, 3):
        may = open_entries(
            ruleset=rules, policy=policy, history=history, year=year, extended_entries=extended
        )
        assert list(may.entries) == naive.may_submit(plain, rows, year, policy.retakes_in_year_2, extended)
        assert list(may.reasons) == list(rules.entry_keys)
        decision = decide(ruleset=rules, policy=policy, history=history, year=year, extended_entries=extended)
        assert {
            "outcome": decision.outcome,
            "ended_as": decision.ended_as,
            "overall": decision.overall,
            "open_next_year": list(decision.open_next_year),
        } == naive.decide(plain, rows, year, policy.retakes_in_year_2, extended)
        assert all(reason.endswith(".") for reason in (*decision.reasons, *may.reasons.values()))


@given(st.data())
def test_raising_a_score_never_lowers_the_overall_nor_undoes_a_certificate(data: st.DataObject) -> None:
    rules: RuleSet = data.draw(rule_sets)
    history = data.draw(histories(rules).filter(lambda results: any(r.score is not None for r in results)))
    place = data.draw(st.sampled_from([n for n, r in enumerate(history) if r.score is not None]))
    raise_by = data.draw(st.fractions(0, 2, max_denominator=8))
    old = history[place]
    look_fors = {key: score + raise_by for key, score in old.look_fors.items()}
    raised = replace(old, score=rules.entry_score(old.entry, look_fors), look_fors=look_fors)
    before = decide(ruleset=rules, policy=POLICY, history=history, year=3)
    history[place] = raised
    after = decide(ruleset=rules, policy=POLICY, history=history, year=3)
    if before.overall is not None:
        assert after.overall is not None
        assert after.overall >= before.overall
    if before.outcome is Outcome.CERTIFIED:
        assert after.outcome is Outcome.CERTIFIED


@given(st.data())
def test_a_continuing_candidate_always_has_something_left_to_submit(data: st.DataObject) -> None:
    """No state is a dead end: whoever may go on finds an entry open next year or the year after."""
    rules: RuleSet = data.draw(rule_sets)
    policy = data.draw(policies)
    history = data.draw(histories(rules, years=2))
    for year in (1, 2):
        decision = decide(ruleset=rules, policy=policy, history=history, year=year)
        if decision.outcome is Outcome.CONTINUING:
            so_far = [result for result in history if result.year <= year]
            later = [
                open_entries(ruleset=rules, policy=policy, history=so_far, year=following).entries
                for following in range(year + 1, 4)
            ]
            assert any(later)


@pytest.mark.parametrize("years", [1, 2, 3, 5])
def test_the_last_year_of_any_policy_ends_a_candidacy_without_certificate(years: int) -> None:
    history = [scored("entry-1", 1, "1"), scored("entry-2", 1, "1")]
    decision = decided(history, years, YearPolicy(years=years))
    assert decision.ended_as is EndedAs.YEARS_OVER
