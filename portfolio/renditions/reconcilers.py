"""The sweeps that prepare evidence for those who will look at it.

Two of them prepare.  One does whatever there is, waits in the slow queue, and may be run by several workers.
The other does only what takes seconds, beside the quick jobs, so that no document waits behind a video.
"""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import SLOW, Counts, reconciler

from . import services
from .moves import LONG, SHORT

# Leaves the last video begun most of the slow queue's time limit of six hours.
_LONG_SECONDS = 30 * 60
# Leaves the last document begun most of the time limit of half an hour.
_SHORT_SECONDS = 2 * 60


@reconciler(LONG, every=60, queue=SLOW, shared=True)
def prepare(now: datetime) -> Counts:
    return services.prepare_due(now, services.waiting(), bell=LONG, max_seconds=_LONG_SECONDS)


@reconciler(SHORT, every=30)
def prepare_shortly(now: datetime) -> Counts:
    return services.prepare_due(now, services.waiting_shortly(), bell=SHORT, max_seconds=_SHORT_SECONDS)


@reconciler("renditions.keep_up", every=300)
def keep_up(now: datetime) -> Counts:
    return services.keep_up(now)
