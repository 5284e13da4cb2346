"""One try to pay: start it, and ask the provider what became of it.

A redirect, a webhook and the reconciler all end in `check_attempt`: it believes none of them and
asks the provider itself.  No provider is spoken to inside a transaction.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from certification.kernel.errors import BadInput, NotAllowed, Refusal
from payments import gateways, locks, notices
from payments.gateways import (
    Gateway,
    GatewayUnavailableError,
    PaymentRequest,
    PaymentStatus,
    ProviderPayment,
)
from payments.models import LedgerRow, Order, PaymentAttempt, Seat
from payments.rules import Arrival, judge
from payments.states import (
    ATTEMPT_ALLOWED,
    PAYABLE_ORDERS,
    UNCERTAIN_ATTEMPTS,
    AttemptState,
    LedgerKind,
    OrderState,
)

from . import orders

logger = logging.getLogger(__name__)

# How long a provider's page may stay open: until the last instant to pay, within what providers offer.
_SHORTEST_PAGE = timedelta(minutes=30)
_LONGEST_PAGE = timedelta(hours=23)

# An attempt whose provider never gave us a page was shown to nobody, so nobody can pay it.
_NEVER_SHOWN_AFTER = timedelta(minutes=5)

# An approved payment is at our word: it is nobody's money yet, so the attempt stays as it is.
_STATE_OF = {
    PaymentStatus.WAITING: AttemptState.STARTED,
    PaymentStatus.APPROVED: AttemptState.STARTED,
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


def start_payment(*, order_id: UUID, by: User, gateway: str, now: datetime) -> StartedPayment:
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
        attempt = _resumable(order, gateway, now) or _new_attempt(order, gateway, now)
    if not attempt.page_url:
        attempt = _open_page(order, attempt, provider, now)
    return StartedPayment(attempt.pk, attempt.page_url)


def check_attempt(*, attempt_id: UUID, now: datetime) -> OrderState:
    """Ask the provider about an attempt and bring our rows to what it says.  Any number of times.

    What the payer approved is collected while the order waits for money; a page that is not wanted any
    more is closed.  The provider is asked before the order is locked, so a slow one holds nobody up; an
    answer that has grown old meanwhile can only be a move the table refuses, and is dropped.

    Raises:
        PaymentAttempt.DoesNotExist: there is no such attempt.
        GatewayUnavailableError: the provider did not answer; nothing was changed.
    """
    attempt = PaymentAttempt.objects.select_related("order").get(pk=attempt_id)
    if attempt.state == AttemptState.SUCCEEDED:
        return OrderState(attempt.order.state)
    truth = _ask(attempt, now)
    return _converge(attempt.order_id, attempt_id, truth, now)


def check_order(*, order_id: UUID, now: datetime) -> None:
    """Ask about every undecided attempt of an order; a silent provider leaves its attempt undecided."""
    undecided = PaymentAttempt.objects.filter(order_id=order_id, state__in=UNCERTAIN_ATTEMPTS)
    for attempt_id in list(undecided.values_list("pk", flat=True)):
        with suppress(GatewayUnavailableError):
            check_attempt(attempt_id=attempt_id, now=now)


def _resumable(order: Order, gateway: str, now: datetime) -> PaymentAttempt | None:
    """The try whose page is still open, or whose provider may still give us one."""
    if order.state not in PAYABLE_ORDERS:
        return None
    open_still = order.attempts.filter(gateway=gateway, state=AttemptState.STARTED, expires_at__gt=now)
    return open_still.order_by("-number").first()


def _new_attempt(order: Order, gateway: str, now: datetime) -> PaymentAttempt:
    orders.require_payable(order, now)
    if Seat.objects.filter(order=order).exists():
        raise NotAllowed(
            "A sponsor’s seat is reserved for you, and it will pay this. "
            "Give it back first if you want to pay yourself."
        )
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


def _open_page(order: Order, attempt: PaymentAttempt, provider: Gateway, now: datetime) -> PaymentAttempt:
    back = f"{settings.SITE_URL}{reverse('payments:return', args=[order.pk])}"
    request = PaymentRequest(
        idempotency_key=attempt.idempotency_key,
        order_id=str(order.pk),
        amount_minor=order.amount_minor,
        currency=order.currency,
        description=order.description,
        return_url=back,
        cancel_url=f"{back}?left=1",
        expires_at=attempt.expires_at,
    )
    try:
        page = provider.start(request, now=now)
    except GatewayUnavailableError as silence:
        raise Refusal(
            f"We could not reach {provider.provider}. Nothing was charged. Please try again in a few minutes."
        ) from silence
    # Only the page we will ask about is shown, should a provider ever give two for one key.
    ours = PaymentAttempt.objects.filter(pk=attempt.pk, provider_ref__in=("", page.reference))
    if not ours.update(provider_ref=page.reference, page_url=page.url):
        logger.error("payments: attempt %s was given a second page, which is shown to nobody", attempt.pk)
        raise Refusal(
            f"The payment page at {provider.provider} cannot be opened again. Nothing was charged. "
            "Choose another way to pay, or write to the programme office."
        )
    attempt.refresh_from_db()
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
    truth = provider.fetch(attempt.provider_ref, now=now)
    if truth.status not in (PaymentStatus.WAITING, PaymentStatus.APPROVED):
        return truth
    match _next_step(attempt.order_id, attempt.pk, truth.status, now):
        case _Step.COLLECT:
            return _collect(provider, attempt, now)
        case _Step.CLOSE:
            return provider.close(attempt.provider_ref, now=now)
        case _Step.LEAVE:
            return truth


def _collect(provider: Gateway, attempt: PaymentAttempt, now: datetime) -> ProviderPayment:
    truth = provider.collect(attempt.provider_ref, idempotency_key=attempt.idempotency_key, now=now)
    if truth.status is PaymentStatus.WAITING:
        # The approval did not hold.  Rather than wait for another one, the payer may begin anew.
        return provider.close(attempt.provider_ref, now=now)
    return truth


class _Step(Enum):
    """What we do about a page on which nothing was collected yet."""

    LEAVE = auto()
    COLLECT = auto()
    CLOSE = auto()


@transaction.atomic
def _next_step(order_id: UUID, attempt_id: UUID, status: PaymentStatus, now: datetime) -> _Step:
    """Whether to take approved money, to close the page, or neither.

    Decided under the order's lock, and an attempt about to be collected is pending from here on: of
    two payments approved at once only one is taken by our hand, and the other waits for its fate.
    """
    order = locks.order(order_id)
    attempt = locks.attempt(attempt_id)
    if attempt.state not in UNCERTAIN_ATTEMPTS:
        return _Step.LEAVE
    if order.state not in PAYABLE_ORDERS:
        return _Step.CLOSE
    if status is PaymentStatus.WAITING:
        return _Step.CLOSE if now >= attempt.expires_at else _Step.LEAVE
    if order.attempts.filter(state=AttemptState.PENDING).exclude(pk=attempt_id).exists():
        return _Step.LEAVE
    if attempt.state == AttemptState.STARTED:
        attempt.state = AttemptState.PENDING
        attempt.save(update_fields=["state"])
    return _Step.COLLECT


@transaction.atomic
def _converge(order_id: UUID, attempt_id: UUID, truth: ProviderPayment, now: datetime) -> OrderState:
    order = locks.order(order_id)
    attempt = locks.attempt(attempt_id)
    told = _STATE_OF[truth.status]
    if told in ATTEMPT_ALLOWED[attempt.state]:
        was_waited_for = attempt.state == AttemptState.PENDING
        attempt.state = told
        attempt.problem = truth.problem[:200]
        attempt.settled_at = None if told in UNCERTAIN_ATTEMPTS else now
        attempt.save(update_fields=["state", "problem", "settled_at"])
        if told is AttemptState.SUCCEEDED:
            _enter(order, attempt, truth, now)
        orders.show_whether_checking(order)
        if was_waited_for and told is not AttemptState.SUCCEEDED and order.state in PAYABLE_ORDERS:
            notices.payment_undone(order, attempt)
    return OrderState(order.state)


def _enter(order: Order, attempt: PaymentAttempt, truth: ProviderPayment, now: datetime) -> None:
    """Write the one ledger row of a successful attempt, and settle the order if it is the fee.

    The order's lock is held: whatever else came in for it is committed and seen here.
    """
    judgement = judge(
        Arrival(
            received_minor=truth.amount_minor,
            received_currency=truth.currency,
            owed_minor=order.amount_minor,
            owed_currency=order.currency,
            order=OrderState(order.state),
            fee_came=order.ledger.filter(kind=LedgerKind.FEE).exists(),
        )
    )
    row = LedgerRow.objects.create(
        order=order,
        kind=judgement.kind,
        gateway=attempt.gateway,
        provider_ref=attempt.provider_ref,
        transaction_ref=truth.transaction,
        amount_minor=truth.amount_minor,
        currency=truth.currency,
        received_at=truth.decided_at or now,
        note=" ".join(judgement.reasons),
    )
    if judgement.kind is LedgerKind.FEE:
        orders.cover(order, OrderState.SETTLED, now)
    else:
        notices.money_to_return(row)
        logger.warning("payments: order %s received money to return", order.pk)
