"""When a rehearsal is open, and what may be said of a line: plain functions, no database, no clock.

A line that was measured for ten seconds is no promise for the evening of the deadline.  So durations are
rounded upward and coarsely, and beside each stands what to allow for.
Source: the programme's rules, section 5.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from certification.kernel.windows import Window

MB = 1024 * 1024
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600

# A connection begins slowly, and feels its way to what the line can carry.
SLOW_START_MS = 1000
# A clip that arrived sooner waited in buffers on the way; its time says nothing about the line.
_LEAST_CLIP_MS, _LEAST_CLIP_BYTES = 1000, MB
# Between the parts of a file the browser asks where the next one goes.
_OVERHEAD = Fraction(11, 10)
# The same line on another evening, with the family in front of a film.
_ALLOWANCE = Fraction(3, 2)

# What phones themselves say that a minute takes: 1080p in H.264, and 720p.
TYPICAL_PACE = Fraction(130 * MB, MINUTE)
LEAN_PACE = Fraction(60 * MB, MINUTE)
TYPICAL_MINUTES = Decimal(10)
TYPICAL_DOCUMENT_BYTES = 5 * MB
# A shorter clip is mostly its beginning, which takes more than the rest.
LEAST_JUDGED_SECONDS = 5


class Band(StrEnum):
    """How an upload of that length is best gone about."""

    CALM = "calm"
    EVENING = "evening"
    DAYS = "days"
    OTHER_LINE = "other line"


@dataclass(frozen=True, slots=True)
class Sample:
    """One piece that arrived: when it was begun, and until its receipt was confirmed, in milliseconds."""

    bytes: int
    began_ms: int
    took_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """So many bytes took so long."""

    bytes: int
    milliseconds: int

    @property
    def bytes_per_second(self) -> Fraction:
        return Fraction(self.bytes * 1000, self.milliseconds)

    @property
    def megabits_per_second(self) -> Fraction:
        """In the unit in which lines are sold: millions of bits a second."""
        return self.bytes_per_second * 8 / 1_000_000


@dataclass(frozen=True, slots=True)
class ToSend:
    """A slot that still lacks so many files."""

    entry: str
    slot: str
    is_video: bool
    files: int
    max_minutes: Decimal | None
    max_bytes: int
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the files of a slot will come to, each of `bytes_each`, and `seconds_each` on the line."""

    slot: ToSend
    bytes_each: int
    seconds_each: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long everything takes that is still to be sent.  At least one slot; `seconds` is the sum."""

    expected: tuple[Expected, ...]

    @property
    def seconds(self) -> int:
        return sum(one.seconds_each * one.slot.files for one in self.expected)

    @property
    def seconds_to_allow(self) -> int:
        return int(self.seconds * _ALLOWANCE)

    @property
    def videos(self) -> int:
        return sum(one.slot.files for one in self.expected if one.slot.is_video)

    @property
    def documents(self) -> int:
        return sum(one.slot.files for one in self.expected if not one.slot.is_video)

    @property
    def longest(self) -> int:
        """Seconds of the file that takes longest."""
        return max(one.seconds_each for one in self.expected)

    @property
    def band(self) -> Band:
        if self.seconds <= HOUR // 2:
            return Band.CALM
        if self.seconds <= 2 * HOUR:
            return Band.EVENING
        return Band.DAYS if self.seconds <= 12 * HOUR else Band.OTHER_LINE


def rehearsal_window(submission: Window, zone: str) -> Window:
    """From one calendar month before the submission window opens until it closes."""
    return Window(_month_before(submission.opens, zone), submission.closes)


def measured(samples: Sequence[Sample]) -> Line | None:
    """What the line carries, once it is warm and without the quarter that was quickest and slowest.

    None when nothing arrived.
    """
    warm = [sample for sample in samples if sample.began_ms >= SLOW_START_MS]
    used = warm or samples[1:] or samples
    by_pace = sorted(used, key=lambda sample: Fraction(sample.bytes, sample.took_ms))
    trim = len(by_pace) // 4
    kept = by_pace[trim : len(by_pace) - trim]
    if not kept:
        return None
    return Line(sum(sample.bytes for sample in kept), sum(sample.took_ms for sample in kept))


def line_of_clip(sent_bytes: int, milliseconds: int) -> Line | None:
    """The line as the way of a clip showed it; None when it came too quickly to tell."""
    if milliseconds < _LEAST_CLIP_MS or sent_bytes < _LEAST_CLIP_BYTES:
        return None
    return Line(sent_bytes, milliseconds)


def estimate(to_send: Sequence[ToSend], line: Line, pace: Fraction) -> Estimate | None:
    """How long `to_send` takes on `line` with `pace` bytes a second of video; None if nothing is left."""
    if not to_send:
        return None
    return Estimate(tuple(_expected(slot, line, pace) for slot in to_send))


def beyond_limit(to_send: Sequence[ToSend], pace: Fraction) -> tuple[ToSend, ...]:
    """The slots whose longest video would have more bytes at this pace than the slot takes."""
    return tuple(slot for slot in to_send if slot.is_video and _bytes_wanted(slot, pace) > slot.max_bytes)


def not_taking(to_send: Sequence[ToSend], format_: str) -> tuple[ToSend, ...]:
    """The slots that do not take a video of this format."""
    return tuple(slot for slot in to_send if slot.is_video and slot.formats and format_ not in slot.formats)


def rounded_up(seconds: int) -> int:
    """A duration as coarse as it is uncertain, never shorter than it was: in whole units."""
    if seconds <= 10 * MINUTE:
        unit = MINUTE
    elif seconds <= HOUR:
        unit = 5 * MINUTE
    elif seconds <= 3 * HOUR:
        unit = 15 * MINUTE
    else:
        unit = HOUR if seconds <= DAY else DAY
    return -(-seconds // unit) * unit


def _expected(slot: ToSend, line: Line, pace: Fraction) -> Expected:
    size = min(_bytes_wanted(slot, pace), slot.max_bytes)
    return Expected(slot, size, max(1, int(size / line.bytes_per_second * _OVERHEAD)))


def _bytes_wanted(slot: ToSend, pace: Fraction) -> int:
    if not slot.is_video:
        return TYPICAL_DOCUMENT_BYTES
    minutes = TYPICAL_MINUTES if slot.max_minutes is None else slot.max_minutes
    return int(Fraction(minutes) * MINUTE * pace)


def _month_before(instant: datetime, zone: str) -> datetime:
    """The same civil time one month earlier; the month's last day when it has no such day."""
    civil = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    year, month = (civil.year, civil.month - 1) if civil.month > 1 else (civil.year - 1, 12)
    day = min(civil.day, calendar.monthrange(year, month)[1])
    return civil.replace(year=year, month=month, day=day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
