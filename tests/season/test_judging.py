"""The bench is strict: nothing looked at is nothing shown, and an error is no acquittal."""

from __future__ import annotations

from typing import Any, cast

from certification.season import invariants, table
from certification.season.invariants import Played, judging
from certification.season.invariants.judging import Look

NOTHING_PLAYED = cast("Played", None)


def test_check_that_looks_at_nothing_does_not_hold() -> None:
    verdict = judging._verdict("idle", lambda played, look: None, NOTHING_PLAYED)
    assert not verdict.holds
    assert verdict.count == 0


def test_check_that_fails_by_itself_does_not_hold() -> None:
    def fails(played: Played, look: Look) -> None:
        look.at(holds=True, otherwise="")
        raise LookupError("gone")

    assert judging._verdict("broken", fails, NOTHING_PLAYED).problems == (
        "could not be judged: LookupError: gone",
    )


def test_problem_is_counted_and_said() -> None:
    def one_of_two(played: Played, look: Look) -> None:
        look.at(holds=True, otherwise="never said")
        look.at(holds=False, otherwise="the second is wrong")

    verdict = judging._verdict("half", one_of_two, NOTHING_PLAYED)
    assert (verdict.count, verdict.problems) == (2, ("the second is wrong",))


def test_table_counts_and_cuts_long_lists() -> None:
    class Options:
        years = 1

    season: Any = type("Season", (), {"options": Options})
    verdicts = [
        invariants.Verdict("all is well", 3, ()),
        invariants.Verdict("much is wrong", 30, tuple(f"problem {number}" for number in range(30))),
    ]
    shown = table.render(season, {"candidates": []}, verdicts)
    assert "✓ all is well (3 looked at)" in shown
    assert "✗ much is wrong" in shown
    assert "problem 19" in shown
    assert "problem 20" not in shown
    assert "and 10 more" in shown
    assert shown.endswith("1 of 2 invariants hold.")
