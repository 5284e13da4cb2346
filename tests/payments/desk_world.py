"""Everything that can wait for staff, some of each, made as it comes about."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import Role, User
from payments import notices, services
from payments.models import Dispute, LedgerRow, Order, PurchaseOrder, Seat, WebhookEvent
from payments.states import SEATS, DisputeState, EventKind, LedgerKind
from tests.factories import payments as make
from tests.factories.payments import NOW

LATER = NOW + timedelta(days=45)
LONG = "Ångström-Featherstonehaugh Unified Consolidated School District Number Forty-Two of the Lakes"

_numbers = count(1)


def overpaid(staff: User, *, now: datetime = NOW) -> LedgerRow:
    """An order paid by transfer, and a hundred dollars to return."""
    order = make.accepted_order(staff=staff, now=now)
    reference = f"T-{next(_numbers)}"
    received_at = now + timedelta(hours=2)
    services.record_transfer(
        order_id=order.pk,
        by=staff,
        amount_minor=60_000,
        reference=reference,
        received_at=received_at,
        now=received_at,
    )
    return order.ledger.get(kind=LedgerKind.TO_RETURN)


def returned(staff: User) -> LedgerRow:
    row = overpaid(staff)
    return services.record_return(
        ledger_row_id=row.pk, by=staff, reference=f"R-{next(_numbers)}", returned_at=LATER, now=LATER
    )


def disputed(state: DisputeState = DisputeState.OPEN) -> Dispute:
    """A paid order whose payer's bank asks for the money; of a lost one it has gone."""
    order = make.paid_order()
    attempt = order.attempts.get()
    dispute = Dispute.objects.create(
        attempt=attempt,
        gateway=attempt.gateway,
        provider_ref=f"dp_{next(_numbers)}",
        amount_minor=order.amount_minor,
        currency=order.currency,
        reason="fraudulent",
        opened_at=NOW + timedelta(days=1),
    )
    if state != DisputeState.OPEN:
        dispute.state, dispute.closed_at = state, LATER
        dispute.save(update_fields=["state", "closed_at"])
    if state == DisputeState.LOST:
        LedgerRow.objects.create(
            order=order,
            kind=LedgerKind.CHARGED_BACK,
            gateway=attempt.gateway,
            provider_ref=dispute.provider_ref,
            about=order.ledger.get(kind=LedgerKind.FEE),
            amount_minor=-order.amount_minor,
            currency=order.currency,
            received_at=LATER,
        )
    return dispute


def asked_back(staff: User) -> PurchaseOrder:
    request = make.purchase_order(make.order())
    return services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=staff, question="Who signs for it?", now=NOW
    )


def overdue(staff: User, *, reminders: int = 1) -> PurchaseOrder:
    """Accepted on 1 December, due on the 31st, and half of it paid; look at it at `LATER`."""
    request = make.accepted_order(staff=staff).purchase_orders.get()
    services.record_transfer(
        order_id=request.order_id,
        by=staff,
        amount_minor=20_000,
        reference=f"T-{next(_numbers)}",
        received_at=NOW,
        now=NOW,
    )
    for number in range(1, reminders + 1):
        notices.invoice_overdue(request, outstanding_minor=30_000, count=number, invoice=None, link="")
    return request


def checking() -> Order:
    order = make.order()
    make.attempt(order)
    order.refresh_from_db()
    return order


def message(*, handled: bool = False, kind: EventKind = EventKind.PAYMENT) -> WebhookEvent:
    number = next(_numbers)
    return WebhookEvent.objects.create(
        gateway="sandbox",
        event_id=f"evt_{number}",
        topic="payment.completed",
        kind=kind,
        reference=f"nobody_{number}",
        received_at=NOW + timedelta(days=40),
        handled_at=LATER if handled else None,
        outcome="No payment of ours." if handled else "",
    )


def sponsored(staff: User | None, *, seats: int = 3, claimed: int = 1, **details: str) -> PurchaseOrder:
    """A sponsor's purchase order with some of its seats claimed; accepted when `staff` is given."""
    unit = 50_000
    purpose_id = uuid.uuid4()
    order = make.order(
        by=make.payer(role=Role.SPONSOR, full_name=LONG),
        purpose=SEATS,
        purpose_id=purpose_id,
        offer_id=uuid.uuid4(),
        description=f"{seats} seats in cohort 10",
        amount_minor=seats * unit,
    )
    values = {
        "number": f"PO-{next(_numbers)}",
        "organisation": LONG,
        "billing_name": "Bea Ledger",
        "billing_email": "ledger@lakeside.example.org",
        "billing_address": "1 Lake Road\nLakeside",
    }
    request = PurchaseOrder.objects.create(
        id=purpose_id, order=order, seats=seats, requested_at=NOW, **(values | details)
    )
    for number in range(1, seats + 1):
        Seat.objects.create(purchase_order=request, number=number, code=f"CODE{next(_numbers):06}")
    for seat in request.all_seats.all()[:claimed]:
        services.claim_seat(**_claim(seat), now=NOW)
    if staff is not None:
        services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)
        request.refresh_from_db()
    return request


def _claim(seat: Seat) -> dict[str, Any]:
    offer_id = seat.purchase_order.order.offer_id
    order = make.order(offer_id=offer_id)
    return {"order_id": order.pk, "by": order.payer, "code": seat.code}
