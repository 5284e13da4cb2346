"""Who is planned: every fate in turn, everybody different, the same for the same seed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from certification.season import plan

SCALE = tuple(
    map(
        Decimal,
        ("0.75", "1", "1.25", "1.75", "2", "2.25", "2.75", "3", "3.25", "3.75", "4", "4.25"),
    )
)
LOOK_FORS = ("identify", "learn", "improve", "process")


def test_same_seed_plans_the_same_people() -> None:
    assert plan.people(30, seed=7) == plan.people(30, seed=7)
    assert plan.judges(40, seed=7) == plan.judges(40, seed=7)
    assert plan.people(30, seed=7) != plan.people(30, seed=8)


def test_candidates_take_the_fates_in_turn() -> None:
    fates = [person.fate for person in plan.people(2 * len(plan.Fate), seed=1)]
    assert fates == [*plan.Fate, *plan.Fate]
    assert {person.fate for person in plan.people(5, 1, (plan.Fate.UNPAID,))} == {plan.Fate.UNPAID}


def test_every_fate_has_a_script_that_can_be_played() -> None:
    assert set(plan.FATES) == set(plan.Fate)
    for script in plan.FATES.values():
        assert set(script.years) <= {1, 2, 3}
        assert script.ends_in_year is None or all(year <= script.ends_in_year for year in script.years)


@pytest.mark.parametrize("count", [24, 100, 500])
def test_candidates_have_names_and_addresses_of_their_own(count: int) -> None:
    people = plan.people(count, seed=3)
    assert len({person.alias for person in people}) == count
    assert len({person.name for person in people}) == count
    assert len({person.email.casefold() for person in people}) == count
    assert all(person.email.isascii() for person in people)


@pytest.mark.parametrize("seed", range(5))
def test_scorers_are_of_every_severity_and_leads_of_none(seed: int) -> None:
    judges = plan.judges(0, seed)
    assert {judge.severity for judge in judges} == {-1, 0, 1}
    assert {judge.severity for judge in judges if judge.is_lead} == {0}
    assert len([judge for judge in judges if judge.is_lead]) >= 2


def test_severity_moves_every_other_mark_by_a_step() -> None:
    work = plan.Work(Decimal(3))
    fair = plan.points_for(work, SCALE, LOOK_FORS, severity=0, turn=0)
    harsh = plan.points_for(work, SCALE, LOOK_FORS, severity=-1, turn=1)
    assert set(fair.values()) == {Decimal(3)}
    assert list(harsh.values()) == [Decimal("2.75"), Decimal(3), Decimal("2.75"), Decimal(3)]


def test_marks_stay_on_the_scale() -> None:
    best = plan.points_for(plan.Work(Decimal("4.25")), SCALE, LOOK_FORS, severity=1, turn=0)
    worst = plan.points_for(plan.Work(Decimal("0.75")), SCALE, LOOK_FORS, severity=-1, turn=0)
    assert set(best.values()) | set(worst.values()) <= set(SCALE)


def test_clear_work_gets_the_same_marks_from_everybody() -> None:
    work = plan.Work(Decimal("1.25"), clear=True)
    marks = [plan.points_for(work, SCALE, LOOK_FORS, severity=severity, turn=0) for severity in (-1, 0, 1)]
    assert marks[0] == marks[1] == marks[2]


def test_split_work_needs_adjudication_whoever_scores() -> None:
    work = plan.Work(Decimal(4), split=True)
    for first in (-1, 0, 1):
        for second in (-1, 0, 1):
            high = plan.points_for(work, SCALE, LOOK_FORS, severity=first, turn=0)
            low = plan.points_for(work, SCALE, LOOK_FORS, severity=second, turn=1)
            apart = sum((high[key] - low[key] for key in LOOK_FORS), Decimal(0)) / len(LOOK_FORS)
            assert apart > Decimal("1.25")
