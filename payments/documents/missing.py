"""Finds orders whose document was never issued: from before there were documents, or after a mistake."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from certification.kernel.errors import Refusal
from payments import locks
from payments.models import Order, PurchaseOrder
from payments.states import DocumentKind, OrderState, PurchaseOrderState

from .issuing import issue_credit_note, issue_invoice, issue_receipt

logger = logging.getLogger(__name__)

# A longer backlog is worked off by the next sweeps.
BATCH = 500

Issue = Callable[[UUID, datetime], None]


def issue_missing(now: datetime) -> dict[str, int]:
    """Issue every document that should exist and does not.  Counts them by kind.

    Each in a transaction of its own, so that no sweep holds a series up.  They are dated today: a number
    that is given today cannot stand before one that was given yesterday.
    """
    wanted: tuple[tuple[str, QuerySet[Any], Issue], ...] = (
        ("receipts", _unreceipted(), _receipt),
        ("invoices", _uninvoiced(), _invoice),
        ("credit notes", _uncredited(), _credit_note),
    )
    issued: Counter[str] = Counter()
    for kind, rows, issue in wanted:
        for key in list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            try:
                with transaction.atomic():
                    issue(key, now)
            except Refusal as refusal:
                # Moved on since we looked, or a row no document can be made of: the others go on.
                logger.warning("payments: no document for %s: %s", key, refusal)
            else:
                issued[kind] += 1
    return dict(issued)


def _unreceipted() -> QuerySet[Order]:
    return Order.objects.filter(state=OrderState.SETTLED).exclude(documents__kind=DocumentKind.RECEIPT)


def _uninvoiced() -> QuerySet[PurchaseOrder]:
    """Accepted, and still owed: what came in is receipted and is asked for no more."""
    return PurchaseOrder.objects.filter(
        state=PurchaseOrderState.ACCEPTED, order__state=OrderState.ACCEPTED
    ).exclude(documents__kind=DocumentKind.INVOICE)


def _uncredited() -> QuerySet[PurchaseOrder]:
    return PurchaseOrder.objects.filter(
        state=PurchaseOrderState.CANCELLED, documents__kind=DocumentKind.INVOICE
    ).exclude(documents__kind=DocumentKind.CREDIT_NOTE)


def _receipt(order_id: UUID, now: datetime) -> None:
    issue_receipt(locks.order(order_id), now=now)


def _invoice(request_id: UUID, now: datetime) -> None:
    issue_invoice(locks.purchase_order(request_id)[1], now=now)


def _credit_note(request_id: UUID, now: datetime) -> None:
    issue_credit_note(locks.purchase_order(request_id)[1], now=now)
