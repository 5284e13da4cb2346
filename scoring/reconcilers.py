"""Scoring's reconciler.  It runs outside the wall: scorers never see a result."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import Counts, reconciler

from . import outcomes


@reconciler("scoring.close_packets", every=60)
def close_packets(now: datetime) -> Counts:
    """Readings complete: a result and a closed packet, or a packet for an adjudicator."""
    return outcomes.close_packets(now)
