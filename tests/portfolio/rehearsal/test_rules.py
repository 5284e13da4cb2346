"""When a rehearsal is open, what a measurement comes to, and how long an upload takes: at the boundaries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from certification.kernel.windows import Window, WindowState
from portfolio.rehearsal import rules
from portfolio.rehearsal.rules import (
    DAY,
    HOUR,
    MB,
    MINUTE,
    TYPICAL_PACE,
    Band,
    Expected,
    Line,
    Sample,
    ToSend,
)

ZONE = "America/Chicago"
TICK = timedelta(microseconds=1)
LESSON = ToSend(
    entry="The Impact Cycle",
    slot="Identify conversation",
    is_video=True,
    files=1,
    max_minutes=Decimal(10),
    max_bytes=3 * 1024 * MB,
    formats=("mp4", "mov"),
)
PAPER = replace(LESSON, slot="Written pieces", is_video=False, max_minutes=None, max_bytes=50 * MB)
ONE_MB_A_SECOND = Line(MB, 1000)


def instant(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def test_it_opens_one_calendar_month_before_the_window_and_closes_with_it() -> None:
    submission = Window(instant(2027, 5, 1, 5), instant(2027, 6, 16, 5))

    window = rules.rehearsal_window(submission, ZONE)

    assert window == Window(instant(2027, 4, 1, 5), submission.closes)
    assert window.state(window.opens - TICK) is WindowState.BEFORE
    assert window.state(window.opens) is WindowState.OPEN
    assert window.state(window.closes - TICK) is WindowState.OPEN
    assert window.state(window.closes) is WindowState.AFTER


@pytest.mark.parametrize(
    ("opens", "expected"),
    [
        (instant(2027, 4, 1, 5), instant(2027, 3, 1, 6)),  # the clocks changed in between
        (instant(2027, 1, 15, 6), instant(2026, 12, 15, 6)),
        (instant(2027, 3, 31, 5), instant(2027, 2, 28, 6)),
        (instant(2028, 3, 30, 5), instant(2028, 2, 29, 6)),
    ],
)
def test_the_month_is_counted_in_the_programmes_civil_time(opens: datetime, expected: datetime) -> None:
    window = rules.rehearsal_window(Window(opens, opens + timedelta(days=40)), ZONE)

    assert window.opens == expected


def samples(*paces: int, began: int = 1000) -> list[Sample]:
    """A piece of a second for each pace, in bytes."""
    return [Sample(pace, began + 1000 * place, 1000) for place, pace in enumerate(paces)]


def test_the_first_second_does_not_count() -> None:
    slow_start = [Sample(1000, 0, 500), Sample(1000, 500, 499)]

    found = rules.measured([*slow_start, *samples(50_000, 50_000, 50_000)])

    assert found is not None
    assert found.bytes_per_second == 50_000


def test_the_quickest_and_the_slowest_quarter_do_not_count() -> None:
    found = rules.measured(samples(10, 20_000, 21_000, 9_000_000))

    assert found is not None
    assert found.bytes_per_second == 20_500


def test_a_line_so_slow_that_one_piece_was_all_is_measured_by_it() -> None:
    assert rules.measured([Sample(65_536, 0, 16_000)]) == Line(65_536, 16_000)


def test_a_line_so_quick_that_all_went_within_the_first_second_is_measured_without_its_first_piece() -> None:
    assert rules.measured([Sample(100, 0, 100), Sample(8000, 100, 80)]) == Line(8000, 80)


def test_nothing_arrived_is_no_measurement() -> None:
    assert rules.measured([]) is None


@given(
    pace=some.integers(1_000, 10_000_000),
    takes=some.lists(some.integers(100, 3_000), min_size=1, max_size=30),
)
def test_a_steady_line_is_measured_as_it_is(pace: int, takes: list[int]) -> None:
    began, steady = 0, []
    for took in takes:
        steady.append(Sample(pace * took // 1000, began, took))
        began += took

    found = rules.measured(steady)

    assert found is not None
    assert abs(found.bytes_per_second - pace) <= Fraction(pace, 50) + 10


@pytest.mark.parametrize(
    ("size", "milliseconds", "is_measured"),
    [(MB, 1000, True), (MB - 1, 1000, False), (MB, 999, False), (200 * MB, 999, False)],
)
def test_a_clip_measures_the_line_when_it_took_long_enough(
    size: int, milliseconds: int, is_measured: bool
) -> None:
    assert (rules.line_of_clip(size, milliseconds) is not None) is is_measured


def test_a_video_is_reckoned_at_its_longest_and_at_the_clips_pace() -> None:
    estimate = rules.estimate([LESSON], ONE_MB_A_SECOND, Fraction(2 * MB))

    assert estimate is not None
    assert estimate.expected == (Expected(LESSON, 1200 * MB, 1320),)  # and a tenth on top


def test_no_file_is_reckoned_larger_than_its_slot_takes() -> None:
    at_limit = Fraction(LESSON.max_bytes, 600)

    assert rules.beyond_limit([LESSON, PAPER], at_limit) == ()
    assert rules.beyond_limit([LESSON, PAPER], at_limit + 1) == (LESSON,)
    estimate = rules.estimate([LESSON], ONE_MB_A_SECOND, at_limit * 2)
    assert estimate is not None
    assert estimate.expected[0].bytes_each == LESSON.max_bytes


def test_a_slot_without_a_limit_of_minutes_is_reckoned_as_ten() -> None:
    endless = replace(LESSON, max_minutes=None)

    assert rules.estimate([endless], ONE_MB_A_SECOND, TYPICAL_PACE) == rules.Estimate(
        (Expected(endless, 1300 * MB, 1430),)
    )


def test_everything_that_is_left_is_counted_and_nothing_is_no_estimate() -> None:
    clips = replace(LESSON, files=3, max_minutes=Decimal(5))

    estimate = rules.estimate([PAPER, clips, LESSON], ONE_MB_A_SECOND, Fraction(MB))

    assert estimate is not None
    assert (estimate.videos, estimate.documents) == (4, 1)
    assert estimate.seconds == 5 + 3 * 330 + 660
    assert estimate.longest == 660
    assert rules.estimate([], ONE_MB_A_SECOND, Fraction(MB)) is None


@pytest.mark.parametrize(
    ("seconds", "band"),
    [
        (30 * MINUTE, Band.CALM),
        (30 * MINUTE + 1, Band.EVENING),
        (2 * HOUR, Band.EVENING),
        (2 * HOUR + 1, Band.DAYS),
        (12 * HOUR, Band.DAYS),
        (12 * HOUR + 1, Band.OTHER_LINE),
    ],
)
def test_advice_changes_at_half_an_hour_two_and_twelve(seconds: int, band: Band) -> None:
    assert rules.Estimate((Expected(LESSON, MB, seconds),)).band is band


@pytest.mark.parametrize(
    ("seconds", "rounded"),
    [
        (1, MINUTE),
        (61, 2 * MINUTE),
        (10 * MINUTE, 10 * MINUTE),
        (10 * MINUTE + 1, 15 * MINUTE),
        (HOUR, HOUR),
        (HOUR + 1, 75 * MINUTE),
        (3 * HOUR, 3 * HOUR),
        (3 * HOUR + 1, 4 * HOUR),
        (DAY, DAY),
        (DAY + 1, 2 * DAY),
    ],
)
def test_durations_are_rounded_upward_the_coarser_the_longer(seconds: int, rounded: int) -> None:
    assert rules.rounded_up(seconds) == rounded


@given(some.integers(1, 30 * DAY))
def test_no_duration_is_told_shorter_than_it_is(seconds: int) -> None:
    assert rules.rounded_up(seconds) >= seconds


def test_formats_a_slot_does_not_take_are_named() -> None:
    anything = replace(LESSON, formats=())

    assert rules.not_taking([LESSON, anything, PAPER], "webm") == (LESSON,)
    assert rules.not_taking([LESSON, anything, PAPER], "mov") == ()
