"""What a document says, as values.  They are the document: its PDF is drawn from them and nothing else.

Stored as JSON of integers and texts, so what is read back is what was written, to the byte.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from payments.states import DocumentKind

# The drawing these facts are meant for.  A changed drawing is a new one beside the old, so that a
# document that was sent out keeps its look.
LAYOUT = 1


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who asks for the money or received it, as the settings said on the day of issue."""

    name: str
    address: tuple[str, ...]
    email: str
    tax_id: str
    bank_details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BillTo:
    """Who pays.  Personal data: a name, an e-mail address, a postal address."""

    organisation: str
    name: str
    email: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing sold; amounts in the currency's smallest unit."""

    description: str
    detail: str
    quantity: int
    unit_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Received:
    """One part of the money that came in: on which day of the programme's zone, how, and how to find it."""

    received_on: date
    way: str
    reference: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class About:
    """The invoice that a receipt is for, or that a credit note takes back, or takes back in part."""

    number: str
    issued_on: date
    total_minor: int


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """Everything a document says.

    Attributes:
        number: the full number, such as `INV-2026-0001`.
        issued_on: the day of issue in the programme's zone; `issued_at` is the instant.
        order_ref: the order, for whoever asks us about it.
        purchase_order: the payer's own number; empty without one.
        total_minor: of the lines, in the currency's smallest unit.
        outstanding_minor: what was still owed when the document was issued.
        due_on: of an invoice, the day until which the money is asked for.
        reason: of a credit note, why the money is not asked for any more.
    """

    layout: int
    kind: DocumentKind
    number: str
    issued_at: datetime
    issued_on: date
    currency: str
    issuer: Issuer
    bill_to: BillTo
    order_ref: str
    purchase_order: str
    lines: tuple[Line, ...]
    total_minor: int
    received: tuple[Received, ...]
    outstanding_minor: int
    due_on: date | None
    about: About | None
    reason: str

    @property
    def received_minor(self) -> int:
        return sum(part.amount_minor for part in self.received)


def to_data(facts: DocumentFacts) -> dict[str, Any]:
    """`facts` as JSON can hold them, equal to what the database will give back."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(facts), default=lambda day: day.isoformat()))
    return data


def from_data(data: dict[str, Any]) -> DocumentFacts:
    """The facts stored as `data`."""
    about = data["about"]
    return DocumentFacts(
        **data
        | {
            "kind": DocumentKind(data["kind"]),
            "issued_at": datetime.fromisoformat(data["issued_at"]),
            "issued_on": date.fromisoformat(data["issued_on"]),
            "issuer": _issuer(data["issuer"]),
            "bill_to": _bill_to(data["bill_to"]),
            "lines": tuple(Line(**line) for line in data["lines"]),
            "received": tuple(_received(part) for part in data["received"]),
            "due_on": date.fromisoformat(data["due_on"]) if data["due_on"] else None,
            "about": About(**about | {"issued_on": date.fromisoformat(about["issued_on"])})
            if about
            else None,
        }
    )


def digest(data: dict[str, Any]) -> bytes:
    """A SHA-256 that the same facts always have, in whichever order their keys come."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def _issuer(data: dict[str, Any]) -> Issuer:
    issuer = Issuer(**data)
    return replace(issuer, address=tuple(issuer.address), bank_details=tuple(issuer.bank_details))


def _bill_to(data: dict[str, Any]) -> BillTo:
    bill_to = BillTo(**data)
    return replace(bill_to, address=tuple(bill_to.address))


def _received(data: dict[str, Any]) -> Received:
    return Received(**data | {"received_on": date.fromisoformat(data["received_on"])})
