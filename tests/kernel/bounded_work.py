"""What the tests of bounded functions run: well behaved, wasteful, crashing, and dishonest ones."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from certification.kernel import bounded
from certification.kernel.bounded import job, wire
from certification.kernel.errors import BadInput, NotAllowed


@dataclass(frozen=True)
class Measure:
    seconds: Decimal
    path: Path


def echo(*args: object) -> list[object]:
    return [*args, os.getpid()]


def measure() -> Measure:
    return Measure(Decimal("1.5"), Path("/tmp/a"))


def refuse() -> None:
    raise BadInput("The file is broken. Mend it.", ["Page 2 too.", "Überall."])


def fail() -> None:
    raise NotAllowed("not for a job to say")


def run_out(number: int) -> None:
    raise OSError(number, os.strerror(number))


def take(how_many: int) -> int:
    return len(bytearray(how_many))


def work_on() -> None:
    while True:
        pass


def wait_for(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


def sink() -> None:
    def deeper(at: int) -> int:
        return deeper(at + 1)

    deeper(0)


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(3)


def end_by(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)


def write(path: str, count: int) -> int:
    return Path(path).write_bytes(bytes(count))


def leave_rubbish(then: str) -> str:
    left = tempfile.mkdtemp()
    (Path(left) / "copy").write_bytes(b"secret")
    if then == "crash":
        crash()
    if then == "wait":
        bounded.tell(left, 0)
        time.sleep(60)
    return left


def steps() -> str:
    for percent in (0, 50, 100):
        bounded.tell(f"Step {percent}", percent)
    return "done"


def announce_and_wait() -> None:
    bounded.tell(str(os.getpid()), 1)
    time.sleep(60)


class Hook:
    """Comes back from a process that a hostile file took over."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self._mark,)


def dishonest(mark: str) -> Hook:
    return Hook(mark)


def surroundings() -> dict[str, object]:
    return {
        "environment": sorted(os.environ),
        "django": "django.conf" in sys.modules and sys.modules["django.conf"].settings.configured,
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),  # noqa: PTH208
        "nice": os.nice(0),
    }


def ignore_alarms() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(60)


def answer(*messages: tuple[bytes, bytes]) -> None:
    """Say what no honest function says, as one that a hostile file took over could."""
    assert job._listener is not None
    for kind, content in messages:
        wire.send(job._listener, kind, content)
    os._exit(0)


def talk_on(pieces: bool) -> None:
    """Send results, or news, without an end; whoever listens must end it."""
    assert job._listener is not None
    signal.setitimer(signal.ITIMER_REAL, 0)
    while True:
        wire.send(job._listener, *((wire.PIECE, bytes(60_000)) if pieces else (wire.TOLD, b'["", 0]')))
