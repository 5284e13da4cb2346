"""Who is to have a sponsor's seats: a roster uploaded at once, or one seat at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from certification.kernel import audit
from certification.kernel.errors import BadInput, NotAllowed
from payments import locks, notices, roster_file
from payments.models import PurchaseOrder, Seat
from payments.states import LIVE_PURCHASE_ORDERS, SEATS, PurchaseOrderState, SeatState

MOST_CODES_SENT = 5
"""To how many addresses one code is mailed: a seat could otherwise write to any number of strangers."""


@dataclass(frozen=True, slots=True)
class RosterTaken:
    """What became of a roster: how many were `named` by it, and how many stood there before."""

    named: int
    known: int


@transaction.atomic
def upload_roster(*, purchase_order_id: UUID, by: User, content: bytes, now: datetime) -> RosterTaken:
    """Give free seats to the people a CSV file names: all of them, or none.

    Somebody who has a seat under the same name is passed over, so a longer list may be uploaded again.
    Codes are mailed once staff have accepted the purchase order.

    Raises:
        PurchaseOrder.DoesNotExist: there is no such purchase order of this person.
        NotAllowed: it was declined or cancelled, or a seat's code was mailed to too many people.
        BadInput: the file cannot be used; `details` has a sentence for each wrong row.
    """
    PurchaseOrder.objects.get(pk=purchase_order_id, order__payer=by, order__purpose=SEATS)
    people = roster_file.read(content)
    _, request = locks.purchase_order(purchase_order_id)
    _require_live(request)
    seats = [seat for seat in locks.seats(request) if seat.state != SeatState.VOID]
    standing = {seat.email.lower(): seat for seat in seats if seat.email}
    new = [row for row in people if row.email.lower() not in standing]
    roster_file.refuse(
        [
            f"Row {row.number}: “{row.email}” has seat {seat.number} already, as “{seat.name}”. "
            "Leave the row out, or change the seat below."
            for row in people
            if (seat := standing.get(row.email.lower())) is not None and seat.name != row.name
        ]
    )
    free = [seat for seat in seats if seat.state == SeatState.FREE and not (seat.name or seat.email)]
    if len(new) > len(free):
        raise BadInput(
            f"Nothing was taken over: the file names {_people(len(new))} who {_have(len(new))} no seat yet, "
            f"and {_seats(len(free))} free. Leave some out, or order more seats."
        )
    taken = free[: len(new)]
    for seat, row in zip(taken, new, strict=True):
        seat.name, seat.email = row.name, row.email
    Seat.objects.bulk_update(taken, ["name", "email"])
    if taken:
        audit.record(actor=by, action="uploaded roster", subject=request, detail={"people": len(taken)})
    _send_codes(request, taken)
    return RosterTaken(named=len(taken), known=len(people) - len(new))


@transaction.atomic
def change_seat(*, seat_id: UUID, by: User, name: str, email: str, now: datetime) -> Seat:
    """Write who is to have one seat; without a name and an address it is nobody's.

    Raises:
        Seat.DoesNotExist: there is no such seat of this person.
        NotAllowed: it is claimed or void, its code was mailed to too many people, or the purchase order
            was declined or cancelled.
        BadInput: the name or the address cannot be right, or the address has another seat.
    """
    owned = Seat.objects.get(
        pk=seat_id, purchase_order__order__payer=by, purchase_order__order__purpose=SEATS
    )
    _, request = locks.purchase_order(owned.purchase_order_id)
    _require_live(request)
    seats = locks.seats(request)
    seat = next(one for one in seats if one.pk == seat_id)
    name, email = roster_file.tidy(name), roster_file.tidy(email)
    if (seat.name, seat.email) == (name, email):
        return seat
    if seat.state != SeatState.FREE:
        raise NotAllowed(f"Seat {seat.number} is {seat.get_state_display().lower()}, so its name stays.")
    if (name or email) and (problem := roster_file.problem_of(name, email)):
        raise BadInput(problem[0].upper() + problem[1:])
    _require_unnamed(email, [one for one in seats if one.pk != seat_id])
    seat.name, seat.email = name, email
    seat.save(update_fields=["name", "email"])
    audit.record(actor=by, action="changed roster", subject=seat)
    _send_codes(request, [seat])
    return seat


def _require_live(request: PurchaseOrder) -> None:
    if request.state not in LIVE_PURCHASE_ORDERS:
        raise NotAllowed(
            f"Purchase order {request.number} is {request.get_state_display().lower()}: "
            "its seats cannot be handed out any more."
        )


def _require_unnamed(email: str, others: list[Seat]) -> None:
    for other in others:
        if email and other.state != SeatState.VOID and other.email.lower() == email.lower():
            raise BadInput(f"“{email}” has seat {other.number} already.")


def _send_codes(request: PurchaseOrder, seats: list[Seat]) -> None:
    if request.state != PurchaseOrderState.ACCEPTED:
        return
    notices.seat_codes(request, [seat for seat in seats if seat.email])
    for seat in seats:
        if notices.seat_codes_sent(seat) > MOST_CODES_SENT:
            raise NotAllowed(
                f"The code of seat {seat.number} was mailed to {MOST_CODES_SENT} addresses already. "
                "Hand it out yourself, or write to the programme office."
            )


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _seats(count: int) -> str:
    return {0: "no seat is", 1: "1 seat is"}.get(count, f"{count} seats are")
