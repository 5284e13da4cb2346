"""A code opens one seat for one candidate: reserved at first, paid for once staff have accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from certification.kernel import ids
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from certification.kernel.models import AuditEvent, OutboxMessage
from payments import selectors, services
from payments.models import Order, PurchaseOrder, Seat
from payments.signals import order_settled
from payments.situations import Situation
from payments.states import OrderState, SeatState
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.payments import NOW, PAYABLE_UNTIL, PENDING_CARD
from tests.factories.sponsors import OTHER_OFFER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("offers_on_sale")]

LATER = PAYABLE_UNTIL + timedelta(days=10)


def _state(order: Order) -> str:
    order.refresh_from_db()
    return order.state


def _accept(request: PurchaseOrder) -> None:
    services.accept_purchase_order(purchase_order_id=request.pk, by=make.office(), now=LATER)


def test_a_claim_reserves_the_seat_until_staff_accept_even_after_the_window() -> None:
    request, order = sponsors.ordered_seats(), sponsors.candidate_order()
    seat = sponsors.claim(order, sponsors.free_seat(request))
    assert (seat.state, seat.order, seat.claimed_at) == (SeatState.CLAIMED, order, NOW)
    assert _state(order) == OrderState.OPEN
    assert selectors.order_situation(order.pk, LATER) is Situation.RESERVED
    assert not services.lapse_order(purpose=order.purpose, purpose_id=order.purpose_id, now=LATER)
    _accept(request)
    assert (_state(order), order.covered_at) == (OrderState.SEATED, LATER)


@pytest.mark.parametrize(
    ("now", "says"), [(NOW, "You can pay in another way"), (PAYABLE_UNTIL, "it is too late for one")]
)
def test_who_loses_a_reserved_seat_is_told_to_pay_otherwise_only_while_one_can(
    now: datetime, says: str
) -> None:
    request, order = sponsors.ordered_seats(), sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(request))
    services.decline_purchase_order(purchase_order_id=request.pk, by=make.office(), reason="No.", now=now)
    assert says in OutboxMessage.objects.get(recipient=order.payer.email).body


def test_a_reserved_seat_waits_also_while_the_sponsor_is_asked_back() -> None:
    request, order = sponsors.ordered_seats(), sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(request))
    services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=make.office(), question="Which year?", now=NOW
    )
    assert not services.lapse_order(purpose=order.purpose, purpose_id=order.purpose_id, now=LATER)


def test_a_claim_on_an_accepted_purchase_order_pays_at_once_and_says_who_does(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    heard = []
    order = sponsors.candidate_order()

    def listen(*, purpose_id: object, **_: object) -> None:
        heard.append(purpose_id)

    order_settled.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            sponsors.claim(order, sponsors.free_seat(sponsors.accepted_seats()))
    finally:
        order_settled.disconnect(listen)
    assert _state(order) == OrderState.SEATED
    assert order.purpose_id in heard
    assert "Lakeside District pays" in OutboxMessage.objects.get(recipient=order.payer.email).body
    assert not order.ledger.exists(), "the sponsor's own order owes the money"


@pytest.mark.parametrize(
    "typed", [str, str.lower, lambda c: f" {c[:5]}-{c[5:]} ", lambda c: "–".join(c), lambda c: " ".join(c)]
)
def test_a_code_opens_its_seat_however_it_is_typed(typed: Callable[[str], str]) -> None:
    order, seat = sponsors.candidate_order(), sponsors.free_seat(sponsors.ordered_seats())
    claimed = services.claim_seat(order_id=order.pk, by=order.payer, code=typed(seat.code), now=NOW)
    assert claimed == seat


def test_claiming_twice_is_the_same_seat() -> None:
    order, seat = sponsors.candidate_order(), sponsors.free_seat(sponsors.accepted_seats())
    assert sponsors.claim(order, seat) == sponsors.claim(order, seat)
    assert AuditEvent.objects.filter(action="claimed seat").count() == 1
    assert OutboxMessage.objects.filter(recipient=order.payer.email).count() == 1


def test_every_code_that_opens_nothing_gets_the_same_answer() -> None:
    request = sponsors.ordered_seats()
    taken = sponsors.free_seat(request)
    sponsors.claim(sponsors.candidate_order(), taken)
    void = sponsors.free_seat(sponsors.ordered_seats(by=sponsors.sponsor()))
    services.decline_purchase_order(
        purchase_order_id=void.purchase_order_id, by=make.office(), reason="No.", now=NOW
    )
    elsewhere = sponsors.free_seat(sponsors.ordered_seats(offer_id=OTHER_OFFER.id))
    said = set()
    for code in (taken.code, void.code, elsewhere.code, "ABCDEFGHJK", "", "'; DROP TABLE", "0" * 5_000):
        order = sponsors.candidate_order()
        with pytest.raises(BadInput) as refusal:
            services.claim_seat(order_id=order.pk, by=order.payer, code=code, now=NOW)
        said.add(str(refusal.value))
        assert _state(order) == OrderState.OPEN
    assert len(said) == 1


def test_an_order_of_no_offer_takes_no_seat() -> None:
    with pytest.raises(BadInput, match="opens no free seat"):
        sponsors.claim(make.order(), sponsors.free_seat(sponsors.ordered_seats()))


def test_a_candidate_holds_one_seat_at_a_time() -> None:
    request, order = sponsors.ordered_seats(), sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(request))
    with pytest.raises(NotAllowed, match="Give it back"):
        sponsors.claim(order, sponsors.free_seat(request))


def test_no_seat_is_claimed_after_the_last_instant_to_pay() -> None:
    seat = sponsors.free_seat(sponsors.accepted_seats())
    with pytest.raises(WindowClosed):
        sponsors.claim(sponsors.candidate_order(), seat, now=PAYABLE_UNTIL)
    sponsors.claim(sponsors.candidate_order(), seat, now=PAYABLE_UNTIL - timedelta(seconds=1))


def test_somebody_elses_order_takes_no_seat() -> None:
    seat = sponsors.free_seat(sponsors.ordered_seats())
    with pytest.raises(Order.DoesNotExist):
        services.claim_seat(order_id=sponsors.candidate_order().pk, by=make.payer(), code=seat.code, now=NOW)


def test_a_sponsors_own_order_takes_no_seat() -> None:
    request = sponsors.ordered_seats()
    with pytest.raises(NotAllowed, match="candidate"):
        sponsors.claim(request.order, sponsors.free_seat(request))


def test_a_paid_order_takes_no_seat() -> None:
    order = make.paid_order(offer_id=sponsors.OFFER.id)
    with pytest.raises(NotAllowed, match="paid already"):
        sponsors.claim(order, sponsors.free_seat(sponsors.ordered_seats()))


def test_a_candidate_with_a_pending_payment_is_told_to_wait() -> None:
    order = sponsors.candidate_order()
    attempt = make.attempt(order)
    make.card(attempt, PENDING_CARD)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    with pytest.raises(NotAllowed, match="not paid twice"):
        sponsors.claim(order, sponsors.free_seat(sponsors.accepted_seats()))


def test_an_open_payment_page_does_not_keep_a_seat_from_being_claimed() -> None:
    order = sponsors.candidate_order()
    make.attempt(order)
    sponsors.claim(order, sponsors.free_seat(sponsors.accepted_seats()))
    assert _state(order) == OrderState.SEATED


def test_one_pays_by_an_own_purchase_order_or_with_a_seat_and_not_both() -> None:
    request = sponsors.ordered_seats()
    waiting, reserved = sponsors.candidate_order(), sponsors.candidate_order()
    make.purchase_order(waiting)
    with pytest.raises(NotAllowed, match="PO-77"):
        sponsors.claim(waiting, sponsors.free_seat(request))
    sponsors.claim(reserved, sponsors.free_seat(request))
    with pytest.raises(NotAllowed, match="Give it back"):
        make.purchase_order(reserved)


def test_guessing_codes_is_slowed_down_for_one_account_and_for_a_quarter_of_an_hour() -> None:
    order, seat = sponsors.candidate_order(), sponsors.free_seat(sponsors.ordered_seats())
    for _ in range(10):
        with pytest.raises(BadInput):
            services.claim_seat(order_id=order.pk, by=order.payer, code="ABCDEFGHJK", now=NOW)
    with pytest.raises(NotAllowed, match="Too many wrong codes"):
        sponsors.claim(order, seat)
    sponsors.claim(sponsors.candidate_order(), seat)
    another = sponsors.free_seat(seat.purchase_order)
    sponsors.claim(order, another, now=NOW + timedelta(minutes=15))


def test_a_reserved_seat_is_given_back_once_and_somebody_else_takes_it() -> None:
    order, seat = sponsors.candidate_order(), sponsors.free_seat(sponsors.ordered_seats())
    sponsors.claim(order, seat)
    gave = [services.give_back_seat(order_id=order.pk, by=order.payer, now=NOW) for _ in range(2)]
    assert gave == [True, False]
    assert selectors.order_situation(order.pk, NOW) is Situation.PAY
    sponsors.claim(sponsors.candidate_order(), seat)
    assert not services.give_back_seat(order_id=order.pk, by=order.payer, now=NOW)


def test_a_seat_that_has_paid_is_not_given_back() -> None:
    order = sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(sponsors.accepted_seats()))
    with pytest.raises(NotAllowed, match="cannot be given back"):
        services.give_back_seat(order_id=order.pk, by=order.payer, now=NOW)


def test_a_seat_is_not_given_back_when_nothing_else_could_be_paid() -> None:
    order = sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(sponsors.ordered_seats()))
    with pytest.raises(WindowClosed, match="stays yours"):
        services.give_back_seat(order_id=order.pk, by=order.payer, now=PAYABLE_UNTIL)


def test_somebody_elses_seat_is_not_given_back() -> None:
    order = sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(sponsors.ordered_seats()))
    with pytest.raises(Order.DoesNotExist):
        services.give_back_seat(order_id=order.pk, by=make.payer(), now=NOW)


def test_who_has_paid_meanwhile_leaves_the_seat_free_at_acceptance() -> None:
    request, order = sponsors.ordered_seats(1), sponsors.candidate_order()
    attempt = make.attempt(order)
    sponsors.claim(order, sponsors.free_seat(request))
    make.card(attempt)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    _accept(request)
    assert _state(order) == OrderState.SETTLED
    seat = request.all_seats.get()
    assert (seat.state, seat.order) == (SeatState.FREE, None)


def test_a_code_that_exists_already_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["ABCDEFGHJK", "ABCDEFGHJK", "MNPQRSTVWX"])
    monkeypatch.setattr(ids, "code", lambda length: next(drawn))
    request = sponsors.ordered_seats(2)
    assert set(request.all_seats.values_list("code", flat=True)) == {"ABCDEFGHJK", "MNPQRSTVWX"}


def test_codes_are_long_enough_that_none_is_guessed() -> None:
    codes = sponsors.ordered_seats(50).all_seats.values_list("code", flat=True)
    assert len(set(codes)) == 50
    assert {len(code) for code in codes} == {10}


def test_the_database_keeps_a_claimed_seat_and_its_order_together() -> None:
    request, order = sponsors.ordered_seats(), sponsors.candidate_order()
    seat = sponsors.claim(order, sponsors.free_seat(request))
    with pytest.raises(IntegrityError, match="seat_claimed_has_order"), transaction.atomic():
        Seat.objects.filter(pk=seat.pk).update(order=None)
    other = sponsors.free_seat(request)
    with pytest.raises(IntegrityError), transaction.atomic():
        Seat.objects.filter(pk=other.pk).update(state=SeatState.CLAIMED, order=order, claimed_at=NOW)
    with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
        Seat.objects.filter(pk=seat.pk).update(code="ABCDEFGHJK")
