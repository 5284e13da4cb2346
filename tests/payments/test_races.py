"""Two requests at the same instant, on real threads and a real PostgreSQL: money is counted once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection

from certification.kernel import reconcile
from payments import locks, services
from payments.gateways import PaymentStatus, ProviderEvent, ProviderPayment
from payments.gateways.sandbox import SandboxGateway
from payments.models import LedgerRow, Order, PaymentAttempt, SandboxPayment
from payments.states import DisputeState, EventKind, LedgerKind, OrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db(transaction=True)


def _at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls on threads of their own, and return what each returned or raised."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def same_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both threads have the provider's answer before either of them writes."""
    both = threading.Barrier(2, timeout=10)
    fetch = SandboxGateway.fetch

    def fetch_together(self: SandboxGateway, reference: str, *, now: datetime) -> ProviderPayment:
        told = fetch(self, reference, now=now)
        both.wait()
        return told

    monkeypatch.setattr(SandboxGateway, "fetch", fetch_together)


def _check(attempt: PaymentAttempt) -> Callable[[], OrderState]:
    return lambda: services.check_attempt(attempt_id=attempt.pk, now=NOW)


@pytest.mark.usefixtures("same_news")
def test_two_answers_about_one_payment_at_once_are_one_fee() -> None:
    attempt = make.attempt(make.order())
    make.card(attempt)
    assert _at_once(_check(attempt), _check(attempt)) == [OrderState.SETTLED] * 2
    assert LedgerRow.objects.count() == 1


@pytest.mark.usefixtures("same_news")
def test_without_the_lock_the_database_still_keeps_it_one_fee(monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = make.attempt(make.order())
    make.card(attempt)
    both = threading.Barrier(2, timeout=10)

    def read_together(attempt_id: uuid.UUID) -> PaymentAttempt:
        read = PaymentAttempt.objects.get(pk=attempt_id)
        both.wait()
        return read

    monkeypatch.setattr(locks, "order", lambda order_id, payer=None: Order.objects.get(pk=order_id))
    monkeypatch.setattr(locks, "attempt", read_together)
    results = _at_once(_check(attempt), _check(attempt))
    assert [type(result) for result in results if isinstance(result, Exception)] == [IntegrityError]
    assert LedgerRow.objects.count() == 1


@pytest.mark.usefixtures("same_news")
def test_two_payments_that_succeed_at_once_are_one_fee_and_one_sum_to_return() -> None:
    order = make.order()
    first = make.attempt(order)
    # A second page, as a browser tab that the reconciler has not heard of yet would leave it.
    second = PaymentAttempt.objects.create(
        order=order, number=2, gateway="sandbox", started_at=NOW, expires_at=first.expires_at
    )
    page = SandboxPayment.objects.create(
        reference="sbx_second",
        idempotency_key=second.idempotency_key,
        amount_minor=50_000,
        currency="USD",
        return_url="/",
        expires_at=SandboxPayment.objects.get().expires_at,
    )
    PaymentAttempt.objects.filter(pk=second.pk).update(provider_ref=page.reference)
    second.refresh_from_db()
    make.card(first)
    make.card(second)
    assert _at_once(_check(first), _check(second)) == [OrderState.SETTLED] * 2
    kinds = sorted(LedgerRow.objects.values_list("kind", flat=True))
    assert kinds == [LedgerKind.FEE, LedgerKind.TO_RETURN]


def test_pressing_pay_twice_at_once_opens_one_page() -> None:
    order = make.order()

    def press() -> str:
        return services.start_payment(
            order_id=order.pk, by=order.payer, gateway="sandbox", now=NOW
        ).redirect_url

    first, second = _at_once(press, press)
    assert first == second
    assert PaymentAttempt.objects.count() == SandboxPayment.objects.count() == 1


def test_opening_an_order_twice_at_once_is_one_order() -> None:
    payer, purpose_id = make.payer(), uuid.uuid4()

    def open_it() -> uuid.UUID:
        return make.order(by=payer, purpose_id=purpose_id).pk

    first, second = _at_once(open_it, open_it)
    assert first == second
    assert Order.objects.count() == 1


def test_two_parts_recorded_at_once_settle_the_order() -> None:
    staff = make.office()
    order = make.accepted_order(staff=staff)

    def record(reference: str) -> LedgerRow:
        return services.record_transfer(
            order_id=order.pk, by=staff, amount_minor=25_000, reference=reference, received_at=NOW, now=NOW
        )

    _at_once(lambda: record("T-1"), lambda: record("T-2"))
    order.refresh_from_db()
    assert order.state == OrderState.SETTLED
    assert list(order.ledger.values_list("kind", "amount_minor")) == [(LedgerKind.FEE, 25_000)] * 2


def test_lapsing_while_a_payment_begins_never_takes_the_order_from_under_it(second: SecondProvider) -> None:
    order = make.order()
    lapsed, begun = _at_once(
        lambda: services.lapse_order(purpose=order.purpose, purpose_id=order.purpose_id, now=NOW),
        lambda: make.attempt(order, gateway="second"),
    )
    order.refresh_from_db()
    if isinstance(begun, PaymentAttempt):
        assert (lapsed, order.state) == (False, OrderState.CHECKING)
    else:
        assert (lapsed, order.state) == (True, OrderState.LAPSED)


def test_of_two_payments_approved_at_once_one_is_taken(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make.order()
    first = make.attempt(order, gateway="second")
    # A second page, as a browser tab would leave it.
    other = PaymentAttempt.objects.create(
        order=order,
        number=2,
        gateway="second",
        provider_ref="second-tab",
        started_at=NOW,
        expires_at=first.expires_at,
    )
    for attempt in (first, other):
        second.decide(attempt.provider_ref, PaymentStatus.APPROVED)
    both = threading.Barrier(2, timeout=10)
    fetch = SecondProvider.fetch

    def fetch_together(self: SecondProvider, reference: str, *, now: datetime) -> ProviderPayment:
        told = fetch(self, reference, now=now)
        both.wait()
        return told

    with monkeypatch.context() as at_once:
        at_once.setattr(SecondProvider, "fetch", fetch_together)
        _at_once(_check(first), _check(other))
    assert len(second.collected) == 1
    for attempt in (first, other):
        _check(attempt)()
    assert len(second.collected) == 1
    assert list(LedgerRow.objects.values_list("kind", flat=True)) == [LedgerKind.FEE]


@pytest.mark.parametrize("status", [PaymentStatus.APPROVED, PaymentStatus.WAITING, PaymentStatus.SUCCEEDED])
def test_no_provider_is_spoken_to_while_rows_are_locked(
    second: SecondProvider, status: PaymentStatus
) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, status)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.OPEN)
    services.check_attempt(attempt_id=attempt.pk, now=attempt.expires_at)
    services.check_dispute(gateway="second", reference="dp_1", now=NOW)
    event = ProviderEvent("evt_1", "dispute", EventKind.DISPUTE, "dp_1")
    services.store_event(gateway="second", event=event, now=NOW)
    for job in ("payments.handle_events", "payments.check_uncertain", "payments.check_disputes"):
        reconcile.run(job, NOW)
    assert len(second.in_transaction) >= 4
    assert not any(second.in_transaction)
