"""Disputes: a payer's bank, or the provider, asks for a payment back.

Whether it is won or lost is decided elsewhere, so it is asked like everything else.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import gateways, locks, money
from payments.gateways import GatewayUnavailableError, ProviderDispute
from payments.models import Dispute, LedgerRow, PaymentAttempt
from payments.states import DISPUTE_ALLOWED, INCOMING, DisputeState, LedgerKind

from .attempts import check_attempt

logger = logging.getLogger(__name__)


def check_dispute(*, gateway: str, reference: str, now: datetime) -> str:
    """Ask the provider about a dispute and bring our rows to what it says.  Any number of times.

    Money that a lost dispute took leaves the ledger with a row of its own; the order and whom it
    enrolled stay as they are, for staff to decide about.  Returns what was found out, as staff read it.

    Raises:
        GatewayUnavailableError: the provider did not answer; nothing was changed.
    """
    provider = gateways.named(gateway)
    if provider is None:
        raise GatewayUnavailableError(f"This site knows no payment provider {gateway!r} any more.")
    told = provider.fetch_dispute(reference, now=now)
    attempts = PaymentAttempt.objects.filter(gateway=gateway, provider_ref=told.payment_reference)
    attempt = attempts.exclude(provider_ref="").first()
    if attempt is None:
        logger.warning("payments: dispute %s of %s is about no payment of ours", reference, gateway)
        return "A dispute about no payment of ours."
    # Its money is entered before it is taken back, should its own news have been lost.
    check_attempt(attempt_id=attempt.pk, now=now)
    return _converge(attempt.order_id, attempt, told, now)


@transaction.atomic
def _converge(order_id: UUID, attempt: PaymentAttempt, told: ProviderDispute, now: datetime) -> str:
    locks.order(order_id)
    dispute, _ = Dispute.objects.get_or_create(
        gateway=attempt.gateway,
        provider_ref=told.reference,
        defaults={
            "attempt": attempt,
            "amount_minor": told.amount_minor,
            "currency": told.currency,
            "reason": told.reason[:120],
            "opened_at": told.opened_at or now,
        },
    )
    if told.state in DISPUTE_ALLOWED[dispute.state]:
        dispute.state = told.state
        # The sum may have changed on the way; what counts is what was decided about.
        dispute.amount_minor, dispute.currency = told.amount_minor, told.currency
        dispute.closed_at = told.closed_at or now
        dispute.save(update_fields=["state", "amount_minor", "currency", "closed_at"])
        if dispute.state == DisputeState.LOST:
            return _take_back(dispute, at=dispute.closed_at)
    elif told.state != dispute.state:
        logger.warning(
            "payments: dispute %s is %s, and now said to be %s", dispute.pk, dispute.state, told.state
        )
    return f"A dispute over {_sum_of(dispute)}: {dispute.get_state_display().lower()}."


def _take_back(dispute: Dispute, *, at: datetime) -> str:
    attempt = dispute.attempt
    came_in = attempt.order.ledger.filter(
        gateway=attempt.gateway, provider_ref=attempt.provider_ref, kind__in=INCOMING
    )
    row = came_in.first()
    if row is None or not dispute.amount_minor:
        logger.error("payments: lost dispute %s took no money that the ledger holds", dispute.pk)
        return f"A dispute over {_sum_of(dispute)} was lost, but the ledger holds no such money."
    # What was there before: a bank's taking is entered even when nothing was, since the money is gone.
    left_minor = max(0, row.left_minor)
    LedgerRow.objects.create(
        order=attempt.order,
        kind=LedgerKind.CHARGED_BACK,
        gateway=dispute.gateway,
        provider_ref=dispute.provider_ref,
        about=row,
        amount_minor=-dispute.amount_minor,
        currency=dispute.currency,
        received_at=at,
        note=f"Taken back in a dispute. {dispute.reason}".strip(),
    )
    if dispute.currency == row.currency and dispute.amount_minor > left_minor:
        logger.error("payments: lost dispute %s took more money than was left", dispute.pk)
        left = money.spoken(left_minor, row.currency)
        return f"A dispute over {_sum_of(dispute)} was lost, and only {left} was left: ask for the rest."
    logger.warning("payments: order %s lost a dispute", attempt.order_id)
    return f"A dispute over {_sum_of(dispute)} was lost: the money was taken back."


def _sum_of(dispute: Dispute) -> str:
    return money.spoken(dispute.amount_minor, dispute.currency)
