"""The kernel's own reconcilers."""

from datetime import datetime

from . import outbox, temporary
from .reconcile import Counts, reconciler


@reconciler("outbox.deliver", every=15)
def deliver_outbox(now: datetime) -> Counts:
    return outbox.deliver(now)


@reconciler("temporary.sweep", every=3600)
def sweep_temporary(now: datetime) -> Counts:
    return {"removed": temporary.sweep()}
