"""The certificates' sweep."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import Counts, reconciler

from . import services


@reconciler("certificates.issue", every=60)
def issue(now: datetime) -> Counts:
    return services.issue_due(now)
