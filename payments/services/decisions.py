"""What staff decide about purchase orders.  The payer is told each time, with the reason."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from accounts.models import User
from certification.kernel import audit
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.states import require
from certification.kernel.windows import civil
from payments import documents, locks, notices
from payments.models import PurchaseOrder
from payments.states import PURCHASE_ORDER_ALLOWED, SEATS, OrderState, PurchaseOrderState

from . import orders, seats
from .purchase_orders import details_of
from .staff import require_staff

PAYMENT_TERM = timedelta(days=30)
LONGEST_REASON = 300


@transaction.atomic
def accept_purchase_order(
    *, purchase_order_id: UUID, by: User, now: datetime, read: str | None = None
) -> PurchaseOrder:
    """Let a purchase order stand in for the money, which may come later; the invoice goes out.

    Seats claimed so far are paid from now on, and later ones as soon as they are claimed.  `read` is
    the fingerprint (`as_sent`) of what the page showed on which this was decided.

    Raises:
        NotAllowed: `by` is not staff, the request is declined or was corrected since it was read, or its
            order is paid or has lapsed.
    """
    require_staff(by)
    order, request = locks.purchase_order(purchase_order_id)
    if request.state == PurchaseOrderState.ACCEPTED:
        return request
    if read is not None and read != as_sent(request):
        raise NotAllowed(
            f"Purchase order {request.number} was corrected by its sender after you opened this page. "
            "Read it again before you accept it."
        )
    if order.state in (OrderState.SETTLED, OrderState.SEATED):
        raise NotAllowed(
            f"Purchase order {request.number} cannot be accepted: its order was paid otherwise. "
            "Decline it and say so."
        )
    _decide(request, PurchaseOrderState.ACCEPTED, by=by, now=now, reason="")
    if order.purpose == SEATS:
        seats.cover_claimed(request, now)
        notices.seat_codes(request)
    documents.issue_invoice(request, now=now)
    orders.cover(order, OrderState.ACCEPTED, now)
    audit.record(actor=by, action="accepted purchase order", subject=request, detail={"order": str(order.pk)})
    return request


@transaction.atomic
def ask_back_purchase_order(
    *, purchase_order_id: UUID, by: User, question: str, now: datetime
) -> PurchaseOrder:
    """Ask the sender to correct or complete a purchase order.  The same question twice is one.

    Raises:
        BadInput: there is no question, or it is too long.
        NotAllowed: `by` is not staff, or the request is decided.
    """
    require_staff(by)
    question = _reason(question, "Write what its sender is to correct or add: they read your words.")
    order, request = locks.purchase_order(purchase_order_id)
    if request.state == PurchaseOrderState.ASKED_BACK and request.decision_reason == question:
        return request
    if request.state != PurchaseOrderState.ASKED_BACK:
        _decide(request, PurchaseOrderState.ASKED_BACK, by=by, now=now, reason=question)
    else:
        # Asked already: another question takes the first one's place.
        _sign(request, by=by, now=now, reason=question)
    notices.purchase_order_asked_back(order, request)
    audit.record(actor=by, action="asked back purchase order", subject=request, detail={"question": question})
    return request


@transaction.atomic
def decline_purchase_order(*, purchase_order_id: UUID, by: User, reason: str, now: datetime) -> PurchaseOrder:
    """Turn a purchase order down, with the reason its sender is told.

    Its seats are gone; whoever had reserved one is told to pay in another way.

    Raises:
        BadInput: there is no reason.
        NotAllowed: `by` is not staff, or the request is accepted.
    """
    require_staff(by)
    reason = _reason(reason, "Say why the purchase order is declined: its sender reads the reason.")
    order, request = locks.purchase_order(purchase_order_id)
    if request.state == PurchaseOrderState.DECLINED:
        return request
    _decide(request, PurchaseOrderState.DECLINED, by=by, now=now, reason=reason)
    if order.purpose == SEATS:
        for freed in seats.void_all(request):
            notices.seat_lost(freed, request)
        if order.state == OrderState.OPEN:
            orders.move(order, OrderState.LAPSED)
    notices.purchase_order_declined(order, request)
    audit.record(actor=by, action="declined purchase order", subject=request, detail={"reason": reason})
    return request


@transaction.atomic
def cancel_purchase_order(*, purchase_order_id: UUID, by: User, reason: str, now: datetime) -> PurchaseOrder:
    """Give an accepted purchase order up whose money does not come.

    Seats that were claimed stay with their candidates; free ones are void.  Money that still comes
    is to be returned.

    Raises:
        BadInput: there is no reason.
        NotAllowed: `by` is not staff, the request is not accepted, or is paid in full.
    """
    require_staff(by)
    reason = _reason(reason, "Say why the purchase order is cancelled: its sender reads the reason.")
    order, request = locks.purchase_order(purchase_order_id)
    if request.state == PurchaseOrderState.CANCELLED:
        return request
    if order.state == OrderState.SETTLED:
        raise NotAllowed(f"Purchase order {request.number} is paid in full, so there is nothing to cancel.")
    _decide(request, PurchaseOrderState.CANCELLED, by=by, now=now, reason=reason)
    voided = seats.void_free(request)
    orders.move(order, OrderState.LAPSED)
    documents.issue_credit_note(request, now=now)
    notices.purchase_order_cancelled(order, request)
    audit.record(
        actor=by,
        action="cancelled purchase order",
        subject=request,
        detail={"reason": reason, "free seats voided": voided},
    )
    return request


def due_at(accepted_at: datetime) -> datetime:
    """The instant from which an invoice is overdue: the end of the last day to pay, which it names."""
    zone = settings.PROGRAMME_ZONE
    last_day = accepted_at.astimezone(ZoneInfo(zone)).date() + PAYMENT_TERM
    return civil(last_day + timedelta(days=1), zone)


def as_sent(request: PurchaseOrder) -> str:
    """A fingerprint of what its sender wrote and sent, so that nobody accepts what they have not read."""
    files = request.files.order_by("sha256").values_list("sha256", flat=True)
    sent = (str(request.order_id), request.seats, *astuple(details_of(request)), *files)
    return hashlib.sha256(repr(sent).encode()).hexdigest()[:16]


def _reason(text: str, missing: str) -> str:
    text = text.strip()
    if not text:
        raise BadInput(missing)
    if len(text) > LONGEST_REASON:
        raise BadInput(f"Say it in at most {LONGEST_REASON} characters; yours has {len(text)}.")
    return text


def _decide(
    request: PurchaseOrder, state: PurchaseOrderState, *, by: User, now: datetime, reason: str
) -> None:
    require(PURCHASE_ORDER_ALLOWED, request.state, state, what=f"Purchase order {request.number}")
    request.state = state
    if state is PurchaseOrderState.ACCEPTED:
        request.due_at = due_at(now)
    _sign(request, by=by, now=now, reason=reason)


def _sign(request: PurchaseOrder, *, by: User, now: datetime, reason: str) -> None:
    request.decided_at = now
    request.decided_by = by
    request.decision_reason = reason
    request.save(update_fields=["state", "decided_at", "decided_by", "decision_reason", "due_at"])
