"""Messages are bells: each payment is asked about once, whoever rang, and nothing holds up the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certification.kernel import reconcile
from payments import gateways, services
from payments.gateways import PaymentStatus, ProviderEvent
from payments.models import LedgerRow, Order, PaymentAttempt, WebhookEvent
from payments.services import attempts
from payments.states import AttemptState, EventKind, OrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(minutes=5)


def ring(
    number: int, reference: str = "", *, key: str = "", kind: EventKind = EventKind.PAYMENT
) -> WebhookEvent:
    event = ProviderEvent(f"evt_{number}", "something.happened", kind, reference, key, occurred_at=NOW)
    services.store_event(gateway="second", event=event, now=NOW)
    return WebhookEvent.objects.get(event_id=event.event_id)


def handle() -> dict[str, int] | None:
    return reconcile.run("payments.handle_events", SOON)


def _begun(second: SecondProvider, status: PaymentStatus = PaymentStatus.SUCCEEDED) -> PaymentAttempt:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, status)
    return attempt


def _state(order: Order) -> str:
    return Order.objects.values_list("state", flat=True).get(pk=order.pk)


def test_ten_bells_for_one_payment_are_one_question_and_one_fee(second: SecondProvider) -> None:
    attempt = _begun(second)
    for number in range(10):
        ring(number, attempt.provider_ref)
    assert handle() == {"payment": 10}
    assert second.fetched == [attempt.provider_ref]
    assert _state(attempt.order) == OrderState.SETTLED
    assert LedgerRow.objects.count() == 1


def test_the_second_pass_has_nothing_to_do(second: SecondProvider) -> None:
    ring(1, _begun(second).provider_ref)
    assert handle() == {"payment": 1}
    asked = len(second.fetched)
    assert handle() == {}
    assert len(second.fetched) == asked


def test_a_message_delivered_after_it_was_handled_rings_nobody(second: SecondProvider) -> None:
    attempt = _begun(second)
    ring(1, attempt.provider_ref)
    handle()
    ring(1, attempt.provider_ref)
    assert handle() == {}
    assert WebhookEvent.objects.count() == 1


def test_a_settled_payment_is_not_asked_about_again(second: SecondProvider) -> None:
    attempt = _begun(second)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    second.fetched.clear()
    event = ring(1, attempt.provider_ref)
    assert handle() == {"payment": 1}
    assert second.fetched == []
    event.refresh_from_db()
    assert event.outcome == "Asked: the payment has succeeded."


def test_messages_in_any_order_come_to_the_same_end(second: SecondProvider) -> None:
    attempt = _begun(second, PaymentStatus.FAILED)
    ring(2, attempt.provider_ref)
    handle()
    assert _state(attempt.order) == OrderState.OPEN
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    ring(1, attempt.provider_ref)
    handle()
    assert _state(attempt.order) == OrderState.SETTLED


def test_a_payment_is_found_by_our_key_before_we_know_its_reference(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    reference = attempt.provider_ref
    PaymentAttempt.objects.filter(pk=attempt.pk).update(provider_ref="", page_url="")
    second.decide(reference, PaymentStatus.SUCCEEDED)
    ring(1, reference, key=attempt.idempotency_key)
    assert handle() == {"payment": 1}
    attempt.refresh_from_db()
    assert (attempt.provider_ref, attempt.state) == (reference, AttemptState.SUCCEEDED)
    assert _state(order) == OrderState.SETTLED


@pytest.mark.parametrize("key", ["", "nonsense", "-", "x-1", "00000000-0000-0000-0000-000000000000-1"])
def test_a_message_about_no_payment_of_ours_is_kept_for_staff_to_see(
    second: SecondProvider, key: str
) -> None:
    event = ring(1, "somebody-elses", key=key)
    assert handle() == {"payment": 1}
    event.refresh_from_db()
    assert (event.handled_at, event.outcome) == (SOON, "No payment of ours.")


def test_a_payment_is_not_found_by_another_providers_reference(second: SecondProvider) -> None:
    attempt = make.attempt(make.order())
    make.card(attempt)
    ring(1, attempt.provider_ref, key=attempt.idempotency_key)
    handle()
    assert _state(attempt.order) == OrderState.CHECKING


def test_a_second_payment_for_one_try_is_named_for_staff(second: SecondProvider) -> None:
    attempt = _begun(second, PaymentStatus.WAITING)
    event = ring(1, "another-page", key=attempt.idempotency_key)
    assert handle() == {"payment": 1}
    event.refresh_from_db()
    assert "look it up" in event.outcome
    attempt.refresh_from_db()
    assert attempt.provider_ref != "another-page"


def test_what_is_nothing_of_ours_is_kept_and_not_acted_on(second: SecondProvider) -> None:
    ring(1, "cus_1", kind=EventKind.OTHER)
    assert handle() == {"other": 1}
    assert second.fetched == []


def test_a_silent_provider_leaves_its_messages_for_the_next_pass(second: SecondProvider) -> None:
    attempt = _begun(second)
    event = ring(1, attempt.provider_ref)
    second.silent = True
    assert handle() == {}
    event.refresh_from_db()
    assert event.handled_at is None
    second.silent = False
    assert handle() == {"payment": 1}
    assert _state(attempt.order) == OrderState.SETTLED


def test_silence_about_one_payment_holds_up_no_other(second: SecondProvider) -> None:
    begun = [_begun(second) for _ in range(4)]
    second.silent_about = {begun[0].provider_ref}
    for number, attempt in enumerate(begun):
        ring(number, attempt.provider_ref)
    assert handle() == {"payment": 3}
    assert WebhookEvent.objects.get(handled_at=None).reference == begun[0].provider_ref


def test_a_provider_that_keeps_silent_is_not_asked_on_and_on(second: SecondProvider) -> None:
    begun = [_begun(second) for _ in range(9)]
    for number, attempt in enumerate(begun):
        ring(number, attempt.provider_ref)
    second.silent = True
    second.fetched.clear()
    assert handle() == {}
    assert len(second.fetched) == 5


def test_a_message_that_goes_wrong_holds_up_no_other_and_is_tried_again(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = _begun(second), _begun(second)
    tripped, fine = ring(1, poison.provider_ref), ring(2, good.provider_ref)
    enter = attempts._enter

    def trip(order: Order, *about: object) -> None:
        if order.pk == poison.order_id:
            raise ZeroDivisionError
        enter(order, *about)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(attempts, "_enter", trip)
        assert handle() == {"payment": 1}
    tripped.refresh_from_db()
    fine.refresh_from_db()
    assert (tripped.handled_at, fine.handled_at) == (None, SOON)
    assert "ZeroDivisionError" in tripped.outcome
    assert handle() == {"payment": 1}
    assert LedgerRow.objects.count() == 2


def test_a_provider_that_is_gone_leaves_its_messages(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring(1, _begun(second).provider_ref)
    monkeypatch.setattr(gateways, "_registered", ())
    assert handle() == {}
    assert WebhookEvent.objects.filter(handled_at=None).count() == 1


def test_a_long_word_of_a_provider_is_cut_and_not_refused(second: SecondProvider) -> None:
    event = ProviderEvent("evt_1", "t" * 300, EventKind.OTHER, "r" * 300, "k" * 300)
    services.store_event(gateway="second", event=event, now=NOW)
    assert WebhookEvent.objects.get().topic == "t" * 80
