"""Sponsors, the seats they order, and the files they send, made through the services."""

from __future__ import annotations

import io
import uuid
from datetime import datetime
from typing import Any

import pikepdf
from PIL import Image

from accounts.models import Role, User
from payments import services
from payments.models import Order, PurchaseOrder, Seat
from payments.offers import Offer
from payments.purchase_files import Document
from payments.states import SeatState

from . import payments as make
from .payments import NOW, PAYABLE_UNTIL

OFFER = Offer(
    id=uuid.UUID("6f2c2f0a-30f5-4a3c-9b39-0f6a1c1f0010"),
    title="Cohort 10",
    amount_minor=50_000,
    currency="USD",
    payable_until=PAYABLE_UNTIL,
)
OTHER_OFFER = Offer(
    id=uuid.UUID("6f2c2f0a-30f5-4a3c-9b39-0f6a1c1f0011"),
    title="Cohort 11",
    amount_minor=60_000,
    currency="USD",
    payable_until=PAYABLE_UNTIL,
)


def on_sale(now: datetime) -> tuple[Offer, ...]:
    """Both offers, for a test that sells nothing else."""
    return (OFFER, OTHER_OFFER)


def sponsor(**fields: Any) -> User:
    return make.payer(role=Role.SPONSOR, **fields)


def ordered_seats(
    how_many: int = 3,
    *,
    by: User | None = None,
    offer_id: uuid.UUID = OFFER.id,
    number: str = "PO-77",
    now: datetime = NOW,
    document: Document | None = None,
) -> PurchaseOrder:
    """A sponsor's purchase order that waits for staff."""
    return services.request_seats(
        offer_id=offer_id,
        by=by or sponsor(),
        how_many=how_many,
        details=make.details(number),
        now=now,
        document=document,
    )


def accepted_seats(how_many: int = 3, *, by: User | None = None, now: datetime = NOW) -> PurchaseOrder:
    request = ordered_seats(how_many, by=by, now=now)
    return services.accept_purchase_order(purchase_order_id=request.pk, by=make.office(), now=now)


def candidate_order(*, offer: Offer = OFFER, by: User | None = None, **fields: Any) -> Order:
    """What a candidate owes for the registration that the offer sells."""
    return make.order(by=by, offer_id=offer.id, **fields)


def free_seat(of: PurchaseOrder) -> Seat:
    seat = of.all_seats.filter(state=SeatState.FREE).order_by("number").first()
    assert seat is not None
    return seat


def claim(order: Order, seat: Seat, *, now: datetime = NOW) -> Seat:
    return services.claim_seat(order_id=order.pk, by=order.payer, code=seat.code, now=now)


def pdf(pages: int = 1, **saving: Any) -> bytes:
    """A PDF of so many empty pages; the same at every call, unless it is encrypted."""
    written = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page(page_size=(612, 792))
        document.save(written, deterministic_id="encryption" not in saving, **saving)
    return written.getvalue()


def scan(format_: str = "PNG", size: tuple[int, int] = (60, 80)) -> bytes:
    """A picture such as a scanner makes."""
    written = io.BytesIO()
    Image.new("L", size, 200).save(written, format_)
    return written.getvalue()


def document(content: bytes | None = None, name: str = "PO-77.pdf") -> Document:
    return Document(name, "application/pdf", content or pdf())
