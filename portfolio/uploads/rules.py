"""How a file is cut into parts, and what may be begun: plain functions, no database, no clock.

The server alone says how large a part is, so that every device cuts the same file alike and can go on
where another one stopped.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath

from certification.kernel.errors import BadInput, NotAllowed

from .formats import FAMILIES, KINDS

MIB = 1024 * 1024
LEAST_PART_BYTES = 8 * MIB
_WISHED_PARTS = 32
# Four and a half minutes at one megabit a second.
_MOST_WISHED_BYTES = 32 * MIB
# S3 takes 10,000 parts; the margin leaves room for a rule that rounds otherwise.
_AIMED_PARTS = 9_000
MAX_PARTS = 10_000
MAX_UNDER_WAY = 5
LINK_LIFE = timedelta(minutes=15)
KEPT_WITHOUT_A_NEW_PART = timedelta(days=7)
# An entry may be filled this often within a day; what was replaced is kept for as long.
MAX_FILLED_A_DAY = 3
A_DAY = timedelta(days=1)


class BadPart(BadInput):
    """A part, or the list of them, is not what was announced; `code` is what S3 calls it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Part:
    """A part as its store knows it: `etag` is what the store made of its bytes, in hexadecimal.

    `is_apart` says that it is kept by itself, and not in its place in the file it is a part of.
    """

    number: int
    bytes: int
    etag: str
    is_apart: bool = True


def part_bytes_for(size: int) -> int:
    """The size of every part but the last of a file of `size` bytes: whole MiB, at least eight.

    What a broken line takes with it is one part, and what each part costs beside its bytes is the same
    whatever its size: so a part is a thirty-second of the file, within bounds that a slow line bears.
    """
    wished = min(-(-size // (_WISHED_PARTS * MIB)) * MIB, _MOST_WISHED_BYTES)
    needed = -(-size // (_AIMED_PARTS * MIB)) * MIB
    return max(LEAST_PART_BYTES, wished, needed)


def part_count(size: int, part_bytes: int) -> int:
    return -(-size // part_bytes)


def bytes_of_part(number: int, *, size: int, part_bytes: int) -> int:
    """How many bytes the part must have.

    Raises:
        BadPart: the file has no such part.
    """
    count = part_count(size, part_bytes)
    if not 1 <= number <= count:
        raise BadPart("InvalidArgument", f"The file has parts 1 to {count}, and no part {number}.")
    return min(part_bytes, size - (number - 1) * part_bytes)


def start_of_part(number: int, *, part_bytes: int) -> int:
    """Where in the file the part begins."""
    return (number - 1) * part_bytes


def lengths_of_parts(*, size: int, part_bytes: int) -> dict[int, int]:
    """How many bytes each part of a file of `size` bytes has, by number."""
    count = part_count(size, part_bytes)
    return {number: bytes_of_part(number, size=size, part_bytes=part_bytes) for number in range(1, count + 1)}


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an entry's uploads occupy, in bytes, beside the room that all its slots have together.

    `last_day_bytes` counts every upload begun within a day that was not cancelled or given up.
    """

    under_way: int
    under_way_bytes: int
    last_day_bytes: int
    room_bytes: int


def require_quota(size: int, traffic: Traffic, *, what: str) -> None:
    """Let a file be begun only while a candidate does not fill the disk with files that no slot can hold.

    Raises:
        NotAllowed: too many files are on their way, or too many bytes; or too many came within a day.
    """
    if traffic.under_way >= MAX_UNDER_WAY:
        raise NotAllowed(
            f"{MAX_UNDER_WAY} files of {what} are on their way, as many as may be at once. "
            "Wait until one has arrived, or cancel one."
        )
    sent, room = _in_gb(traffic.under_way_bytes + size), _in_gb(traffic.room_bytes)
    if traffic.under_way_bytes + size > traffic.room_bytes:
        raise NotAllowed(
            f"With this file {sent} of {what} would be on their way, and all its files together take {room}. "
            "Wait until one has arrived, or cancel one."
        )
    if traffic.last_day_bytes + size > MAX_FILLED_A_DAY * traffic.room_bytes:
        raise NotAllowed(
            f"{_in_gb(traffic.last_day_bytes)} were uploaded for {what} within a day, and it takes {room}. "
            "Go on tomorrow; if your window closes before, write to the programme office."
        )


def _in_gb(bytes_: int) -> str:
    return f"{bytes_ / 1024**3:,.2f} GB"


def require_ending(name: str, *, title: str, formats: Sequence[str]) -> None:
    """Refuse a file that does not even claim to be of a format of the slot, before an hour of sending.

    Phones mix up the endings inside a family; what the file is, decoding finds out later.
    """
    ending = PurePath(name).suffix.lower().lstrip(".")
    accepted = formats or tuple(KINDS)
    if FAMILIES.get(ending) in {FAMILIES.get(format_, format_) for format_ in accepted}:
        return
    shown = ", ".join(format_.upper() for format_ in accepted)
    yours = f"yours ends in .{ending[:12]}" if ending else "yours has no ending that says what it is"
    raise BadInput(
        f"“{title}” accepts {shown}; {yours}. Export it in one of these formats and choose it again."
    )


def require_every_part(
    claimed: Sequence[tuple[int, str]], present: Collection[Part], *, size: int, part_bytes: int
) -> None:
    """Let a file be put together only from all of its parts, each once, in order, as they were received.

    Raises:
        BadPart: the list is out of order, lacks a part, or names a part that is not the one we hold.
    """
    numbers = [number for number, _ in claimed]
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise BadPart("InvalidPartOrder", "The parts must be named once each, in ascending order.")
    held: Mapping[int, Part] = {part.number: part for part in present}
    missing = [number for number in range(1, part_count(size, part_bytes) + 1) if number not in held]
    if missing:
        raise BadPart(
            "InvalidPart",
            f"{len(missing)} of the file's parts have not arrived, the first of them part {missing[0]}. "
            "Choose the file again to send what is missing.",
        )
    if numbers != sorted(held):
        raise BadPart("InvalidPart", "The list of parts is not the list of parts that arrived.")
    for number, etag in claimed:
        part = held[number]
        if part.etag != etag or part.bytes != bytes_of_part(number, size=size, part_bytes=part_bytes):
            raise BadPart(
                "InvalidPart",
                f"Part {number} is not the one that arrived. Choose the file again to send it anew.",
            )
