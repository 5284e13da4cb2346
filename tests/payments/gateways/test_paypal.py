"""The PayPal adapter against a PayPal on the other side of the wire, and each guard without which it errs."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import paypalrestsdk
import pytest
from pytest_django import Settings

from payments.gateways import (
    ForgedEvent,
    GatewayUnavailableError,
    PaymentRequest,
    PaymentStatus,
    ProviderPayment,
)
from payments.gateways import paypal_orders as adapter
from payments.gateways import paypal_wire as wire
from payments.gateways.paypal_orders import PayPalGateway
from payments.states import DisputeState, EventKind
from tests.fakes.paypal_server import CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID, FakePayPal
from tests.fakes.peer import Event, Fault, Message, Request, Response, redirect

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
ORDER_ID = "0b54dbfa-9f4a-4a4e-8a0a-3f6f6f1d7c11"
KEY = f"{ORDER_ID}-1"

_VERIFY = "/v1/notifications/verify-webhook-signature"
_TOKEN = "/v1/oauth2/token"


@pytest.fixture
def paypal(settings: Settings) -> Iterator[FakePayPal]:
    with FakePayPal() as peer:
        peer.hold(NOW)
        settings.PAYPAL_CLIENT_ID = CLIENT_ID
        settings.PAYPAL_CLIENT_SECRET = CLIENT_SECRET
        settings.PAYPAL_WEBHOOK_ID = WEBHOOK_ID
        settings.PAYPAL_API_URL = peer.url
        yield peer


@pytest.fixture
def gateway() -> PayPalGateway:
    return PayPalGateway()


def a_request(**changes: Any) -> PaymentRequest:
    asked: dict[str, Any] = {
        "idempotency_key": KEY,
        "order_id": ORDER_ID,
        "amount_minor": 50_000,
        "currency": "USD",
        "description": "Certification fee",
        "return_url": "https://coaching.example.org/payments/back/",
        "cancel_url": "https://coaching.example.org/payments/back/?left=1",
        "expires_at": NOW + timedelta(hours=2),
        **changes,
    }
    return PaymentRequest(**asked)


def opened(gateway: PayPalGateway, **changes: Any) -> str:
    return gateway.start(a_request(**changes), now=NOW).reference


def approved(gateway: PayPalGateway, paypal: FakePayPal) -> str:
    reference = opened(gateway)
    paypal.pay(reference)
    return reference


def collected(gateway: PayPalGateway, paypal: FakePayPal) -> str:
    reference = approved(gateway, paypal)
    assert collect(gateway, reference).status is PaymentStatus.SUCCEEDED
    return reference


def collect(gateway: PayPalGateway, reference: str, key: str = KEY) -> ProviderPayment:
    return gateway.collect(reference, idempotency_key=key, now=NOW)


def asked(paypal: FakePayPal, path: str) -> int:
    return sum(request.path.endswith(path) for request in paypal.asked)


# Orders


def test_order_carries_what_a_statement_is_matched_by(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    page = gateway.start(a_request(description="Gebühr für «Coaching» " * 12), now=NOW)
    assert page.url == f"{paypal.url}/checkoutnow?token={page.reference}"
    sent = json.loads(next(r.body for r in paypal.asked if r.path == "/v2/checkout/orders"))
    unit = sent["purchase_units"][0]
    assert unit["amount"] == {"currency_code": "USD", "value": "500.00"}
    assert (unit["custom_id"], unit["invoice_id"], unit["reference_id"]) == (KEY, KEY, ORDER_ID)
    assert len(unit["description"].encode()) <= 127
    context = sent["payment_source"]["paypal"]["experience_context"]
    assert context == {
        "return_url": a_request().return_url,
        "cancel_url": a_request().cancel_url,
        "user_action": "PAY_NOW",
        "shipping_preference": "NO_SHIPPING",
    }


def test_order_started_twice_is_one_order_and_one_page(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    assert gateway.start(a_request(), now=NOW) == gateway.start(a_request(), now=NOW)
    assert gateway.start(a_request(idempotency_key=f"{ORDER_ID}-2"), now=NOW).reference != paypal.find(KEY)


def test_order_agreed_to_already_leads_back_to_the_site(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = approved(gateway, paypal)
    page = gateway.start(a_request(), now=NOW)
    assert (page.reference, page.url) == (reference, a_request().return_url)


def test_order_without_a_request_id_would_be_two(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for the idempotency key: with a fresh one per request the same attempt opens two pages."""
    ask = gateway._ask

    def forgetful(path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> dict[str, Any]:
        headers = {**headers, "PayPal-Request-Id": f"{len(paypal.asked)}"} if headers else None
        return ask(path, body, headers=headers)

    monkeypatch.setattr(gateway, "_ask", forgetful)
    assert opened(gateway) != opened(gateway)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "value"),
    [(50_000, "USD", "500.00"), (1, "USD", "0.01"), (105, "EUR", "1.05"), (500, "JPY", "500"),
     (99_999_999_999, "USD", "999999999.99")],
)  # fmt: skip
def test_amounts_go_and_come_exactly(
    gateway: PayPalGateway, paypal: FakePayPal, amount_minor: int, currency: str, value: str
) -> None:
    reference = opened(gateway, amount_minor=amount_minor, currency=currency)
    assert paypal._orders[reference].unit["amount"]["value"] == value
    paypal.pay(reference)
    truth = collect(gateway, reference)
    assert (truth.status, truth.amount_minor, truth.currency) == (
        PaymentStatus.SUCCEEDED,
        amount_minor,
        currency,
    )


@pytest.mark.parametrize(
    "value",
    ["500.005", "-500.00", "5e2", "500.00 ", "NaN", "", "٥٠٠", "500,00", 500.0, 500, None, ["500.00"]],
)
def test_amount_that_is_not_exact_is_no_answer(
    gateway: PayPalGateway, paypal: FakePayPal, value: object
) -> None:
    reference = collected(gateway, paypal)
    paypal._orders[reference].takes["value"] = value  # type: ignore[assignment]
    with pytest.raises(GatewayUnavailableError):
        gateway.fetch(reference, now=NOW)


def test_payment_walks_from_waiting_to_collected(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    assert gateway.fetch(reference, now=NOW).status is PaymentStatus.WAITING
    paypal.pay(reference)
    assert gateway.fetch(reference, now=NOW).status is PaymentStatus.APPROVED
    truth = collect(gateway, reference)
    capture = paypal._orders[reference].capture
    assert capture is not None
    assert truth == ProviderPayment(
        PaymentStatus.SUCCEEDED, 50_000, "USD", decided_at=NOW, transaction=capture["id"]
    )
    assert gateway.fetch(reference, now=NOW) == truth


def test_amount_told_is_the_captured_one(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    paypal.pay(reference, amount_minor=49_900, currency="CAD")
    truth = collect(gateway, reference)
    assert (truth.amount_minor, truth.currency) == (49_900, "CAD")


@pytest.mark.parametrize(("approved_by_bank", "status"), [(True, "succeeded"), (False, "failed")])
def test_pending_capture_waits_for_the_bank(
    gateway: PayPalGateway, paypal: FakePayPal, approved_by_bank: bool, status: str
) -> None:
    reference = opened(gateway)
    paypal.leave_pending(reference)
    assert collect(gateway, reference).status is PaymentStatus.PENDING
    paypal.bank_answers(reference, approved=approved_by_bank)
    assert gateway.fetch(reference, now=NOW).status == status


def test_refunded_capture_did_come_in(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = collected(gateway, paypal)
    capture = paypal._orders[reference].capture
    assert capture is not None
    for status in ("PARTIALLY_REFUNDED", "REFUNDED"):
        capture["status"] = status
        assert gateway.fetch(reference, now=NOW).status is PaymentStatus.SUCCEEDED


def test_order_paypal_forgot_or_gave_up_is_expired(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    voided, forgotten = opened(gateway), opened(gateway, idempotency_key=f"{ORDER_ID}-2")
    paypal.void(voided)
    paypal.hold(NOW + timedelta(minutes=1))
    assert gateway.fetch(voided, now=NOW).status is PaymentStatus.EXPIRED
    paypal.expire(forgotten)
    for ask in (gateway.fetch, gateway.close):
        assert ask(forgotten, now=NOW).status is PaymentStatus.EXPIRED
    assert collect(gateway, forgotten).status is PaymentStatus.EXPIRED


def test_unexplained_404_says_nothing_about_an_order(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    """A proxy's page or a wrong address must not make paid orders look expired."""
    reference = collected(gateway, paypal)
    paypal.faults.add(Fault(status=404, body=b"<h1>Not Found</h1>"))
    for ask in (gateway.fetch, gateway.close):
        with pytest.raises(GatewayUnavailableError):
            ask(reference, now=NOW)


# Collecting


def test_collecting_twice_takes_the_money_once(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = approved(gateway, paypal)
    first = collect(gateway, reference)
    assert collect(gateway, reference) == first
    # PayPal keeps request ids for some hours only; after that it answers "already captured".
    assert collect(gateway, reference, key="another-key") == first
    assert [event.topic for event in paypal.events] == [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.COMPLETED",
    ]


def test_collecting_from_eight_threads_takes_the_money_once(
    gateway: PayPalGateway, paypal: FakePayPal
) -> None:
    reference = approved(gateway, paypal)
    with ThreadPoolExecutor(8) as pool:
        truths = set(pool.map(lambda _: collect(gateway, reference), range(16)))
    assert {truth.status for truth in truths} == {PaymentStatus.SUCCEEDED}
    assert len(truths) == 1


def test_collection_whose_answer_was_lost_is_found_by_asking(
    gateway: PayPalGateway, paypal: FakePayPal
) -> None:
    reference = approved(gateway, paypal)
    paypal.faults.add(Fault(hang_up=True, after=True, path="/capture", times=1))
    with pytest.raises(GatewayUnavailableError):
        collect(gateway, reference)
    assert gateway.fetch(reference, now=NOW).status is PaymentStatus.SUCCEEDED
    assert collect(gateway, reference) == gateway.fetch(reference, now=NOW)


def test_collecting_what_nobody_approved_takes_nothing(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    assert collect(gateway, reference).status is PaymentStatus.WAITING
    assert paypal.events == []


def test_declined_card_failed_and_the_payer_reads_why(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    paypal.decline(reference)
    truth = collect(gateway, reference)
    assert truth.status is PaymentStatus.FAILED
    assert "nothing was charged" in truth.problem


@pytest.mark.parametrize(
    "issue", ["PAYEE_ACCOUNT_RESTRICTED", "ORDER_COMPLETION_IN_PROGRESS", "SOMETHING_NEW"]
)
def test_refusal_nobody_foresaw_decides_nothing(
    gateway: PayPalGateway, paypal: FakePayPal, issue: str
) -> None:
    reference = approved(gateway, paypal)
    body = json.dumps({"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}).encode()
    paypal.faults.add(Fault(status=422, body=body, path="/capture"))
    with pytest.raises(GatewayUnavailableError, match=issue):
        collect(gateway, reference)


def test_closing_leaves_what_came_and_ends_what_did_not(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    paid = collected(gateway, paypal)
    assert gateway.close(paid, now=NOW).status is PaymentStatus.SUCCEEDED
    agreed = opened(gateway, idempotency_key=f"{ORDER_ID}-2")
    assert gateway.close(agreed, now=NOW).status is PaymentStatus.EXPIRED
    paypal.pay(agreed)
    assert gateway.close(agreed, now=NOW).status is PaymentStatus.EXPIRED
    assert paypal._orders[agreed].capture is None


# Guards around the package


@pytest.mark.parametrize("status", [301, 400, 403, 404, 409, 422, 429, 500, 502, 503])
def test_every_answer_but_a_done_one_is_raised(
    gateway: PayPalGateway, paypal: FakePayPal, status: int
) -> None:
    reference = approved(gateway, paypal)
    paypal.faults.add(Fault(status=status))
    for ask in (lambda: gateway.fetch(reference, now=NOW), lambda: opened(gateway)):
        with pytest.raises(GatewayUnavailableError):
            ask()


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b'"COMPLETED"', b"<html>", b"\xff\xfe", b'{"id": 1, "links": 7}',
     b'{"status": "COMPLETED", "purchase_units": []}', b'{"status": "COMPLETED", "purchase_units": [{}]}',
     b'{"status": "PAID", "purchase_units": [{"amount": {}}]}', b"[" * 100_000],
)  # fmt: skip
def test_answer_of_another_shape_is_no_answer(
    gateway: PayPalGateway, paypal: FakePayPal, body: bytes
) -> None:
    reference = approved(gateway, paypal)
    paypal.faults.add(Fault(status=200, body=body, path="^/v2/"))
    for ask in (
        lambda: gateway.fetch(reference, now=NOW),
        lambda: opened(gateway),
        lambda: collect(gateway, reference),
    ):
        with pytest.raises(GatewayUnavailableError):
            ask()


def test_redirect_is_not_followed_with_the_token(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid, reference = collected(gateway, paypal), opened(gateway, idempotency_key=f"{ORDER_ID}-2")
    answer = paypal.answer

    def lead_astray(request: Request) -> Response:
        return redirect(f"/v2/checkout/orders/{paid}") if reference in request.path else answer(request)

    monkeypatch.setattr(paypal, "answer", lead_astray)
    with pytest.raises(GatewayUnavailableError, match="303"):
        gateway.fetch(reference, now=NOW)


def test_reference_cannot_reach_another_call(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = approved(gateway, paypal)
    assert gateway.fetch(f"{reference}/capture", now=NOW).status is PaymentStatus.EXPIRED
    assert paypal.asked[-1].path == f"/v2/checkout/orders/{reference}%2Fcapture"
    with pytest.raises(GatewayUnavailableError):
        gateway.fetch_dispute("../../v2/checkout", now=NOW)
    assert paypal.asked[-1].path == "/v1/customer/disputes/..%2F..%2Fv2%2Fcheckout"


def test_bad_request_is_raised_where_the_package_returns_it(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(status=400, body=b'{"name": "INVALID_REQUEST", "details": []}', path="^/v2/")
    paypal.faults.add(fault)
    with pytest.raises(GatewayUnavailableError, match=r"400.*INVALID_REQUEST"):
        opened(gateway)
    monkeypatch.setattr(adapter._Api, "request", paypalrestsdk.Api.request)
    assert gateway._ask("v2/checkout/orders", {"a": 1}) == {
        "error": {"name": "INVALID_REQUEST", "details": []}
    }


def test_silence_ends_at_the_timeout(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = opened(gateway)
    monkeypatch.setattr(adapter, "_TIMEOUT_SECONDS", 0.1)
    paypal.faults.add(Fault(stall_seconds=30, path="^/v2/"))
    with pytest.raises(GatewayUnavailableError, match="did not answer"):
        gateway.fetch(reference, now=NOW)


def test_package_by_itself_waits_for_ever(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for the timeout: without it the call is still waiting long after."""
    reference = opened(gateway)
    monkeypatch.setattr(adapter, "_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(adapter._Api, "http_call", paypalrestsdk.Api.http_call)
    paypal.faults.add(Fault(stall_seconds=1.0, path="^/v2/"))
    waiting = threading.Thread(target=gateway.fetch, args=(reference,), kwargs={"now": NOW})
    waiting.start()
    waiting.join(0.6)
    assert waiting.is_alive()
    waiting.join()


def test_lasting_401_ends_after_one_new_token(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    paypal.faults.add(Fault(status=401, path="^/v2/"))
    before, tokens = len(paypal.asked), paypal.signs_in
    with pytest.raises(GatewayUnavailableError, match="401"):
        gateway.fetch(reference, now=NOW)
    assert paypal.signs_in == tokens + 1
    assert len(paypal.asked) == before + 3  # refused, a new token, refused again


def test_package_by_itself_asks_until_the_stack_ends(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for the renewal: the package's own calls itself again for every 401."""
    reference = opened(gateway)
    paypal.faults.add(Fault(status=401, path="^/v2/", times=40))
    monkeypatch.setattr(adapter._Api, "request", paypalrestsdk.Api.request)
    tokens = paypal.signs_in
    assert gateway.fetch(reference, now=NOW).status is PaymentStatus.WAITING
    assert paypal.signs_in == tokens + 40


def test_token_taken_back_early_is_renewed(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    paypal.end_tokens()
    assert gateway.fetch(reference, now=NOW).status is PaymentStatus.WAITING
    assert paypal.signs_in == 2


def test_token_is_used_again_and_by_its_own_thread_only(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    for _ in range(5):
        gateway.fetch(reference, now=NOW)
    assert paypal.signs_in == 1
    other = threading.Thread(target=gateway.fetch, args=(reference,), kwargs={"now": NOW})
    other.start()
    other.join()
    assert paypal.signs_in == 2


def test_threads_whose_tokens_are_taken_back_are_all_answered(
    gateway: PayPalGateway, paypal: FakePayPal
) -> None:
    reference = opened(gateway)

    def ask(number: int) -> PaymentStatus:
        if number == 40:
            paypal.end_tokens()
        return gateway.fetch(reference, now=NOW).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(100))) == {PaymentStatus.WAITING}


def test_wrong_secret_is_told_without_trying_again(
    gateway: PayPalGateway, paypal: FakePayPal, settings: Settings
) -> None:
    settings.PAYPAL_CLIENT_SECRET = "another"
    with pytest.raises(GatewayUnavailableError, match="401"):
        opened(gateway)
    assert asked(paypal, _TOKEN) == 1


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"access_token": "x", "expires_in": "soon"}', b"garbage"])
def test_something_else_in_place_of_a_token_is_not_kept(
    gateway: PayPalGateway, paypal: FakePayPal, body: bytes
) -> None:
    paypal.faults.add(Fault(status=200, body=body, path=_TOKEN, times=1))
    with pytest.raises(GatewayUnavailableError):
        opened(gateway)
    assert opened(gateway)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that is logged at DEBUG, the package's own level left as the adapter set it."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="paypalrestsdk")
    caplog.set_level(logging.DEBUG, logger="urllib3")
    return lambda: caplog.text


def test_no_credential_reaches_a_log(
    gateway: PayPalGateway, paypal: FakePayPal, everything_logged: Callable[[], str]
) -> None:
    collected(gateway, paypal)
    with pytest.raises(GatewayUnavailableError):
        gateway.fetch_dispute("PP-D-404", now=NOW)
    logged = everything_logged()
    assert "PP-D-404" in logged  # something is
    for secret in ("Authorization", "Bearer", "Basic", CLIENT_SECRET, *paypal._tokens):
        assert secret not in logged
    assert logging.getLogger("paypalrestsdk.api").getEffectiveLevel() == logging.WARNING


def test_no_credential_reaches_a_log_at_the_packages_own_level(
    gateway: PayPalGateway,
    paypal: FakePayPal,
    everything_logged: Callable[[], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A second guard: somebody who turns the package's log on sees addresses, and no headers."""
    caplog.set_level(logging.DEBUG, logger="paypalrestsdk.api")
    collected(gateway, paypal)
    logged = everything_logged()
    assert "Request[POST]" in logged
    assert not [secret for secret in ("Authorization", "Bearer", *paypal._tokens) if secret in logged]


def test_package_by_itself_writes_the_token_into_the_log(
    paypal: FakePayPal, everything_logged: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    """Control for both: at the package's own level and mode, the token is there to read."""
    caplog.set_level(logging.DEBUG, logger="paypalrestsdk.api")
    api = paypalrestsdk.Api(
        mode="sandbox", endpoint=paypal.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    with suppress(paypalrestsdk.ResourceNotFound):
        api.get("v2/checkout/orders/NONE")
    assert any(token in everything_logged() for token in paypal._tokens)


# Messages


def an_event(paypal: FakePayPal, topic: str) -> Event:
    return next(event for event in paypal.events if event.topic == topic)


def read(gateway: PayPalGateway, message: Message) -> Any:
    return gateway.read_event(message.headers, message.body, now=NOW)


def a_message(gateway: PayPalGateway, paypal: FakePayPal) -> Message:
    approved(gateway, paypal)
    return paypal.message(an_event(paypal, "CHECKOUT.ORDER.APPROVED"))


def test_messages_say_which_payment_they_are_about(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = opened(gateway)
    paypal.leave_pending(reference)
    collect(gateway, reference)
    paypal.bank_answers(reference, approved=True)
    topics = ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.COMPLETED"]
    assert [event.topic for event in paypal.events] == topics
    for event in paypal.events:
        told = read(gateway, paypal.message(event))
        assert (told.event_id, told.topic, told.kind) == (event.id, event.topic, EventKind.PAYMENT)
        assert (told.reference, told.idempotency_key, told.occurred_at) == (reference, KEY, NOW)


def test_message_delivered_twice_has_one_id(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    approved(gateway, paypal)
    event = an_event(paypal, "CHECKOUT.ORDER.APPROVED")
    assert read(gateway, paypal.message(event)) == read(gateway, paypal.message(event))


def test_dispute_message_says_which_dispute(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    dispute = paypal.dispute(collected(gateway, paypal))
    told = read(gateway, paypal.message(an_event(paypal, "CUSTOMER.DISPUTE.CREATED")))
    assert (told.kind, told.reference, told.idempotency_key) == (EventKind.DISPUTE, dispute, "")


def test_other_and_odd_events_are_nothing_of_ours(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    odd: list[tuple[str, Any, EventKind]] = [
        ("BILLING.PLAN.CREATED", {"id": "P-1"}, EventKind.OTHER),
        ("PAYMENT.CAPTURE.COMPLETED", {"custom_id": "x" * 127}, EventKind.PAYMENT),
        ("PAYMENT.CAPTURE.COMPLETED", {"custom_id": "a\x00b", "supplementary_data": []}, EventKind.PAYMENT),
        ("CHECKOUT.ORDER.APPROVED", {"id": 7, "purchase_units": {}}, EventKind.PAYMENT),
        ("CUSTOMER.DISPUTE.CREATED", None, EventKind.DISPUTE),
    ]
    for topic, resource, kind in odd:
        body = {"id": "WH-1", "event_type": topic, "resource": resource, "create_time": "yesterday"}
        told = read(gateway, paypal.message(Event("WH-1", topic, body, NOW)))
        assert (told.kind, told.reference, told.idempotency_key) == (kind, "", "")
        assert told.occurred_at is None


def test_forged_message_is_refused_by_paypals_own_word(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    message = a_message(gateway, paypal)
    headers = {**message.headers, "Paypal-Transmission-Sig": "bm90IGl0"}
    with pytest.raises(ForgedEvent):
        gateway.read_event(headers, message.body, now=NOW)
    assert asked(paypal, _VERIFY) == 1


def test_every_forgery_of_the_fake_is_refused(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    approved(gateway, paypal)
    for _ in range(30):
        with pytest.raises(ForgedEvent):
            read(gateway, paypal.message(paypal.events[0], forged=True))


def test_altered_message_is_refused(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    message = a_message(gateway, paypal)
    altered = message.body.replace(KEY.encode(), f"{ORDER_ID}-2".encode())
    assert altered != message.body
    with pytest.raises(ForgedEvent):
        gateway.read_event(message.headers, altered, now=NOW)


def test_message_for_another_webhook_is_refused(
    gateway: PayPalGateway, paypal: FakePayPal, settings: Settings
) -> None:
    message = a_message(gateway, paypal)
    settings.PAYPAL_WEBHOOK_ID = "ANOTHER1"
    with pytest.raises(ForgedEvent):
        read(gateway, message)


def test_without_the_question_a_forgery_would_pass(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for the signature check."""
    message = a_message(gateway, paypal)
    headers = {**message.headers, "Paypal-Transmission-Sig": "bm90IGl0"}
    monkeypatch.setattr(PayPalGateway, "_require_sent_by_paypal", lambda *_: None)
    assert gateway.read_event(headers, message.body, now=NOW).kind is EventKind.PAYMENT


@pytest.mark.parametrize(
    "body",
    ['{"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"note": "Gebühr — 30 €"}}',
     '{"id":"WH-1","event_type":"A","amount":1.10,"small":1E-7}',
     '{ "id" : "WH-1" ,\n  "event_type":\t"A", "escaped": "\\u00e9\\/", "twice": 1, "twice": 2 }'],
)  # fmt: skip
def test_message_reaches_the_verification_to_the_byte(
    gateway: PayPalGateway, paypal: FakePayPal, body: str
) -> None:
    raw = body.encode()
    headers = paypal.sign(raw, at=NOW, forged=False)
    assert gateway.read_event(headers, raw, now=NOW).event_id == "WH-1"
    assert raw in next(request.body for request in paypal.asked if request.path == _VERIFY)


def test_message_written_anew_would_be_refused(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for the bytes: parsed and written again, a genuine message is no longer PayPal's."""
    raw = '{"id":"WH-1","event_type":"A","note":"Gebühr"}'.encode()
    headers = paypal.sign(raw, at=NOW, forged=False)
    question = wire.Transmission.question
    monkeypatch.setattr(
        wire.Transmission,
        "question",
        lambda self, body, webhook_id: question(
            self, json.dumps(json.loads(body)).encode(), webhook_id=webhook_id
        ),
    )
    with pytest.raises(ForgedEvent):
        gateway.read_event(headers, raw, now=NOW)


def refused_unasked(gateway: PayPalGateway, paypal: FakePayPal, message: Message, **headers: str) -> bool:
    """Whether a message is refused before PayPal is asked about it."""
    with pytest.raises(ForgedEvent):
        gateway.read_event({**message.headers, **headers}, message.body, now=NOW)
    return asked(paypal, _VERIFY) == 0


@pytest.mark.parametrize(
    "name", ["Transmission-Id", "Transmission-Time", "Transmission-Sig", "Cert-Url", "Auth-Algo"]
)
def test_missing_header_is_refused_unasked(gateway: PayPalGateway, paypal: FakePayPal, name: str) -> None:
    assert refused_unasked(gateway, paypal, a_message(gateway, paypal), **{f"Paypal-{name}": ""})


@pytest.mark.parametrize(
    "url",
    ["http://www.paypal.com/cert", "https://paypal.com.example.org/cert", "https://notpaypal.com/cert",
     "https://api.paypal.com@example.org/cert", "https://example.org/paypal.com", "https://[paypal.com", "x"],
)  # fmt: skip
def test_certificate_of_somebody_else_is_refused_unasked(
    gateway: PayPalGateway, paypal: FakePayPal, url: str
) -> None:
    assert refused_unasked(gateway, paypal, a_message(gateway, paypal), **{"Paypal-Cert-Url": url})


def test_certificates_of_paypal_are_taken() -> None:
    for host in ("paypal.com", "api.paypal.com", "api.sandbox.paypal.com"):
        wire.Transmission(
            "a", "2026-11-20T15:59:00Z", "b", f"https://{host}/v1/certs/C", "c"
        ).require_plausible(NOW, api_url="https://api-m.paypal.com")


@pytest.mark.parametrize(
    "sent", ["2026-11-15T16:00:00Z", "2026-11-20T16:06:00Z", "2026-11-20T16:00:00", "today", "20 Nov 2026"]
)
def test_message_of_another_time_is_refused_unasked(
    gateway: PayPalGateway, paypal: FakePayPal, sent: str
) -> None:
    assert refused_unasked(gateway, paypal, a_message(gateway, paypal), **{"Paypal-Transmission-Time": sent})


def test_message_paypal_repeated_for_three_days_is_taken(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    message = a_message(gateway, paypal)
    gateway.read_event(message.headers, message.body, now=NOW + timedelta(days=3, hours=1))


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b'"x"', b"{", b"\xff", b"{}", b'\xef\xbb\xbf{"id": "WH-1"}', b"[" * 100_000,
             b'{"id": "WH-1", "event_type": "A"}, "webhook_id": "X", "more": {}'],
)  # fmt: skip
def test_message_that_is_no_event_is_refused(gateway: PayPalGateway, paypal: FakePayPal, body: bytes) -> None:
    with pytest.raises(ForgedEvent):
        gateway.read_event(paypal.sign(body, at=NOW, forged=False), body, now=NOW)


def test_message_cannot_bring_the_verification_a_genuine_one_along(
    gateway: PayPalGateway, paypal: FakePayPal
) -> None:
    """One that closes its own brace would be read by us, and the genuine one behind it by PayPal."""
    genuine = a_message(gateway, paypal)
    body = b'{"id": "WH-EVIL", "event_type": "CHECKOUT.ORDER.APPROVED"}, "webhook_event": ' + genuine.body
    with pytest.raises(ForgedEvent):
        gateway.read_event(genuine.headers, body, now=NOW)


def test_message_paypal_cannot_read_is_refused(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    message = a_message(gateway, paypal)
    paypal.faults.add(Fault(status=400, path=_VERIFY))
    with pytest.raises(ForgedEvent):
        read(gateway, message)


def test_message_stays_undecided_while_paypal_cannot_be_asked(
    gateway: PayPalGateway, paypal: FakePayPal
) -> None:
    message = a_message(gateway, paypal)
    for status in (401, 403, 500, 503):
        paypal.faults.clear()
        paypal.faults.add(Fault(status=status, path=_VERIFY))
        with pytest.raises(GatewayUnavailableError):
            read(gateway, message)
    paypal.faults.clear()
    paypal.faults.add(Fault(status=200, body=b'{"verification_status": "success"}', path=_VERIFY))
    with pytest.raises(ForgedEvent):
        read(gateway, message)


def test_messages_being_verified_leave_most_of_the_sites_threads_free(
    gateway: PayPalGateway, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can send what looks like PayPal's, and each costs a question: the rest are put off."""
    message = a_message(gateway, paypal)
    most = adapter._MOST_VERIFIED_AT_ONCE
    asking, answered = threading.Barrier(most + 1, timeout=10), threading.Event()

    def ask_slowly(*_: object) -> None:
        asking.wait()
        answered.wait(10)

    monkeypatch.setattr(gateway, "_require_sent_by_paypal", ask_slowly)
    with ThreadPoolExecutor(most) as threads:
        slow = [threads.submit(read, gateway, message) for _ in range(most)]
        asking.wait()
        with pytest.raises(GatewayUnavailableError, match="Too many"):
            read(gateway, message)
        answered.set()
        assert {one.result().event_id for one in slow} == {slow[0].result().event_id}
    monkeypatch.undo()
    assert read(gateway, message).kind is EventKind.PAYMENT


# Disputes


def test_dispute_leads_to_the_order_that_was_paid(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    reference = collected(gateway, paypal)
    dispute = gateway.fetch_dispute(paypal.dispute(reference, reason="UNAUTHORISED"), now=NOW)
    assert dispute.payment_reference == reference
    assert (dispute.amount_minor, dispute.currency, dispute.reason) == (50_000, "USD", "UNAUTHORISED")
    assert (dispute.state, dispute.opened_at, dispute.closed_at) == (DisputeState.OPEN, NOW, None)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("RESOLVED_BUYER_FAVOUR", DisputeState.LOST),
        ("ACCEPTED", DisputeState.LOST),
        ("RESOLVED_SELLER_FAVOUR", DisputeState.WON),
        ("RESOLVED_WITH_PAYOUT", DisputeState.WON),
        ("CANCELED_BY_BUYER", DisputeState.WON),
        ("DENIED", DisputeState.WON),
        ("NONE", DisputeState.WON),
        ("SOMETHING_NEW", DisputeState.OPEN),
    ],
)
def test_dispute_ends_as_paypal_decides(
    gateway: PayPalGateway, paypal: FakePayPal, outcome: str, state: DisputeState
) -> None:
    dispute = paypal.dispute(collected(gateway, paypal))
    paypal.decide_dispute(dispute, outcome)
    told = gateway.fetch_dispute(dispute, now=NOW)
    assert (told.state, told.closed_at) == (state, None if state is DisputeState.OPEN else NOW)


def test_dispute_lost_in_part_is_about_that_part(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    dispute = paypal.dispute(collected(gateway, paypal), amount_minor=20_000)
    assert gateway.fetch_dispute(dispute, now=NOW).amount_minor == 20_000
    paypal.decide_dispute(dispute, "RESOLVED_BUYER_FAVOUR", refunded_minor=12_345)
    assert gateway.fetch_dispute(dispute, now=NOW).amount_minor == 12_345


def test_dispute_about_money_that_came_another_way_names_no_payment(
    gateway: PayPalGateway, paypal: FakePayPal
) -> None:
    dispute = paypal.dispute(collected(gateway, paypal))
    paypal._disputes[dispute]["disputed_transactions"][0]["seller_transaction_id"] = "ANOTHER"
    assert gateway.fetch_dispute(dispute, now=NOW).payment_reference == ""


def test_dispute_nobody_knows_is_no_answer(gateway: PayPalGateway, paypal: FakePayPal) -> None:
    with pytest.raises(GatewayUnavailableError):
        gateway.fetch_dispute("PP-D-1/../..", now=NOW)


def test_gateway_is_on_when_its_variables_are_set(
    gateway: PayPalGateway, paypal: FakePayPal, settings: Settings
) -> None:
    assert gateway.is_enabled()
    settings.PAYPAL_CLIENT_ID = ""
    assert not gateway.is_enabled()
