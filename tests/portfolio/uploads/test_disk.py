"""Large files on disk: written whole past the cache, locked in places, handed on without losing a byte."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import settings

from portfolio.uploads import disk


def of(content: bytes) -> memoryview:
    """The content in memory as it is read from a line: at the beginning of a page."""
    room = memoryview(mmap.mmap(-1, max(len(content), 1)))
    room[: len(content)] = content
    return room[: len(content)]


@pytest.mark.parametrize("length", [1, 4096, 65_536, 65_537, 1_048_576, 1_048_575])
def test_all_of_it_is_written_where_the_file_stands(tmp_path: Path, length: int) -> None:
    content = os.urandom(length)
    with disk.opened(tmp_path / "whole") as file:
        disk.go_past_the_cache(file)
        file.seek(disk.PIECE_BYTES)
        disk.write_out(file, of(content))
    assert (tmp_path / "whole").read_bytes() == bytes(disk.PIECE_BYTES) + content


def test_a_disk_that_takes_less_at_once_is_given_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, write = os.urandom(300_000), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, piece: write(descriptor, bytes(piece[:100_001])))
    with disk.opened(tmp_path / "whole") as file:
        disk.write_out(file, of(content))
    assert (tmp_path / "whole").read_bytes() == content


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="the system has no way past its cache")
def test_a_file_system_that_knows_no_way_past_the_cache_is_written_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = fcntl.fcntl

    def refuses(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETFL:
            raise OSError(errno.EINVAL, "Invalid argument")
        return ask(descriptor, command, argument)

    with disk.opened(tmp_path / "whole") as file:
        monkeypatch.setattr(fcntl, "fcntl", refuses)
        disk.go_past_the_cache(file)
        disk.write_out(file, of(b"x" * 65_536))
    assert (tmp_path / "whole").read_bytes() == b"x" * 65_536


def test_a_file_system_that_agrees_to_go_past_the_cache_and_then_cannot_is_written_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, through = os.write, disk.go_past_the_cache
    asked: list[bool] = []

    def agree(file: Any, wanted: bool = True) -> None:
        asked.append(wanted)
        through(file, wanted)

    def cannot(descriptor: int, piece: memoryview) -> int:
        if asked[-1]:
            raise OSError(errno.EINVAL, "Invalid argument")
        return write(descriptor, piece)

    monkeypatch.setattr(disk, "go_past_the_cache", agree)
    monkeypatch.setattr(os, "write", cannot)
    with disk.opened(tmp_path / "whole") as file:
        disk.go_past_the_cache(file)
        disk.write_out(file, of(b"x" * 65_536))
    assert asked == [True, False]
    assert (tmp_path / "whole").read_bytes() == b"x" * 65_536


@pytest.mark.parametrize("problem", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EAGAIN])
def test_a_file_system_without_locks_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: int
) -> None:
    def refuses(*args: object) -> None:
        raise OSError(problem, "No lock")

    with disk.opened(tmp_path / "whole") as file:
        monkeypatch.setattr(fcntl, "fcntl", refuses)
        assert not disk.try_lock(file)


def test_the_lock_of_a_process_that_was_killed_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "whole"
    holds = (
        "import sys, time; sys.path.insert(0, sys.argv[2])\n"
        "import django; from django.conf import settings; settings.configure(); django.setup()\n"
        "from pathlib import Path; from portfolio.uploads import disk\n"
        "file = disk.opened(Path(sys.argv[1]))\n"
        "print(disk.try_lock(file, 0, 10), flush=True)\n"
        "time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", holds, str(path), str(settings.BASE_DIR)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    with disk.opened(path) as file:
        assert disk.try_lock(file, 10, 10)
        assert not disk.try_lock(file, 5, 10)
        assert not disk.try_lock(file)
        holder.kill()
        holder.wait()
        assert disk.try_lock(file)


def test_every_taker_sees_every_piece_in_order_while_the_next_is_filled() -> None:
    pieces = [b"one", b"two", b"three"]
    left = list(pieces)
    next_is_filled = Event()
    seen: list[bytes] = []

    def fill(room: memoryview) -> int:
        if not left:
            return 0
        piece = left.pop(0)
        room[: len(piece)] = piece
        if piece == b"two":
            next_is_filled.set()
        return len(piece)

    def late(piece: memoryview) -> None:
        assert next_is_filled.wait(30)
        seen.append(bytes(piece))

    disk.pass_on(fill, late, lambda piece: None)
    assert seen == pieces


def test_what_a_taker_cannot_do_is_said_even_of_the_last_piece() -> None:
    left = [b"only"]

    def fill(room: memoryview) -> int:
        return len(left.pop()) if left else 0

    def full(piece: memoryview) -> None:
        raise OSError(errno.ENOSPC, "No room")

    with pytest.raises(OSError, match="No room"):
        disk.pass_on(fill, full)
