"""What stands in for decoding in the tests of opening: readers that crash, are killed, or lie."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from portfolio.uploads.inspect import Facts


def crash(path: Path, name: str) -> Facts:
    os.abort()


def be_killed(path: Path, name: str) -> Facts:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def lie(path: Path, name: str) -> Facts:
    return Facts(kind="document", format="pdf", pages=os.getppid())
