"""A payment is what its provider says it is, told once or ten times, early or late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from certification.kernel import reconcile
from certification.kernel.errors import BadInput, NotAllowed, Refusal, WindowClosed
from certification.kernel.models import OutboxMessage
from payments import services
from payments.gateways import GatewayUnavailableError, PaymentStatus, sandbox
from payments.models import LedgerRow, Order, PaymentAttempt, SandboxPayment
from payments.signals import order_settled
from payments.states import AttemptState, LedgerKind, OrderState
from tests.factories import payments as make
from tests.factories.payments import DECLINED_CARD, NOW, PAYABLE_UNTIL, PENDING_CARD

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(minutes=5)


def _check(attempt: PaymentAttempt) -> OrderState:
    state = services.check_attempt(attempt_id=attempt.pk, now=SOON)
    attempt.refresh_from_db()
    return state


def _to_return(order: Order) -> list[LedgerRow]:
    return list(order.ledger.filter(kind=LedgerKind.TO_RETURN))


def test_an_order_is_being_checked_from_the_moment_a_payment_page_is_open() -> None:
    order = make.order()
    make.attempt(order)
    order.refresh_from_db()
    assert order.state == OrderState.CHECKING


def test_a_good_card_settles_the_order_and_writes_one_fee() -> None:
    order = make.order()
    attempt = make.attempt(order)
    make.card(attempt)
    assert _check(attempt) is OrderState.SETTLED
    order.refresh_from_db()
    assert order.covered_at == SOON
    row = LedgerRow.objects.get()
    assert (row.kind, row.amount_minor, row.currency) == (LedgerKind.FEE, 50_000, "USD")
    assert row.received_at == NOW, "the provider says when it took the money"
    assert OutboxMessage.objects.get().recipient == order.payer.email


def test_asking_about_a_settled_payment_again_changes_nothing() -> None:
    attempt = make.attempt(make.order())
    make.card(attempt)
    assert [_check(attempt) for _ in range(3)] == [OrderState.SETTLED] * 3
    assert LedgerRow.objects.count() == 1
    assert OutboxMessage.objects.count() == 1


def test_others_hear_of_a_settled_order_once_and_only_after_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    heard: list[UUID] = []

    def listen(*, purpose_id: UUID, **kwargs: Any) -> None:
        heard.append(purpose_id)

    order_settled.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            order = make.paid_order()
            assert heard == []
        with django_capture_on_commit_callbacks(execute=True):
            services.check_attempt(attempt_id=order.attempts.get().pk, now=SOON)
    finally:
        order_settled.disconnect(listen)
    assert heard == [order.purpose_id]


def test_a_declined_card_opens_the_order_again_for_another_try() -> None:
    order = make.order()
    first = make.attempt(order)
    make.card(first, DECLINED_CARD)
    assert _check(first) is OrderState.OPEN
    assert first.state == AttemptState.FAILED
    assert "declined" in first.problem
    second = make.attempt(order)
    assert (second.number, second.idempotency_key) == (2, f"{order.pk}-2")
    make.card(second)
    assert _check(second) is OrderState.SETTLED


def test_a_pending_card_keeps_the_order_in_checking_until_the_bank_answers() -> None:
    order = make.order()
    attempt = make.attempt(order)
    make.card(attempt, PENDING_CARD)
    assert _check(attempt) is OrderState.CHECKING
    assert not LedgerRow.objects.exists()
    sandbox.settle_pending(reference=attempt.provider_ref, approved=True, now=SOON)
    assert _check(attempt) is OrderState.SETTLED


def test_nobody_can_begin_another_payment_while_one_is_pending(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order)
    make.card(attempt, PENDING_CARD)
    with pytest.raises(NotAllowed, match="pay twice"):
        make.attempt(order, gateway="second")
    assert order.attempts.count() == 1


def test_pressing_pay_twice_opens_the_same_page() -> None:
    order = make.order()
    pressed = {
        services.start_payment(order_id=order.pk, by=order.payer, gateway="sandbox", now=NOW).redirect_url
        for _ in range(2)
    }
    assert len(pressed) == 1
    assert SandboxPayment.objects.count() == PaymentAttempt.objects.count() == 1


def test_pressing_pay_after_paying_elsewhere_is_told_it_is_paid() -> None:
    order = make.order()
    make.card(make.attempt(order))
    with pytest.raises(NotAllowed, match="paid already"):
        make.attempt(order)


def test_a_forgotten_payment_page_expires_and_the_order_opens_again() -> None:
    order = make.order()
    attempt = make.attempt(order)
    after = NOW + timedelta(hours=23)
    assert services.check_attempt(attempt_id=attempt.pk, now=after) is OrderState.OPEN
    with pytest.raises(NotAllowed, match="expired"):
        make.card(attempt, now=after)
    assert make.attempt(order, now=after).number == 2


def test_two_payments_that_both_succeed_are_one_fee_and_one_sum_to_return(second: SecondProvider) -> None:
    order = make.order()
    by_card, other = make.attempt(order), make.attempt(order, gateway="second")
    make.card(by_card)
    second.decide(other.provider_ref, PaymentStatus.SUCCEEDED)
    assert _check(by_card) is OrderState.SETTLED
    assert _check(other) is OrderState.SETTLED
    assert order.ledger.filter(kind=LedgerKind.FEE).count() == 1
    (extra,) = _to_return(order)
    assert (extra.amount_minor, extra.provider_ref) == (50_000, other.provider_ref)
    assert "already" in extra.note


@pytest.mark.parametrize(("amount_minor", "currency"), [(49_999, "USD"), (50_001, "USD"), (50_000, "EUR")])
def test_another_amount_or_currency_is_no_fee(
    second: SecondProvider, amount_minor: int, currency: str
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=amount_minor, currency=currency)
    assert _check(attempt) is OrderState.OPEN
    (row,) = _to_return(order)
    assert (row.amount_minor, row.currency) == (amount_minor, currency)
    assert "$500.00 USD was owed" in row.note


def test_a_payment_that_settles_after_the_order_lapsed_is_to_be_returned(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.FAILED)
    assert _check(attempt) is OrderState.OPEN
    assert services.lapse_order(purpose=order.purpose, purpose_id=order.purpose_id, now=PAYABLE_UNTIL)
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    assert _check(attempt) is OrderState.LAPSED
    (row,) = _to_return(order)
    assert "lapsed" in row.note


def test_an_answer_that_has_grown_old_cannot_undo_a_newer_one(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    assert _check(attempt) is OrderState.SETTLED
    for stale in (PaymentStatus.WAITING, PaymentStatus.PENDING, PaymentStatus.FAILED):
        second.decide(attempt.provider_ref, stale)
        assert _check(attempt) is OrderState.SETTLED
    assert attempt.state == AttemptState.SUCCEEDED


def test_a_payment_begun_in_the_last_second_may_settle_later_but_none_may_begin_then() -> None:
    last = PAYABLE_UNTIL - timedelta(seconds=1)
    order = make.order()
    attempt = make.attempt(order, now=last)
    make.card(attempt, now=PAYABLE_UNTIL + timedelta(minutes=1))
    state = services.check_attempt(attempt_id=attempt.pk, now=PAYABLE_UNTIL + timedelta(minutes=2))
    assert state is OrderState.SETTLED
    with pytest.raises(WindowClosed, match="31 January 2027, 23:59"):
        make.attempt(make.order(), now=PAYABLE_UNTIL)


def test_nothing_is_known_of_a_payment_while_its_provider_is_silent(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.silent = True
    with pytest.raises(GatewayUnavailableError):
        _check(attempt)
    services.check_order(order_id=order.pk, now=SOON)
    attempt.refresh_from_db()
    order.refresh_from_db()
    assert (attempt.state, order.state) == (AttemptState.STARTED, OrderState.CHECKING)


def test_a_provider_silent_at_the_start_is_asked_again_with_the_same_key(second: SecondProvider) -> None:
    order = make.order()
    second.silent = True
    with pytest.raises(Refusal, match="Nothing was charged"):
        make.attempt(order, gateway="second")
    second.silent = False
    attempt = make.attempt(order, gateway="second")
    assert (attempt.number, second.asked[0].idempotency_key) == (1, f"{order.pk}-1")


def test_an_attempt_nobody_was_shown_is_given_up_after_minutes(second: SecondProvider) -> None:
    order = make.order()
    second.silent = True
    with pytest.raises(Refusal):
        make.attempt(order, gateway="second")
    reconcile.run("payments.check_uncertain", NOW + timedelta(minutes=4))
    assert order.attempts.get().state == AttemptState.STARTED
    reconcile.run("payments.check_uncertain", NOW + timedelta(minutes=5))
    order.refresh_from_db()
    assert (order.attempts.get().state, order.state) == (AttemptState.EXPIRED, OrderState.OPEN)


def test_somebody_elses_order_cannot_be_paid() -> None:
    with pytest.raises(Order.DoesNotExist):
        services.start_payment(order_id=make.order().pk, by=make.payer(), gateway="sandbox", now=NOW)


def test_a_way_of_paying_that_is_not_offered_is_refused() -> None:
    with pytest.raises(BadInput, match="Choose another"):
        make.attempt(make.order(), gateway="second")


def test_the_reconciler_finds_payments_whose_redirect_got_lost(second: SecondProvider) -> None:
    lost, pending, silent = make.order(), make.order(), make.order()
    make.card(make.attempt(lost))
    make.card(make.attempt(pending), PENDING_CARD)
    make.attempt(silent, gateway="second")
    second.silent = True
    assert reconcile.run("payments.check_uncertain", SOON) == {"succeeded": 1, "pending": 1}
    assert reconcile.run("payments.check_uncertain", SOON) == {}
    lost.refresh_from_db()
    assert lost.state == OrderState.SETTLED


def test_the_sandbox_keeps_its_first_answer() -> None:
    attempt = make.attempt(make.order())
    make.card(attempt, DECLINED_CARD)
    make.card(attempt)
    assert SandboxPayment.objects.get().status == sandbox.BookStatus.DECLINED
    sandbox.settle_pending(reference=attempt.provider_ref, approved=True, now=NOW)
    assert SandboxPayment.objects.get().status == sandbox.BookStatus.DECLINED


def test_the_sandbox_knows_no_other_card_and_no_bank_answers_before_one() -> None:
    attempt = make.attempt(make.order())
    with pytest.raises(BadInput):
        make.card(attempt, "5555 5555 5555 4444")
    with pytest.raises(NotAllowed):
        sandbox.settle_pending(reference=attempt.provider_ref, approved=True, now=NOW)
