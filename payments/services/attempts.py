"""One try to pay: start it, and ask the provider what became of it.

A redirect, a webhook and the reconciler all end in `check_attempt`: it believes none of them and
asks the provider itself.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.models import User
from certification.kernel.errors import BadInput, NotAllowed, Refusal
from payments import gateways, locks, money
from payments.gateways import GatewayUnavailableError, PaymentRequest, PaymentStatus, ProviderPayment
from payments.models import LedgerRow, Order, PaymentAttempt
from payments.states import (
    ATTEMPT_ALLOWED,
    UNCERTAIN_ATTEMPTS,
    AttemptState,
    LedgerKind,
    OrderState,
)

from . import orders

logger = logging.getLogger(__name__)

# An attempt whose provider never gave us a page was shown to nobody, so nobody can pay it.
_NEVER_SHOWN_AFTER = timedelta(hours=1)

# How long a provider's page may stay open: until the last instant to pay, within what providers offer.
_SHORTEST_PAGE = timedelta(minutes=30)
_LONGEST_PAGE = timedelta(hours=23)

_STATE_OF = {
    PaymentStatus.WAITING: AttemptState.STARTED,
    PaymentStatus.APPROVED: AttemptState.PENDING,
    PaymentStatus.PENDING: AttemptState.PENDING,
    PaymentStatus.SUCCEEDED: AttemptState.SUCCEEDED,
    PaymentStatus.FAILED: AttemptState.FAILED,
    PaymentStatus.EXPIRED: AttemptState.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class StartedPayment:
    """An attempt and the provider's page it goes on at."""

    attempt_id: UUID
    redirect_url: str


def start_payment(
    *, order_id: UUID, by: User, gateway: str, return_url: str, now: datetime
) -> StartedPayment:
    """Open the provider's page for an order.  Pressed twice, it is the same page.

    The attempt is committed before the provider hears of it, so that no page can exist that the
    reconciler would not ask about.

    Raises:
        Order.DoesNotExist: there is no such order of this person.
        NotAllowed: it is covered, has lapsed, or an earlier payment is still undecided.
        WindowClosed: it is too late to begin a payment (one begun in time may go on).
        BadInput: the site does not take payments this way.
        Refusal: the provider does not answer.
    """
    provider = next((one for one in gateways.enabled() if one.name == gateway), None)
    if provider is None:
        raise BadInput("This way of paying is not offered here. Choose another one.")
    Order.objects.get(pk=order_id, payer=by)
    check_order(order_id=order_id, now=now)
    with transaction.atomic():
        order = locks.order(order_id, payer=by)
        attempt = _resumable(order, gateway) or _new_attempt(order, gateway, now)
    request = PaymentRequest(
        idempotency_key=attempt.idempotency_key,
        order_id=str(order.pk),
        amount_minor=order.amount_minor,
        currency=order.currency,
        description=order.description,
        return_url=return_url,
        cancel_url=return_url,
        expires_at=attempt.expires_at,
    )
    try:
        page = provider.start(request, now=now)
    except GatewayUnavailableError as silence:
        raise Refusal(
            f"We could not reach {provider.provider}. Nothing was charged. Please try again in a few minutes."
        ) from silence
    PaymentAttempt.objects.filter(pk=attempt.pk, provider_ref="").update(provider_ref=page.reference)
    return StartedPayment(attempt.pk, page.url)


def check_attempt(*, attempt_id: UUID, now: datetime) -> OrderState:
    """Ask the provider about an attempt and bring our rows to what it says.  Any number of times.

    The provider is asked before the order is locked, so a slow one holds nobody up; an answer that
    has grown old meanwhile can only be a move the table refuses, and is dropped.

    Raises:
        PaymentAttempt.DoesNotExist: there is no such attempt.
        GatewayUnavailableError: the provider did not answer; nothing was changed.
    """
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    truth = _ask(attempt, now)
    return _converge(attempt.order_id, attempt_id, truth, now)


def check_order(*, order_id: UUID, now: datetime) -> None:
    """Ask about every undecided attempt of an order; a silent provider leaves its attempt undecided."""
    undecided = PaymentAttempt.objects.filter(order_id=order_id, state__in=UNCERTAIN_ATTEMPTS)
    for attempt_id in list(undecided.values_list("pk", flat=True)):
        with suppress(GatewayUnavailableError):
            check_attempt(attempt_id=attempt_id, now=now)


def _resumable(order: Order, gateway: str) -> PaymentAttempt | None:
    if order.state not in (OrderState.OPEN, OrderState.CHECKING):
        return None
    return order.attempts.filter(gateway=gateway, state=AttemptState.STARTED).order_by("-number").first()


def _new_attempt(order: Order, gateway: str, now: datetime) -> PaymentAttempt:
    orders.require_payable(order, now)
    if order.attempts.filter(state=AttemptState.PENDING).exists():
        raise NotAllowed(
            "An earlier payment of yours is still being decided. "
            "Please wait for it, so that you do not pay twice."
        )
    attempt = PaymentAttempt.objects.create(
        order=order,
        number=order.attempts.count() + 1,
        gateway=gateway,
        started_at=now,
        expires_at=max(min(order.payable_until, now + _LONGEST_PAGE), now + _SHORTEST_PAGE),
    )
    orders.show_whether_checking(order)
    return attempt


def _ask(attempt: PaymentAttempt, now: datetime) -> ProviderPayment:
    if not attempt.provider_ref:
        given_up = now >= attempt.started_at + _NEVER_SHOWN_AFTER
        return ProviderPayment(
            PaymentStatus.EXPIRED if given_up else PaymentStatus.WAITING,
            amount_minor=0,
            currency="",
            problem="The provider did not answer, and nothing was charged." if given_up else "",
        )
    provider = gateways.named(attempt.gateway)
    if provider is None:
        raise GatewayUnavailableError(f"This site knows no payment provider {attempt.gateway!r} any more.")
    return provider.fetch(attempt.provider_ref, now=now)


@transaction.atomic
def _converge(order_id: UUID, attempt_id: UUID, truth: ProviderPayment, now: datetime) -> OrderState:
    order = locks.order(order_id)
    attempt = locks.attempt(attempt_id)
    told = _STATE_OF[truth.status]
    if told in ATTEMPT_ALLOWED[attempt.state]:
        attempt.state = told
        attempt.problem = truth.problem[:200]
        attempt.settled_at = None if told in UNCERTAIN_ATTEMPTS else now
        attempt.save(update_fields=["state", "problem", "settled_at"])
        if told is AttemptState.SUCCEEDED:
            _enter(order, attempt, truth, now)
        orders.show_whether_checking(order)
    return OrderState(order.state)


def _enter(order: Order, attempt: PaymentAttempt, truth: ProviderPayment, now: datetime) -> None:
    """Write the one ledger row of a successful attempt, and settle the order if it is the fee."""
    kind, note = _judge(order, truth)
    LedgerRow.objects.create(
        order=order,
        kind=kind,
        gateway=attempt.gateway,
        provider_ref=attempt.provider_ref,
        amount_minor=truth.amount_minor,
        currency=truth.currency,
        received_at=truth.decided_at or now,
        note=note,
    )
    if kind is LedgerKind.FEE:
        orders.cover(order, OrderState.SETTLED, now)
    else:
        logger.warning("payments: order %s received money to return", order.pk)


def _judge(order: Order, truth: ProviderPayment) -> tuple[LedgerKind, str]:
    """Whether received money is the fee, or is to be returned, and why.  Source: section 4."""
    if (truth.amount_minor, truth.currency) != (order.amount_minor, order.currency):
        received = money.spoken(truth.amount_minor, truth.currency)
        owed = money.spoken(order.amount_minor, order.currency)
        return LedgerKind.TO_RETURN, f"{received} came in where {owed} was owed."
    if order.state == OrderState.LAPSED:
        return LedgerKind.TO_RETURN, "Received after the order had lapsed."
    if order.ledger.filter(kind=LedgerKind.FEE).exists():
        return LedgerKind.TO_RETURN, "Received although the fee had been paid, in whole or in part, already."
    return LedgerKind.FEE, ""
