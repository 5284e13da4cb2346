"""Where a payment stands, as its payer is told: one situation at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .models import Order, PaymentAttempt, PurchaseOrder, Seat
from .states import AttemptState, OrderState, PurchaseOrderState


class Situation(StrEnum):
    """What the payer is to know, and may do now."""

    PAY = "pay"
    UNFINISHED = "unfinished"  # a provider's page is open
    CHECKING = "checking"  # the provider has yet to decide
    REQUESTED = "requested"  # a purchase order is with staff
    ASKED_BACK = "asked_back"  # staff ask its sender something
    RESERVED = "reserved"  # a sponsor's seat is held until staff accept the sponsor's purchase order
    ACCEPTED = "accepted"
    SEATED = "seated"
    PAID = "paid"
    TOO_LATE = "too_late"  # nothing may be begun any more
    LAPSED = "lapsed"


_CLOSED = {
    OrderState.SETTLED: Situation.PAID,
    OrderState.ACCEPTED: Situation.ACCEPTED,
    OrderState.SEATED: Situation.SEATED,
    OrderState.LAPSED: Situation.LAPSED,
}
_UNDECIDED = {
    PurchaseOrderState.REQUESTED: Situation.REQUESTED,
    PurchaseOrderState.ASKED_BACK: Situation.ASKED_BACK,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """An order with all that was tried for it.

    Attributes:
        attempts: every try to pay, the first one first.
        purchase_order: the latest one sent for this order alone.
        seat: the seat a sponsor ordered and the payer claimed.
    """

    order: Order
    attempts: tuple[PaymentAttempt, ...]
    purchase_order: PurchaseOrder | None
    seat: Seat | None

    @property
    def undecided(self) -> PaymentAttempt | None:
        """The try to tell about: a pending one before one whose page is open, the latest of its kind.

        A try whose provider never gave us a page is nothing to go on with.
        """
        for state in (AttemptState.PENDING, AttemptState.STARTED):
            of_this_kind = [one for one in self.attempts if one.state == state and one.provider_ref]
            if of_this_kind:
                return of_this_kind[-1]
        return None

    @property
    def undone(self) -> PaymentAttempt | None:
        """The latest try, when it is certain that nothing came of it."""
        latest = self.attempts[-1] if self.attempts else None
        certain = latest and latest.state in (AttemptState.FAILED, AttemptState.EXPIRED)
        return latest if certain else None


def standing_of(order: Order) -> Standing:
    seats = Seat.objects.select_related("purchase_order")
    return Standing(
        order=order,
        attempts=tuple(order.attempts.order_by("number")),
        purchase_order=order.purchase_orders.order_by("-requested_at").first(),
        seat=seats.filter(order=order).first(),
    )


def situation_of(standing: Standing, now: datetime) -> Situation:
    """The situation of an order; what is certain comes before what is open."""
    order, attempt, request = standing.order, standing.undecided, standing.purchase_order
    if (final := _CLOSED.get(OrderState(order.state))) is not None:
        return final
    if attempt and attempt.state == AttemptState.PENDING:
        return Situation.CHECKING
    if standing.seat:
        return Situation.RESERVED
    if attempt:
        return Situation.UNFINISHED
    if request and (waiting := _UNDECIDED.get(PurchaseOrderState(request.state))) is not None:
        return waiting
    return Situation.PAY if now < order.payable_until else Situation.TOO_LATE
