"""Reconcilers: jobs that derive what should be true from the clock and the rows, and converge.

A reconciler takes no business arguments and carries no date.  It may run twice, late, or after a
week's outage, with the same result; the broker only rings the bell earlier.  `run` takes an advisory
lock so that two workers never do the same sweep side by side, and logs what changed.  A sweep that is
`shared` locks each thing it works on itself instead, so that several workers may have a hand in it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from kombu.exceptions import OperationalError

from . import clock, locks

logger = logging.getLogger(__name__)

# The queues of the broker; each has its worker.
QUICK, SLOW = "celery", "slow"

Counts = dict[str, int]
Sweep = Callable[[datetime], Counts]


@dataclass(frozen=True, slots=True)
class Reconciler:
    """A registered sweep: its name, its function, how often beat wakes it (seconds), and its queue.

    What may take many minutes waits in a queue of its own, so that nothing else waits behind it.
    `shared`: several workers may run it side by side, because it locks what it works on.
    """

    name: str
    sweep: Sweep
    every_seconds: int
    queue: str = QUICK
    shared: bool = False


_registry: dict[str, Reconciler] = {}


def reconciler(
    name: str, *, every: int = 60, queue: str = QUICK, shared: bool = False
) -> Callable[[Sweep], Sweep]:
    """Register a sweep under `name`, woken every `every` seconds through `queue`; see `Reconciler`."""

    def register(sweep: Sweep) -> Sweep:
        if name in _registry and _registry[name].sweep is not sweep:
            raise ValueError(f"Two reconcilers are called {name!r}.")
        _registry[name] = Reconciler(name, sweep, every, queue, shared)
        return sweep

    return register


def all_reconcilers() -> tuple[Reconciler, ...]:
    """Every registered reconciler, in order of registration."""
    return tuple(_registry.values())


def run(name: str, now: datetime | None = None) -> Counts | None:
    """Run one reconciler.  Returns what it changed, or None when another worker is at it."""
    job = _registry[name]
    with _alone(job) as held:
        if not held:
            logger.info("reconcile %s: another worker holds it", name)
            return None
        counts = job.sweep(now or clock.now())
    if any(counts.values()):
        logger.info("reconcile %s: %s", name, counts)
    return counts


def _alone(job: Reconciler) -> AbstractContextManager[bool]:
    held = True
    return nullcontext(held) if job.shared else locks.try_advisory(f"reconcile:{job.name}")


def ring(name: str) -> None:
    """Ask a worker to run a reconciler soon after this transaction commits.

    Only a doorbell: with no broker or no worker the sweep still happens when beat next wakes it.
    While this process holds its clock nothing is rung: a worker would answer at another time.
    """
    if clock.is_fixed():
        return
    transaction.on_commit(lambda: _ring_now(name), robust=True)


def _ring_now(name: str) -> None:
    from celery import current_app

    try:
        current_app.send_task(
            f"reconcile.{name}", queue=_registry[name].queue, ignore_result=True, retry=False
        )
    except (OSError, OperationalError):
        logger.warning("reconcile %s: the broker did not answer; beat will wake it", name)


def run_all(now: datetime | None = None, *, rounds: int = 10) -> dict[str, Counts]:
    """Run every reconciler until a whole round changes nothing.  Returns the summed counts.

    Raises:
        RuntimeError: they still change things after `rounds` rounds, which means that two of them quarrel.
    """
    total: dict[str, Counts] = {}
    for _ in range(rounds):
        changed = False
        for job in all_reconcilers():
            counts = run(job.name, now) or {}
            for key, count in counts.items():
                total.setdefault(job.name, {})[key] = total.get(job.name, {}).get(key, 0) + count
                changed = changed or count > 0
        if not changed:
            return total
    raise RuntimeError(f"The reconcilers do not settle after {rounds} rounds: {total}")
