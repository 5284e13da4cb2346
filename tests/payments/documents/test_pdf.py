"""The PDF: drawn from the stored data alone, byte for byte, readable and not to be tricked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from django.conf import LazySettings

from certification.kernel.typesetting import CannotPrint
from payments.documents import pdf_of
from payments.documents.facts import LAYOUT, About, BillTo, DocumentFacts, Issuer, Line, Received, to_data
from payments.models import PaymentDocument
from payments.states import DocumentKind

PROJECT = Path(__file__).resolve().parents[3]
LETTER = (612, 792)

INVOICE = DocumentFacts(
    layout=LAYOUT,
    kind=DocumentKind.INVOICE,
    number="INV-2026-0007",
    issued_at=datetime(2026, 12, 1, 18, tzinfo=UTC),
    issued_on=date(2026, 12, 1),
    currency="USD",
    issuer=Issuer(
        "Coaching Office", ("12 Coach Lane", "Lawrence, KS 66044"), "office@example.org", "48-1", ("IBAN 1",)
    ),
    bill_to=BillTo("Lakeside District", "Bea Ledger", "bea@example.org", ("1 Lake Road", "Lakeside")),
    order_ref="0b9f1d52-3a3e-4a8e-9d53-2f8f4f3f7f11",
    purchase_order="PO-77",
    lines=(Line("Registration, cohort 10", "", 200, 50_000, 10_000_000),),
    total_minor=10_000_000,
    received=(Received(date(2026, 11, 30), "Cheque or transfer", "CHK-1", 123_456),),
    outstanding_minor=9_876_544,
    due_on=date(2026, 12, 31),
    about=None,
    reason="",
)
CREDIT_NOTE = replace(
    INVOICE,
    kind=DocumentKind.CREDIT_NOTE,
    number="CRN-2027-0001",
    lines=(Line("Registration, cohort 10", "Unpaid part of invoice INV-2026-0007", 1, 9_876_544, 9_876_544),),
    total_minor=9_876_544,
    outstanding_minor=0,
    due_on=None,
    about=About("INV-2026-0007", date(2026, 12, 1), 10_000_000),
    reason="No money came in a year.",
)

# A process of its own, that knows the data and nothing else of the test.
_PRINT = """
import json, sys
import django
django.setup()
from payments.documents import pdf_of
from payments.models import PaymentDocument
sys.stdout.buffer.write(pdf_of(PaymentDocument(data=json.load(sys.stdin))))
"""


def made(facts: DocumentFacts) -> bytes:
    return pdf_of(PaymentDocument(data=to_data(facts)))


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as opened:
        return "\n".join(page.get_textpage().get_text_bounded() for page in opened)


def printed_elsewhere(facts: DocumentFacts, **environment: str) -> bytes:
    """The PDF as another process prints it, with another clock, zone and order of its sets."""
    return subprocess.run(
        [sys.executable, "-c", _PRINT],
        input=json.dumps(to_data(facts)).encode(),
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "certification.settings", **environment},
        cwd=PROJECT,
        capture_output=True,
        check=True,
    ).stdout


def test_the_same_data_makes_the_same_bytes_in_another_process_zone_and_order() -> None:
    here = made(INVOICE)
    there = printed_elsewhere(INVOICE, TZ="Pacific/Auckland", PYTHONHASHSEED="1", LC_ALL="C")
    assert hashlib.sha256(there).digest() == hashlib.sha256(here).digest()
    assert here.startswith(b"%PDF-")


def test_the_same_data_makes_the_same_bytes_under_a_later_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    from fontTools.misc import timeTools

    first = made(INVOICE)
    clock = timeTools.time.time()
    monkeypatch.setattr(timeTools.time, "time", lambda: clock + 400 * 86_400)
    assert made(INVOICE) == first


def test_settings_that_changed_since_do_not_change_a_document(settings: LazySettings) -> None:
    first = made(INVOICE)
    settings.ISSUER_NAME = settings.ISSUER_ADDRESS = settings.CONTACT_EMAIL = "Somebody else"
    settings.PROGRAMME_ZONE = "Asia/Tokyo"
    assert made(INVOICE) == first


def test_another_word_makes_another_document() -> None:
    assert made(replace(INVOICE, purchase_order="PO-78")) != made(INVOICE)


def test_an_invoice_says_all_an_accountant_asks_for() -> None:
    text = text_of(made(INVOICE))
    for said in (
        "Invoice", "INV-2026-0007", "1 December 2026", "To be paid by 31 December 2026", "PO-77",
        "Coaching Office", "12 Coach Lane", "Tax ID 48-1", "Lakeside District", "Bea Ledger", "1 Lake Road",
        "Registration, cohort 10", "200", "$500.00", "$100,000.00", "$1,234.56", "CHK-1", "30 November 2026",
        "$98,765.44 USD", "IBAN 1", "Payable to Coaching Office", INVOICE.order_ref,
    ):  # fmt: skip
        assert said in text


def test_a_paid_receipt_says_so_and_asks_for_nothing() -> None:
    receipt = replace(
        INVOICE,
        kind=DocumentKind.RECEIPT,
        number="REC-2026-0001",
        received=(Received(date(2026, 12, 1), "Stripe", "pi_1", 10_000_000),),
        outstanding_minor=0,
        due_on=None,
    )
    text = text_of(made(receipt))
    assert "Paid in full" in text
    assert "Stripe" in text
    assert "How to pay" not in text.replace("HOW TO PAY", "How to pay")


def test_a_credit_note_names_its_invoice_and_why() -> None:
    text = text_of(made(CREDIT_NOTE))
    for said in (
        "Credit note",
        "CRN-2027-0001",
        "INV-2026-0007",
        "$98,765.44 USD",
        "No money came in a year.",
    ):
        assert said in text


def test_decimals_stand_under_one_another() -> None:
    """Every amount of a column ends at the same place, with the same number of decimals."""
    with pypdfium2.PdfDocument(made(INVOICE)) as pdf:
        page = pdf[0].get_textpage()
        ends = {round(_right_of(page, amount)) for amount in ("$100,000.00", "$1,234.56", "$98,765.44")}
    assert len(ends) == 1


def _right_of(page: pypdfium2.PdfTextPage, amount: str) -> float:
    """The right edge of the last place where `amount` stands followed by the line's end."""
    text = page.get_text_range()
    at = text.rindex(amount) if amount != "$98,765.44" else text.rindex(amount + "\r\n")
    return float(page.get_charbox(at + len(amount) - 1)[2])


def test_the_file_is_tagged_titled_and_in_english_on_letter_paper() -> None:
    with pikepdf.open(io.BytesIO(made(INVOICE))) as pdf:
        assert str(pdf.Root.Lang) == "en"
        assert bool(pdf.Root.MarkInfo.Marked)
        assert "/StructTreeRoot" in pdf.Root
        assert b"pdfuaid" in pdf.Root.Metadata.read_bytes()
        assert str(pdf.docinfo["/Title"]) == "Invoice INV-2026-0007 for Lakeside District"
        assert str(pdf.docinfo["/Author"]) == "Coaching Office"
        assert str(pdf.docinfo["/CreationDate"]).startswith("D:20261201180000")
        assert tuple(round(float(side)) for side in pdf.pages[0].MediaBox[2:]) == LETTER


@pytest.mark.parametrize(
    "name",
    ["Żółcień Ştefănescu", "Екатерина Преображенская", "Ελευθερία Οικονομίδου", "عبد الرحمن آل سعود"],
)
def test_a_name_in_any_installed_script_prints(name: str) -> None:
    made(replace(INVOICE, bill_to=replace(INVOICE.bill_to, name=name)))


def test_boxes_in_place_of_a_name_are_refused() -> None:
    with pytest.raises(CannotPrint, match=r"Invoice INV-2026-0007.*U\+12000"):
        made(replace(INVOICE, bill_to=replace(INVOICE.bill_to, organisation="\U00012000")))


@pytest.mark.parametrize(
    "typed",
    [
        "<script>alert(1)</script>",
        '<img src="file:///etc/passwd">',
        "{{ page.facts.order_ref }}{% now 'Y' %}",
        '"><style>@page { size: 1in }</style>',
        "</title><h1>Paid in full</h1>",
    ],
)
def test_what_people_type_is_printed_and_not_obeyed(typed: str) -> None:
    bill_to = BillTo(typed, typed, "bea@example.org", (typed,))
    told = replace(
        INVOICE, bill_to=bill_to, purchase_order=typed, lines=(replace(INVOICE.lines[0], detail=typed),)
    )
    pdf = made(told)
    squeezed = "".join(text_of(pdf).split())
    assert squeezed.count("".join(typed.split())) >= 3
    with pypdfium2.PdfDocument(pdf) as opened:
        assert opened[0].get_size() == LETTER


def test_a_word_without_end_and_a_page_of_address_stay_on_the_paper() -> None:
    word = "W" * 150
    bill_to = BillTo(
        word, word, "bea@example.org", tuple(f"Line {number} {word[:90]}" for number in range(12))
    )
    received = tuple(replace(INVOICE.received[0], reference=f"{number} {word[:110]}") for number in range(30))
    pdf = made(replace(INVOICE, bill_to=bill_to, purchase_order=word[:60], received=received))
    with pypdfium2.PdfDocument(pdf) as opened:
        assert len(opened) > 2
        for page in opened:
            text = page.get_textpage()
            boxes = [text.get_charbox(index) for index in range(text.count_chars())]
            assert all(left >= 0 and right <= LETTER[0] for left, _, right, _ in boxes)
    assert f"Page 2 of {len(pypdfium2.PdfDocument(pdf))}" in text_of(pdf)
