"""Who may register."""

from decimal import Decimal

import pytest

from candidates.rules import Advisory, EligibilityPolicy, Eligible, Facts, Refused, judge, still_needed

POLICY = EligibilityPolicy(affirmations={"fee": "I know the fee is not refunded.", "role": "My role fits."})


def facts(
    *,
    full_time: bool = True,
    years: str = "2",
    percent: str = "70",
    acknowledged: bool = False,
    affirmed: str = "",
) -> Facts:
    return Facts(full_time, Decimal(years), Decimal(percent), acknowledged, frozenset(affirmed.split()))


def test_full_time_two_years_and_seventy_percent_is_clean() -> None:
    assert judge(POLICY, facts()) == Eligible(("Employment and coaching time meet the requirements.",))


@pytest.mark.parametrize(
    ("percent", "verdict"),
    [
        ("0", Refused),
        ("59.9", Refused),
        ("60", Advisory),
        ("69.9", Advisory),
        ("70", Eligible),
        ("100", Eligible),
    ],
)
def test_bounds_of_coaching_time(percent: str, verdict: type) -> None:
    assert isinstance(judge(POLICY, facts(percent=percent)), verdict)


@pytest.mark.parametrize(
    ("years", "verdict"), [("1.9", Refused), ("2", Eligible), ("2.0", Eligible), ("20", Eligible)]
)
def test_bound_of_years_employed(years: str, verdict: type) -> None:
    assert isinstance(judge(POLICY, facts(years=years)), verdict)


def test_a_refusal_gives_every_reason_with_what_to_do() -> None:
    verdict = judge(POLICY, facts(full_time=False, years="1.5", percent="55"))
    assert verdict == Refused(
        (
            (
                "Full-time employment as an instructional coach is required, and the answer was no."
                " Register in the first year in which it is."
            ),
            (
                "At least 2 full school years as a full-time coach are required at registration,"
                " and the answer was 1.5. Register in the first year in which that many are complete."
            ),
            (
                "At least 60 % of work time on cycle-based partnership coaching is required,"
                " and the answer was 55 %. Agree on more coaching time with the employer,"
                " and register next year."
            ),
        )
    )


def test_the_advisory_states_both_numbers_and_whether_it_was_acknowledged() -> None:
    verdict = judge(POLICY, facts(percent="65", acknowledged=True))
    assert isinstance(verdict, Advisory)
    assert verdict.acknowledged
    assert "takes 65 % of work time; the programme is made for 70 % and more" in verdict.reasons[0]


def test_a_cohort_sets_its_own_bounds() -> None:
    older = EligibilityPolicy(min_years=Decimal(0), refuse_below_percent=Decimal(70))
    assert isinstance(judge(older, facts(years="0")), Eligible)
    assert isinstance(judge(older, facts(percent="69")), Refused)


def test_everything_still_needed_is_listed() -> None:
    assert still_needed(POLICY, facts(percent="65", affirmed="role")) == (
        "Acknowledge the advisory about coaching time.",
        "Affirm: “I know the fee is not refunded.”",
    )
    assert still_needed(POLICY, facts(percent="65", acknowledged=True, affirmed="role fee")) == ()
