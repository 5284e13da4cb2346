"""An order lives once per purpose, and lapses only when nothing is under way."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, ProgrammingError, transaction
from pytest_django import Settings

from payments import selectors, services
from payments.apps import refuse_play_money_on_a_real_site
from payments.models import LedgerRow, Order, Seat
from payments.states import OrderState, SeatState
from tests.factories import payments as make
from tests.factories.payments import NOW, PAYABLE_UNTIL

pytestmark = pytest.mark.django_db


def _lapse(order: Order) -> bool:
    return services.lapse_order(purpose=order.purpose, purpose_id=order.purpose_id, now=PAYABLE_UNTIL)


def test_opening_an_order_twice_is_one_order() -> None:
    first = make.order()
    again = make.order(by=first.payer, purpose_id=first.purpose_id)
    assert again == first
    assert Order.objects.count() == 1


def test_the_database_refuses_a_second_live_order_for_a_purpose() -> None:
    first = make.order()
    copy = Order.objects.get(pk=first.pk)
    copy.pk = uuid.uuid4()
    with pytest.raises(IntegrityError, match="order_one_live_per_purpose"), transaction.atomic():
        copy.save(force_insert=True)


def test_a_lapsed_order_may_be_followed_by_a_new_one() -> None:
    first = make.order()
    assert _lapse(first)
    next_year = PAYABLE_UNTIL + timedelta(days=365)
    second = make.order(
        by=first.payer, purpose_id=first.purpose_id, now=PAYABLE_UNTIL, payable_until=next_year
    )
    assert second != first
    card = selectors.order_card("registration", first.purpose_id)
    assert card is not None
    assert (card.id, card.state) == (second.pk, OrderState.OPEN)


def test_an_unpaid_order_lapses_and_lapsing_twice_changes_nothing() -> None:
    order = make.order()
    assert _lapse(order)
    assert _lapse(order)
    order.refresh_from_db()
    assert order.state == OrderState.LAPSED


def test_a_purpose_without_an_order_has_nothing_left_to_lapse() -> None:
    assert services.lapse_order(purpose="registration", purpose_id=uuid.uuid4(), now=NOW)


def test_an_order_with_a_payment_under_way_does_not_lapse() -> None:
    order = make.order()
    make.attempt(order, now=PAYABLE_UNTIL - timedelta(seconds=1))
    assert not _lapse(order)


def test_an_order_whose_purchase_order_waits_for_staff_does_not_lapse() -> None:
    order = make.order()
    make.purchase_order(order)
    assert not _lapse(order)


def test_an_order_whose_purchase_order_waits_for_its_sender_does_not_lapse() -> None:
    order = make.order()
    request = make.purchase_order(order)
    services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=make.office(), question="Who signed it?", now=NOW
    )
    assert not _lapse(order)


@pytest.mark.parametrize("decided", [True, False])
def test_an_order_holds_its_seat_until_the_sponsors_purchase_order_is_decided(decided: bool) -> None:
    order = make.order()
    request = make.purchase_order(make.order())
    seat = Seat.objects.create(purchase_order=request, number=1, code="ABCDE12345")
    Seat.objects.filter(pk=seat.pk).update(state=SeatState.CLAIMED, order=order, claimed_at=NOW)
    if decided:
        Seat.objects.filter(pk=seat.pk).update(state=SeatState.VOID, order=None, claimed_at=None)
    assert _lapse(order) is decided


def test_a_paid_and_an_accepted_order_do_not_lapse() -> None:
    assert not _lapse(make.paid_order())
    assert not _lapse(make.accepted_order(staff=make.office()))


def test_covered_names_paid_and_accepted_purposes_only() -> None:
    paid, accepted = make.paid_order(), make.accepted_order(staff=make.office())
    unpaid = make.order()
    asked = [paid.purpose_id, accepted.purpose_id, unpaid.purpose_id]
    assert selectors.covered("registration", asked) == {paid.purpose_id, accepted.purpose_id}


def test_the_amount_of_an_order_cannot_be_changed() -> None:
    order = make.order()
    with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(amount_minor=1)


def test_a_settled_order_cannot_be_opened_again_by_anybody() -> None:
    order = make.paid_order()
    with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(state=OrderState.OPEN)


def test_the_ledger_can_neither_be_changed_nor_emptied() -> None:
    make.paid_order()
    with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
        LedgerRow.objects.update(amount_minor=1)
    with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
        LedgerRow.objects.all().delete()


def test_a_real_site_does_not_boot_with_play_money(settings: Settings) -> None:
    refuse_play_money_on_a_real_site()
    settings.TEST = settings.DEMO = False
    with pytest.raises(ImproperlyConfigured, match="PAYMENT_SANDBOX"):
        refuse_play_money_on_a_real_site()
    settings.PAYMENT_SANDBOX = False
    refuse_play_money_on_a_real_site()
