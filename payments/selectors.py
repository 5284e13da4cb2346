"""Questions about orders and purchase orders: of other apps, and of more than one page of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.urls import reverse

from .models import LedgerRow, Order, PaymentDocument, PurchaseOrder
from .situations import Situation, situation_of, standing_of
from .states import COVERED_ORDERS, LedgerKind, OrderState, PurchaseOrderState


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


@dataclass(frozen=True, slots=True)
class DocumentCard:
    """A receipt, an invoice or a credit note, for a list of them."""

    number: str
    kind: str
    url: str


def documents_of(order_id: UUID) -> tuple[DocumentCard, ...]:
    """What was issued about an order, the newest first."""
    rows = PaymentDocument.objects.filter(order_id=order_id).defer("data")
    return tuple(
        DocumentCard(row.full_number, row.get_kind_display(), reverse("payments:document", args=[row.pk]))
        for row in rows
    )


def order_situation(order_id: UUID, now: datetime) -> Situation:
    """Where the payment stands, as the order's own page says it."""
    return situation_of(standing_of(Order.objects.get(pk=order_id)), now)


def counted() -> Q:
    """The ledger rows that say how much of an order is paid: its fees, and what was taken back of them.

    Money to return never paid for anything, so neither does it count when a bank takes it back.
    """
    return Q(kind=LedgerKind.FEE) | Q(kind=LedgerKind.CHARGED_BACK, about__kind=LedgerKind.FEE)


def with_outstanding(requests: QuerySet[PurchaseOrder]) -> QuerySet[Any]:
    """Purchase orders with `received_minor`, what of the fee came in and stayed, and `outstanding_minor`.

    Outstanding is the rest of an accepted one: on any other nothing is owed.
    """
    rows = LedgerRow.objects.filter(counted(), order=OuterRef("order")).order_by().values("order")
    total = rows.annotate(total=Sum("amount_minor")).values("total")
    rest = F("order__amount_minor") - F("received_minor")
    return requests.annotate(
        received_minor=Coalesce(Subquery(total, output_field=IntegerField()), 0),
        outstanding_minor=Case(When(state=PurchaseOrderState.ACCEPTED, then=rest), default=0),
    )


def overdue(now: datetime) -> QuerySet[PurchaseOrder]:
    """Accepted purchase orders whose day of payment has passed and whose money has not all come."""
    return PurchaseOrder.objects.filter(
        state=PurchaseOrderState.ACCEPTED, due_at__lte=now, order__state=OrderState.ACCEPTED
    )


def fees_minor(order: Order) -> int:
    """What came in for an order as its fee, in parts or whole."""
    total = order.ledger.filter(kind=LedgerKind.FEE).aggregate(total=Sum("amount_minor"))["total"]
    return int(total or 0)


def covered(purpose: str, purpose_ids: Iterable[UUID]) -> set[UUID]:
    """Which of the purposes have an order that is paid, or that something stands in for."""
    orders = Order.objects.filter(purpose=purpose, purpose_id__in=list(purpose_ids), state__in=COVERED_ORDERS)
    return set(orders.values_list("purpose_id", flat=True))
