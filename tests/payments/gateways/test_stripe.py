"""What is Stripe's own: the wire format we pin, its idempotency keys, its signatures, its disputes."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
import stripe

from payments.gateways import ForgedEvent, GatewayUnavailableError, PaymentStatus, stripe_checkout
from payments.states import DisputeState, EventKind
from tests.fakes import stripe_server
from tests.fakes.peer import Event, Fault

from .drivers import NOW, StripeDriver, request

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def driver(stripe_driver: StripeDriver) -> StripeDriver:
    return stripe_driver


def started(driver: StripeDriver, **asked: Any) -> str:
    return driver.gateway.start(request(**asked), now=NOW).reference


def status_of(driver: StripeDriver, reference: str) -> PaymentStatus:
    return driver.gateway.fetch(reference, now=NOW).status


# What Stripe is asked


def test_a_session_carries_our_order_and_nobody_s_name(driver: StripeDriver) -> None:
    started(driver, key="0190-1", amount_minor=12_345, currency="EUR")
    form = driver.peer.asked[-1].form()
    assert form == {
        "mode": "payment",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "12345",
        "line_items[0][price_data][product_data][name]": "Certification fee, cohort 4",
        "client_reference_id": "0190",
        "metadata[order_id]": "0190",
        "metadata[idempotency_key]": "0190-1",
        "payment_intent_data[metadata][order_id]": "0190",
        "payment_intent_data[metadata][idempotency_key]": "0190-1",
        "payment_intent_data[description]": "Certification fee, cohort 4",
        "adaptive_pricing[enabled]": "false",
        "expires_at": str(int((NOW + timedelta(hours=2, minutes=5)).timestamp())),
        "success_url": "https://certification.example.org/payments/back/",
        "cancel_url": "https://certification.example.org/payments/cancelled/",
    }


def test_every_request_names_the_version_and_the_first_one_our_key(driver: StripeDriver) -> None:
    reference = started(driver, key="0190-1")
    status_of(driver, reference)
    driver.gateway.close(reference, now=NOW)
    assert [asked.headers["Stripe-Version"] for asked in driver.peer.asked] == [
        stripe_checkout.API_VERSION
    ] * 4
    assert driver.peer.asked[0].headers["Idempotency-Key"] == "0190-1"


def test_a_repeated_request_is_the_same_to_the_byte(driver: StripeDriver) -> None:
    """Hours later, too: Stripe refuses a key that comes back with other parameters."""
    driver.gateway.start(request(), now=NOW)
    driver.gateway.start(request(), now=NOW + timedelta(hours=1))
    first, second = driver.peer.asked
    assert first.body == second.body


def test_another_request_under_the_same_key_is_refused(
    driver: StripeDriver, caplog: pytest.LogCaptureFixture
) -> None:
    started(driver, key="0190-1")
    with pytest.raises(GatewayUnavailableError):
        started(driver, key="0190-1", amount_minor=1)
    assert len(driver.stripe.sessions) == 1
    assert "IdempotencyError, status 400" in caplog.text


def test_without_a_key_a_lost_answer_would_leave_two_pages(driver: StripeDriver) -> None:
    """The control of the contract's lost answer: another key is another page."""
    driver.peer.faults.add(Fault(hang_up=True, after=True, times=1))
    with pytest.raises(GatewayUnavailableError):
        started(driver, key="0190-1")
    started(driver, key="0190-2")
    assert len(driver.stripe.sessions) == 2


@pytest.mark.parametrize(
    ("closes_in", "fits"),
    [
        (timedelta(minutes=30), True),
        (timedelta(hours=23), True),
        (timedelta(minutes=24), False),
        (timedelta(hours=24), False),
    ],
)
def test_a_page_closes_when_stripe_lets_it(driver: StripeDriver, closes_in: timedelta, fits: bool) -> None:
    """Half an hour is the shortest, counted by Stripe from when it hears of it: so there is a margin."""
    driver.peer.hold(NOW + timedelta(minutes=2))  # on its way, or a clock that differs
    asked = request(expires_at=NOW + closes_in)
    if fits:
        assert driver.gateway.start(asked, now=NOW)
    else:
        with pytest.raises(GatewayUnavailableError):
            driver.gateway.start(asked, now=NOW)


def test_stripe_is_asked_again_before_we_give_up(
    driver: StripeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_checkout, "MAX_RETRIES", 2)
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.0)
    stripe_checkout._client_of.cache_clear()
    driver.peer.faults.add(Fault(status=503, times=2))
    assert started(driver)
    assert {asked.headers["Idempotency-Key"] for asked in driver.peer.asked} == {"0190-1"}
    assert len(driver.peer.asked) == 3


# What Stripe answers


def test_another_key_s_refusal_names_no_key_in_the_log(
    driver: StripeDriver, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.STRIPE_SECRET_KEY = "sk_test_of_another_account"
    with pytest.raises(GatewayUnavailableError):
        started(driver)
    assert "AuthenticationError, status 401" in caplog.text
    assert "sk_test" not in caplog.text


def test_a_payer_s_data_is_not_logged(driver: StripeDriver, caplog: pytest.LogCaptureFixture) -> None:
    reference = started(driver)
    caplog.set_level(logging.DEBUG)
    driver.peer.faults.add(
        Fault(
            status=400, body=b'{"error": {"type": "invalid_request_error", "message": "payer@example.org"}}'
        )
    )
    with pytest.raises(GatewayUnavailableError):
        status_of(driver, reference)
    assert "payer@example.org" not in caplog.text


def test_a_payment_nobody_at_stripe_knows_is_not_called_failed(driver: StripeDriver) -> None:
    with pytest.raises(GatewayUnavailableError):
        status_of(driver, "cs_test_unknown")
    with pytest.raises(GatewayUnavailableError):
        driver.gateway.close("cs_test_unknown", now=NOW)


def test_a_status_of_a_later_version_decides_nothing(driver: StripeDriver) -> None:
    reference = started(driver)
    driver.stripe.sessions[reference]["status"] = "archived"
    with pytest.raises(GatewayUnavailableError):
        status_of(driver, reference)


def test_a_complete_session_is_paid_only_when_its_intent_received_money(driver: StripeDriver) -> None:
    reference = started(driver)
    driver.pay(reference)
    session = driver.stripe.sessions[reference]
    driver.stripe.intents[session["payment_intent"]]["amount_received"] = 0
    assert session["payment_status"] == "paid"
    assert status_of(driver, reference) is PaymentStatus.PENDING


def test_money_received_is_told_although_the_page_expired(driver: StripeDriver) -> None:
    reference = started(driver)
    driver.pay(reference)
    driver.stripe.sessions[reference]["status"] = "expired"
    truth = driver.gateway.fetch(reference, now=NOW)
    assert (truth.status, truth.amount_minor) == (PaymentStatus.SUCCEEDED, 50_000)


def test_a_bank_debit_has_no_instant_of_its_own(driver: StripeDriver) -> None:
    """Its charge was made days before the money came, so the site's own clock says when it did."""
    reference = started(driver)
    driver.leave_pending(reference)
    driver.bank_answers(reference, approved=True)
    assert driver.gateway.fetch(reference, now=NOW).decided_at is None


def test_a_page_closes_by_itself_when_its_time_has_come(driver: StripeDriver) -> None:
    reference = started(driver)
    driver.peer.hold(NOW + timedelta(hours=2, minutes=6))
    assert status_of(driver, reference) is PaymentStatus.EXPIRED


# Signatures


def signed(driver: StripeDriver, header: str, body: bytes, *, now: datetime = NOW) -> str:
    return driver.gateway.read_event({"Stripe-Signature": header}, body, now=now).event_id


BODY = b'{"id": "evt_1", "object": "event", "type": "payout.paid", "data": {"object": {"id": "po_1"}}}'


def genuine(driver: StripeDriver, at: datetime = NOW) -> str:
    return driver.peer.sign(BODY, at=at, forged=False)["Stripe-Signature"]


def test_a_forgery_is_taken_when_nobody_looks_at_the_signature(
    driver: StripeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the signature: this is what it keeps out."""
    forged = driver.peer.sign(BODY, at=NOW, forged=True)["Stripe-Signature"]
    with pytest.raises(ForgedEvent):
        signed(driver, forged, BODY)
    monkeypatch.setattr(stripe.WebhookSignature, "verify_header", lambda *args, **more: True)
    assert signed(driver, forged, BODY) == "evt_1"


def test_the_fake_signs_as_the_library_does(driver: StripeDriver) -> None:
    header = stripe.WebhookSignature.generate_signature_header(
        BODY.decode(), stripe_server.WEBHOOK_SECRET, timestamp=int(NOW.timestamp())
    )
    assert genuine(driver) == header


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (300, True), (301, False), (-60, True)])
def test_a_message_is_taken_for_five_minutes(driver: StripeDriver, seconds: int, taken: bool) -> None:
    header = genuine(driver)
    now = NOW + timedelta(seconds=seconds)
    if taken:
        assert signed(driver, header, BODY, now=now) == "evt_1"
    else:
        with pytest.raises(ForgedEvent, match="too long ago"):
            signed(driver, header, BODY, now=now)


@pytest.mark.parametrize("first", ["{t}", " {t}", "0{t}", "+{t}", "{t} "])
def test_a_second_instant_makes_no_old_message_new(driver: StripeDriver, first: str) -> None:
    """A captured message whose header got a fresh instant behind the signed one."""
    old = int((NOW - timedelta(days=1)).timestamp())
    signature = genuine(driver, NOW - timedelta(days=1)).split(",")[1]
    header = f"t={first.format(t=old)},t={int(NOW.timestamp())},{signature}"
    with pytest.raises(ForgedEvent, match="too long ago"):
        signed(driver, header, BODY)


def test_a_site_without_a_secret_takes_nothing(driver: StripeDriver, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""
    with pytest.raises(ForgedEvent):
        signed(driver, genuine(driver), BODY)


def test_one_of_two_signatures_is_enough_while_the_secret_changes(driver: StripeDriver) -> None:
    at, signature = genuine(driver).split(",")
    assert signed(driver, f"{at},v1={'0' * 64},{signature}", BODY) == "evt_1"


@pytest.mark.parametrize("scheme", ["v0", "v2", ""])
def test_a_signature_of_another_scheme_does_not_count(driver: StripeDriver, scheme: str) -> None:
    with pytest.raises(ForgedEvent):
        signed(driver, genuine(driver).replace("v1=", f"{scheme}="), BODY)


# Messages and disputes


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("checkout.session.completed", EventKind.PAYMENT),
        ("checkout.session.async_payment_succeeded", EventKind.PAYMENT),
        ("checkout.session.async_payment_failed", EventKind.PAYMENT),
        ("checkout.session.expired", EventKind.PAYMENT),
        ("charge.dispute.created", EventKind.DISPUTE),
        ("charge.dispute.updated", EventKind.DISPUTE),
        ("charge.dispute.closed", EventKind.DISPUTE),
        ("charge.succeeded", EventKind.OTHER),
        ("customer.created", EventKind.OTHER),
    ],
)
def test_topics_and_what_they_are_about(driver: StripeDriver, topic: str, kind: EventKind) -> None:
    body = {"id": "evt_1", "type": topic, "data": {"object": {"id": "thing_1", "metadata": None}}}
    message = driver.peer.message(Event("evt_1", topic, body, NOW))
    event = driver.gateway.read_event(message.headers, message.body, now=NOW)
    assert (event.kind, event.topic) == (kind, topic)
    assert event.reference == ("" if kind is EventKind.OTHER else "thing_1")


def test_every_fate_of_a_session_is_told_by_message(driver: StripeDriver) -> None:
    for number, fate in enumerate(("paid", "yes", "no", "expired")):
        reference = started(driver, key=f"0190-{number}")
        if fate == "paid":
            driver.pay(reference)
        elif fate == "expired":
            driver.expire(reference)
        else:
            driver.leave_pending(reference)
            driver.bank_answers(reference, approved=fate == "yes")
    assert [event.topic.removeprefix("checkout.session.") for event in driver.peer.events] == [
        "completed",
        "completed",
        "async_payment_succeeded",
        "completed",
        "async_payment_failed",
        "expired",
    ]


@pytest.mark.parametrize(
    ("begun", "status", "state"),
    [
        ("needs_response", "under_review", DisputeState.OPEN),
        ("needs_response", "appeal_under_review", DisputeState.OPEN),
        ("needs_response", "a_status_of_next_year", DisputeState.OPEN),
        ("warning_needs_response", "warning_closed", DisputeState.WON),
        ("needs_response", "prevented", DisputeState.LOST),  # paid back by rule
        ("warning_needs_response", "prevented", DisputeState.WON),  # blocked, and no money moved
    ],
)
def test_dispute_states(driver: StripeDriver, begun: str, status: str, state: DisputeState) -> None:
    reference = started(driver)
    driver.pay(reference)
    dispute = driver.stripe.dispute(reference, status=begun)
    driver.stripe.decide_dispute(dispute, status)
    assert driver.gateway.fetch_dispute(dispute, now=NOW).state is state


def test_a_dispute_about_a_part_names_the_part(driver: StripeDriver) -> None:
    reference = started(driver)
    driver.pay(reference)
    dispute = driver.stripe.dispute(reference, amount_minor=12_000)
    assert driver.gateway.fetch_dispute(dispute, now=NOW).amount_minor == 12_000


def test_a_dispute_about_something_we_did_not_sell_names_no_payment(driver: StripeDriver) -> None:
    """One Stripe account may take other payments than ours."""
    reference = started(driver)
    driver.pay(reference)
    dispute = driver.stripe.dispute(reference)
    for intent in ("pi_of_a_shop", None):
        driver.stripe.disputes[dispute]["payment_intent"] = intent
        assert driver.gateway.fetch_dispute(dispute, now=NOW).payment_reference == ""


# The hosted page


def test_a_declined_card_leaves_the_page_open_for_another(driver: StripeDriver) -> None:
    page = driver.gateway.start(request(description="Fee <b>&"), now=NOW)
    assert "Fee &lt;b&gt;&amp;" in requests.get(page.url, timeout=5).text
    declined = requests.post(page.url, {"card_number": "4000 0000 0000 0002"}, timeout=5)
    assert "declined" in declined.text
    assert status_of(driver, page.reference) is PaymentStatus.WAITING
    paid = requests.post(page.url, {"card_number": "4242 4242 4242 4242"}, timeout=5, allow_redirects=False)
    assert paid.headers["Location"] == request().return_url
    assert status_of(driver, page.reference) is PaymentStatus.SUCCEEDED


def test_a_page_that_was_closed_takes_no_card(driver: StripeDriver) -> None:
    page = driver.gateway.start(request(), now=NOW)
    driver.gateway.close(page.reference, now=NOW)
    requests.post(page.url, {"card_number": "4242 4242 4242 4242"}, timeout=5, allow_redirects=False)
    assert status_of(driver, page.reference) is PaymentStatus.EXPIRED
