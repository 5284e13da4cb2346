"""Opening an order, covering it, letting it lapse."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from certification.kernel import reconcile
from certification.kernel.errors import NotAllowed, WindowClosed
from certification.kernel.states import require
from certification.kernel.windows import spoken
from payments import documents, locks, notices
from payments.models import Order, PaymentAttempt, PurchaseOrder
from payments.signals import order_settled
from payments.states import (
    LIVE_ORDERS,
    ORDER_ALLOWED,
    PAYABLE_ORDERS,
    SEATS,
    UNCERTAIN_ATTEMPTS,
    UNDECIDED_PURCHASE_ORDERS,
    OrderState,
    SeatState,
)


@transaction.atomic
def open_order(
    *,
    purpose: str,
    purpose_id: UUID,
    payer: User,
    description: str,
    amount_minor: int,
    currency: str,
    payable_until: datetime,
    return_path: str,
    now: datetime,
    offer_id: UUID | None = None,
) -> Order:
    """Ask `payer` for money, once: while an order for the purpose lives, it is the one returned.

    `offer_id` names what is bought, so that a sponsor's seat for the same offer can stand in.
    """
    live = Order.objects.filter(purpose=purpose, purpose_id=purpose_id, state__in=LIVE_ORDERS)
    if (order := live.first()) is not None:
        return order
    try:
        with transaction.atomic():
            return Order.objects.create(
                purpose=purpose,
                purpose_id=purpose_id,
                offer_id=offer_id,
                payer=payer,
                description=description,
                amount_minor=amount_minor,
                currency=currency.upper(),
                payable_until=payable_until,
                return_path=return_path,
                created_at=now,
            )
    except IntegrityError:
        # Somebody else opened it between our look and our write.
        winner = live.first()
        if winner is None:
            raise
        return winner


@transaction.atomic
def lapse_order(*, purpose: str, purpose_id: UUID, now: datetime) -> bool:
    """Let an order lapse that nobody paid, with the registration it was for.

    Returns True when no live order is left.  False while a payment or a purchase order begun in
    time is undecided, or when the order is covered.  Source: the programme's rules, section 4.
    """
    live = Order.objects.filter(purpose=purpose, purpose_id=purpose_id, state__in=LIVE_ORDERS)
    order_id = live.values_list("pk", flat=True).first()
    if order_id is None:
        return True
    order = locks.order(order_id)
    if order.state == OrderState.LAPSED:
        return True
    if order.state != OrderState.OPEN or _waits_for_a_decision(order):
        return False
    move(order, OrderState.LAPSED)
    return True


def _waits_for_a_decision(order: Order) -> bool:
    """Whether staff, or its sender, still have to decide a purchase order that would cover this order."""
    undecided = {"state__in": UNDECIDED_PURCHASE_ORDERS}
    own = PurchaseOrder.objects.filter(order=order, **undecided)
    of_a_sponsor = PurchaseOrder.objects.filter(
        all_seats__order=order, all_seats__state=SeatState.CLAIMED, **undecided
    )
    return own.exists() or of_a_sponsor.exists()


def cover(order: Order, state: OrderState, now: datetime) -> None:
    """Mark a locked order accepted, seated or settled, and tell whoever waits for it after commit.

    A payment page that is still open is closed soon after, so that nobody pays a second time on it.
    """
    order.covered_at = order.covered_at or now
    move(order, state)
    if state is OrderState.SETTLED:
        documents.issue_receipt(order, now=now)
    notices.order_covered(order)
    if order.attempts.filter(state__in=UNCERTAIN_ATTEMPTS).exists():
        reconcile.ring("payments.check_uncertain")
    purpose, purpose_id = order.purpose, order.purpose_id
    transaction.on_commit(
        lambda: order_settled.send_robust(sender=Order, purpose=purpose, purpose_id=purpose_id), robust=True
    )


def move(order: Order, state: OrderState) -> None:
    """Write an allowed move of a locked order.

    Raises:
        NotAllowed: the table of moves does not have it.
    """
    require(ORDER_ALLOWED, order.state, state, what="This order")
    order.state = state
    order.save(update_fields=["state", "covered_at"])


def show_whether_checking(order: Order) -> None:
    """Let an order nobody has covered say whether a payment of it is under way."""
    if order.state not in PAYABLE_ORDERS:
        return
    uncertain = PaymentAttempt.objects.filter(order=order, state__in=UNCERTAIN_ATTEMPTS).exists()
    wanted = OrderState.CHECKING if uncertain else OrderState.OPEN
    if order.state != wanted:
        move(order, wanted)


def require_payable(order: Order, now: datetime) -> None:
    """Let a new payment begin only for an order that still waits for one, before its last instant.

    Raises:
        NotAllowed: it is covered or lapsed, or pays for seats.
        WindowClosed: it is too late to begin a payment.
    """
    if order.purpose == SEATS:
        raise NotAllowed("Seats are paid by cheque or transfer, as the invoice of the purchase order says.")
    if order.state == OrderState.SETTLED:
        raise NotAllowed("This is paid already. Nothing more is owed.")
    if order.state == OrderState.ACCEPTED:
        raise NotAllowed("A purchase order covers this already. Nothing is to be paid by card.")
    if order.state == OrderState.SEATED:
        raise NotAllowed("A sponsor’s seat covers this already. Nothing is to be paid.")
    if order.state == OrderState.LAPSED:
        raise NotAllowed("This order has lapsed and cannot be paid any more. Write to the programme office.")
    if now >= order.payable_until:
        last = spoken(order.payable_until, settings.PROGRAMME_ZONE, ending=True)
        raise WindowClosed(
            f"A payment for this could be begun until {last}. Nothing was charged. "
            "If something kept you, write to the programme office."
        )
