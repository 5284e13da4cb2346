"""What may be paid for beforehand: the cohorts that register now, and the one that does so next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from candidates import selectors, services
from candidates.models import Candidacy
from candidates.selectors import CardState, registration_card
from payments import offers
from payments import services as payments
from payments.models import Order
from payments.states import OrderState
from tests.factories import candidates as make
from tests.factories import payments as paying
from tests.factories import sponsors
from tests.factories.candidates import REGISTERING

pytestmark = pytest.mark.django_db

SUMMER = datetime(2026, 8, 1, tzinfo=UTC)


def test_a_cohort_is_on_offer_before_and_while_it_registers_and_not_after() -> None:
    cohort = make.cohort(10, 2027)
    later = make.cohort(11, 2028)
    closes = cohort.registration_window.closes
    for at, expected in (
        (SUMMER, [cohort.pk]),
        (REGISTERING, [cohort.pk, later.pk]),
        (closes - timedelta(microseconds=1), [cohort.pk, later.pk]),
        (closes, [later.pk]),
    ):
        assert [offer.id for offer in offers.on_sale(at)] == expected
    offer = offers.get(cohort.pk, REGISTERING)
    assert offer is not None
    assert (offer.title, offer.amount_minor, offer.currency, offer.payable_until) == (
        "Registration fee, Cohort 10",
        cohort.fee_minor,
        cohort.currency,
        closes,
    )


def test_a_registration_owes_for_its_cohort_so_that_a_seat_in_it_pays() -> None:
    registration = make.sent()
    order = Order.objects.get(purpose_id=registration.pk)
    assert order.offer_id == registration.cohort_id
    request = sponsors.ordered_seats(1, offer_id=registration.cohort_id, now=REGISTERING)
    sponsors.claim(order, sponsors.free_seat(request), now=REGISTERING)
    card = registration_card(registration.account, REGISTERING)
    assert (card.state, card.title) == (CardState.CHECKING, "Your seat is reserved")
    closes = registration.cohort.registration_window.closes
    assert not services.lapse_registration(registration_id=registration.pk, now=closes)
    payments.accept_purchase_order(
        purchase_order_id=request.pk, by=paying.office(), now=closes + timedelta(days=2)
    )
    services.complete_registration(registration_id=registration.pk, now=closes + timedelta(days=2))
    assert Candidacy.objects.get().registration == registration
    order.refresh_from_db()
    assert order.state == OrderState.SEATED


def test_after_a_declined_order_of_the_district_the_candidate_is_told_to_pay() -> None:
    registration = make.sent()
    order = Order.objects.get(purpose_id=registration.pk)
    request = sponsors.ordered_seats(1, offer_id=registration.cohort_id, now=REGISTERING)
    sponsors.claim(order, sponsors.free_seat(request), now=REGISTERING)
    payments.decline_purchase_order(
        purchase_order_id=request.pk, by=paying.office(), reason="No.", now=REGISTERING
    )
    assert registration_card(registration.account, REGISTERING).title == "Pay the registration fee"
    assert selectors.open_cohorts(REGISTERING) == [registration.cohort]


def test_a_question_about_an_own_purchase_order_is_told_on_the_card() -> None:
    registration = make.sent()
    order = Order.objects.get(purpose_id=registration.pk)
    request = paying.purchase_order(order, now=REGISTERING)
    payments.ask_back_purchase_order(
        purchase_order_id=request.pk, by=paying.office(), question="Signed?", now=REGISTERING
    )
    card = registration_card(registration.account, REGISTERING)
    assert (card.title, card.next_url) == (
        "Our staff ask about your purchase order",
        order.get_absolute_url(),
    )
