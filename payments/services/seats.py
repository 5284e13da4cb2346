"""Seats: each pays for one candidate on a sponsor's purchase order, who takes it with its code.

A seat may be claimed as soon as it is ordered.  Until staff accept the purchase order the claim only
reserves the seat; from then on it covers the candidate's order.  Source: the programme's rules, section 4.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import IntegrityError, transaction

from accounts.models import User
from certification.kernel import audit
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from certification.kernel.states import require
from payments import locks
from payments.models import Order, PurchaseOrder, Seat
from payments.seat_codes import drawn, normalised
from payments.states import (
    PAYABLE_ORDERS,
    SEAT_ALLOWED,
    SEATS,
    UNDECIDED_PURCHASE_ORDERS,
    AttemptState,
    OrderState,
    PurchaseOrderState,
    SeatState,
)

from . import orders

# Far more than a person mistypes, and far fewer than guessing a code takes.
WRONG_CODES_ALLOWED = 10
WRONG_CODES_FORGOTTEN = timedelta(minutes=15)

_NO_PLACE = (
    "This code opens no free seat for this registration. "
    "Compare it with what you were sent, or ask whoever sent it to you."
)


def claim_seat(*, order_id: UUID, by: User, code: str, now: datetime) -> Seat:
    """Take the seat a code opens, for the candidate's own order.  Claimed twice, it is the same seat.

    Raises:
        Order.DoesNotExist: there is no such order of this person.
        BadInput: no free seat of what is being bought has this code; why, is not told.
        NotAllowed: the order needs no seat, another payment is undecided, or too many codes were tried.
        WindowClosed: it is too late to begin paying.
    """
    Order.objects.get(pk=order_id, payer=by)
    _require_few_guesses(by, now)
    seat = Seat.objects.filter(code=normalised(code)).first()
    if seat is None:
        _count_guess(by, now)
        raise BadInput(_NO_PLACE)
    try:
        return _claim(seat, order_id=order_id, by=by, now=now)
    except BadInput:
        _count_guess(by, now)
        raise


@transaction.atomic
def give_back_seat(*, order_id: UUID, by: User, now: datetime) -> bool:
    """Let go of a reserved seat, so that the candidate can pay in another way.  True when there was one.

    Raises:
        Order.DoesNotExist: there is no such order of this person.
        NotAllowed: the purchase order is accepted, so the seat has paid the order.
        WindowClosed: the candidate could not begin to pay in another way any more.
    """
    Order.objects.get(pk=order_id, payer=by)
    held = Seat.objects.filter(order_id=order_id).first()
    if held is None:
        return False
    _, request = locks.purchase_order(held.purchase_order_id)
    seat = next(one for one in locks.seats(request) if one.pk == held.pk)
    order = locks.order(order_id, payer=by)
    if seat.order_id != order.pk:
        return False
    if request.state not in UNDECIDED_PURCHASE_ORDERS:
        raise NotAllowed(f"{request.organisation} pays for this seat already, so it cannot be given back.")
    if now >= order.payable_until:
        raise WindowClosed(
            "It is too late to pay in another way, so the seat stays yours. "
            "You are registered as soon as it is confirmed."
        )
    _free(seat)
    audit.record(actor=by, action="gave back seat", subject=seat)
    return True


def add(request: PurchaseOrder, how_many: int) -> None:
    """Add free seats to a purchase order that was just made or is locked, each with a fresh code."""
    last = request.all_seats.order_by("-number").values_list("number", flat=True).first() or 0
    for number in range(last + 1, last + how_many + 1):
        _make(request, number)


def resize(request: PurchaseOrder, wanted: int) -> None:
    """Bring a locked, undecided purchase order to `wanted` seats: free ones go, the last first.

    Raises:
        BadInput: more are claimed than would be left.
    """
    standing = [seat for seat in locks.seats(request) if seat.state != SeatState.VOID]
    claimed = sum(seat.state == SeatState.CLAIMED for seat in standing)
    if wanted < claimed:
        raise BadInput(
            f"{claimed} seats are claimed already, so the purchase order cannot be for fewer. "
            f"Order at least {claimed}."
        )
    free = [seat for seat in standing if seat.state == SeatState.FREE]
    # Those somebody is named for go last.
    free.sort(key=lambda seat: (bool(seat.email), -seat.number))
    for seat in free[: max(0, len(standing) - wanted)]:
        _void(seat)
    add(request, max(0, wanted - len(standing)))


def cover_claimed(request: PurchaseOrder, now: datetime) -> None:
    """Let an accepted purchase order pay for every seat that is claimed on it.

    A candidate who has paid otherwise meanwhile, or whose registration is over, leaves the seat free.
    """
    claimed = [seat for seat in locks.seats(request) if seat.state == SeatState.CLAIMED]
    waiting = locks.orders(seat.order_id for seat in claimed if seat.order_id)
    for seat in claimed:
        order = waiting[seat.order_id]  # type: ignore[index]
        if order.state in PAYABLE_ORDERS:
            orders.cover(order, OrderState.SEATED, now)
        else:
            _free(seat)


def void_all(request: PurchaseOrder) -> list[Order]:
    """Take every seat of a declined purchase order back.  Returns the orders whose seat is gone."""
    standing = [seat for seat in locks.seats(request) if seat.state != SeatState.VOID]
    freed = locks.orders(seat.order_id for seat in standing if seat.order_id)
    for seat in standing:
        _void(seat)
    return [order for order in freed.values() if order.state in PAYABLE_ORDERS]


def void_free(request: PurchaseOrder) -> int:
    """Take the seats nobody claimed back.  Returns how many."""
    free = [seat for seat in locks.seats(request) if seat.state == SeatState.FREE]
    for seat in free:
        _void(seat)
    return len(free)


@transaction.atomic
def _claim(seat: Seat, *, order_id: UUID, by: User, now: datetime) -> Seat:
    _, request = locks.purchase_order(seat.purchase_order_id)
    seat = next(one for one in locks.seats(request) if one.pk == seat.pk)
    order = locks.order(order_id, payer=by)
    if seat.order_id == order.pk:
        return seat
    _require_claimable(order, now)
    if seat.state != SeatState.FREE or order.offer_id is None or order.offer_id != request.order.offer_id:
        raise BadInput(_NO_PLACE)
    seat.state = SeatState.CLAIMED
    seat.order = order
    seat.claimed_at = now
    seat.save(update_fields=["state", "order", "claimed_at"])
    audit.record(actor=by, action="claimed seat", subject=seat, detail={"order": str(order.pk)})
    if request.state == PurchaseOrderState.ACCEPTED:
        orders.cover(order, OrderState.SEATED, now)
    return seat


def _require_claimable(order: Order, now: datetime) -> None:
    if order.purpose == SEATS:
        raise NotAllowed("A seat is for a candidate’s own registration. Send the code to the candidate.")
    if Seat.objects.filter(order=order).exists():
        raise NotAllowed("A seat is reserved for you already. Give it back before you take another.")
    orders.require_payable(order, now)
    own = order.purchase_orders.filter(state__in=UNDECIDED_PURCHASE_ORDERS).first()
    if own is not None:
        raise NotAllowed(
            f"Your own purchase order {own.number} is with our staff. "
            "Write to them that it is not needed, and then use the code."
        )
    if order.attempts.filter(state=AttemptState.PENDING).exists():
        raise NotAllowed(
            "A payment of yours is still being decided. Please wait for it, so that it is not paid twice."
        )


def _make(request: PurchaseOrder, number: int) -> Seat:
    try:
        with transaction.atomic():
            return Seat.objects.create(purchase_order=request, number=number, code=drawn())
    except IntegrityError:
        # The code exists: once in a lifetime, and drawn again.
        return Seat.objects.create(purchase_order=request, number=number, code=drawn())


def _free(seat: Seat) -> None:
    _leave(seat, SeatState.FREE)


def _void(seat: Seat) -> None:
    _leave(seat, SeatState.VOID)


def _leave(seat: Seat, state: SeatState) -> None:
    require(SEAT_ALLOWED, seat.state, state, what="This seat")
    seat.state = state
    seat.order = None
    seat.claimed_at = None
    seat.save(update_fields=["state", "order", "claimed_at"])


def _guesses(by: User, now: datetime) -> str:
    return f"payments:wrong-codes:{by.pk}:{int(now.timestamp() // WRONG_CODES_FORGOTTEN.total_seconds())}"


def _require_few_guesses(by: User, now: datetime) -> None:
    if cache.get(_guesses(by, now), 0) >= WRONG_CODES_ALLOWED:
        raise NotAllowed(
            "Too many wrong codes were tried from this account. "
            "Wait a quarter of an hour, and copy the code from the mail you were sent."
        )


def _count_guess(by: User, now: datetime) -> None:
    key = _guesses(by, now)
    cache.add(key, 0, timeout=int(WRONG_CODES_FORGOTTEN.total_seconds()))
    cache.incr(key)
