"""Money that comes by cheque or transfer, as staff read it off the bank statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from accounts.models import User
from certification.kernel import audit
from certification.kernel.errors import BadInput, NotAllowed
from payments import locks, money
from payments.models import LedgerRow, Order
from payments.states import TRANSFER, LedgerKind, OrderState, PurchaseOrderState

from . import orders
from .decisions import require_staff

# What the ledger can hold.
LARGEST_AMOUNT_MINOR = 2**31 - 1
_DECIDED = (PurchaseOrderState.ACCEPTED, PurchaseOrderState.CANCELLED)


@transaction.atomic
def record_transfer(
    *, order_id: UUID, by: User, amount_minor: int, reference: str, received_at: datetime, now: datetime
) -> LedgerRow:
    """Enter money that came by cheque or transfer for an accepted purchase order, in parts if need be.

    The order settles when the parts reach its amount.  What is beyond it, or comes for an order that
    is paid or was cancelled, is to be returned.  The same reference and amount twice is one transfer.

    Raises:
        NotAllowed: `by` is not staff, or the order has no accepted purchase order.
        BadInput: the amount, the reference or the day cannot be right.
    """
    require_staff(by)
    order = locks.order(order_id)
    reference = reference.strip()
    if (known := _known_transfer(order, reference, amount_minor)) is not None:
        return known
    _require_plausible(amount_minor=amount_minor, reference=reference, received_at=received_at, now=now)
    if not order.purchase_orders.filter(state__in=_DECIDED).exists():
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
            (LedgerKind.TO_RETURN, amount_minor - fee, _why_to_return(order)),
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


def _why_to_return(order: Order) -> str:
    if order.state == OrderState.LAPSED:
        return "Received after the purchase order was cancelled."
    return "More came in than was owed."
