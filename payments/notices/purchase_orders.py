"""Letters about purchase orders, from their arrival to the reminder of money that did not come."""

from __future__ import annotations

from django.conf import settings

from certification.kernel import outbox, windows
from payments import money
from payments.models import Order, PaymentDocument, PurchaseOrder
from payments.states import SEATS

from .letters import dear, to_payer

# How the outbox knows a reminder; the purchase order and the reminder's number follow.
REMINDER_KEYS = "payments:overdue:"
_KIND = "purchase order"


def purchase_order_received(request: PurchaseOrder) -> None:
    """Tell the sponsor that the seats exist and can be handed out."""
    amount = money.spoken(request.order.amount_minor, request.order.currency)
    body = (
        f"We received purchase order {request.number} of {request.organisation}: "
        f"{request.order.description}, {amount}.\n\n"
        "Each seat has a code. You can hand the codes out now: candidates reserve their seats with "
        "them while our staff look at the purchase order, and are registered as soon as it is accepted."
    )
    to_payer(
        request.order,
        f"payments:seats-ordered:{request.pk}",
        f"Purchase order {request.number} received",
        body,
        kind=_KIND,
    )


def purchase_order_asked_back(order: Order, request: PurchaseOrder) -> None:
    """Tell the sender what staff want corrected or added."""
    assert request.decided_at is not None
    body = (
        f"Our staff have a question about purchase order {request.number} for {order.description}:\n\n"
        f"{request.decision_reason}\n\n"
        "Correct it on the page below and send it again. Nothing is lost meanwhile, "
        "even if registration closes."
    )
    to_payer(
        order,
        f"payments:asked-back:{request.pk}:{request.decided_at.isoformat()}",
        f"A question about purchase order {request.number}",
        body,
        kind=_KIND,
    )


def purchase_order_declined(order: Order, request: PurchaseOrder) -> None:
    """Tell the sender why: a sponsor that the seats are gone, anybody else how to pay while one still can."""
    if order.purpose == SEATS:
        _seats_declined(order, request)
    else:
        _own_declined(order, request)


def purchase_order_cancelled(order: Order, request: PurchaseOrder) -> None:
    """Tell the payer that the money is not waited for any more."""
    claimed = " Seats that were claimed stay with their candidates; the others are void." * (
        order.purpose == SEATS
    )
    body = (
        f"Purchase order {request.number} for {order.description} was cancelled.\n\n"
        f"The reason: {request.decision_reason}\n\n"
        f"The page below has a credit note over what was not paid.{claimed} "
        "Please do not send money for it any more; what still comes is returned."
    )
    to_payer(
        order,
        f"payments:cancelled:{request.pk}",
        f"Purchase order {request.number} cancelled",
        body,
        kind=_KIND,
    )


def invoice_overdue(
    request: PurchaseOrder,
    *,
    outstanding_minor: int,
    count: int,
    invoice: PaymentDocument | None,
    link: str,
) -> None:
    """Remind the payer and the billing contact of money that did not come in time.

    `link` opens the invoice without an account; only the billing contact is sent it.
    """
    order = request.order
    assert request.due_at is not None
    due = windows.spoken(request.due_at, settings.PROGRAMME_ZONE, ending=True)
    owed = money.spoken(outstanding_minor, order.currency)
    named = f"Invoice {invoice.full_number}" if invoice else "The invoice"
    body = (
        f"{owed} of purchase order {request.number} of {request.organisation} "
        f"({order.description}) was due on {due} and has not arrived.\n\n"
        f"If it is on its way, you need not do anything. {named} says how to pay. "
        f"If something is wrong, write to {settings.CONTACT_EMAIL}."
    )
    key = reminder_key(request, count)
    which = "Reminder" if count == 1 else f"Reminder {count}"
    subject = f"{which}: purchase order {request.number} is overdue"
    to_payer(order, key, subject, body, kind=_KIND)
    if request.billing_email.lower() != order.payer.email.lower():
        outbox.queue(
            dedupe_key=f"{key}:billing",
            to=request.billing_email,
            subject=subject,
            # The billing contact has no account here: the link opens the invoice without one.
            body=f"{dear(request.billing_name)}\n\n{body}\n" + (f"\n{link}\n" if link else ""),
            kind="overdue",
        )


def reminder_key(request: PurchaseOrder, count: int) -> str:
    """By which the outbox knows the `count`th reminder of a purchase order."""
    return f"{REMINDER_KEYS}{request.pk}:{count}"


def _seats_declined(order: Order, request: PurchaseOrder) -> None:
    body = (
        f"Purchase order {request.number} for {order.description} was declined.\n\n"
        f"The reason: {request.decision_reason}\n\n"
        "Its seats are void, and whoever had reserved one was told. You can order seats anew."
    )
    to_payer(
        order,
        f"payments:declined:{request.pk}",
        f"Purchase order {request.number} declined",
        body,
        kind=_KIND,
    )


def _own_declined(order: Order, request: PurchaseOrder) -> None:
    assert request.decided_at is not None
    until = windows.spoken(order.payable_until, settings.PROGRAMME_ZONE, ending=True)
    instead = (
        f"You can send a corrected purchase order or pay online on the page below, until {until}."
        if request.decided_at < order.payable_until
        else f"A payment could be begun until {until}, so it is too late for another one. "
        f"If you think that something went wrong, write to {settings.CONTACT_EMAIL}."
    )
    body = (
        f"Purchase order {request.number} for {order.description} was declined.\n\n"
        f"The reason: {request.decision_reason}\n\n{instead}"
    )
    to_payer(
        order,
        f"payments:declined:{request.pk}",
        f"Purchase order declined: {order.description}",
        body,
        kind=_KIND,
    )
