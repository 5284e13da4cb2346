"""Row locks, always in this order: the order, then its attempt or purchase order."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User

from .models import Order, PaymentAttempt, PurchaseOrder


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
    """Lock a purchase order and, before it, the order it would pay."""
    order_id = PurchaseOrder.objects.values_list("order_id", flat=True).get(pk=purchase_order_id)
    locked = order(order_id)
    request = PurchaseOrder.objects.select_for_update(of=("self",)).get(pk=purchase_order_id)
    return locked, request
