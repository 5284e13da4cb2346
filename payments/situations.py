"""Where a payment stands, as its payer is told: one situation at a time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from .models import Order, PaymentAttempt, PurchaseOrder
from .states import AttemptState, OrderState, PurchaseOrderState


class Situation(StrEnum):
    """What the payer is to know, and may do now."""

    PAY = "pay"
    UNFINISHED = "unfinished"  # the provider's page is open
    CHECKING = "checking"  # the provider has yet to decide
    REQUESTED = "requested"  # a purchase order is with staff
    ACCEPTED = "accepted"
    PAID = "paid"
    TOO_LATE = "too_late"  # nothing may be begun any more
    LAPSED = "lapsed"


_CLOSED = {
    OrderState.SETTLED: Situation.PAID,
    OrderState.ACCEPTED: Situation.ACCEPTED,
    OrderState.LAPSED: Situation.LAPSED,
}


def situation_of(
    order: Order, attempt: PaymentAttempt | None, request: PurchaseOrder | None, now: datetime
) -> Situation:
    """The situation of an order, by its most telling attempt and its latest purchase order."""
    if (final := _CLOSED.get(OrderState(order.state))) is not None:
        return final
    if attempt and attempt.state == AttemptState.PENDING:
        return Situation.CHECKING
    if attempt and attempt.state == AttemptState.STARTED:
        return Situation.UNFINISHED
    if request and request.state == PurchaseOrderState.REQUESTED:
        return Situation.REQUESTED
    return Situation.PAY if now < order.payable_until else Situation.TOO_LATE


def most_telling(attempts: list[PaymentAttempt]) -> PaymentAttempt | None:
    """An undecided attempt if there is one, a pending one before all, else the latest."""
    for state in (AttemptState.PENDING, AttemptState.STARTED):
        undecided = [attempt for attempt in attempts if attempt.state == state]
        if undecided:
            return undecided[-1]
    return attempts[-1] if attempts else None


def latest_purchase_order(order: Order) -> PurchaseOrder | None:
    return order.purchase_orders.order_by("-requested_at").first()
