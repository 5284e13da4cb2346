"""What a rehearsal found out, as it is said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from portfolio.rehearsal import rules, telling
from portfolio.rehearsal.rules import HOUR, MB, MINUTE, Estimate, Expected, Line
from portfolio.rehearsal.states import Treatment

from .test_rules import LESSON, PAPER


def taking(*seconds: int, documents: int = 0) -> Estimate:
    videos = [Expected(LESSON, MB, each) for each in seconds]
    return Estimate((*videos, *[Expected(PAPER, MB, 1)] * documents))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (59, "less than a minute"),
        (60, "about 1 minute"),
        (22 * MINUTE, "about 25 minutes"),
        (58 * MINUTE, "about 1 hour"),
        (61 * MINUTE, "about 1 hour 15 minutes"),
        (170 * MINUTE, "about 3 hours"),
        (24 * HOUR, "about 24 hours"),
        (25 * HOUR, "about 2 days"),
    ],
)
def test_durations_are_spoken(seconds: int, said: str) -> None:
    assert telling.duration(seconds) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (Line(1_250_000, 10_000), "1.0 Mbit/s"),
        (Line(12_500_000, 1_000), "100 Mbit/s"),
        (Line(5_000, 1_000), "0.04 Mbit/s"),
    ],
)
def test_a_line_is_told_in_the_unit_lines_are_sold_in(line: Line, said: str) -> None:
    assert telling.speed(line) == said


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (
            taking(240, 240, 240, 240, 240, 540, documents=2),
            "About 30 minutes for all six videos and two documents; the longest video about 9 minutes.",
        ),
        (taking(540), "About 9 minutes for the video."),
        (
            taking(540, documents=1),
            "About 10 minutes for the one video and one document; the longest video about 9 minutes.",
        ),
        (taking(documents=2), "Less than a minute for all two documents."),
    ],
)
def test_the_headline_says_how_long_for_what(estimate: Estimate, said: str) -> None:
    assert telling.headline(estimate) == said


@pytest.mark.parametrize(
    ("seconds", "tone", "words"),
    [
        (10 * MINUTE, "success", "Allow 15 minutes"),
        (HOUR, "info", "do not leave it to the last evening"),
        (5 * HOUR, "warn", "Send each video when it is ready"),
        (20 * HOUR, "danger", "Rehearse again at school"),
    ],
)
def test_each_band_has_its_advice(seconds: int, tone: str, words: str) -> None:
    told = telling.of_time(taking(seconds), None)

    assert told.tone == tone
    assert words in told.body


def test_a_long_upload_is_told_what_filming_at_720p_would_save() -> None:
    long, lean = taking(5 * HOUR), taking(50 * MINUTE)

    assert telling.is_worth_saying(long, rules.TYPICAL_PACE)
    assert not telling.is_worth_saying(long, rules.LEAN_PACE)
    assert not telling.is_worth_saying(taking(MINUTE), rules.TYPICAL_PACE)
    assert "Filmed at 720p, the same would take about 50 minutes." in telling.of_time(long, lean).body


@pytest.mark.parametrize(
    ("codec", "treatment", "words"),
    [
        ("h264", Treatment.KEPT, "H.264 is kept as you filmed it"),
        ("h264", Treatment.CONVERTED, "It is larger or finer than every browser shows, so we make a copy"),
        ("hevc", Treatment.CONVERTED, "HEVC (H.265) is not played by every browser, so we make a copy"),
        ("prores", Treatment.CONVERTED, "ProRes is not played by every browser"),
        ("vp9", Treatment.CONVERTED, "VP9 is not played by every browser"),
        ("wmv3", Treatment.CONVERTED, "Windows Media is not played by every browser"),
        ("theora", Treatment.CONVERTED, "THEORA is not played by every browser"),
    ],
)
def test_every_format_we_can_read_is_good_news(codec: str, treatment: Treatment, words: str) -> None:
    (told,) = telling.of_clip(codec, treatment, has_sound=True, seconds=Decimal(10))

    assert told.tone == "success"
    assert words in told.body


def test_a_clip_without_sound_and_one_too_short_to_judge_are_said_to_be() -> None:
    told = telling.of_clip("h264", Treatment.KEPT, has_sound=False, seconds=Decimal("4.999"))

    assert [one.title for one in told][1:] == ["The clip has no sound", "The clip is very short"]
    assert len(telling.of_clip("h264", Treatment.KEPT, has_sound=True, seconds=Decimal(5))) == 1


def test_slots_that_would_not_take_the_cameras_videos_are_named_with_what_they_take() -> None:
    other = replace(LESSON, slot="Improving")

    format_, too_large = telling.of_limits([LESSON], [LESSON, other], "webm")

    assert format_.title == "Two slots do not take WebM"
    assert "“Identify conversation” takes MP4 or MOV" in format_.body
    assert "“Identify conversation” takes 3 GB at most; a video of 10 minutes" in too_large.body
    assert telling.of_limits([], [], "webm") == []


def test_sizes_are_told_no_finer_than_they_are_known() -> None:
    assert telling.size(650 * MB) == "650 MB"
    assert telling.size(int(Fraction(13, 10) * 1024 * MB)) == "1.3 GB"
    assert telling.size(3 * 1024 * MB) == "3 GB"


def test_a_clips_length_is_told_in_seconds_and_then_in_minutes() -> None:
    assert telling.length(Decimal("1.4")) == "1 second"
    assert telling.length(Decimal("59.999")) == "59 seconds"
    assert telling.length(Decimal(65)) == "1:05 minutes"
