"""How much memory processes take while something is done, each page counted once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

_EVERY_SECONDS = 0.1
MIB = 1024 * 1024


@dataclass(slots=True)
class Peaks:
    """The most that each named group of processes held at once, in MiB."""

    mib: dict[str, float] = field(default_factory=dict)

    def see(self, name: str, mib: float) -> None:
        self.mib[name] = max(mib, self.mib.get(name, 0.0))


@contextmanager
def watched(groups: Mapping[str, Callable[[], Sequence[psutil.Process]]]) -> Iterator[Peaks]:
    """Watch groups of processes, as each stands at every moment, for the length of the block.

    It is their PSS: what they share is divided among those who share it.
    """
    peaks, over = Peaks(), threading.Event()

    def look() -> None:
        for name, processes in groups.items():
            peaks.see(name, sum(map(_held, processes())) / MIB)

    def run() -> None:
        while not over.wait(_EVERY_SECONDS):
            look()

    look()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def _held(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return int(process.memory_full_info().pss)
    return 0
