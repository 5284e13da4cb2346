"""A control for each guard of the money: taken away, the damage it prevents is there.

Each test shows first that the guard holds, then removes it and shows what would happen.  So none of
these guards can be lost without a test that says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import pgtrigger
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Model
from django.test import Client

from certification.kernel import clock, reconcile
from certification.kernel.errors import Refusal
from payments import locks, rules, services
from payments.gateways import GatewayUnavailableError, HostedPage, PaymentStatus, ProviderEvent
from payments.models import LedgerRow, Order, PaymentAttempt, WebhookEvent
from payments.services import attempts
from payments.states import EventKind, LedgerKind, OrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

from .second_provider import SecondProvider
from .test_webhooks import deliver

pytestmark = pytest.mark.django_db


def _paid_with(second: SecondProvider, **money: Any) -> OrderState:
    """What becomes of an order for which this money came in."""
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, **money)
    return services.check_attempt(attempt_id=attempt.pk, now=NOW)


def _blind_to(field: str) -> Callable[[rules.Arrival], rules.Judgement]:
    """The judgement, with one comparison taken out of it."""

    def judge(arrival: rules.Arrival) -> rules.Judgement:
        return rules.judge(replace(arrival, **{f"received_{field}": getattr(arrival, f"owed_{field}")}))

    return judge


def test_without_the_amount_check_a_cent_would_enrol(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _paid_with(second, amount_minor=1) is OrderState.OPEN
    monkeypatch.setattr(attempts, "judge", _blind_to("minor"))
    assert _paid_with(second, amount_minor=1) is OrderState.SETTLED


def test_without_the_currency_check_five_hundred_of_anything_would_enrol(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _paid_with(second, currency="HUF") is OrderState.OPEN
    monkeypatch.setattr(attempts, "judge", _blind_to("currency"))
    assert _paid_with(second, currency="HUF") is OrderState.SETTLED


def test_without_the_signature_check_anybody_could_ring(
    client: Client, second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.fixed(NOW):
        assert deliver(client, signed=False).status_code == 400
        assert not WebhookEvent.objects.exists()
        monkeypatch.setattr(
            SecondProvider, "read_event", lambda *_, **__: ProviderEvent("evt_1", "forged", EventKind.PAYMENT)
        )
        assert deliver(client, signed=False).status_code == 200
        assert WebhookEvent.objects.get().topic == "forged"


def test_without_the_unique_event_one_message_would_be_kept_and_answered_again(
    second: SecondProvider,
) -> None:
    event = ProviderEvent("evt_1", "payment.done", EventKind.OTHER)

    def delivered_twice() -> dict[str, int] | None:
        for _ in range(2):
            services.store_event(gateway="second", event=event, now=NOW)
        return reconcile.run("payments.handle_events", NOW)

    assert delivered_twice() == {"other": 1}
    assert delivered_twice() == {}
    with _dropped(WebhookEvent, "webhook_event_once"):
        assert delivered_twice() == {"other": 2}


def test_without_the_idempotency_key_a_lost_answer_would_leave_a_page_nobody_asks_about(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = SecondProvider.start

    def lose_the_first_answer(self: SecondProvider, *given: Any, **named: Any) -> HostedPage:
        page = start(self, *given, **named)
        if len(self.book) == 1 and len(self.asked) == 1:
            raise GatewayUnavailableError("the answer got lost on its way")
        return page

    def press_pay_twice() -> Order:
        second.book.clear()
        second.asked.clear()
        order = make.order()
        with pytest.raises(Refusal):
            make.attempt(order, gateway="second")
        make.attempt(order, gateway="second")
        return order

    monkeypatch.setattr(SecondProvider, "start", lose_the_first_answer)
    press_pay_twice()
    assert len(second.book) == 1

    fresh = count()
    monkeypatch.setattr(PaymentAttempt, "idempotency_key", property(lambda _: f"key-{next(fresh)}"))
    order = press_pay_twice()
    first, _ = second.book
    second.decide(first, PaymentStatus.SUCCEEDED)
    reconcile.run("payments.check_uncertain", NOW)
    assert not order.ledger.exists(), "paid, and in no ledger"


def test_without_its_trigger_the_ledger_could_be_rewritten() -> None:
    make.paid_order()
    with pytest.raises(ProgrammingError, match="append_only"), transaction.atomic():
        LedgerRow.objects.update(amount_minor=1)
    with pgtrigger.ignore("payments.LedgerRow:append_only"):
        LedgerRow.objects.update(amount_minor=1)
    assert LedgerRow.objects.get().amount_minor == 1


def test_without_one_fee_for_an_order_the_ledger_would_take_a_second() -> None:
    def second_fee() -> LedgerRow:
        row = make.paid_order().ledger.get()
        return LedgerRow(
            order=row.order,
            kind=LedgerKind.FEE,
            gateway="sandbox",
            provider_ref=f"{row.provider_ref}-again",
            amount_minor=row.amount_minor,
            currency=row.currency,
            received_at=NOW,
        )

    with pytest.raises(IntegrityError, match="ledger_one_fee_per_order"), transaction.atomic():
        second_fee().save()
    with _dropped(LedgerRow, "ledger_one_fee_per_order"):
        twice = second_fee()
        twice.save()
    assert twice.order.ledger.filter(kind=LedgerKind.FEE).count() == 2


def test_without_one_row_for_a_reference_the_same_money_would_come_in_twice() -> None:
    def same_money_for_another_order() -> None:
        row = make.paid_order().ledger.get()
        row.pk, row.order = UUID(int=1), make.order()
        row.save(force_insert=True)

    with pytest.raises(IntegrityError, match="ledger_provider_ref_unique"), transaction.atomic():
        same_money_for_another_order()
    with _dropped(LedgerRow, "ledger_provider_ref_unique"):
        same_money_for_another_order()


# ---- the row lock, on real threads ----


@pytest.mark.django_db(transaction=True)
def test_without_the_row_lock_two_payments_at_once_would_both_be_the_fee(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _dropped(LedgerRow, "ledger_one_fee_per_order"):
        _succeed_at_once(second, monkeypatch)
        assert _kinds() == [LedgerKind.FEE, LedgerKind.TO_RETURN]
        _forget_everything()
        monkeypatch.setattr(locks, "order", lambda order_id, payer=None: Order.objects.get(pk=order_id))
        _succeed_at_once(second, monkeypatch)
        assert _kinds() == [LedgerKind.FEE, LedgerKind.FEE]


def _succeed_at_once(second: SecondProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two payments of one order, each judged as late as possible while the other is."""
    order = make.order()
    begun = [make.attempt(order, gateway="second"), make.attempt(order)]
    second.decide(begun[0].provider_ref, PaymentStatus.SUCCEEDED)
    make.card(begun[1])
    judged = threading.Barrier(2)

    def judge_together(arrival: rules.Arrival) -> rules.Judgement:
        judgement = rules.judge(arrival)
        # Under the lock the other one cannot come here, and is not waited for long.
        with suppress(threading.BrokenBarrierError):
            judged.wait(timeout=0.5)
        return judgement

    def check(attempt: PaymentAttempt) -> None:
        # Without the lock the second one finds only when it moves the order that it is settled.
        with suppress(Refusal), closing(connection):
            services.check_attempt(attempt_id=attempt.pk, now=NOW)

    monkeypatch.setattr(attempts, "judge", judge_together)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, begun))


def _kinds() -> list[str]:
    return sorted(LedgerRow.objects.values_list("kind", flat=True))


def _forget_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE payments_order CASCADE")


@contextmanager
def _dropped(model: type[Model], name: str) -> Iterator[None]:
    """The database without one of its constraints.

    In a test's own transaction the constraint comes back with the rollback, and so do the rows.
    """
    constraint = next(one for one in model._meta.constraints if one.name == name)
    with connection.cursor() as cursor:
        # What was to be checked at commit is checked now: PostgreSQL alters no table that waits for it.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    with connection.schema_editor() as schema:
        schema.remove_constraint(model, constraint)
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            _forget_everything()
            with connection.schema_editor() as schema:
                schema.add_constraint(model, constraint)
