"""Large files on local disk: many hands in one file, and none of it in the memory that others need.

Whoever sends or checks gigabytes does so once.  Through the system's cache they would push out what
everybody reads, and cost more time there than on the disk; so they go past it where the disk allows that.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import mmap
import os
import struct
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from io import FileIO
from pathlib import Path

PIECE_BYTES = 1024 * 1024
_PIECES_AT_ONCE = 4
# What goes past the cache begins at, and has the length of, so many bytes or a multiple.
_BLOCK_BYTES = 64 * 1024
# `struct flock` of a 64-bit Linux: kind, whence, start, length, and nobody's process.
_FLOCK = "hhqqi0q"
CAN_LOCK = sys.platform == "linux"
_NOT_LOCKED = {
    errno.EAGAIN,  # somebody else has it
    errno.EACCES,
    errno.ENOLCK,  # the file system knows no such locks
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
}


def opened(path: Path) -> FileIO:
    """The file for reading and writing anywhere in it, made if there is none."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")


def try_lock(file: FileIO, start: int = 0, length: int = 0) -> bool:
    """Lock so many bytes, or all from `start` on, against every other opening of the file, without waiting.

    The lock goes with the opening, even if a process is killed.  A system that knows no such locks locks
    nothing; who needs one must then do without.
    """
    if not CAN_LOCK:
        return False
    wish = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    try:
        fcntl.fcntl(file.fileno(), fcntl.F_OFD_SETLK, wish)
    except OSError as refused:
        if refused.errno not in _NOT_LOCKED:
            raise
        return False
    return True


def has_one_name(file: FileIO) -> bool:
    """Whether the open file is still the one of its name, and nobody else's under another."""
    return os.fstat(file.fileno()).st_nlink == 1


def go_past_the_cache(file: FileIO, wanted: bool = True) -> None:
    """Read and write the file past the system's cache from now on, or through it; the bytes are the same."""
    if not hasattr(os, "O_DIRECT"):  # Linux has it
        return
    flags = fcntl.fcntl(file.fileno(), fcntl.F_GETFL)
    try:
        fcntl.fcntl(file.fileno(), fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT)
    except OSError as refused:
        if refused.errno != errno.EINVAL:  # which is what a file system says that cannot
            raise


def write_out(file: FileIO, piece: memoryview) -> None:
    """Write all of it where the file stands; a disk that is nearly full may take less at once."""
    left = piece
    while left:
        if len(left) % _BLOCK_BYTES:
            go_past_the_cache(file, wanted=False)
        left = left[_through_the_cache_if_need_be(file, partial(os.write, file.fileno(), left)) :]


def read_into(file: FileIO, room: memoryview) -> int:
    """Fill the memory from where the file stands; returns how much of it, and 0 at the end."""
    return _through_the_cache_if_need_be(file, lambda: file.readinto(room) or 0)


def _through_the_cache_if_need_be(file: FileIO, act: Callable[[], int]) -> int:
    """Some file systems agree to go past the cache, and then cannot."""
    try:
        return act()
    except OSError as refused:
        if refused.errno != errno.EINVAL:
            raise
    go_past_the_cache(file, wanted=False)
    return act()


def pass_on(fill: Callable[[memoryview], int], *takers: Callable[[memoryview], object]) -> None:
    """Hand piece after piece to all takers, each in a thread of its own, while the next ones are filled.

    `fill` returns how much of the memory it has filled, and 0 at the end.  Every taker sees every piece,
    in order; what one of them raises is raised here.
    """
    # Shared memory: past the cache, private memory would not be safe beside a fork.
    rooms = [memoryview(mmap.mmap(-1, PIECE_BYTES)) for _ in range(_PIECES_AT_ONCE)]
    with ExitStack() as stack:
        threads = [stack.enter_context(ThreadPoolExecutor(1)) for _ in takers]
        taken: deque[list[Future[object]]] = deque()
        for room in itertools.cycle(rooms):
            if len(taken) == len(rooms):
                _wait_for(taken.popleft())
            length = fill(room)
            if not length:
                break
            piece = room[:length]
            taken.append([thread.submit(take, piece) for thread, take in zip(threads, takers, strict=True)])
        for one in taken:
            _wait_for(one)


def _wait_for(taken: list[Future[object]]) -> None:
    for one in taken:
        one.result()
