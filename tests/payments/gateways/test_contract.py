"""What every gateway promises, whichever provider stands behind it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from payments import gateways
from payments.gateways import (
    ForgedEvent,
    Gateway,
    GatewayUnavailableError,
    PaymentStatus,
    ProviderEvent,
    ProviderPayment,
)
from payments.states import DisputeState, EventKind
from tests.fakes.peer import Event, Fault, Message

from .drivers import NOW, Driver, RemoteDriver, SandboxDriver, request

pytestmark = pytest.mark.django_db


def started(driver: Driver, **asked: Any) -> str:
    return driver.gateway.start(request(**asked), now=NOW).reference


def fetched(driver: Driver, reference: str) -> ProviderPayment:
    return driver.gateway.fetch(reference, now=NOW)


def collected(driver: Driver, reference: str) -> ProviderPayment:
    """What a site does with a payment that its provider says is approved, or decided already."""
    return driver.gateway.collect(reference, idempotency_key="0190-1", now=NOW)


def read(driver: Driver, message: Message) -> ProviderEvent:
    return driver.gateway.read_event(message.headers, message.body, now=NOW)


# Starting


def test_a_page_asked_for_twice_is_one_page(driver: Driver) -> None:
    first = driver.gateway.start(request(), now=NOW)
    assert driver.gateway.start(request(), now=NOW) == first
    assert first.url


def test_two_keys_are_two_payments(driver: Driver) -> None:
    first = started(driver, key="0190-1")
    second = started(driver, key="0190-2")
    assert first != second
    driver.pay(second)
    assert fetched(driver, first).status is PaymentStatus.WAITING


def test_an_answer_that_got_lost_leaves_one_payment(remote: RemoteDriver) -> None:
    remote.peer.faults.add(Fault(hang_up=True, after=True, times=1, method="POST", path="checkout"))
    with pytest.raises(GatewayUnavailableError):
        started(remote)
    only = remote.peer.find("0190-1")
    assert started(remote) == only


@pytest.mark.parametrize("description", ["Fee “Ölçü” – 認定 🎓", "A" * 200])
def test_descriptions_arrive_in_any_script_and_length(driver: Driver, description: str) -> None:
    assert started(driver, description=description)


# What became of it


def test_an_untouched_page_waits(driver: Driver) -> None:
    assert fetched(driver, started(driver)).status is PaymentStatus.WAITING


@pytest.mark.parametrize(
    ("amount_minor", "currency"), [(50_000, "USD"), (1_999, "EUR"), (50_000, "JPY"), (1, "GBP")]
)
def test_paid_money_is_told_as_it_came(driver: Driver, amount_minor: int, currency: str) -> None:
    reference = started(driver, amount_minor=amount_minor, currency=currency)
    driver.pay(reference)
    truth = collected(driver, reference)
    assert (truth.status, truth.amount_minor, truth.currency, truth.problem) == (
        PaymentStatus.SUCCEEDED,
        amount_minor,
        currency,
        "",
    )
    assert truth.decided_at == NOW
    assert fetched(driver, reference) == truth
    assert collected(driver, reference) == truth, "money is taken once"


@pytest.mark.parametrize(("amount_minor", "currency"), [(40_000, "USD"), (50_000, "EUR"), (50_001, "USD")])
def test_another_amount_is_told_as_it_came(remote: RemoteDriver, amount_minor: int, currency: str) -> None:
    reference = started(remote)
    remote.pay(reference, amount_minor, currency)
    truth = collected(remote, reference)
    assert (truth.status, truth.amount_minor, truth.currency) == (
        PaymentStatus.SUCCEEDED,
        amount_minor,
        currency,
    )


def test_money_has_a_name_in_the_provider_s_statements(remote: RemoteDriver) -> None:
    reference = started(remote)
    remote.pay(reference)
    assert collected(remote, reference).transaction not in ("", reference)


def test_a_declined_card_brings_no_money(driver: Driver) -> None:
    reference = started(driver)
    driver.decline(reference)
    assert collected(driver, reference).status in (PaymentStatus.WAITING, PaymentStatus.FAILED)


@pytest.mark.parametrize(
    ("approved", "fate"), [(True, PaymentStatus.SUCCEEDED), (False, PaymentStatus.FAILED)]
)
def test_a_pending_payment_is_undecided_until_the_bank_answers(
    driver: Driver, approved: bool, fate: PaymentStatus
) -> None:
    reference = started(driver)
    driver.leave_pending(reference)
    assert collected(driver, reference).status is PaymentStatus.PENDING
    assert fetched(driver, reference).status is PaymentStatus.PENDING
    driver.bank_answers(reference, approved=approved)
    truth = fetched(driver, reference)
    assert truth.status is fate
    assert (truth.amount_minor == 50_000) if approved else truth.problem.endswith("charged.")


def test_an_expired_page_says_so_to_the_payer(driver: Driver) -> None:
    reference = started(driver)
    driver.expire(reference)
    truth = fetched(driver, reference)
    assert truth.status is PaymentStatus.EXPIRED
    assert "nothing was charged" in truth.problem


# Closing


def test_nobody_pays_on_a_closed_page(driver: Driver) -> None:
    reference = started(driver)
    assert driver.gateway.close(reference, now=NOW).status is PaymentStatus.EXPIRED
    with contextlib.suppress(Exception):  # each provider refuses in its own way
        driver.pay(reference)
    assert driver.gateway.close(reference, now=NOW).status is PaymentStatus.EXPIRED
    assert fetched(driver, reference).status is not PaymentStatus.SUCCEEDED


def test_a_payment_that_came_first_stands(driver: Driver) -> None:
    reference = started(driver)
    driver.pay(reference)
    came = collected(driver, reference)
    assert driver.gateway.close(reference, now=NOW) == came
    assert came.status is PaymentStatus.SUCCEEDED


def test_a_pending_payment_is_not_closed(driver: Driver) -> None:
    reference = started(driver)
    driver.leave_pending(reference)
    collected(driver, reference)
    assert driver.gateway.close(reference, now=NOW).status is PaymentStatus.PENDING


# Silence

SILENCES = {
    "a stall": Fault(stall_seconds=5),
    "a hung up line": Fault(hang_up=True),
    "an error of its own": Fault(status=500),
    "an error without a meaning": Fault(status=502, body=b"<html>Bad gateway</html>"),
    "too many questions": Fault(
        status=429, body=b'{"error": {"type": "rate_limit_error", "message": "slow"}}'
    ),
    "refused keys": Fault(
        status=401, body=b'{"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}'
    ),
    "garbage": Fault(status=200, body=b"<html>Welcome to the airport's network</html>"),
    "another shape": Fault(status=200, body=b'{"id": 7, "purchase_units": 3}'),
    "no object": Fault(status=200, body=b"[]"),
}
QUESTIONS: dict[str, Callable[[Gateway, str], object]] = {
    "start": lambda gateway, reference: gateway.start(request("0190-9"), now=NOW),
    "fetch": lambda gateway, reference: gateway.fetch(reference, now=NOW),
    "collect": lambda gateway, reference: gateway.collect(reference, idempotency_key="0190-1", now=NOW),
    "close": lambda gateway, reference: gateway.close(reference, now=NOW),
    "fetch_dispute": lambda gateway, reference: gateway.fetch_dispute(reference, now=NOW),
}


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_silent_provider_is_told_apart_from_a_decided_one(
    remote: RemoteDriver, question: str, silence: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is known then, and no key is in the log."""
    caplog.set_level(logging.INFO)
    reference = started(remote)
    remote.pay(reference)
    remote.peer.faults.add(SILENCES[silence])
    with pytest.raises(GatewayUnavailableError) as told:
        QUESTIONS[question](remote.gateway, reference)
    assert not [secret for secret in remote.secrets if secret in caplog.text + str(told.value)]


# Messages


def paid_message(driver: RemoteDriver, *, stale: bool = False) -> tuple[str, Message]:
    reference = started(driver)
    driver.pay(reference)
    return reference, driver.peer.message(driver.peer.events[-1], stale=stale)


def test_a_message_says_what_to_ask_about(remote: RemoteDriver) -> None:
    reference, message = paid_message(remote)
    event = read(remote, message)
    assert (event.kind, event.reference, event.event_id) == (
        EventKind.PAYMENT,
        reference,
        remote.peer.events[-1].id,
    )
    assert event.idempotency_key == "0190-1"
    assert event.occurred_at == NOW


def test_a_second_delivery_is_the_same_event(remote: RemoteDriver) -> None:
    _, message = paid_message(remote)
    again = remote.peer.message(remote.peer.events[-1])
    assert read(remote, message).event_id == read(remote, again).event_id


def test_a_forged_message_is_refused(remote: RemoteDriver) -> None:
    paid_message(remote)
    for _ in range(8):  # a forger has more than one way
        with pytest.raises(ForgedEvent):
            read(remote, remote.peer.message(remote.peer.events[-1], forged=True))


def test_a_stale_message_is_refused(remote: RemoteDriver) -> None:
    _, message = paid_message(remote, stale=True)
    with pytest.raises(ForgedEvent):
        read(remote, message)


def test_a_message_changed_on_its_way_is_refused(remote: RemoteDriver) -> None:
    reference, message = paid_message(remote)
    changed = message.body.replace(reference.encode(), b"somebody-else")
    assert changed != message.body
    with pytest.raises(ForgedEvent):
        remote.gateway.read_event(message.headers, changed, now=NOW)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"id": 1}'])
def test_a_message_that_cannot_be_read_is_refused(remote: RemoteDriver, body: bytes) -> None:
    with pytest.raises(ForgedEvent):
        remote.gateway.read_event(remote.peer.sign(body, at=NOW, forged=False), body, now=NOW)


def test_a_message_without_headers_is_refused(remote: RemoteDriver) -> None:
    _, message = paid_message(remote)
    with pytest.raises(ForgedEvent):
        remote.gateway.read_event({}, message.body, now=NOW)


@pytest.mark.parametrize("nonsense", ["", "é", "t=,v1=", "=" * 50, "t=99999999999999999999,v1=é", "\x00"])
def test_nonsense_in_place_of_a_signature_is_refused(remote: RemoteDriver, nonsense: str) -> None:
    _, message = paid_message(remote)
    headers = dict.fromkeys(message.headers, nonsense)
    with pytest.raises(ForgedEvent):
        remote.gateway.read_event(headers, message.body, now=NOW)


def test_a_message_about_something_else_is_none_of_ours(remote: RemoteDriver) -> None:
    body = {
        "id": "evt_1", "object": "event", "type": "payout.paid", "created": 1_796_149_800,
        "event_type": "PAYMENT.PAYOUTSBATCH.SUCCESS", "create_time": "2026-12-01T18:30:00Z",
        "data": {"object": {"id": "po_1"}}, "resource": {"id": "po_1"}, "resource_type": "payouts",
    }  # fmt: skip
    event = read(remote, remote.peer.message(Event("evt_1", "payout.paid", body, NOW)))
    assert event.kind is EventKind.OTHER
    assert event.reference == ""


# Disputes


@pytest.mark.parametrize(
    ("won", "state"), [(None, DisputeState.OPEN), (True, DisputeState.WON), (False, DisputeState.LOST)]
)
def test_a_dispute_names_the_payment_and_the_money(
    remote: RemoteDriver, won: bool | None, state: DisputeState
) -> None:
    reference = started(remote)
    remote.pay(reference)
    collected(remote, reference)
    dispute = remote.dispute(reference)
    if won is not None:
        remote.decide(dispute, won=won)
    event = read(remote, remote.peer.message(remote.peer.events[-1]))
    assert (event.kind, event.reference) == (EventKind.DISPUTE, dispute)
    truth = remote.gateway.fetch_dispute(dispute, now=NOW)
    assert (truth.reference, truth.payment_reference, truth.state) == (dispute, reference, state)
    assert (truth.amount_minor, truth.currency, truth.opened_at) == (50_000, "USD", NOW)
    assert truth.reason


def test_a_dispute_in_a_currency_without_cents(remote: RemoteDriver) -> None:
    reference = started(remote, amount_minor=50_000, currency="JPY")
    remote.pay(reference)
    collected(remote, reference)
    truth = remote.gateway.fetch_dispute(remote.dispute(reference), now=NOW)
    assert (truth.amount_minor, truth.currency) == (50_000, "JPY")


def test_the_sandbox_sends_no_messages_and_knows_no_disputes() -> None:
    gateway = SandboxDriver().gateway
    with pytest.raises(ForgedEvent):
        gateway.read_event({}, b"{}", now=NOW)
    with pytest.raises(GatewayUnavailableError):
        gateway.fetch_dispute("sbx_1", now=NOW)


# The registry


def test_every_gateway_has_its_own_name_and_words_for_people() -> None:
    known = gateways._registered
    assert [gateway.name for gateway in known] == ["stripe", "paypal", "sandbox"]
    assert len({gateway.label for gateway in known}) == len({gateway.provider for gateway in known}) == 3


@pytest.mark.usefixtures("stripe_driver", "paypal_driver")
def test_a_provider_is_offered_when_its_variables_are_set() -> None:
    assert [gateway.name for gateway in gateways.enabled()] == ["stripe", "paypal", "sandbox"]


def test_a_provider_without_its_variables_is_not_offered() -> None:
    assert [gateway.name for gateway in gateways.enabled()] == ["sandbox"]
    assert gateways.named("stripe") is not None, "what was paid through it is still asked about"


@pytest.mark.parametrize("late", [timedelta(minutes=4), timedelta(0)])
def test_a_message_may_be_minutes_on_its_way(remote: RemoteDriver, late: timedelta) -> None:
    _, message = paid_message(remote)
    assert remote.gateway.read_event(message.headers, message.body, now=NOW + late)
