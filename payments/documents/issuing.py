"""Issuing receipts, invoices and credit notes.

Each function runs inside its caller's transaction, with the order locked, as the last thing that takes
a lock.  Called twice, it gives the document back that the first call issued.
Source: the programme's rules, section 4.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from certification.kernel.errors import NotAllowed
from certification.kernel.names import without_unprinted
from payments import gateways, notices
from payments.models import Order, PaymentDocument, PurchaseOrder
from payments.states import TRANSFER, DocumentKind, LedgerKind, OrderState, PurchaseOrderState

from .facts import LAYOUT, About, BillTo, DocumentFacts, Issuer, Line, Received, to_data
from .links import link_to
from .numbering import series_of, take_number

# Of an address.  What somebody pastes beyond it stays with the purchase order and is not printed: it
# would take the writer minutes.
MOST_LINES = 12
LONGEST_LINE = 150
LONGEST_TEXT = 4_000


def issue_receipt(order: Order, *, now: datetime) -> PaymentDocument:
    """The receipt of a paid order, with each part of the money that came in.

    Raises:
        NotAllowed: the order is not paid.
    """
    if (issued := order.documents.filter(kind=DocumentKind.RECEIPT).first()) is not None:
        return issued
    if order.state != OrderState.SETTLED:
        raise NotAllowed("This order is not paid, so there is nothing to receipt.")
    request = _billed(order)
    return _issue(
        DocumentKind.RECEIPT,
        order,
        request,
        now=now,
        lines=(_sold(order, request),),
        received=_received(order),
        about=_about(_invoice_of(request)) if request else None,
    )


def issue_invoice(purchase_order: PurchaseOrder, *, now: datetime) -> PaymentDocument:
    """The invoice of an accepted purchase order, with the day its money is due.

    Raises:
        NotAllowed: the purchase order is not accepted.
    """
    if (issued := _invoice_of(purchase_order)) is not None:
        return issued
    if purchase_order.state != PurchaseOrderState.ACCEPTED:
        raise NotAllowed(f"Purchase order {purchase_order.number} is not accepted, so nothing is invoiced.")
    order = purchase_order.order
    return _issue(
        DocumentKind.INVOICE,
        order,
        purchase_order,
        now=now,
        lines=(_sold(order, purchase_order),),
        received=_received(order),
        due_on=purchase_order.due_on,
    )


def issue_credit_note(purchase_order: PurchaseOrder, *, now: datetime) -> PaymentDocument:
    """The credit note of a cancelled purchase order, over what was not paid of its invoice.

    Raises:
        NotAllowed: it is not cancelled, was never invoiced, or is paid in full.
    """
    if (issued := purchase_order.documents.filter(kind=DocumentKind.CREDIT_NOTE).first()) is not None:
        return issued
    invoice = _invoice_of(purchase_order)
    if purchase_order.state != PurchaseOrderState.CANCELLED or invoice is None:
        raise NotAllowed(
            f"Purchase order {purchase_order.number} has no invoice to take back: "
            "only an accepted one that was cancelled has."
        )
    order = purchase_order.order
    received = _received(order)
    credit = order.amount_minor - sum(part.amount_minor for part in received)
    if credit <= 0:
        raise NotAllowed(f"Invoice {invoice.full_number} is paid in full, so nothing is left to credit.")
    line = Line(
        description=order.description,
        detail=f"Unpaid part of invoice {invoice.full_number}",
        quantity=1,
        unit_minor=credit,
        amount_minor=credit,
    )
    return _issue(
        DocumentKind.CREDIT_NOTE,
        order,
        purchase_order,
        now=now,
        lines=(line,),
        received=received,
        about=_about(invoice),
        reason=purchase_order.decision_reason,
    )


def _issue(
    kind: DocumentKind,
    order: Order,
    request: PurchaseOrder | None,
    *,
    now: datetime,
    lines: tuple[Line, ...],
    received: tuple[Received, ...],
    due_on: date | None = None,
    about: About | None = None,
    reason: str = "",
) -> PaymentDocument:
    total = sum(line.amount_minor for line in lines)
    came_in = sum(part.amount_minor for part in received)
    series = series_of(kind, now)
    document = PaymentDocument(
        kind=kind,
        series=series,
        number=take_number(series),
        order=order,
        purchase_order=request,
        issued_at=now,
        amount_minor=total,
        currency=order.currency,
    )
    document.data = to_data(
        DocumentFacts(
            layout=LAYOUT,
            kind=kind,
            number=document.full_number,
            issued_at=now,
            issued_on=_day(now),
            currency=order.currency,
            issuer=_issuer(),
            bill_to=_bill_to(order, request),
            order_ref=str(order.pk),
            purchase_order=_printed(request.number) if request else "",
            lines=lines,
            total_minor=total,
            received=received,
            # What a credit note is over is owed no more.
            outstanding_minor=0 if kind is DocumentKind.CREDIT_NOTE else max(0, total - came_in),
            due_on=due_on,
            about=about,
            reason=_printed(reason),
        )
    )
    document.save(force_insert=True)
    if request is not None:
        notices.document_for_billing(document, request, link=link_to(document))
    return document


def _billed(order: Order) -> PurchaseOrder | None:
    """The purchase order that brought the money, or that the order was made for."""
    return order.purchase_orders.filter(Q(state=PurchaseOrderState.ACCEPTED) | Q(pk=order.purpose_id)).first()


def _invoice_of(purchase_order: PurchaseOrder) -> PaymentDocument | None:
    return purchase_order.documents.filter(kind=DocumentKind.INVOICE).first()


def _about(invoice: PaymentDocument | None) -> About | None:
    if invoice is None:
        return None
    issued_on = _day(invoice.issued_at)
    return About(number=invoice.full_number, issued_on=issued_on, total_minor=invoice.amount_minor)


def _issuer() -> Issuer:
    return Issuer(
        name=settings.ISSUER_NAME,
        address=_lines(settings.ISSUER_ADDRESS),
        email=settings.CONTACT_EMAIL,
        tax_id=settings.ISSUER_TAX_ID,
        bank_details=_lines(settings.ISSUER_BANK_DETAILS),
    )


def _bill_to(order: Order, request: PurchaseOrder | None) -> BillTo:
    if request is None:
        return BillTo(
            organisation="", name=_printed(order.payer.full_name), email=order.payer.email, address=()
        )
    return BillTo(
        organisation=_printed(request.organisation),
        name=_printed(request.billing_name),
        email=request.billing_email,
        address=_lines(request.billing_address),
    )


def _sold(order: Order, request: PurchaseOrder | None) -> Line:
    seats = request.seats if request else 1
    unit, rest = divmod(order.amount_minor, seats)
    if rest:
        seats, unit = 1, order.amount_minor
    # A purchasing office must see for whom it pays; a sponsor's order is for whoever takes a seat.
    paid_for = request is not None and order.purpose_id != request.pk
    return Line(
        description=_printed(order.description),
        detail=f"For {_printed(order.payer.full_name) or order.payer.email}" if paid_for else "",
        quantity=seats,
        unit_minor=unit,
        amount_minor=order.amount_minor,
    )


def _received(order: Order) -> tuple[Received, ...]:
    return tuple(
        Received(
            received_on=_day(row.received_at),
            way=_way(row.gateway),
            reference=_printed(row.transaction_ref or row.provider_ref),
            amount_minor=row.amount_minor,
        )
        for row in order.ledger.filter(kind=LedgerKind.FEE).order_by("received_at", "pk")
    )


def _way(gateway: str) -> str:
    if gateway == TRANSFER:
        return "Cheque or transfer"
    provider = gateways.named(gateway)
    return provider.provider if provider else gateway


def _day(instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).date()


def _lines(text: str) -> tuple[str, ...]:
    printed = (_printed(part)[:LONGEST_LINE] for part in text[:LONGEST_TEXT].splitlines())
    return tuple(line for line in printed if line)[:MOST_LINES]


def _printed(text: str) -> str:
    """One line of `text` without what no font can print: a document cannot be corrected afterwards."""
    return " ".join(without_unprinted(text).split())
