"""The sweep that gives packets to scorers."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import Counts, reconciler

from . import services


@reconciler("matching.assign", every=60)
def assign(now: datetime) -> Counts:
    return services.assign_waiting(now)
