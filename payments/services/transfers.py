"""Money that comes by cheque or transfer, as staff read it off the bank statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from certification.kernel import audit
from certification.kernel.errors import BadInput, NotAllowed
from payments import locks, money, notices
from payments.models import LedgerRow, Order
from payments.selectors import fees_minor
from payments.states import INCOMING, TRANSFER, LedgerKind, OrderState, PurchaseOrderState

from . import orders
from .staff import require_staff

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
    owed = owed_minor(order)
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
    for row in rows:
        if row.kind == LedgerKind.TO_RETURN:
            notices.money_to_return(row)
    audit.record(
        actor=by,
        action="recorded transfer",
        subject=order,
        detail={"reference": reference, "amount_minor": amount_minor, "currency": order.currency},
    )
    if fee and fee == owed:
        orders.cover(order, OrderState.SETTLED, now)
    return rows[0]


def owed_minor(order: Order) -> int:
    """What money that comes now would pay of an order; an order that is not accepted owes nothing."""
    if order.state != OrderState.ACCEPTED:
        return 0
    return order.amount_minor - fees_minor(order)


def require_new(order: Order, reference: str) -> None:
    """Say what is recorded under a reference before staff type the same: it would be entered once.

    Raises:
        BadInput: money is recorded under it.
    """
    if known := _recorded(order, reference):
        raise _recorded_already(known)


def _known_transfer(order: Order, reference: str, amount_minor: int) -> LedgerRow | None:
    known = _recorded(order, reference)
    if known and sum(row.amount_minor for row in known) != amount_minor:
        raise _recorded_already(known)
    return known[0] if known else None


def _recorded(order: Order, reference: str) -> list[LedgerRow]:
    came_in = order.ledger.filter(gateway=TRANSFER, provider_ref=reference, kind__in=INCOMING)
    return list(came_in.order_by("kind"))


def _recorded_already(known: list[LedgerRow]) -> BadInput:
    recorded = money.spoken(sum(row.amount_minor for row in known), known[0].currency)
    return BadInput(
        f"A transfer “{known[0].provider_ref}” over {recorded} is recorded for this order. "
        "Give the new one another reference."
    )


def _require_plausible(*, amount_minor: int, reference: str, received_at: datetime, now: datetime) -> None:
    if amount_minor <= 0:
        raise BadInput("The amount received must be more than nothing.")
    if amount_minor > LARGEST_AMOUNT_MINOR:
        raise BadInput("The amount received cannot be that large. Read it off the statement again.")
    if not reference:
        raise BadInput("Give the reference by which the bank statement or cheque can be found again.")
    if received_at > now:
        raise BadInput("The day on which the money came in cannot lie in the future.")


def _why_to_return(order: Order) -> str:
    if order.state == OrderState.LAPSED:
        return "Received after the purchase order was cancelled."
    return "More came in than was owed."
