"""Letters about seats: their codes, and that a reserved one is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.conf import settings
from django.urls import reverse

from certification.kernel import outbox, windows
from payments.models import Order, PurchaseOrder, Seat
from payments.seat_codes import spaced
from payments.states import SeatState

from .letters import dear, to_payer


def seat_lost(order: Order, request: PurchaseOrder) -> None:
    """Tell a candidate who had reserved a seat that it is gone, and how to pay while one still can."""
    assert request.decided_at is not None
    until = windows.spoken(order.payable_until, settings.PROGRAMME_ZONE, ending=True)
    instead = (
        f"You can pay in another way on the page below. A payment can be begun until {until}."
        if request.decided_at < order.payable_until
        else f"A payment could be begun until {until}, so it is too late for one. "
        f"Write to {settings.CONTACT_EMAIL} if you want to know what you can do."
    )
    body = (
        f"The purchase order of {request.organisation} was not accepted, "
        f"so the seat you had reserved for {order.description} is gone.\n\n{instead}"
    )
    to_payer(
        order,
        f"payments:seat-lost:{request.pk}:{order.pk}",
        f"Your reserved seat is gone: {order.description}",
        body,
        kind="purchase order",
    )


def seat_codes(request: PurchaseOrder, seats: Iterable[Seat] | None = None) -> None:
    """Send the codes of free seats to whom the roster names, once the purchase order is accepted.

    Not before: anybody can make a sponsor's account, and could have us write to strangers.
    """
    rostered = request.all_seats.exclude(email="").filter(state=SeatState.FREE) if seats is None else seats
    for seat in rostered:
        link = f"{settings.SITE_URL}{reverse('payments:seat', args=[seat.code])}"
        outbox.queue(
            # A corrected address is written to as well; the same one twice is one mail.
            dedupe_key=f"{_codes_of(seat)}{_digest(seat.email)}",
            to=seat.email,
            subject=f"Your seat in the certification, paid by {request.organisation}",
            body=(
                f"{dear(seat.name)}\n\n{request.organisation} pays for your registration "
                f"at {settings.SITE_NAME}.\n\n"
                f"Your code: {spaced(seat.code)}\n\n"
                "Open the page below, register, and the code is filled in when it comes to paying. "
                "The code is for you alone: whoever uses it first has the seat.\n\n"
                f"{link}\n"
            ),
            kind="seat code",
        )


def seat_codes_sent(seat: Seat) -> int:
    """To how many addresses the code of a seat was mailed, or will be."""
    return outbox.count_queued(_codes_of(seat))


def _codes_of(seat: Seat) -> str:
    return f"payments:seat-code:{seat.pk}:"


def _digest(email: str) -> str:
    return hashlib.sha256(email.lower().encode()).hexdigest()[:16]
