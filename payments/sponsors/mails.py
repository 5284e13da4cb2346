"""The mails that purchase orders and seats owe people, written with the change that causes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from certification.kernel import outbox
from certification.kernel.windows import spoken
from payments import money
from payments.documents.links import link_to
from payments.models import Order, PurchaseOrder, Seat
from payments.states import SEATS, DocumentKind, SeatState

_KIND = "purchase order"


def requested(request: PurchaseOrder) -> None:
    """Tell the sponsor that the seats exist and can be handed out."""
    amount = money.spoken(request.order.amount_minor, request.order.currency)
    body = (
        f"We received purchase order {request.number} of {request.organisation}: "
        f"{request.order.description}, {amount}.\n\n"
        "Each seat has a code. You can hand the codes out now: candidates reserve their seats with "
        "them while our staff look at the purchase order, and are registered as soon as it is accepted."
    )
    _to_payer(
        request.order,
        f"payments:seats-ordered:{request.pk}",
        f"Purchase order {request.number} received",
        body,
    )


def asked_back(order: Order, request: PurchaseOrder) -> None:
    """Tell the sender what staff want corrected or added."""
    assert request.decided_at is not None
    body = (
        f"Our staff have a question about purchase order {request.number} for {order.description}:\n\n"
        f"{request.decision_reason}\n\n"
        "Correct it on the page below and send it again. Nothing is lost meanwhile, "
        "even if registration closes."
    )
    _to_payer(
        order,
        f"payments:asked-back:{request.pk}:{request.decided_at.isoformat()}",
        f"A question about purchase order {request.number}",
        body,
    )


def declined(order: Order, request: PurchaseOrder) -> None:
    """Tell the sponsor why, and that the seats are gone."""
    body = (
        f"Purchase order {request.number} for {order.description} was declined.\n\n"
        f"The reason: {request.decision_reason}\n\n"
        "Its seats are void, and whoever had reserved one was told. You can order seats anew."
    )
    _to_payer(order, f"payments:declined:{request.pk}", f"Purchase order {request.number} declined", body)


def cancelled(order: Order, request: PurchaseOrder) -> None:
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
    _to_payer(order, f"payments:cancelled:{request.pk}", f"Purchase order {request.number} cancelled", body)


def seat_lost(order: Order, request: PurchaseOrder) -> None:
    """Tell a candidate who had reserved a seat that it is gone, and how to pay while one still can."""
    assert request.decided_at is not None
    until = spoken(order.payable_until, settings.PROGRAMME_ZONE, ending=True)
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
    _to_payer(
        order,
        f"payments:seat-lost:{request.pk}:{order.pk}",
        f"Your reserved seat is gone: {order.description}",
        body,
    )


def seat_codes(request: PurchaseOrder, seats: Iterable[Seat] | None = None) -> None:
    """Send the codes of free seats to whom the roster names, once the purchase order is accepted.

    Not before: anybody can make a sponsor's account, and could have us write to strangers.
    """
    rostered = request.all_seats.exclude(email="").filter(state=SeatState.FREE) if seats is None else seats
    for seat in rostered:
        link = f"{settings.SITE_URL}{reverse('payments:seat', args=[seat.code])}"
        greeting = f"Dear {seat.name}," if seat.name else "Hello,"
        outbox.queue(
            # A corrected address is written to as well; the same one twice is one mail.
            dedupe_key=f"{_codes_of(seat)}{_digest(seat.email)}",
            to=seat.email,
            subject=f"Your seat in the certification, paid by {request.organisation}",
            body=(
                f"{greeting}\n\n{request.organisation} pays for your registration "
                f"at {settings.SITE_NAME}.\n\n"
                f"Your code: {spaced(seat.code)}\n\n"
                "Open the page below, register, and the code is filled in when it comes to paying. "
                "The code is for you alone: whoever uses it first has the seat.\n\n"
                f"{link}\n"
            ),
            kind="seat code",
        )


def codes_sent(seat: Seat) -> int:
    """To how many addresses the code of a seat was mailed, or will be."""
    return outbox.count_queued(_codes_of(seat))


def _codes_of(seat: Seat) -> str:
    return f"payments:seat-code:{seat.pk}:"


def overdue(request: PurchaseOrder, *, outstanding_minor: int, count: int) -> None:
    """Remind the payer and the billing contact of money that did not come in time."""
    order = request.order
    assert request.due_at is not None
    due = spoken(request.due_at, settings.PROGRAMME_ZONE, ending=True)
    owed = money.spoken(outstanding_minor, order.currency)
    issued = request.documents.filter(kind=DocumentKind.INVOICE).first()
    invoice = f"Invoice {issued.full_number}" if issued else "The invoice"
    body = (
        f"{owed} of purchase order {request.number} of {request.organisation} "
        f"({order.description}) was due on {due} and has not arrived.\n\n"
        f"If it is on its way, you need not do anything. {invoice} says how to pay. "
        f"If something is wrong, write to {settings.CONTACT_EMAIL}."
    )
    key = overdue_key(request, count)
    subject = f"Reminder: purchase order {request.number} is overdue"
    _to_payer(order, key, subject, body)
    if request.billing_email.lower() != order.payer.email.lower():
        outbox.queue(
            dedupe_key=f"{key}:billing",
            to=request.billing_email,
            subject=subject,
            # The billing contact has no account here: the link opens the invoice without one.
            body=f"Dear {request.billing_name},\n\n{body}\n" + (f"\n{link_to(issued)}\n" if issued else ""),
            kind="overdue",
        )


def overdue_key(request: PurchaseOrder, count: int) -> str:
    """By which the outbox knows the `count`th reminder of a purchase order."""
    return f"payments:overdue:{request.pk}:{count}"


def _digest(email: str) -> str:
    return hashlib.sha256(email.lower().encode()).hexdigest()[:16]


def spaced(code: str) -> str:
    """A code as people read it aloud: `ABCDE-FGHJK`."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def _to_payer(order: Order, dedupe_key: str, subject: str, body: str, *, kind: str = _KIND) -> None:
    outbox.queue(
        dedupe_key=dedupe_key,
        to=order.payer.email,
        subject=subject,
        body=f"{_greeting(order.payer)}\n\n{body}\n\n{settings.SITE_URL}{order.get_absolute_url()}\n",
        kind=kind,
    )


def _greeting(payer: User) -> str:
    return f"Dear {payer.full_name}," if payer.full_name else "Hello,"
