"""What will be true of a purchase order's people and money once staff have decided, in sentences."""

from __future__ import annotations

from typing import Any

from payments import money
from payments.services.decisions import PAYMENT_TERM
from payments.states import SEATS


def if_accepted(shown: Any) -> tuple[str, ...]:
    amount = money.spoken(shown.order.amount_minor, shown.order.currency)
    days = PAYMENT_TERM.days
    invoice = f"An invoice over {amount} is issued and sent; it is due in {days} days."
    if shown.order.purpose != SEATS:
        return ("Its candidate is registered at once; the money may come later.", invoice)
    if not shown.claimed_seats:
        return ("Nobody has claimed a seat yet: candidates are registered when they do.", invoice)
    claimed = _people(shown.claimed_seats)
    return (f"{claimed} registered at once, later ones when they claim.", invoice)


def if_declined(shown: Any) -> tuple[str, ...]:
    if shown.order.purpose != SEATS:
        return ("Its sender can send another one, or pay in another way.",)
    if not shown.claimed_seats:
        return ("All of its seats become void. Nobody has claimed one yet.",)
    claimed = _people(shown.claimed_seats)
    return ("All of its seats become void.", f"{claimed} told to pay in another way.")


def if_cancelled(shown: Any) -> tuple[str, ...]:
    outstanding = money.spoken(shown.outstanding_minor, shown.order.currency)
    money_said = (
        f"A credit note takes back the outstanding {outstanding}. Money that still comes is to be returned."
    )
    if shown.order.purpose != SEATS:
        return ("Its candidate stays registered; decide about the candidacy by itself.", money_said)
    free = shown.standing_seats - shown.claimed_seats
    return (
        f"Claimed seats stay with their candidates: {shown.claimed_seats}.",
        f"Seats nobody has claimed become void: {free}.",
        money_said,
    )


def _people(how_many: int) -> str:
    if how_many == 1:
        return "1 candidate with a claimed seat is"
    return f"{how_many} candidates with a claimed seat are"
