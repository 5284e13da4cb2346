"""The last instant: a payment begun before it may settle after it; one begun at it is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.urls import reverse

from candidates.models import Registration
from candidates.states import RegistrationState
from certification.kernel import clock, reconcile
from certification.kernel.errors import WindowClosed
from payments import services
from payments.gateways import PaymentStatus
from payments.models import Order, PaymentAttempt
from payments.states import LedgerKind, OrderState
from tests.factories import candidates
from tests.factories import payments as make
from tests.factories.accounts import signed_in

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo(settings.PROGRAMME_ZONE)
LAST_SECOND = datetime(2027, 1, 31, 23, 59, 59, tzinfo=ZONE)
CLOSED = datetime(2027, 2, 1, tzinfo=ZONE)


def _registered_in_time() -> tuple[Registration, Order]:
    """A registration that is complete but for the fee, and its order."""
    registration = candidates.sent(now=LAST_SECOND - timedelta(minutes=10))
    order = Order.objects.get(purpose="registration", purpose_id=registration.pk)
    assert order.payable_until == CLOSED
    return registration, order


def _after(minutes: int) -> datetime:
    return CLOSED + timedelta(minutes=minutes)


def _everything_runs(now: datetime) -> None:
    with clock.fixed(now):
        reconcile.run_all(now)


def test_a_payment_begun_in_the_last_second_settles_after_the_close_and_completes_the_registration(
    second: SecondProvider,
) -> None:
    registration, order = _registered_in_time()
    attempt = make.attempt(order, gateway="second", now=LAST_SECOND)
    for minutes in (0, 1, 10):
        _everything_runs(_after(minutes))
    registration.refresh_from_db()
    order.refresh_from_db()
    assert registration.state == RegistrationState.AWAITING_PAYMENT, "it does not lapse meanwhile"
    assert order.state == OrderState.CHECKING
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    _everything_runs(_after(11))
    registration.refresh_from_db()
    order.refresh_from_db()
    assert (registration.state, order.state) == (RegistrationState.COMPLETE, OrderState.SETTLED)
    assert order.ledger.get().kind == LedgerKind.FEE


def test_a_bank_that_takes_days_is_waited_for(second: SecondProvider) -> None:
    registration, order = _registered_in_time()
    attempt = make.attempt(order, gateway="second", now=LAST_SECOND)
    second.decide(attempt.provider_ref, PaymentStatus.PENDING)
    for days in (0, 1, 4):
        _everything_runs(CLOSED + timedelta(days=days))
    registration.refresh_from_db()
    assert registration.state == RegistrationState.AWAITING_PAYMENT
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    _everything_runs(CLOSED + timedelta(days=5))
    registration.refresh_from_db()
    assert registration.state == RegistrationState.COMPLETE


def test_a_page_opened_in_the_last_second_is_closed_half_an_hour_later_and_the_registration_lapses(
    second: SecondProvider,
) -> None:
    registration, order = _registered_in_time()
    attempt = make.attempt(order, gateway="second", now=LAST_SECOND)
    assert attempt.expires_at == LAST_SECOND + timedelta(minutes=30)
    _everything_runs(attempt.expires_at)
    registration.refresh_from_db()
    order.refresh_from_db()
    assert second.closed == [attempt.provider_ref]
    assert (registration.state, order.state) == (RegistrationState.LAPSED, OrderState.LAPSED)


def test_money_that_comes_for_a_lapsed_registration_enrols_nobody_and_is_to_return(
    second: SecondProvider,
) -> None:
    registration, order = _registered_in_time()
    attempt = make.attempt(order, gateway="second", now=LAST_SECOND)
    _everything_runs(attempt.expires_at)
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    services.check_attempt(attempt_id=attempt.pk, now=_after(60))
    _everything_runs(_after(61))
    registration.refresh_from_db()
    assert registration.state == RegistrationState.LAPSED
    assert order.ledger.get().kind == LedgerKind.TO_RETURN


def test_a_payment_at_the_first_instant_after_the_window_is_refused(second: SecondProvider) -> None:
    _, order = _registered_in_time()
    with pytest.raises(WindowClosed, match="31 January 2027, 23:59"):
        services.start_payment(order_id=order.pk, by=order.payer, gateway="second", now=CLOSED)
    assert second.asked == []
    assert not PaymentAttempt.objects.exists()


def test_the_page_lets_a_payment_begin_in_the_last_second(second: SecondProvider) -> None:
    _, order = _registered_in_time()
    with clock.fixed(LAST_SECOND):
        pressed = signed_in(order.payer).post(reverse("payments:pay", args=[order.pk]), {"gateway": "second"})
    assert pressed["Location"] == order.attempts.get().page_url


def test_the_page_refuses_a_payment_at_the_first_instant_after_the_window(second: SecondProvider) -> None:
    _, order = _registered_in_time()
    with clock.fixed(LAST_SECOND):
        browser = signed_in(order.payer)
        assert 'value="second"' in browser.get(order.get_absolute_url()).text
    with clock.fixed(CLOSED):
        answer = browser.post(reverse("payments:pay", args=[order.pk]), {"gateway": "second"}, follow=True)
    assert "could be begun until" in answer.text
    assert "Nothing was charged" in answer.text
    assert second.asked == []


def test_who_began_in_time_may_go_on_at_the_same_page_after_the_close(second: SecondProvider) -> None:
    _, order = _registered_in_time()
    attempt = make.attempt(order, gateway="second", now=LAST_SECOND)
    again = services.start_payment(order_id=order.pk, by=order.payer, gateway="second", now=_after(5))
    assert again.redirect_url == attempt.page_url


def test_who_began_in_time_cannot_begin_in_another_way_after_the_close(second: SecondProvider) -> None:
    _, order = _registered_in_time()
    make.attempt(order, gateway="second", now=LAST_SECOND)
    with pytest.raises(WindowClosed):
        services.start_payment(order_id=order.pk, by=order.payer, gateway="sandbox", now=CLOSED)
    with clock.fixed(CLOSED):
        page = signed_in(order.payer).get(order.get_absolute_url()).text
    assert 'value="sandbox"' not in page
    assert "Go on paying" in page
