"""The sweeps that take sealed entries to their cleaned copies."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import SLOW, Counts, reconciler

from . import services

# Leaves the last entry begun most of the slow queue's time limit of six hours: its videos may have to be
# converted, if nobody got to that before the close.
_MAX_SECONDS = 30 * 60


@reconciler("blinding.prepare", every=60)
def prepare(now: datetime) -> Counts:
    return {"made": services.prepare()}


@reconciler("blinding.clean", every=60, queue=SLOW)
def clean(now: datetime) -> Counts:
    return services.clean_waiting(now, max_seconds=_MAX_SECONDS)
