"""What stands in for decoding in the tests of opening: readers that crash, are killed, or lie."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

from portfolio.uploads import packages
from portfolio.uploads.inspect import Facts, facts


def crash(path: Path, name: str, takes: tuple[str, ...]) -> Facts:
    os.abort()


def be_killed(path: Path, name: str, takes: tuple[str, ...]) -> Facts:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def meet_a_failing_disk(path: Path, name: str, takes: tuple[str, ...]) -> Facts:
    def fail(*args: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    packages.ends_as_package = fail  # type: ignore[assignment]
    return facts(path, name, takes)


def lie(path: Path, name: str, takes: tuple[str, ...]) -> Facts:
    return Facts(kind="document", format="pdf", pages=os.getppid())
