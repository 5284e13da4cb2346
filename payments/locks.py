"""Row locks, always in this order: the order, then its attempt or purchase order, then its seats.

A sponsor's order comes before the orders of the candidates whose seats it pays for; of several
candidates' orders the one with the lowest key comes first.  A series of document numbers comes last.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from accounts.models import User
from certification.kernel import locks
from certification.kernel.errors import NotAllowed

from .models import NumberSeries, Order, PaymentAttempt, PurchaseOrder, Seat


def order(order_id: UUID, *, payer: User | None = None) -> Order:
    """Lock an order; with `payer`, somebody else's is as absent as one that never was.

    Raises:
        Order.DoesNotExist: there is no such order, or it is not the payer's.
    """
    orders = Order.objects.select_for_update(of=("self",))
    return orders.get(pk=order_id, payer=payer) if payer is not None else orders.get(pk=order_id)


def attempt(attempt_id: UUID) -> PaymentAttempt:
    """Lock an attempt whose order is locked already."""
    return PaymentAttempt.objects.select_for_update(of=("self",)).get(pk=attempt_id)


def purchase_order(purchase_order_id: UUID) -> tuple[Order, PurchaseOrder]:
    """Lock a purchase order and, before it, the order it would pay.

    Raises:
        PurchaseOrder.DoesNotExist: there is no such purchase order.
        NotAllowed: its sender corrected it in this very moment, so that another order is the one to pay.
    """
    order_id = PurchaseOrder.objects.values_list("order_id", flat=True).get(pk=purchase_order_id)
    locked = order(order_id)
    request = PurchaseOrder.objects.select_for_update(of=("self",)).get(pk=purchase_order_id)
    if request.order_id != locked.pk:
        raise NotAllowed("This purchase order was corrected a moment ago. Reload the page and look again.")
    request.order = locked
    return locked, request


def seats(request: PurchaseOrder) -> list[Seat]:
    """Lock every seat of a purchase order that is locked already."""
    return list(request.all_seats.select_for_update(of=("self",)).order_by("number"))


def orders(order_ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Lock candidates' orders, once the purchase order and its seats are locked."""
    rows = Order.objects.select_for_update(of=("self",)).filter(pk__in=list(order_ids)).order_by("pk")
    return {row.pk: row for row in rows}


def requests_of(account: User) -> None:
    """Let one new purchase order of a sponsor be written at a time, until the transaction ends."""
    locks.advisory(f"payments:requests:{account.pk}")


def number_series(name: str) -> NumberSeries:
    """Lock a series of document numbers, after every other lock, and begin it if it is new.

    Whoever holds it until commit is the only one who can take its next number.
    """
    series = NumberSeries.objects.select_for_update().filter(pk=name)
    if (begun := series.first()) is not None:
        return begun
    NumberSeries.objects.bulk_create([NumberSeries(name=name)], ignore_conflicts=True)
    return series.get()
