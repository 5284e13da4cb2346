"""A document's PDF, drawn from its stored data alone: the same data, the same bytes, on any day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.template.loader import render_to_string

from certification.kernel import typesetting
from certification.kernel.money import money_text
from payments import money
from payments.models import PaymentDocument
from payments.states import DocumentKind

from .facts import DocumentFacts, Received, digest, from_data


@dataclass(frozen=True, slots=True)
class Wording:
    """What the kinds of document call the same places."""

    title: str
    payer: str
    total: str
    balance: str


_WORDING = {
    DocumentKind.INVOICE: Wording("Invoice", "Bill to", "Total", "Amount due"),
    DocumentKind.RECEIPT: Wording("Receipt", "Received from", "Total", "Still owed"),
    DocumentKind.CREDIT_NOTE: Wording("Credit note", "Credited to", "Total credited", "Left to pay"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, in words and digits."""

    cells: tuple[str, ...]
    detail: str
    amount: str


@dataclass(frozen=True, slots=True)
class Page:
    """What the drawing shows.

    Attributes:
        headline: the one amount the reader looks for: what it is, the amount, what follows from it.
        invoiced: of a credit note, the whole amount of its invoice.
        file_date: when the file says it was made.
    """

    facts: DocumentFacts
    wording: Wording
    headline: tuple[str, str, str]
    particulars: tuple[tuple[str, str], ...]
    lines: tuple[Row, ...]
    total: str
    received: tuple[Row, ...]
    received_total: str
    balance: str
    invoiced: str
    file_date: str

    @property
    def is_invoice(self) -> bool:
        return self.facts.kind is DocumentKind.INVOICE

    @property
    def is_credit_note(self) -> bool:
        return self.facts.kind is DocumentKind.CREDIT_NOTE

    @property
    def payer(self) -> str:
        return self.facts.bill_to.organisation or self.facts.bill_to.name or self.facts.bill_to.email


def pdf_of(document: PaymentDocument) -> bytes:
    """The document as a tagged PDF on Letter paper.

    Raises:
        CannotPrint: a font is not installed, or no font has a character of what it says.
    """
    facts = from_data(document.data)
    html = render_to_string(f"payments/documents/layout_{facts.layout}_pdf.html", {"page": page_of(facts)})
    return typesetting.pdf_from(
        html,
        what=f"{_WORDING[facts.kind].title} {facts.number}",
        dated=facts.issued_at,
        identifier=digest(document.data)[:16],
    )


def page_of(facts: DocumentFacts) -> Page:
    """The words and digits of the drawing."""

    def digits(amount_minor: int) -> str:
        return money_text(amount_minor, facts.currency)

    return Page(
        facts=facts,
        wording=_WORDING[facts.kind],
        headline=_headline(facts),
        particulars=_particulars(facts),
        lines=tuple(
            Row(
                (line.description, f"{line.quantity:,}", digits(line.unit_minor)),
                line.detail,
                digits(line.amount_minor),
            )
            for line in facts.lines
        ),
        total=digits(facts.total_minor),
        received=tuple(_received_row(part, digits(part.amount_minor)) for part in facts.received),
        received_total=digits(facts.received_minor),
        balance=digits(facts.outstanding_minor),
        invoiced=digits(facts.about.total_minor) if facts.about else "",
        file_date=f"{facts.issued_at:%Y-%m-%dT%H:%M:%SZ}",
    )


def _received_row(part: Received, amount: str) -> Row:
    return Row((spoken(part.received_on), part.way, part.reference), "", amount)


def _headline(facts: DocumentFacts) -> tuple[str, str, str]:
    match facts.kind:
        case DocumentKind.INVOICE:
            due = f"To be paid by {spoken(facts.due_on)}" if facts.due_on and facts.outstanding_minor else ""
            return "Amount due", money.spoken(facts.outstanding_minor, facts.currency), due
        case DocumentKind.RECEIPT:
            paid = money.spoken(facts.received_minor, facts.currency)
            return "Received", paid, "" if facts.outstanding_minor else "Paid in full"
        case DocumentKind.CREDIT_NOTE:
            return "Credited", money.spoken(facts.total_minor, facts.currency), "Nothing more is to be paid"


def _particulars(facts: DocumentFacts) -> tuple[tuple[str, str], ...]:
    named = (
        (f"{_WORDING[facts.kind].title} number", facts.number),
        ("Issued", spoken(facts.issued_on)),
        ("Due", spoken(facts.due_on) if facts.due_on else ""),
        ("Your purchase order", facts.purchase_order),
        ("Invoice", facts.about.number if facts.about else ""),
        ("Invoice issued", spoken(facts.about.issued_on) if facts.about else ""),
        ("Currency", facts.currency),
    )
    return tuple((name, value) for name, value in named if value)


def spoken(day: date) -> str:
    """A day as the site writes it: `1 December 2026`."""
    return f"{day.day} {day:%B %Y}"
