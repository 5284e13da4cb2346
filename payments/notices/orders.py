"""Letters about orders: they are paid, or money for them went another way; and the documents of the paid."""

from __future__ import annotations

from django.conf import settings

from certification.kernel import outbox, windows
from payments import money
from payments.models import LedgerRow, Order, PaymentAttempt, PaymentDocument, PurchaseOrder
from payments.states import SEATS, DocumentKind, OrderState

from .letters import dear, to_payer


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
            f"{_what_begins(order)} The money may follow by cheque or transfer, as the invoice says. "
            f"{_document(order, DocumentKind.INVOICE)}\n\n"
            "The order, with all its payments:"
        )
    to_payer(order, f"payments:{order.state}:{order.pk}", subject, body, kind="payment")


def payment_undone(order: Order, attempt: PaymentAttempt) -> None:
    """Tell the payer, who was asked to wait and not to pay again, that nothing came of a payment."""
    amount = money.spoken(order.amount_minor, order.currency)
    body = (
        f"Your payment of {amount} for {order.description} did not go through. "
        f"{attempt.problem or 'Nothing was charged.'}\n\n"
        "You need not wait for it any longer. The page below says what you can do now, and until when:"
    )
    to_payer(
        order,
        f"payments:undone:{attempt.pk}",
        f"Your payment did not go through: {order.description}",
        body,
        kind="payment",
    )


def money_to_return(row: LedgerRow) -> None:
    """Tell the payer at once that money came in which is not kept, and why."""
    amount = money.spoken(row.amount_minor, row.currency)
    body = (
        f"{amount} reached us for {row.order.description}, and is not the fee. {row.note}\n\n"
        "You need not do anything: our staff send it back, and you get a mail when they have."
    )
    to_payer(row.order, f"payments:to return:{row.pk}", f"We will send {amount} back", body, kind="payment")


def money_returned(row: LedgerRow) -> None:
    """Tell the payer that money which was not owed went back, and how to find it."""
    amount = money.spoken(-row.amount_minor, row.currency)
    body = (
        f"We sent back {amount}, which reached us for {row.order.description} and was not owed.\n\n"
        f"The reference is {row.provider_ref}. A bank may take some days to show it."
    )
    to_payer(row.order, f"payments:returned:{row.pk}", f"We sent {amount} back", body, kind="payment")


def document_for_billing(document: PaymentDocument, request: PurchaseOrder, *, link: str) -> None:
    """Send the billing contact a document of a purchase order, by a link that needs no account."""
    amount = money.spoken(document.amount_minor, document.currency)
    kind = document.get_kind_display()
    outbox.queue(
        dedupe_key=f"payments:billing:{document.pk}",
        to=request.billing_email,
        subject=f"{kind} {document.full_number}, for purchase order {request.number}",
        body=(
            f"{dear(request.billing_name)}\n\n{kind} {document.full_number} over {amount} is ready, "
            f"for purchase order {request.number} of {request.organisation}. {_what_to_pay(document)}\n\n"
            "The link below opens it as a PDF, without an account. Hand it to nobody but those who "
            f"work with it.\n\n{link}\n\n"
            f"Questions? Write to {settings.CONTACT_EMAIL} and name {document.full_number}.\n"
        ),
        kind="document",
    )


def _what_to_pay(document: PaymentDocument) -> str:
    """What a document asks of whoever pays the bills."""
    match document.kind:
        case DocumentKind.INVOICE:
            assert document.purchase_order is not None
            assert document.purchase_order.due_at is not None
            due = windows.spoken(document.purchase_order.due_at, settings.PROGRAMME_ZONE, ending=True)
            return f"It is to be paid until {due}."
        case DocumentKind.CREDIT_NOTE:
            return "That sum is not owed any more: please send no more money for it."
        case _:
            return "Nothing more is owed."


def _what_begins(order: Order) -> str:
    if order.purpose == SEATS:
        return "Coaches who use their codes are registered at once."
    return "Your registration completes by itself within minutes."


def _document(order: Order, kind: DocumentKind) -> str:
    document = order.documents.get(kind=kind)
    return f"{kind.label} {document.full_number}:\n{settings.SITE_URL}{document.get_absolute_url()}"
