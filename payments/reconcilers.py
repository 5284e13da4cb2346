"""Finds out what became of payments and disputes, rung for or not."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial

from certification.kernel.reconcile import Counts, reconciler

from .documents import issue_missing
from .models import Dispute, PaymentAttempt
from .patience import Patience
from .services import check_attempt, check_dispute, remind_overdue
from .services import handle_events as answer_messages
from .states import UNCERTAIN_ATTEMPTS, DisputeState


@reconciler("payments.handle_events", every=60)
def handle_events(now: datetime) -> Counts:
    """Answer the messages that providers sent.  Counts them, by what they are about."""
    return answer_messages(now=now)


@reconciler("payments.check_uncertain", every=60)
def check_uncertain(now: datetime) -> Counts:
    """Ask the providers about every undecided attempt.  Counts the attempts that moved, by new state.

    They are asked in no order, so that those nobody can answer for do not stand before the others.
    """
    patience = Patience()
    moved: Counter[str] = Counter()
    undecided = PaymentAttempt.objects.filter(state__in=UNCERTAIN_ATTEMPTS).order_by("?")
    for attempt in list(undecided):
        if not patience.lasts(attempt.gateway):
            continue
        check = partial(check_attempt, attempt_id=attempt.pk, now=now)
        if patience.ask(attempt.gateway, f"attempt {attempt.pk}", check) is None:
            continue
        told = PaymentAttempt.objects.values_list("state", flat=True).get(pk=attempt.pk)
        if told != attempt.state:
            moved[told] += 1
    return dict(moved)


@reconciler("payments.check_disputes", every=3600)
def check_disputes(now: datetime) -> Counts:
    """Ask about every open dispute, should the news of its end have been lost.  Counts those that ended."""
    patience = Patience()
    ended: Counter[str] = Counter()
    for dispute in list(Dispute.objects.filter(state=DisputeState.OPEN).order_by("?")):
        if not patience.lasts(dispute.gateway):
            continue
        check = partial(check_dispute, gateway=dispute.gateway, reference=dispute.provider_ref, now=now)
        if patience.ask(dispute.gateway, f"dispute {dispute.pk}", check) is None:
            continue
        dispute.refresh_from_db()
        if dispute.state != DisputeState.OPEN:
            ended[dispute.state] += 1
    return dict(ended)


@reconciler("payments.issue_missing_documents", every=600)
def issue_missing_documents(now: datetime) -> Counts:
    """Issue the receipts, invoices and credit notes that should exist and do not.  Counts them by kind."""
    return issue_missing(now)


@reconciler("payments.remind_overdue", every=3600)
def remind_of_overdue(now: datetime) -> Counts:
    """Remind of invoices whose day has passed.  Counts the purchase orders reminded of."""
    return {"reminded": remind_overdue(now=now)}
