"""What the payer sees and presses: honest about what is known, and nobody else's business."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from certification.kernel import clock, reconcile
from payments import services
from payments.gateways import PaymentStatus
from payments.models import Order, PaymentAttempt, PurchaseOrder
from payments.pages import OrderPage
from payments.situations import Situation, standing_of
from payments.states import AttemptState, DisputeState, OrderState
from tests.factories import payments as make
from tests.factories.payments import DECLINED_CARD, GOOD_CARD, NOW, PAYABLE_UNTIL, PENDING_CARD
from tests.factories.portfolio import an_upload

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _first_of_december() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def _as(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def _text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def _without_token(response: Any) -> str:
    """The page without the token against forged forms, which differs at every look."""
    return re.sub(r"[A-Za-z0-9]{64}", "token", response.content.decode())


def _pay(client: Client, order: Order, card: str) -> Any:
    """Walk from the order page over the sandbox's page back to the order page."""
    to_provider = client.post(reverse("payments:pay", args=[order.pk]), {"gateway": "sandbox"})
    assert to_provider.status_code == 302
    back = client.post(to_provider["Location"], {"card_number": card})
    assert back.status_code == 302
    return client.get(back["Location"], follow=True)


def test_a_good_card_pays_and_the_page_is_the_receipt(client: Client) -> None:
    order = make.order()
    page = _text(_pay(_as(client, order.payer), order, GOOD_CARD))
    assert "Thank you, it is paid" in page
    assert "What was paid" in page
    receipt = order.documents.get()
    assert receipt.full_number in page
    assert reverse("payments:document", args=[receipt.pk]) in page
    assert order.attempts.get().provider_ref in page
    assert "payments:pay" not in page


def test_a_declined_card_is_explained_and_can_be_tried_again(client: Client) -> None:
    order = make.order()
    page = _text(_pay(_as(client, order.payer), order, DECLINED_CARD))
    assert "The bank declined the card, and nothing was charged." in page
    assert reverse("payments:pay", args=[order.pk]) in page
    assert "it is paid" in _text(_pay(client, order, GOOD_CARD))


def test_a_pending_card_is_being_checked_and_never_called_failed(client: Client) -> None:
    order = make.order()
    page = _text(_pay(_as(client, order.payer), order, PENDING_CARD))
    assert "We are checking with the sandbox card provider" in page
    assert "fail" not in page.lower()
    assert "nothing was charged" not in page.lower()
    assert reverse("payments:pay", args=[order.pk]) not in page
    answer = reverse("payments:sandbox", args=[order.attempts.get().provider_ref])
    assert answer in page
    back = client.post(answer, {"answer": "approve"})
    assert "it is paid" in _text(client.get(back["Location"], follow=True))


def test_leaving_the_payment_page_offers_to_go_on(client: Client) -> None:
    order = make.order()
    _as(client, order.payer).post(reverse("payments:pay", args=[order.pk]), {"gateway": "sandbox"})
    page = _text(client.get(reverse("payments:return", args=[order.pk]), follow=True))
    assert "Your payment page at the sandbox card provider is open" in page
    assert "Go on paying" in page
    assert "hx-trigger" in page


def test_coming_back_without_paying_offers_the_same_page_and_every_other_way(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    left = second.asked[0].cancel_url
    page = _text(_as(client, order.payer).get(left, follow=True))
    assert "You came back without paying" in page
    assert 'value="second">Go on paying' in page
    assert 'value="sandbox">Credit card' in page
    assert "Send a purchase order" in page
    on = client.post(reverse("payments:pay", args=[order.pk]), {"gateway": "second"})
    assert on["Location"] == attempt.page_url


def test_who_paid_and_comes_back_by_the_wrong_door_is_told_it_is_paid(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    page = _text(_as(client, order.payer).get(second.asked[0].cancel_url, follow=True))
    assert "it is paid" in page
    assert "without paying" not in page


def test_a_payer_who_leaves_one_page_can_pay_on_another_and_pays_once(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    old = make.attempt(order, gateway="second")
    assert "it is paid" in _text(_pay(_as(client, order.payer), order, GOOD_CARD))
    reconcile.run("payments.check_uncertain", NOW)
    assert second.closed == [old.provider_ref]
    assert order.ledger.count() == 1


def test_a_silent_provider_is_still_being_asked_and_nothing_is_called_failed(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    make.attempt(order, gateway="second")
    second.silent = True
    page = _text(_as(client, order.payer).get(reverse("payments:return", args=[order.pk]), follow=True))
    assert "We are checking with the second provider" in page
    assert "fail" not in page.lower()
    assert "Nothing was charged" not in page


def test_a_try_that_was_given_no_page_is_nothing_to_go_on_with(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    second.silent = True
    answer = _as(client, order.payer).post(
        reverse("payments:pay", args=[order.pk]), {"gateway": "second"}, follow=True
    )
    assert "We could not reach the second provider. Nothing was charged." in _text(answer)
    assert "Go on paying" not in _text(answer)
    assert 'value="second"' in _text(answer)


def test_the_page_that_looks_again_is_told_when_there_is_nothing_new(client: Client) -> None:
    order = make.order()
    attempt = make.attempt(order)
    _as(client, order.payer)
    asks = re.search(r'hx-get="([^"]+)"', client.get(order.get_absolute_url()).text)
    assert asks
    assert client.get(asks[1]).status_code == 204
    make.card(attempt)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    news = client.get(asks[1])
    assert news.status_code == 200
    assert "it is paid" in _text(news)
    assert "hx-get" not in news.text


def test_a_card_that_was_declined_is_told_beside_a_page_that_is_still_open(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    make.attempt(order, gateway="second")
    page = _text(_pay(_as(client, order.payer), order, DECLINED_CARD))
    assert "Your last payment did not go through" in page
    assert "Your payment page at the second provider is open" in page


def test_money_that_went_back_is_shown_as_returned(client: Client, second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=60_000)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "$600.00 USD came in where $500.00 USD was owed." in page
    assert "The fee itself is still owed" in page
    services.record_return(
        ledger_row_id=order.ledger.get().pk, by=make.office(), reference="re_7", returned_at=NOW, now=NOW
    )
    page = _text(client.get(order.get_absolute_url()))
    assert "Returned to you" in page
    assert "re_7" in page
    assert "We hold money of yours" not in page


def test_money_a_bank_took_back_is_shown(client: Client, second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST)
    services.check_dispute(gateway="second", reference="dp_1", now=NOW)
    page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "This payment was taken back" in page
    assert "dp_1" in page
    assert "Nothing more is owed" not in page


def test_a_question_of_the_staff_leads_to_the_corrected_purchase_order(client: Client) -> None:
    order = make.order()
    request = make.purchase_order(order)
    services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=make.office(), question="Who signed it?", now=NOW
    )
    page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "Who signed it?" in page
    assert reverse("payments:correct", args=[request.pk]) in page


def test_the_address_of_the_return_page_is_not_believed(client: Client) -> None:
    order = make.order()
    make.attempt(order)
    _as(client, order.payer).get(reverse("payments:return", args=[order.pk]), {"status": "succeeded"})
    order.refresh_from_db()
    assert order.state == OrderState.CHECKING


def test_a_purchase_order_is_sent_once_though_the_form_is_posted_twice(client: Client) -> None:
    order = make.order()
    url = reverse("payments:purchase_order", args=[order.pk])
    filled = {
        "number": "PO-5",
        "organisation": "Lakeside",
        "billing_name": "Bea",
        "billing_email": "bea@lakeside.example.org",
        "billing_address": "1 Lake Road\r\nLakeside",
    }
    for _ in range(2):
        page = _text(_as(client, order.payer).post(url, filled | {"file": an_upload()}, follow=True))
        assert "Your purchase order is with our staff" in page
    assert PurchaseOrder.objects.count() == 1


def test_what_was_typed_into_a_purchase_order_is_kept_on_an_error(client: Client) -> None:
    order = make.order()
    url = reverse("payments:purchase_order", args=[order.pk])
    page = _text(_as(client, order.payer).post(url, {"number": "PO-5", "billing_email": "not an address"}))
    assert 'value="PO-5"' in page
    assert 'value="not an address"' in page
    assert not PurchaseOrder.objects.exists()


def test_a_late_purchase_order_is_refused_with_the_reason_and_kept_in_the_form(client: Client) -> None:
    order = make.order()
    url = reverse("payments:purchase_order", args=[order.pk])
    filled = {
        "number": "PO-5",
        "organisation": "Lakeside",
        "billing_name": "Bea",
        "billing_email": "bea@lakeside.example.org",
        "billing_address": "1 Lake Road",
        "file": an_upload(),
    }
    with clock.fixed(PAYABLE_UNTIL):
        page = _text(_as(client, order.payer).post(url, filled))
    assert "31 January 2027, 23:59" in page
    assert 'value="Lakeside"' in page
    assert not PurchaseOrder.objects.exists()


def test_a_declined_purchase_order_shows_its_reason(client: Client) -> None:
    order = make.order()
    request = make.purchase_order(order)
    services.decline_purchase_order(
        purchase_order_id=request.pk, by=make.office(), reason="It is not signed.", now=NOW
    )
    page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "It is not signed." in page
    assert "Send a corrected purchase order" in page


def test_an_accepted_order_says_what_is_still_to_come(client: Client) -> None:
    staff = make.office()
    order = make.accepted_order(staff=staff)
    services.record_transfer(
        order_id=order.pk, by=staff, amount_minor=20_000, reference="T-1", received_at=NOW, now=NOW
    )
    page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "Your purchase order is accepted" in page
    assert "$300.00" in page


def test_money_to_return_is_shown_to_its_payer(client: Client) -> None:
    staff = make.office()
    order = make.accepted_order(staff=staff)
    services.record_transfer(
        order_id=order.pk, by=staff, amount_minor=60_000, reference="T-1", received_at=NOW, now=NOW
    )
    page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "We hold money of yours that is not a fee" in page
    assert "$100.00" in page


def test_after_the_last_instant_nothing_can_be_begun(client: Client) -> None:
    order = make.order()
    _as(client, order.payer)
    with clock.fixed(PAYABLE_UNTIL):
        page = _text(client.get(order.get_absolute_url()))
        assert "too late to begin a payment" in page
        assert reverse("payments:pay", args=[order.pk]) not in page
        late = client.post(reverse("payments:pay", args=[order.pk]), {"gateway": "sandbox"}, follow=True)
        assert "Nothing was charged" in _text(late)
    assert not PaymentAttempt.objects.exists()


def test_after_another_amount_came_nobody_is_told_that_nothing_was_charged(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=40_000)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    with clock.fixed(PAYABLE_UNTIL):
        page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "too late to begin a payment" in page
    assert "We hold money of yours" in page
    assert "Nothing was charged" not in page


@pytest.mark.parametrize("situation", Situation)
def test_every_situation_has_its_badge(situation: Situation) -> None:
    standing = standing_of(make.order())
    label, tone = OrderPage(standing, situation, (), (), True, ()).badge
    assert label
    assert tone in {"neutral", "brand", "info", "success", "warn"}


def test_the_badge_never_contradicts_the_notice_above_it(client: Client) -> None:
    order = make.order()
    _as(client, order.payer)
    assert "Waiting for payment" in _text(client.get(order.get_absolute_url()))
    make.attempt(order)
    begun = _text(client.get(order.get_absolute_url()))
    assert "Payment begun" in begun
    assert "Being checked" not in begun
    with clock.fixed(PAYABLE_UNTIL):
        unpaid = make.order()
        late = _text(_as(client, unpaid.payer).get(unpaid.get_absolute_url()))
    assert "Not paid" in late
    assert "Waiting for payment" not in late


def test_a_payment_is_named_as_its_receipt_and_the_payers_statement_name_it(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, transaction="T-4711")
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    assert "Reference T-4711<" in _text(_as(client, order.payer).get(order.get_absolute_url()))


def test_a_lapsed_order_says_so(client: Client) -> None:
    order = make.order()
    services.lapse_order(purpose=order.purpose, purpose_id=order.purpose_id, now=NOW)
    page = _text(_as(client, order.payer).get(order.get_absolute_url()))
    assert "This order has lapsed" in page
    assert "What is owed" not in page


@pytest.mark.parametrize("name", ["order", "pay", "return", "purchase_order"])
def test_somebody_elses_order_answers_like_one_that_never_was(client: Client, name: str) -> None:
    order, stranger = make.order(), make.payer()
    ask = _as(client, stranger).post if name == "pay" else _as(client, stranger).get
    theirs = ask(reverse(f"payments:{name}", args=[order.pk]))
    absent = ask(reverse(f"payments:{name}", args=[uuid.uuid4()]))
    assert (theirs.status_code, absent.status_code) == (404, 404)
    assert _without_token(theirs) == _without_token(absent)
    owners = client.post if name == "pay" else client.get
    client.force_login(order.payer)
    assert owners(reverse(f"payments:{name}", args=[order.pk])).status_code in (200, 302)


def test_an_old_decline_is_not_told_beside_a_purchase_order(client: Client) -> None:
    order = make.order()
    attempt = make.attempt(order)
    make.card(attempt, make.DECLINED_CARD)
    _as(client, order.payer).get(reverse("payments:return", args=[order.pk]))
    assert "did not go through" in client.get(order.get_absolute_url()).text
    make.purchase_order(order)
    page = client.get(order.get_absolute_url()).text
    assert "is with our staff" in page
    assert "did not go through" not in page


def test_payments_begin_with_a_post(client: Client) -> None:
    order = make.order()
    led_back = _as(client, order.payer).get(reverse("payments:pay", args=[order.pk]))
    assert led_back["Location"] == order.get_absolute_url()
    assert not PaymentAttempt.objects.exists()


def test_the_sandbox_has_no_page_on_a_real_site(client: Client, settings: Settings) -> None:
    attempt = make.attempt(make.order())
    url = reverse("payments:sandbox", args=[attempt.provider_ref])
    assert client.get(url).status_code == 200
    settings.PAYMENT_SANDBOX = False
    assert client.get(url).status_code == 404
    assert client.post(url, {"card_number": GOOD_CARD}).status_code == 404


def test_the_sandbox_refuses_unknown_cards_and_keeps_what_was_typed(client: Client) -> None:
    attempt = make.attempt(make.order())
    page = _text(
        client.post(reverse("payments:sandbox", args=[attempt.provider_ref]), {"card_number": "1234"})
    )
    assert 'value="1234"' in page
    assert "knows only the card numbers" in page


def test_the_sandbox_page_expires(client: Client) -> None:
    attempt = make.attempt(make.order())
    url = reverse("payments:sandbox", args=[attempt.provider_ref])
    with clock.fixed(NOW + timedelta(hours=23)):
        assert "has expired" in _text(client.get(url))
        assert "has expired" in _text(client.post(url, {"card_number": GOOD_CARD}))
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.STARTED


@pytest.mark.parametrize("tries", [1, 3])
def test_the_order_page_asks_the_same_questions_however_long_its_history(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, tries: int
) -> None:
    order = make.order()
    for number in range(tries):
        attempt = make.attempt(order, now=NOW + timedelta(minutes=number))
        make.card(attempt, DECLINED_CARD)
        services.check_attempt(attempt_id=attempt.pk, now=NOW + timedelta(minutes=number))
    _as(client, order.payer)
    with django_assert_num_queries(8):
        client.get(order.get_absolute_url())
