"""The mails payments owes people, written with the change that causes them."""

from __future__ import annotations

from django.conf import settings

from certification.kernel import outbox

from . import money
from .models import Order, PaymentDocument, PurchaseOrder
from .states import DocumentKind, OrderState


def order_covered(order: Order) -> None:
    """Tell the payer that the order is paid, or what stands in for the money."""
    amount = money.spoken(order.amount_minor, order.currency)
    if order.state == OrderState.SETTLED:
        subject = f"Receipt: {order.description}"
        body = (
            f"We received {amount} for: {order.description}.\n\n"
            f"Nothing more is owed. {_document(order, DocumentKind.RECEIPT)}\n\n"
            "The order, with all its payments:"
        )
    elif order.state == OrderState.SEATED:
        organisation = order.seat.purchase_order.organisation
        subject = f"Your seat is paid for: {order.description}"
        body = (
            f"{organisation} pays for: {order.description}.\n\n"
            "Nothing is owed by you, and your registration completes by itself within minutes."
        )
    else:
        subject = f"Purchase order accepted: {order.description}"
        body = (
            f"Your purchase order for {order.description} ({amount}) is accepted.\n\n"
            "You can go on at once; the money may follow by cheque or transfer, as the invoice says. "
            f"{_document(order, DocumentKind.INVOICE)}\n\n"
            "The order, with all its payments:"
        )
    _queue(order, f"payments:{order.state}:{order.pk}", subject, body, kind="payment")


def purchase_order_declined(order: Order, request: PurchaseOrder) -> None:
    """Tell the payer why the purchase order was declined and how to pay instead."""
    body = (
        f"Purchase order {request.number} for {order.description} was declined.\n\n"
        f"The reason: {request.decision_reason}\n\n"
        "You can send a corrected purchase order or pay by card on the page below."
    )
    _queue(
        order,
        f"payments:declined:{request.pk}",
        f"Purchase order declined: {order.description}",
        body,
        kind="purchase order",
    )


def document_for_billing(document: PaymentDocument, request: PurchaseOrder, *, link: str) -> None:
    """Send the billing contact a document of a purchase order, by a link that needs no account."""
    greeting = f"Dear {request.billing_name}," if request.billing_name else "Hello,"
    amount = money.spoken(document.amount_minor, document.currency)
    kind = document.get_kind_display()
    outbox.queue(
        dedupe_key=f"payments:billing:{document.pk}",
        to=request.billing_email,
        subject=f"{kind} {document.full_number}, for purchase order {request.number}",
        body=(
            f"{greeting}\n\n{kind} {document.full_number} over {amount} is ready, "
            f"for purchase order {request.number} of {request.organisation}.\n\n"
            "The link below opens it as a PDF, without an account. Hand it to nobody but those who "
            f"work with it.\n\n{link}\n\n"
            f"Questions? Write to {settings.CONTACT_EMAIL} and name {document.full_number}.\n"
        ),
        kind="document",
    )


def _document(order: Order, kind: DocumentKind) -> str:
    document = order.documents.get(kind=kind)
    return f"{kind.label} {document.full_number}:\n{settings.SITE_URL}{document.get_absolute_url()}"


def _queue(order: Order, dedupe_key: str, subject: str, body: str, *, kind: str) -> None:
    outbox.queue(
        dedupe_key=dedupe_key,
        to=order.payer.email,
        subject=subject,
        body=f"{_greeting(order)}\n\n{body}\n\n{settings.SITE_URL}{order.get_absolute_url()}\n",
        kind=kind,
    )


def _greeting(order: Order) -> str:
    return f"Dear {order.payer.full_name}," if order.payer.full_name else "Hello,"
