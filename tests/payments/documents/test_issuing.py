"""Receipts, invoices and credit notes: what they say, and that each exists once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from certification.kernel.errors import NotAllowed
from payments import services
from payments.documents import facts, issue_credit_note, issue_invoice, issue_receipt, issuing
from payments.models import Order, PaymentDocument, PurchaseOrder
from payments.states import DocumentKind, OrderState, PurchaseOrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

pytestmark = pytest.mark.django_db


def said(document: PaymentDocument) -> facts.DocumentFacts:
    document.refresh_from_db()
    return facts.from_data(document.data)


def settled_before_there_were_receipts() -> Order:
    order = make.order()
    Order.objects.filter(pk=order.pk).update(state=OrderState.SETTLED, covered_at=NOW)
    order.refresh_from_db()
    return order


def receipt(order: Order, now: datetime = NOW) -> PaymentDocument:
    return issue_receipt(order, now=now)


def accepted(**fields: Any) -> PurchaseOrder:
    order = make.accepted_order(staff=make.office(), **fields)
    return order.purchase_orders.get()


def cancelled(request: PurchaseOrder, *, reason: str = "No money came in a year.") -> PurchaseOrder:
    """As staff cancel it, once it was invoiced."""
    request.state = PurchaseOrderState.CANCELLED
    request.decision_reason = reason
    request.save(update_fields=["state", "decision_reason"])
    return request


def part(request: PurchaseOrder, amount_minor: int, reference: str, days: int = 10) -> None:
    services.record_transfer(
        order_id=request.order_id,
        by=make.office(),
        amount_minor=amount_minor,
        reference=reference,
        received_at=NOW + timedelta(days=days),
        now=NOW + timedelta(days=days, hours=2),
    )


def test_a_receipt_says_who_paid_what_when_and_how() -> None:
    order = make.paid_order(by=make.payer(full_name="Marisol Okafor-Lindqvist"))
    told = said(receipt(order))
    [row] = order.ledger.all()
    assert told.number == "REC-2026-0001"
    assert (told.bill_to.name, told.bill_to.email) == ("Marisol Okafor-Lindqvist", order.payer.email)
    assert told.lines == (facts.Line("Registration, cohort 10", "", 1, 50_000, 50_000),)
    [received] = told.received
    assert (received.amount_minor, received.received_on) == (50_000, date(2026, 12, 1))
    assert received.reference in (row.provider_ref, row.transaction_ref)
    assert (told.total_minor, told.received_minor, told.outstanding_minor) == (50_000, 50_000, 0)
    assert told.order_ref == str(order.pk)


def test_what_is_stored_reads_back_as_it_was_said(settings: LazySettings) -> None:
    settings.ISSUER_ADDRESS = "12 Coach Lane\n\n  Lawrence, KS 66044 "
    settings.ISSUER_TAX_ID = "48-0000000"
    document = receipt(make.paid_order())
    before = document.data
    told = said(document)
    assert before == document.data == facts.to_data(told)
    assert facts.digest(before) == facts.digest(document.data)
    assert told.issuer.address == ("12 Coach Lane", "Lawrence, KS 66044")
    assert told.issuer.tax_id == "48-0000000"


def test_asking_again_gives_the_same_receipt_and_uses_no_number() -> None:
    order = make.paid_order()
    first = receipt(order)
    assert receipt(order, NOW + timedelta(days=400)) == first
    assert receipt(make.paid_order()).number == first.number + 1


def test_paying_issues_the_receipt_and_a_purchase_order_that_stands_in_does_not() -> None:
    assert make.paid_order().documents.get().kind == DocumentKind.RECEIPT
    assert not accepted().order.documents.filter(kind=DocumentKind.RECEIPT).exists()


@pytest.mark.parametrize("state", [OrderState.OPEN, OrderState.ACCEPTED])
def test_an_order_that_is_not_paid_gets_no_receipt(state: OrderState) -> None:
    order = make.order() if state is OrderState.OPEN else accepted().order
    with pytest.raises(NotAllowed, match="not paid"):
        receipt(order)
    assert not PaymentDocument.objects.filter(kind=DocumentKind.RECEIPT).exists()


def test_an_invoice_names_the_purchase_order_the_candidate_and_the_day_the_money_is_due() -> None:
    request = accepted(by=make.payer(full_name="Ann Coach"))
    told = said(issue_invoice(request, now=NOW))
    assert told.number == "INV-2026-0001"
    assert (told.purchase_order, told.bill_to.organisation) == ("PO-77", "Lakeside District")
    assert told.bill_to.address == ("1 Lake Road", "Lakeside")
    assert told.lines[0].detail == "For Ann Coach"
    assert told.due_on == date(2026, 12, 31)
    assert (told.received, told.outstanding_minor) == ((), 50_000)
    assert issue_invoice(request, now=NOW).pk == request.documents.get(kind=DocumentKind.INVOICE).pk


def test_an_undecided_purchase_order_is_not_invoiced() -> None:
    request = make.purchase_order(make.order())
    with pytest.raises(NotAllowed, match="not accepted"):
        issue_invoice(request, now=NOW)


def test_a_receipt_after_transfers_lists_every_part_and_bills_the_organisation() -> None:
    request = accepted()
    part(request, 20_000, "CHK-1")
    part(request, 30_000, "CHK-2", days=20)
    request.order.refresh_from_db()
    told = said(receipt(request.order))
    assert told.bill_to.organisation == "Lakeside District"
    assert [(one.reference, one.amount_minor, one.way) for one in told.received] == [
        ("CHK-1", 20_000, "Cheque or transfer"),
        ("CHK-2", 30_000, "Cheque or transfer"),
    ]


def test_a_purchase_order_that_was_declined_does_not_get_onto_the_receipt_of_a_card_payment() -> None:
    order = make.order()
    request = make.purchase_order(order)
    services.decline_purchase_order(
        purchase_order_id=request.pk, by=make.office(), reason="The file is empty.", now=NOW
    )
    paid = make.attempt(order)
    make.card(paid)
    services.check_attempt(attempt_id=paid.pk, now=NOW)
    order.refresh_from_db()
    told = said(receipt(order))
    assert (told.bill_to.organisation, told.purchase_order) == ("", "")


@pytest.mark.parametrize(
    ("seats", "amount_minor", "line"),
    [(200, 10_000_000, (200, 50_000, 10_000_000)), (3, 100_001, (1, 100_001, 100_001))],
    ids=["a price for each", "an amount the seats do not divide"],
)
def test_seats_are_invoiced_by_quantity_and_unit(
    seats: int, amount_minor: int, line: tuple[int, int, int]
) -> None:
    request = make.purchase_order(make.order(amount_minor=amount_minor))
    PurchaseOrder.objects.filter(pk=request.pk).update(seats=seats)
    services.accept_purchase_order(purchase_order_id=request.pk, by=make.office(), now=NOW)
    [sold] = said(request.documents.get()).lines
    assert (sold.quantity, sold.unit_minor, sold.amount_minor) == line


def test_invoice_receipt_and_credit_note_add_up_over_the_new_year() -> None:
    paid, given_up = accepted(), accepted()
    # 31 December, noon, in the programme's zone; and two days on.
    for request in (paid, given_up):
        part(request, 20_000, "CHK-1", days=0)
        part(request, 20_000, "CHK-2", days=30)
    part(paid, 10_000, "CHK-3", days=32)
    services.cancel_purchase_order(
        purchase_order_id=given_up.pk, by=make.office(), reason="Nobody pays.", now=NOW + timedelta(days=32)
    )
    invoice, settled = paid.documents.order_by("issued_at")
    told = said(settled)
    assert settled.full_number == "REC-2027-0001"
    assert told.about == facts.About("INV-2026-0001", date(2026, 12, 1), 50_000)
    days = [f"{row.received_on:%Y-%m-%d}" for row in told.received]
    assert days == ["2026-12-01", "2026-12-31", "2027-01-02"]
    assert told.received_minor == invoice.amount_minor == settled.amount_minor
    invoice, note = given_up.documents.order_by("issued_at")
    assert note.full_number == "CRN-2027-0001"
    assert said(note).received_minor + note.amount_minor == invoice.amount_minor


def test_a_credit_note_takes_back_what_was_not_paid_of_its_invoice() -> None:
    request = accepted()
    invoice = issue_invoice(request, now=NOW)
    part(request, 20_000, "CHK-1")
    note = issue_credit_note(cancelled(request), now=NOW + timedelta(days=90))
    told = said(note)
    assert (told.number, note.amount_minor, told.outstanding_minor) == ("CRN-2027-0001", 30_000, 0)
    assert told.about == facts.About(invoice.full_number, date(2026, 12, 1), 50_000)
    assert told.reason == "No money came in a year."
    assert issue_credit_note(request, now=NOW + timedelta(days=91)) == note


def test_nothing_is_credited_of_an_invoice_that_was_paid_or_never_written() -> None:
    paid = accepted()
    issue_invoice(paid, now=NOW)
    part(paid, 50_000, "CHK-1")
    with pytest.raises(NotAllowed, match="paid in full"):
        issue_credit_note(cancelled(paid), now=NOW)
    with pytest.raises(NotAllowed, match="no invoice"):
        issue_credit_note(make.purchase_order(make.order()), now=NOW)


def test_the_year_of_a_number_is_the_programmes_year() -> None:
    """At 05:30 UTC on 1 January it is still the old year in Chicago."""
    old, new = settled_before_there_were_receipts(), settled_before_there_were_receipts()
    assert receipt(old, datetime(2027, 1, 1, 5, 30, tzinfo=UTC)).full_number == "REC-2026-0001"
    assert receipt(new, datetime(2027, 1, 1, 6, 0, tzinfo=UTC)).full_number == "REC-2027-0001"


def test_an_address_as_long_as_a_book_is_cut_to_what_a_page_holds() -> None:
    request = make.purchase_order(make.order())
    book = "\n".join(f"{number} {'x' * 400}" for number in range(5_000))
    PurchaseOrder.objects.filter(pk=request.pk).update(billing_address=book)
    services.accept_purchase_order(purchase_order_id=request.pk, by=make.office(), now=NOW)
    address = said(request.documents.get()).bill_to.address
    assert 1 < len(address) <= issuing.MOST_LINES
    assert max(map(len, address)) == issuing.LONGEST_LINE


def test_what_no_font_prints_is_left_out_of_a_document_that_cannot_be_corrected() -> None:
    order = make.paid_order(by=make.payer(full_name="Ann\u202e\x07  Coach"))
    assert said(receipt(order)).bill_to.name == "Ann Coach"
