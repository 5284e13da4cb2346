"""A provider's message is made sure of, kept once, and answered at once; nothing in it is believed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from certification.kernel import clock, reconcile
from payments import webhooks
from payments.gateways import PaymentStatus
from payments.models import LedgerRow, WebhookEvent
from payments.states import OrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

from .second_provider import SIGNATURE, SecondProvider

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _first_of_december() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def deliver(
    client: Client, gateway: str = "second", *, signed: bool = True, body: bytes | None = None, **told: Any
) -> Any:
    """One delivery as the provider makes it."""
    message = {"event_id": "evt_1", "topic": "payment.done", "reference": "second-1"} | told
    return client.post(
        reverse("payments:webhook", args=[gateway]),
        json.dumps(message) if body is None else body,
        content_type="application/json",
        headers=SIGNATURE if signed else {},
    )


def test_a_signed_message_is_kept_and_answered_with_one_insert(
    client: Client, second: SecondProvider, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert deliver(client).status_code == 200
    event = WebhookEvent.objects.get()
    assert (event.gateway, event.event_id, event.topic) == ("second", "evt_1", "payment.done")
    assert (event.received_at, event.handled_at) == (NOW, None)


def test_the_answer_is_small_and_sets_no_cookie(client: Client, second: SecondProvider) -> None:
    answer = deliver(client)
    assert answer["Content-Type"] == "text/plain"
    assert len(answer.content) < 100
    assert not answer.cookies


def test_a_message_delivered_again_is_kept_once_and_answered_the_same(
    client: Client, second: SecondProvider
) -> None:
    answers = [deliver(client) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert WebhookEvent.objects.count() == 1


def test_a_forged_message_is_refused_and_leaves_nothing(client: Client, second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    answer = deliver(client, signed=False, reference=attempt.provider_ref)
    assert answer.status_code == 400
    assert not WebhookEvent.objects.exists()
    assert reconcile.run("payments.handle_events", NOW) == {}
    order.refresh_from_db()
    assert order.state == OrderState.CHECKING


def test_a_message_does_not_pay_what_its_provider_does_not_know_as_paid(
    client: Client, second: SecondProvider
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    deliver(client, reference=attempt.provider_ref, topic="payment.succeeded")
    reconcile.run("payments.handle_events", NOW)
    order.refresh_from_db()
    assert order.state == OrderState.CHECKING
    assert not LedgerRow.objects.exists()


def test_a_provider_that_has_to_be_asked_and_is_silent_is_asked_to_deliver_again(
    client: Client, second: SecondProvider
) -> None:
    second.silent = True
    assert deliver(client).status_code == 503
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("gateway", ["nobody", "stripe", "paypal", "SECOND", "..", "second "])
def test_a_provider_that_is_not_switched_on_has_no_address(
    client: Client, second: SecondProvider, gateway: str
) -> None:
    assert deliver(client, gateway).status_code == 404


def test_a_message_without_end_is_not_read(client: Client, second: SecondProvider) -> None:
    assert deliver(client, body=b" " * (webhooks.MAX_BODY_BYTES + 1)).status_code == 413
    assert not WebhookEvent.objects.exists()


def test_a_message_is_posted(client: Client, second: SecondProvider) -> None:
    assert client.get(reverse("payments:webhook", args=["second"])).status_code == 405


def test_a_message_needs_no_token_and_no_account(second: SecondProvider) -> None:
    assert deliver(Client(enforce_csrf_checks=True)).status_code == 200


def test_a_form_is_no_message(second: SecondProvider) -> None:
    posted = Client(enforce_csrf_checks=True).post(
        reverse("payments:webhook", args=["second"]), {"event_id": "evt_1"}
    )
    assert posted.status_code == 400


@pytest.mark.django_db(transaction=True)
def test_eight_clients_that_deliver_the_same_messages_at_once_pay_once(second: SecondProvider) -> None:
    attempts = [make.attempt(make.order(), gateway="second") for _ in range(5)]
    for attempt in attempts:
        second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    ready = threading.Barrier(8, timeout=10)

    def deliver_all(shift: int) -> set[int]:
        client = Client()
        ready.wait()
        try:
            with clock.fixed(NOW):
                return {
                    deliver(
                        client, event_id=f"evt_{n % 10}", reference=attempts[n % 5].provider_ref
                    ).status_code
                    for n in range(shift, shift + 20)
                }
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(deliver_all, range(8)))
    assert set().union(*answers) == {200}
    assert WebhookEvent.objects.count() == 10
    second.fetched.clear()
    assert reconcile.run("payments.handle_events", NOW) == {"payment": 10}
    assert sorted(second.fetched) == sorted(attempt.provider_ref for attempt in attempts)
    assert list(LedgerRow.objects.values_list("kind", flat=True)) == ["fee"] * 5


@pytest.mark.django_db(transaction=True)
def test_messages_handled_while_they_are_delivered_again_pay_once(second: SecondProvider) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)

    def ring(number: int) -> None:
        try:
            with clock.fixed(NOW):
                deliver(Client(), event_id=f"evt_{number}", reference=attempt.provider_ref)
                reconcile.run("payments.handle_events", NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ring, range(16)))
    reconcile.run("payments.handle_events", NOW)
    assert LedgerRow.objects.count() == 1
    assert not WebhookEvent.objects.filter(handled_at=None).exists()
