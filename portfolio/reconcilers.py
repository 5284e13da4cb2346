"""The sweeps of this app; those of its parts are registered by importing them."""

from __future__ import annotations

from datetime import datetime

from certification.kernel.reconcile import Counts, reconciler

from . import announcing, sealing
from .blinding import reconcilers as blinding_reconcilers
from .consent import keeping
from .matching import reconcilers as matching_reconcilers
from .renditions import reconcilers as renditions_reconcilers
from .results import reconcilers as results_reconcilers
from .services import taking_in
from .uploads import storing

__all__ = ["blinding_reconcilers", "matching_reconcilers", "renditions_reconcilers", "results_reconcilers"]


@reconciler("submission.seal", every=60)
def seal(now: datetime) -> Counts:
    return sealing.seal_due(now)


@reconciler("submission.announce", every=300)
def announce(now: datetime) -> Counts:
    return announcing.announce_due(now)


@reconciler("uploads.sweep", every=3600)
def sweep_uploads(now: datetime) -> Counts:
    return storing.sweep(now) | taking_in.sweep(now)


@reconciler("consent.sweep", every=3600)
def sweep_release_forms(now: datetime) -> Counts:
    return keeping.sweep(now)


@reconciler("uploads.take_in", every=30, shared=True)
def take_in_uploads(now: datetime) -> Counts:
    return taking_in.take_in_due(now)
