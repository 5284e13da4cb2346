"""A payment is what its provider says it is, told once or ten times, early or late."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from certification.kernel import reconcile
from certification.kernel.errors import BadInput, NotAllowed, Refusal, WindowClosed
from certification.kernel.models import OutboxMessage
from payments import locks, patience, services
from payments.gateways import (
    GatewayUnavailableError,
    HostedPage,
    PaymentStatus,
    ProviderPayment,
    sandbox,
)
from payments.models import LedgerRow, Order, PaymentAttempt, SandboxPayment, Seat
from payments.services import orders
from payments.signals import order_settled
from payments.states import AttemptState, LedgerKind, OrderState, SeatState
from tests.factories import payments as make
from tests.factories.payments import DECLINED_CARD, NOW, PAYABLE_UNTIL, PENDING_CARD

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(minutes=5)


def _check(attempt: PaymentAttempt) -> OrderState:
    state = services.check_attempt(attempt_id=attempt.pk, now=SOON)
    attempt.refresh_from_db()
    return state


def _accept(order: Order) -> None:
    request = make.purchase_order(order)
    services.accept_purchase_order(purchase_order_id=request.pk, by=make.office(), now=NOW)


def _reserve(order: Order) -> None:
    """A sponsor's seat for this order, claimed while its purchase order is undecided."""
    request = make.purchase_order(make.order())
    Seat.objects.create(purchase_order=request, number=1, code="ABCDE12345", state=SeatState.FREE)
    Seat.objects.update(state=SeatState.CLAIMED, order=order, claimed_at=NOW)


def _second_page(second: SecondProvider, order: Order) -> PaymentAttempt:
    """Another page at the same provider, as a browser tab the reconciler has not heard of would leave it."""
    number = order.attempts.count() + 1
    reference = f"second-{order.pk}-{number}"
    second.decide(reference, PaymentStatus.WAITING)
    return PaymentAttempt.objects.create(
        order=order,
        number=number,
        gateway="second",
        provider_ref=reference,
        started_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )


def _say_nothing(*_: Any, **__: Any) -> ProviderPayment:
    raise GatewayUnavailableError("no answer")


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


def test_who_was_asked_to_wait_is_told_once_when_nothing_comes_of_it() -> None:
    order = make.order()
    attempt = make.attempt(order)
    make.card(attempt, PENDING_CARD)
    _check(attempt)
    assert not OutboxMessage.objects.exists()
    sandbox.settle_pending(reference=attempt.provider_ref, approved=False, now=NOW)
    for _ in range(2):
        assert _check(attempt) is OrderState.OPEN
    mail = OutboxMessage.objects.get()
    assert mail.recipient == order.payer.email
    assert mail.subject.startswith("Your payment did not go through")
    assert attempt.problem in mail.body
    assert order.get_absolute_url() in mail.body


def test_who_saw_the_decline_on_the_page_or_has_paid_otherwise_gets_no_mail_of_it(
    second: SecondProvider,
) -> None:
    seen = make.attempt(make.order())
    make.card(seen, DECLINED_CARD)
    _check(seen)
    assert not OutboxMessage.objects.exists()

    order = make.order()
    waiting, paid = make.attempt(order), _second_page(second, order)
    make.card(waiting, PENDING_CARD)
    _check(waiting)
    second.decide(paid.provider_ref, PaymentStatus.SUCCEEDED)
    assert _check(paid) is OrderState.SETTLED
    sandbox.settle_pending(reference=waiting.provider_ref, approved=False, now=NOW)
    _check(waiting)
    assert OutboxMessage.objects.get().subject.startswith("Receipt")


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


def test_a_page_is_asked_for_once_and_gone_on_with_by_its_own_address(second: SecondProvider) -> None:
    order = make.order()
    first = services.start_payment(order_id=order.pk, by=order.payer, gateway="second", now=NOW)
    again = services.start_payment(order_id=order.pk, by=order.payer, gateway="second", now=SOON)
    assert again == first
    assert first.redirect_url == order.attempts.get().page_url
    assert len(second.asked) == 1


def test_a_provider_that_falls_silent_does_not_keep_the_payer_from_an_open_page(
    second: SecondProvider,
) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.silent = True
    assert make.attempt(attempt.order, gateway="second") == attempt


def test_a_provider_sends_people_back_to_this_site(second: SecondProvider, settings: Settings) -> None:
    settings.SITE_URL = "https://certification.example.org"
    order = make.order()
    make.attempt(order, gateway="second")
    (request,) = second.asked
    assert request.return_url == f"https://certification.example.org/payments/{order.pk}/return/"
    assert request.cancel_url == f"{request.return_url}?left=1"


def test_a_page_given_second_under_one_key_is_shown_to_nobody(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    PaymentAttempt.objects.filter(pk=attempt.pk).update(page_url="")
    other = HostedPage("second-another", "https://second.example.org/another")
    monkeypatch.setattr(SecondProvider, "start", lambda *_, **__: other)
    with pytest.raises(Refusal, match="cannot be opened again"):
        make.attempt(order, gateway="second")
    attempt.refresh_from_db()
    assert (attempt.provider_ref, attempt.page_url) == (f"second-{attempt.idempotency_key}", "")


def test_approved_money_is_taken_once(second: SecondProvider) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.APPROVED, transaction="capture-1")
    assert [_check(attempt) for _ in range(2)] == [OrderState.SETTLED] * 2
    assert second.collected == [attempt.provider_ref]
    assert LedgerRow.objects.get().transaction_ref == "capture-1"


def test_approved_money_is_not_taken_for_an_order_that_is_covered(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    _accept(order)
    second.decide(attempt.provider_ref, PaymentStatus.APPROVED)
    assert _check(attempt) is OrderState.ACCEPTED
    assert (second.collected, second.closed) == ([], [attempt.provider_ref])
    assert attempt.state == AttemptState.EXPIRED
    assert not LedgerRow.objects.exists()


def test_of_two_approved_payments_one_is_taken(second: SecondProvider) -> None:
    order = make.order()
    first = make.attempt(order, gateway="second")
    other = _second_page(second, order)
    for attempt in (first, other):
        second.decide(attempt.provider_ref, PaymentStatus.APPROVED)
    second.silent_about = {first.provider_ref}
    PaymentAttempt.objects.filter(pk=first.pk).update(state=AttemptState.PENDING)
    assert _check(other) is OrderState.CHECKING, "the first one was being collected when silence fell"
    assert second.collected == []
    second.silent_about = set()
    assert _check(first) is OrderState.SETTLED
    assert _check(other) is OrderState.SETTLED
    assert (second.collected, second.closed) == ([first.provider_ref], [other.provider_ref])
    assert LedgerRow.objects.count() == 1


def test_a_collection_that_met_silence_is_asked_for_again_and_shown_as_being_checked(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.APPROVED)
    with monkeypatch.context() as silent:
        silent.setattr(SecondProvider, "collect", _say_nothing)
        with pytest.raises(GatewayUnavailableError):
            _check(attempt)
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.PENDING
    assert _check(attempt) is OrderState.SETTLED
    assert LedgerRow.objects.count() == 1


def test_an_approval_that_does_not_hold_lets_the_payer_begin_anew(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.APPROVED)

    def fall_back(self: SecondProvider, reference: str, **_: Any) -> ProviderPayment:
        self.decide(reference, PaymentStatus.WAITING)
        return self.book[reference]

    monkeypatch.setattr(SecondProvider, "collect", fall_back)
    assert _check(attempt) is OrderState.OPEN
    assert make.attempt(order, gateway="second").number == 2


def test_a_page_left_open_is_closed_when_another_payment_pays(second: SecondProvider) -> None:
    order = make.order()
    old = make.attempt(order, gateway="second")
    new = make.attempt(order)
    make.card(new)
    assert _check(new) is OrderState.SETTLED
    assert reconcile.run("payments.check_uncertain", SOON) == {"expired": 1}
    assert reconcile.run("payments.check_uncertain", SOON) == {}
    assert second.closed == [old.provider_ref]


def test_a_page_is_closed_when_its_time_is_over(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    reconcile.run("payments.check_uncertain", attempt.expires_at - timedelta(microseconds=1))
    assert second.closed == []
    reconcile.run("payments.check_uncertain", attempt.expires_at)
    order.refresh_from_db()
    assert (second.closed, order.state) == ([attempt.provider_ref], OrderState.OPEN)


def test_money_that_came_first_stands_when_its_page_is_closed(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")

    def paid_meanwhile(self: SecondProvider, reference: str, **_: Any) -> ProviderPayment:
        self.decide(reference, PaymentStatus.SUCCEEDED)
        return self.book[reference]

    monkeypatch.setattr(SecondProvider, "close", paid_meanwhile)
    services.check_attempt(attempt_id=attempt.pk, now=attempt.expires_at)
    assert order.ledger.get().kind == LedgerKind.FEE


def test_a_page_whose_time_is_over_is_not_gone_on_with(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.silent_about = {attempt.provider_ref}
    assert make.attempt(order, gateway="second", now=attempt.expires_at).number == 2


@pytest.mark.parametrize("certain", [PaymentStatus.FAILED, PaymentStatus.EXPIRED])
def test_money_that_comes_after_all_is_entered(second: SecondProvider, certain: PaymentStatus) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    second.decide(attempt.provider_ref, certain)
    assert _check(attempt) is OrderState.OPEN
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    assert _check(attempt) is OrderState.SETTLED
    assert order.ledger.get().kind == LedgerKind.FEE


@pytest.mark.parametrize("certain", [PaymentStatus.FAILED, PaymentStatus.EXPIRED])
def test_approval_after_a_try_is_over_takes_nothing(second: SecondProvider, certain: PaymentStatus) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, certain)
    _check(attempt)
    second.decide(attempt.provider_ref, PaymentStatus.APPROVED)
    assert _check(attempt) is OrderState.OPEN
    assert second.collected == []


def test_money_for_an_order_that_a_sponsor_covers_is_to_be_returned(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    _reserve(order)
    with transaction.atomic():
        orders.cover(locks.order(order.pk), OrderState.SEATED, NOW)
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    assert _check(attempt) is OrderState.SEATED
    (row,) = _to_return(order)
    assert "sponsor’s seat" in row.note


def test_who_holds_a_sponsors_seat_gives_it_back_before_paying_alone() -> None:
    order = make.order()
    _reserve(order)
    with pytest.raises(NotAllowed, match="Give it back first"):
        make.attempt(order)


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


def test_silence_about_one_payment_holds_up_no_other(second: SecondProvider) -> None:
    begun = [make.attempt(make.order(), gateway="second") for _ in range(4)]
    for attempt in begun:
        second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    second.silent_about = {begun[0].provider_ref}
    assert reconcile.run("payments.check_uncertain", SOON) == {"succeeded": 3}


def test_a_provider_that_keeps_silent_is_asked_a_few_times_in_a_pass_and_the_others_all_the_same(
    second: SecondProvider,
) -> None:
    for _ in range(9):
        make.attempt(make.order(), gateway="second")
        make.card(make.attempt(make.order()))
    second.silent = True
    second.fetched.clear()
    assert reconcile.run("payments.check_uncertain", SOON) == {"succeeded": 9}
    assert len(second.fetched) == 5


def test_no_pass_waits_for_ever(second: SecondProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    make.attempt(make.order(), gateway="second")
    second.fetched.clear()
    monkeypatch.setattr(patience.time, "monotonic", count(step=241).__next__)
    assert reconcile.run("payments.check_uncertain", SOON) == {}
    assert second.fetched == []


def test_a_payment_that_goes_wrong_holds_up_no_other(
    second: SecondProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = make.attempt(make.order(), gateway="second"), make.attempt(make.order())
    make.card(good)
    second.book.pop(poison.provider_ref)  # a KeyError: a mistake of ours, not silence
    assert reconcile.run("payments.check_uncertain", SOON) == {"succeeded": 1}


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
