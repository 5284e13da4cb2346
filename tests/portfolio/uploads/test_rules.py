"""How a file is cut, and which list of parts makes it whole."""

from __future__ import annotations

import pytest

from certification.kernel.errors import BadInput, NotAllowed
from portfolio.uploads.rules import (
    MAX_FILLED_A_DAY,
    MAX_PARTS,
    MAX_UNDER_WAY,
    MIB,
    BadPart,
    Part,
    Traffic,
    bytes_of_part,
    lengths_of_parts,
    part_bytes_for,
    part_count,
    require_ending,
    require_every_part,
    require_quota,
)

SIZE, STEP = 20, 8
HELD = [Part(1, 8, "a"), Part(2, 8, "b"), Part(3, 4, "c")]
ALL = [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize("size", [1, 8 * MIB, 8 * MIB + 1, 5 * 1024**3, 80 * 1024**3, 5 * 1024**4])
def test_a_file_of_any_size_is_cut_into_whole_mib_and_no_more_parts_than_s3_takes(size: int) -> None:
    step = part_bytes_for(size)
    count = part_count(size, step)

    assert step >= 8 * MIB
    assert step % MIB == 0
    assert count <= MAX_PARTS
    assert sum(bytes_of_part(number, size=size, part_bytes=step) for number in range(1, count + 1)) == size


@pytest.mark.parametrize(
    ("mib", "part_mib"), [(1, 8), (256, 8), (257, 9), (300, 10), (1024, 32), (2048, 32), (5 * 1024, 32)]
)
def test_a_part_is_a_thirty_second_of_the_file_that_a_slow_line_can_send(mib: int, part_mib: int) -> None:
    assert part_bytes_for(mib * MIB) == part_mib * MIB


@pytest.mark.parametrize("number", [0, 4, 10_001])
def test_a_part_the_file_does_not_have_is_refused(number: int) -> None:
    with pytest.raises(BadPart, match="parts 1 to 3"):
        bytes_of_part(number, size=SIZE, part_bytes=STEP)


def test_all_parts_in_order_make_the_file() -> None:
    require_every_part(ALL, HELD, size=SIZE, part_bytes=STEP)


@pytest.mark.parametrize(
    ("claimed", "held", "code"),
    [
        ([(1, "a"), (3, "c"), (2, "b")], HELD, "InvalidPartOrder"),
        ([(1, "a"), (2, "b"), (2, "b"), (3, "c")], HELD, "InvalidPartOrder"),
        ([(1, "a"), (2, "b")], HELD, "InvalidPart"),
        ([(1, "a"), (2, "x"), (3, "c")], HELD, "InvalidPart"),
        (ALL, HELD[:2], "InvalidPart"),
        ([], HELD, "InvalidPart"),
        (ALL, [*HELD[:2], Part(3, 3, "c")], "InvalidPart"),
        ([*ALL, (4, "d")], [*HELD, Part(4, 4, "d")], "InvalidArgument"),
    ],
)
def test_any_other_list_of_parts_is_refused(
    claimed: list[tuple[int, str]], held: list[Part], code: str
) -> None:
    with pytest.raises(BadPart) as refused:
        require_every_part(claimed, held, size=SIZE, part_bytes=STEP)
    assert refused.value.code == code


def test_a_missing_part_is_named() -> None:
    with pytest.raises(BadPart, match="2 of the file's parts have not arrived, the first of them part 1"):
        require_every_part(ALL, HELD[1:2], size=SIZE, part_bytes=STEP)


@pytest.mark.parametrize("name", ["a.mp4", "A.MOV", "b.m4v"])
def test_endings_of_one_family_are_all_right(name: str) -> None:
    require_ending(name, title="Clip", formats=["mp4"])


@pytest.mark.parametrize(
    ("name", "said"), [("a.pdf", "ends in .pdf"), ("a", "has no ending"), ("a.exe", ".exe")]
)
def test_another_ending_is_refused_before_anything_is_sent(name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        require_ending(name, title="Clip", formats=["mp4", "webm"])


def test_the_lengths_of_all_parts_make_the_file() -> None:
    assert lengths_of_parts(size=SIZE, part_bytes=STEP) == {1: 8, 2: 8, 3: 4}


@pytest.mark.parametrize(
    ("traffic", "size", "reason"),
    [
        (Traffic(MAX_UNDER_WAY, 5, 5, 100), 1, "as many as may be at once"),
        (Traffic(1, 60, 60, 100), 41, "all its files together take"),
        (Traffic(0, 0, MAX_FILLED_A_DAY * 100 - 9, 100), 10, "Go on tomorrow"),
    ],
)
def test_an_entry_is_not_sent_more_than_it_can_hold(traffic: Traffic, size: int, reason: str) -> None:
    with pytest.raises(NotAllowed, match=reason):
        require_quota(size, traffic, what="Entry 1")


@pytest.mark.parametrize(
    ("traffic", "size"),
    [
        (Traffic(0, 0, 0, 100), 100),
        (Traffic(MAX_UNDER_WAY - 1, 60, 60, 100), 40),
        (Traffic(0, 0, MAX_FILLED_A_DAY * 100 - 10, 100), 10),
    ],
)
def test_what_the_slots_can_hold_is_taken(traffic: Traffic, size: int) -> None:
    require_quota(size, traffic, what="Entry 1")
