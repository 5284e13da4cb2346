"""A season whose jobs are done by a worker that is killed again and again, with its broker emptied.

Every claim about dead workers is put to the test here: the clock and the rows are the only ledger, so
the season may come late, and must come out the same.  Source: architecture, "Jobs are reconcilers".
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from certification.kernel import clock, reconcile

from . import play
from .throwaway import database_url
from .worker import Broker, Worker, sweeping

# Other processes re-read the travelled clock once a second.
_CLOCK_IS_STALE_FOR_SECONDS = 1.05
_LAST_INSTANT = 999_999
_LAG = timedelta(minutes=30)
_PATIENCE_SECONDS = 180
_PAUSES_SECONDS = (0.0, 0.02, 0.2, 1.0)
_TRIES = 50
_QUIET_POLLS = 8
_POLL_SECONDS = 0.02


class WorkerSilent(Exception):
    """The worker died by itself, or does not answer its bells; the message ends with its log."""


@dataclass(slots=True)
class Outages:
    """A `settle` for `play`: hands every rest of the season to the worker, and kills it as planned.

    `struck` says, for each kill, which reconcilers it hit in the middle; `finished_here` what was left
    for this process to finish.
    """

    worker: Worker
    broker: Broker
    kills: list[int]
    dice: random.Random
    struck: list[list[str]] = field(default_factory=list)
    finished_here: Counter[str] = field(default_factory=Counter)

    def __call__(self, now: datetime) -> None:
        self._travel(now)
        for _ in range(self.kills.pop(0)):
            self._ring_all()
            self._kill()
        self._finish(now)

    def _travel(self, now: datetime) -> None:
        """Show the worker the season's time, but never a boundary's last instant: its clock ticks on."""
        clock.travel_to(now - _LAG if now.microsecond == _LAST_INSTANT else now)
        if self.worker.is_alive():
            time.sleep(_CLOCK_IS_STALE_FOR_SECONDS)
        else:
            self.worker.start()

    def _ring_all(self) -> None:
        self.broker.ring([job.name for job in reconcile.all_reconcilers()])

    def _kill(self) -> None:
        """Kill the worker in the middle of what it does, empty its broker, start another."""
        self.struck.append(self._catch_in_the_middle())
        self.worker.kill()
        self.broker.empty()
        self.worker.start()

    def _finish(self, now: datetime) -> None:
        """Ring until the worker changes nothing more; what it could not know of yet is done here."""
        self._let_it_work()
        while left_over(left := reconcile.run_all(now)):
            self.finished_here.update(
                {f"{name}: {what}": n for name, counts in left.items() for what, n in counts.items() if n}
            )
            self._wait_until(self._is_quiet)

    def _catch_in_the_middle(self) -> list[str]:
        """Freeze the worker some moment into a sweep.  Returns the reconcilers it is in the middle of."""
        pause = self.dice.choice(_PAUSES_SECONDS)
        for _ in range(_TRIES):
            self._wait_until(self._is_at_it)
            time.sleep(pause)
            self.worker.freeze()
            if caught := sweeping():
                return caught
            self.worker.thaw()
            pause = 0.0  # it was quicker; take the next sweep at its beginning
        return []

    def _let_it_work(self) -> None:
        before = None
        while before != (before := self.worker.done()):
            self._ring_all()
            self._wait_until(self._is_quiet)

    def _is_at_it(self) -> bool:
        if not sweeping() and not self.broker.waiting():
            self._ring_all()  # it was quicker than we looked
        return bool(sweeping())

    def _is_quiet(self) -> bool:
        """Nothing rings and nobody sweeps, and not only between two sweeps."""
        for _ in range(_QUIET_POLLS):
            if self.broker.waiting() or sweeping():
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _wait_until(self, holds: Any) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            if not self.worker.is_alive() or time.monotonic() > until:
                log = self.worker.log.read_text(errors="replace")[-2000:]
                raise WorkerSilent(f"The worker does not answer its bells. Its log ends:\n{log}")
            time.sleep(_POLL_SECONDS)


def left_over(counts: dict[str, dict[str, int]]) -> bool:
    """Whether a round of reconcilers changed anything."""
    return any(count for changed in counts.values() for count in changed.values())


@contextmanager
def outages(options: play.Options, folder: Path, *, kills: int) -> Iterator[Outages]:
    """A `settle` that kills the worker `kills` times, spread over the season by its seed.

    The current database must be one that other processes can reach, with a clock that travels, and the
    stores must lie in `folder`: see `throwaway`.
    """
    dice = random.Random(f"kills of season {options.seed}")
    worker = Worker(folder, database_url())
    try:
        yield Outages(worker, Broker(folder), _spread(dice, kills, play.rests(options)), dice)
    finally:
        worker.kill()


def _spread(dice: random.Random, kills: int, rests: int) -> list[int]:
    """How often to kill at each rest: every rest once before any rest twice."""
    each, more = divmod(kills, rests)
    chosen = set(dice.sample(range(rests), more))
    return [each + (place in chosen) for place in range(rests)]


def determined(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The part of a record that no outage may change: all but who scored, and so the decimals."""
    return [
        {
            "alias": candidate["alias"],
            "registered": candidate["registered"],
            "refused": candidate["refused"],
            "certified": candidate["certificate"] is not None,
            "years": [
                {
                    "year": year["year"],
                    "open": year["open"],
                    "submitted": year["submitted"],
                    "readings": sorted(
                        (reading["entry"], reading["role"], reading["condition"] or "")
                        for reading in year["readings"]
                    ),
                    "scored": sorted(year["scores"]),
                    "banked": sorted(year["banked"]),
                    "has overall": year["overall"] is not None,
                    "outcome": year["outcome"],
                    "open_next_year": year["open_next_year"],
                }
                for year in candidate["years"]
            ],
        }
        for candidate in record["candidates"]
    ]
