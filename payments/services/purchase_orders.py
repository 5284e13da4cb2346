"""Purchase orders: asked for by the payer, decided by staff, paid by cheque or transfer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from accounts.models import Role, User
from certification.kernel import audit
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.states import require
from payments import locks, money, notices
from payments.models import LedgerRow, Order, PurchaseOrder
from payments.states import (
    PURCHASE_ORDER_ALLOWED,
    TRANSFER,
    AttemptState,
    LedgerKind,
    OrderState,
    PurchaseOrderState,
)

from . import orders

# What the ledger can hold.
LARGEST_AMOUNT_MINOR = 2**31 - 1
PAYMENT_TERM = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PurchaseOrderDetails:
    """What an invoice needs.  Personal data: a billing contact."""

    number: str
    organisation: str
    billing_name: str
    billing_email: str
    billing_address: str


@transaction.atomic
def request_purchase_order(
    *, order_id: UUID, by: User, details: PurchaseOrderDetails, now: datetime
) -> PurchaseOrder:
    """Hand in a purchase order for staff to decide.  The same one twice is one request.

    Raises:
        Order.DoesNotExist: there is no such order of this person.
        NotAllowed: it is covered or lapsed, or another request or a payment is undecided.
        WindowClosed: it is too late to begin paying.
    """
    order = locks.order(order_id, payer=by)
    live = order.purchase_orders.exclude(state=PurchaseOrderState.DECLINED).first()
    if live is not None and _details_of(live) == details:
        return live
    orders.require_payable(order, now)
    if live is not None:
        raise NotAllowed(
            f"Purchase order {live.number} is with our staff already. "
            "Wait for their answer, or write to us to correct it."
        )
    if order.attempts.filter(state=AttemptState.PENDING).exists():
        raise NotAllowed(
            "A card payment of yours is still being decided. "
            "Please wait for it, so that you do not pay twice."
        )
    return PurchaseOrder.objects.create(order=order, requested_at=now, **asdict(details))


@transaction.atomic
def accept_purchase_order(*, purchase_order_id: UUID, by: User, now: datetime) -> PurchaseOrder:
    """Let a purchase order stand in for the money, which may come later.

    Raises:
        NotAllowed: `by` is not staff, the request is declined, or its order is paid or has lapsed.
    """
    _require_staff(by)
    order, request = locks.purchase_order(purchase_order_id)
    if request.state == PurchaseOrderState.ACCEPTED:
        return request
    if order.state == OrderState.SETTLED:
        raise NotAllowed(
            f"Purchase order {request.number} cannot be accepted: its order was paid otherwise. "
            "Decline it and say so."
        )
    _decide(request, PurchaseOrderState.ACCEPTED, by=by, now=now, reason="")
    orders.cover(order, OrderState.ACCEPTED, now)
    audit.record(actor=by, action="accepted purchase order", subject=request, detail={"order": str(order.pk)})
    return request


@transaction.atomic
def decline_purchase_order(*, purchase_order_id: UUID, by: User, reason: str, now: datetime) -> PurchaseOrder:
    """Turn a purchase order down, with the reason its sender is told.

    Raises:
        BadInput: there is no reason.
        NotAllowed: `by` is not staff, or the request is accepted.
    """
    _require_staff(by)
    if not reason.strip():
        raise BadInput("Say why the purchase order is declined: its sender reads the reason.")
    order, request = locks.purchase_order(purchase_order_id)
    if request.state == PurchaseOrderState.DECLINED:
        return request
    _decide(request, PurchaseOrderState.DECLINED, by=by, now=now, reason=reason.strip())
    notices.purchase_order_declined(order, request)
    audit.record(
        actor=by,
        action="declined purchase order",
        subject=request,
        detail={"reason": request.decision_reason},
    )
    return request


@transaction.atomic
def record_transfer(
    *, order_id: UUID, by: User, amount_minor: int, reference: str, received_at: datetime, now: datetime
) -> LedgerRow:
    """Enter money that came by cheque or transfer for an accepted purchase order, in parts if need be.

    The order settles when the parts reach its amount.  What is beyond it, or comes for an order that
    is paid or has lapsed, is to be returned.  The same reference and amount twice is one transfer.

    Raises:
        NotAllowed: `by` is not staff, or the order has no accepted purchase order.
        BadInput: the amount, the reference or the day cannot be right.
    """
    _require_staff(by)
    order = locks.order(order_id)
    reference = reference.strip()
    if (known := _known_transfer(order, reference, amount_minor)) is not None:
        return known
    _require_plausible(amount_minor=amount_minor, reference=reference, received_at=received_at, now=now)
    if not order.purchase_orders.filter(state=PurchaseOrderState.ACCEPTED).exists():
        raise NotAllowed("This order has no accepted purchase order. Accept one before recording its money.")
    owed = order.amount_minor - _fees(order) if order.state == OrderState.ACCEPTED else 0
    fee = min(amount_minor, owed)
    rows = [
        LedgerRow(
            order=order,
            kind=kind,
            gateway=TRANSFER,
            provider_ref=reference,
            amount_minor=part,
            currency=order.currency,
            received_at=received_at,
            note=note,
        )
        for kind, part, note in (
            (LedgerKind.FEE, fee, ""),
            (LedgerKind.TO_RETURN, amount_minor - fee, "More came in than was owed."),
        )
        if part
    ]
    LedgerRow.objects.bulk_create(rows)
    audit.record(
        actor=by,
        action="recorded transfer",
        subject=order,
        detail={"reference": reference, "amount_minor": amount_minor, "currency": order.currency},
    )
    if fee and fee == owed:
        orders.cover(order, OrderState.SETTLED, now)
    return rows[0]


def _require_staff(by: User) -> None:
    if by.role != Role.STAFF:
        raise NotAllowed("Only the programme's staff may do this.")


def _details_of(request: PurchaseOrder) -> PurchaseOrderDetails:
    return PurchaseOrderDetails(
        number=request.number,
        organisation=request.organisation,
        billing_name=request.billing_name,
        billing_email=request.billing_email,
        billing_address=request.billing_address,
    )


def _decide(
    request: PurchaseOrder, state: PurchaseOrderState, *, by: User, now: datetime, reason: str
) -> None:
    require(PURCHASE_ORDER_ALLOWED, request.state, state, what=f"Purchase order {request.number}")
    request.state = state
    request.decided_at = now
    request.decided_by = by
    request.decision_reason = reason
    request.due_at = now + PAYMENT_TERM if state is PurchaseOrderState.ACCEPTED else None
    request.save(update_fields=["state", "decided_at", "decided_by", "decision_reason", "due_at"])


def _known_transfer(order: Order, reference: str, amount_minor: int) -> LedgerRow | None:
    known = list(order.ledger.filter(gateway=TRANSFER, provider_ref=reference).order_by("kind"))
    if not known:
        return None
    if sum(row.amount_minor for row in known) != amount_minor:
        recorded = money.spoken(sum(row.amount_minor for row in known), order.currency)
        raise BadInput(
            f"A transfer “{reference}” over {recorded} is recorded for this order. "
            "Give the new one another reference."
        )
    return known[0]


def _require_plausible(*, amount_minor: int, reference: str, received_at: datetime, now: datetime) -> None:
    if amount_minor <= 0:
        raise BadInput("The amount received must be more than nothing.")
    if amount_minor > LARGEST_AMOUNT_MINOR:
        raise BadInput("The amount received cannot be that large. Read it off the statement again.")
    if not reference:
        raise BadInput("Give the reference by which the bank statement or cheque can be found again.")
    if received_at > now:
        raise BadInput("The day on which the money came in cannot lie in the future.")


def _fees(order: Order) -> int:
    total = order.ledger.filter(kind=LedgerKind.FEE).aggregate(total=Sum("amount_minor"))["total"]
    return int(total or 0)
