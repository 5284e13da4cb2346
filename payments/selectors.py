"""What other apps may know about orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .models import Order
from .situations import Situation, latest_purchase_order, most_telling, situation_of
from .states import COVERED_ORDERS, OrderState


@dataclass(frozen=True, slots=True)
class OrderCard:
    """An order as another app shows it."""

    id: UUID
    state: OrderState
    amount_minor: int
    currency: str
    covered_at: datetime | None
    url: str


def order_card(purpose: str, purpose_id: UUID) -> OrderCard | None:
    """The latest order for a purpose: the live one, or else the last that lapsed."""
    # One live order per purpose: an older one can only have lapsed before this one was opened.
    order = Order.objects.filter(purpose=purpose, purpose_id=purpose_id).order_by("-created_at").first()
    if order is None:
        return None
    return OrderCard(
        id=order.pk,
        state=OrderState(order.state),
        amount_minor=order.amount_minor,
        currency=order.currency,
        covered_at=order.covered_at,
        url=order.get_absolute_url(),
    )


def order_situation(order_id: UUID, now: datetime) -> Situation:
    """Where the payment stands, as the order's own page says it."""
    order = Order.objects.get(pk=order_id)
    attempts = list(order.attempts.order_by("number"))
    return situation_of(order, most_telling(attempts), latest_purchase_order(order), now)


def covered(purpose: str, purpose_ids: Iterable[UUID]) -> set[UUID]:
    """Which of the purposes have an order that is paid or accepted."""
    orders = Order.objects.filter(purpose=purpose, purpose_id__in=list(purpose_ids), state__in=COVERED_ORDERS)
    return set(orders.values_list("purpose_id", flat=True))
