"""The kernel's own reconciler."""

from datetime import datetime

from . import outbox
from .reconcile import Counts, reconciler


@reconciler("outbox.deliver", every=15)
def deliver_outbox(now: datetime) -> Counts:
    return outbox.deliver(now)
