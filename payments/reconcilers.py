"""Finds out what became of payments whose redirect or webhook got lost."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime

from certification.kernel.reconcile import Counts, reconciler

from . import services
from .gateways import GatewayUnavailableError
from .models import PaymentAttempt
from .states import UNCERTAIN_ATTEMPTS

logger = logging.getLogger(__name__)


@reconciler("payments.check_uncertain", every=60)
def check_uncertain(now: datetime) -> Counts:
    """Ask every provider about every undecided attempt.  Counts the attempts that moved, by new state."""
    undecided = PaymentAttempt.objects.filter(state__in=UNCERTAIN_ATTEMPTS).order_by("started_at")
    moved: Counter[str] = Counter()
    for attempt_id, state in list(undecided.values_list("pk", "state")):
        try:
            services.check_attempt(attempt_id=attempt_id, now=now)
        except GatewayUnavailableError as silence:
            logger.warning("payments: attempt %s stays undecided: %s", attempt_id, silence)
            continue
        told = PaymentAttempt.objects.values_list("state", flat=True).get(pk=attempt_id)
        if told != state:
            moved[told] += 1
    return dict(moved)
