"""The sweeps that take sealed entries to their cleaned copies."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import Counts, reconciler

from . import services

# Leaves the last entry begun twenty minutes of the worker's time limit of half an hour.
_MAX_SECONDS = 9 * 60


@reconciler("blinding.prepare", every=60)
def prepare(now: datetime) -> Counts:
    return {"made": services.prepare()}


@reconciler("blinding.clean", every=60)
def clean(now: datetime) -> Counts:
    return services.clean_waiting(now, max_seconds=_MAX_SECONDS)
