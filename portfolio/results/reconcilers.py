"""The release's sweep."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import Counts, reconciler

from . import services


@reconciler("results.release", every=30)
def release(now: datetime) -> Counts:
    return services.release_due(now)
