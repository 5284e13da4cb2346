"""Claims, decisions and corrections at the same instant, on real threads and a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from certification.kernel.errors import BadInput, Refusal
from payments import locks, services
from payments.models import Order, PurchaseOrder, Seat
from payments.states import OrderState, PurchaseOrderState, SeatState
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.payments import NOW

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("offers_on_sale")]


def _at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls on threads of their own, and return what each returned or raised."""
    together = threading.Barrier(len(calls), timeout=10)

    def run(call: Callable[[], Any]) -> Any:
        try:
            together.wait()
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _claim(order: Order, seat: Seat) -> Callable[[], Seat]:
    return lambda: sponsors.claim(order, seat)


def test_two_candidates_who_claim_one_code_at_once_get_one_seat() -> None:
    seat = sponsors.free_seat(sponsors.accepted_seats())
    orders = [sponsors.candidate_order() for _ in range(2)]
    results = _at_once(*(_claim(order, seat) for order in orders))
    assert [type(one) for one in results if isinstance(one, Exception)] == [BadInput]
    states = sorted(
        Order.objects.filter(pk__in=[order.pk for order in orders]).values_list("state", flat=True)
    )
    assert states == [OrderState.OPEN, OrderState.SEATED]


def test_without_the_locks_two_candidates_would_get_one_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    seat = sponsors.free_seat(sponsors.accepted_seats())
    orders = [sponsors.candidate_order() for _ in range(2)]
    both = threading.Barrier(2, timeout=10)

    def unlocked(purchase_order_id: UUID) -> tuple[Order, PurchaseOrder]:
        request = PurchaseOrder.objects.select_related("order").get(pk=purchase_order_id)
        return request.order, request

    def read_together(request: PurchaseOrder) -> list[Seat]:
        read = list(request.all_seats.order_by("number"))
        both.wait()
        return read

    monkeypatch.setattr(locks, "purchase_order", unlocked)
    monkeypatch.setattr(locks, "seats", read_together)
    _at_once(*(_claim(order, seat) for order in orders))
    seated = Order.objects.filter(pk__in=[order.pk for order in orders], state=OrderState.SEATED)
    assert seated.count() == 2, "the locks are what keeps a seat one candidate's"


def test_one_candidate_who_claims_two_codes_at_once_gets_one_seat() -> None:
    first, second = sponsors.accepted_seats(1), sponsors.accepted_seats(1)
    order = sponsors.candidate_order()
    _at_once(_claim(order, sponsors.free_seat(first)), _claim(order, sponsors.free_seat(second)))
    assert Seat.objects.filter(state=SeatState.CLAIMED).count() == 1
    order.refresh_from_db()
    assert order.state == OrderState.SEATED


@pytest.mark.parametrize("round_", range(4))
def test_a_claim_beside_the_acceptance_ends_seated_and_never_in_a_deadlock(round_: int) -> None:
    request, staff = sponsors.ordered_seats(3), make.office()
    orders = [sponsors.candidate_order() for _ in range(3)]
    seats = list(request.all_seats.order_by("number"))
    reserved = sponsors.claim(orders[0], seats[0])
    results = _at_once(
        lambda: services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW),
        _claim(orders[1], seats[1]),
        _claim(orders[2], seats[2]),
    )
    assert [one for one in results if isinstance(one, Exception)] == []
    assert reserved.state == SeatState.CLAIMED
    for order in orders:
        order.refresh_from_db()
        assert order.state == OrderState.SEATED


@pytest.mark.parametrize("round_", range(4))
def test_a_claim_beside_the_refusal_leaves_nobody_with_a_void_seat(round_: int) -> None:
    request, staff, order = sponsors.ordered_seats(1), make.office(), sponsors.candidate_order()
    seat = sponsors.free_seat(request)
    refused, claimed = _at_once(
        lambda: services.decline_purchase_order(
            purchase_order_id=request.pk, by=staff, reason="No.", now=NOW
        ),
        _claim(order, seat),
    )
    assert isinstance(refused, PurchaseOrder)
    assert isinstance(claimed, (Seat, BadInput))
    seat.refresh_from_db()
    order.refresh_from_db()
    assert (seat.state, seat.order, order.state) == (SeatState.VOID, None, OrderState.OPEN)


@pytest.mark.parametrize("round_", range(4))
def test_giving_back_beside_the_acceptance_is_one_or_the_other(round_: int) -> None:
    request, staff, order = sponsors.ordered_seats(1), make.office(), sponsors.candidate_order()
    seat = sponsors.claim(order, sponsors.free_seat(request))
    accepted, gave = _at_once(
        lambda: services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW),
        lambda: services.give_back_seat(order_id=order.pk, by=order.payer, now=NOW),
    )
    assert isinstance(accepted, PurchaseOrder)
    seat.refresh_from_db()
    order.refresh_from_db()
    if gave is True:
        assert (seat.state, order.state) == (SeatState.FREE, OrderState.OPEN)
    else:
        assert isinstance(gave, Refusal)
        assert (seat.state, order.state) == (SeatState.CLAIMED, OrderState.SEATED)


def test_a_payment_page_opened_beside_a_claim_leaves_the_order_covered() -> None:
    order, seat = sponsors.candidate_order(), sponsors.free_seat(sponsors.accepted_seats())
    _at_once(lambda: make.attempt(order), _claim(order, seat))
    order.refresh_from_db()
    assert order.state == OrderState.SEATED


def test_the_same_request_sent_twice_at_once_is_one() -> None:
    by = sponsors.sponsor()
    first, second = _at_once(
        lambda: sponsors.ordered_seats(4, by=by), lambda: sponsors.ordered_seats(4, by=by)
    )
    assert first == second
    assert PurchaseOrder.objects.count() == Order.objects.count() == 1
    assert Seat.objects.count() == 4


@pytest.mark.parametrize("round_", range(4))
def test_a_correction_beside_the_acceptance_is_one_before_the_other(round_: int) -> None:
    request, staff = sponsors.ordered_seats(3), make.office()
    services.ask_back_purchase_order(purchase_order_id=request.pk, by=staff, question="Five?", now=NOW)
    resent, accepted = _at_once(
        lambda: services.resend_purchase_order(
            purchase_order_id=request.pk,
            by=request.order.payer,
            details=make.details("PO-78"),
            how_many=5,
            now=NOW,
        ),
        lambda: services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW),
    )
    request = PurchaseOrder.objects.select_related("order").get(pk=request.pk)
    assert request.order.amount_minor == request.seats * 50_000
    assert request.all_seats.exclude(state=SeatState.VOID).count() == request.seats
    if isinstance(resent, Exception):
        assert isinstance(resent, Refusal)
        assert (request.state, request.seats) == (PurchaseOrderState.ACCEPTED, 3)
    else:
        # Staff either accepted what was corrected, or are told to look again.
        assert request.seats == 5
        assert isinstance(accepted, (PurchaseOrder, Refusal))


def test_two_rosters_at_once_give_no_seat_twice() -> None:
    request = sponsors.ordered_seats(2)

    def upload(name: str) -> Callable[[], Any]:
        content = f"name,email\n{name},{name}@school.example\n".encode()
        return lambda: services.upload_roster(
            purchase_order_id=request.pk, by=request.order.payer, content=content, now=NOW
        )

    results = _at_once(upload("ada"), upload("bea"), upload("cem"))
    assert [type(one) for one in results if isinstance(one, Exception)] == [BadInput]
    assert len(set(request.all_seats.values_list("email", flat=True))) == 2
