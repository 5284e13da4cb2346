"""The sweep that prepares evidence for those who will look at it."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import SLOW, Counts, reconciler


@reconciler("renditions.prepare", every=60, queue=SLOW)
def prepare(now: datetime) -> Counts:
    return {}
