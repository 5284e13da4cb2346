"""What a bank takes back leaves the ledger once, with the sum named; nobody is expelled by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from certification.kernel import reconcile
from payments import desk, services
from payments.gateways import GatewayUnavailableError, PaymentStatus, ProviderEvent
from payments.models import Dispute, LedgerRow, Order, PaymentAttempt
from payments.states import AttemptState, DisputeState, EventKind, LedgerKind, OrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=40)


def _paid(second: SecondProvider) -> PaymentAttempt:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    return attempt


def _told(reference: str = "dp_1") -> str:
    return services.check_dispute(gateway="second", reference=reference, now=LATER)


def _balance(order: Order) -> int:
    return sum(order.ledger.values_list("amount_minor", flat=True))


def test_an_open_dispute_is_listed_and_takes_nothing_yet(second: SecondProvider) -> None:
    attempt = _paid(second)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.OPEN)
    assert _told() == "A dispute over $500.00 USD: open."
    dispute = Dispute.objects.get()
    assert (dispute.attempt, dispute.state, dispute.reason) == (attempt, DisputeState.OPEN, "fraud")
    assert _balance(attempt.order) == 50_000


def test_a_lost_dispute_takes_its_money_out_of_the_ledger_once(second: SecondProvider) -> None:
    attempt = _paid(second)
    for state in (DisputeState.OPEN, DisputeState.LOST, DisputeState.LOST):
        second.dispute("dp_1", attempt.provider_ref, state)
        _told()
    row = LedgerRow.objects.get(kind=LedgerKind.CHARGED_BACK)
    assert (row.amount_minor, row.provider_ref) == (-50_000, "dp_1")
    assert row.about == LedgerRow.objects.get(kind=LedgerKind.FEE)
    assert _balance(attempt.order) == 0
    assert Dispute.objects.get().closed_at == LATER


def test_a_lost_dispute_leaves_the_order_for_staff_to_decide(second: SecondProvider) -> None:
    attempt = _paid(second)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST)
    _told()
    attempt.order.refresh_from_db()
    assert attempt.order.state == OrderState.SETTLED


def test_a_dispute_first_heard_of_when_it_is_lost_is_entered_whole(second: SecondProvider) -> None:
    attempt = _paid(second)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST, amount_minor=20_000)
    assert "the money was taken back" in _told()
    assert _balance(attempt.order) == 30_000


def test_a_won_dispute_takes_nothing_and_stays_won(second: SecondProvider) -> None:
    attempt = _paid(second)
    for state in (DisputeState.OPEN, DisputeState.WON, DisputeState.OPEN, DisputeState.LOST):
        second.dispute("dp_1", attempt.provider_ref, state)
        _told()
    assert Dispute.objects.get().state == DisputeState.WON
    assert _balance(attempt.order) == 50_000


def test_money_whose_own_news_was_lost_comes_in_before_it_is_taken_back(second: SecondProvider) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST)
    _told()
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.SUCCEEDED
    assert sorted(attempt.order.ledger.values_list("amount_minor", flat=True)) == [-50_000, 50_000]


def test_money_to_return_that_a_bank_took_back_is_not_returned_as_well(second: SecondProvider) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=60_000)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST, amount_minor=60_000)
    _told()
    assert _balance(attempt.order) == 0


def test_a_dispute_lost_over_money_that_went_back_already_is_told_to_staff(second: SecondProvider) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=60_000)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    services.record_return(
        ledger_row_id=LedgerRow.objects.get().pk, by=make.office(), reference="R-1", returned_at=NOW, now=NOW
    )
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST, amount_minor=60_000)
    assert "only $0.00 USD was left" in _told()
    assert Dispute.objects.get().state == DisputeState.LOST
    assert _balance(attempt.order) == -60_000, "it went back twice, and the ledger says so"
    assert not desk.to_return().exists()


def test_a_payment_disputed_in_parts_loses_each_part(second: SecondProvider) -> None:
    attempt = _paid(second)
    for number in (1, 2, 1):
        second.dispute(f"dp_{number}", attempt.provider_ref, DisputeState.LOST, amount_minor=20_000)
        assert "the money was taken back" in _told(f"dp_{number}") or number == 1
    assert _balance(attempt.order) == 10_000


def test_what_a_bank_left_of_money_to_return_is_still_to_be_returned(second: SecondProvider) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=60_000)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST, amount_minor=10_000)
    _told()
    waiting: Any = desk.to_return().get()
    assert (waiting.left_minor, waiting.open_minor) == (50_000, 50_000)
    (dollars,) = desk.balances()
    assert (dollars.balance_minor, dollars.to_return_minor) == (50_000, 50_000)
    assert desk.desk(LATER).to_return.amounts == (desk.Amount(50_000, "USD"),)
    returned = services.record_return(
        ledger_row_id=waiting.pk, by=make.office(), reference="R-1", returned_at=LATER, now=LATER
    )
    assert returned.amount_minor == -50_000
    assert _balance(attempt.order) == 0
    assert not desk.to_return().exists()


def test_a_dispute_lost_over_nothing_is_looked_at_once(second: SecondProvider) -> None:
    attempt = _paid(second)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST, amount_minor=0)
    assert "holds no such money" in _told()
    assert Dispute.objects.get().state == DisputeState.LOST
    assert _balance(attempt.order) == 50_000


def test_a_dispute_about_no_payment_of_ours_leaves_no_row(second: SecondProvider) -> None:
    second.dispute("dp_1", "somebody-elses", DisputeState.OPEN)
    assert _told() == "A dispute about no payment of ours."
    assert not Dispute.objects.exists()


def test_a_silent_provider_changes_nothing(second: SecondProvider) -> None:
    second.silent_about = {"dp_1"}
    with pytest.raises(GatewayUnavailableError):
        _told()
    with pytest.raises(GatewayUnavailableError):
        services.check_dispute(gateway="gone", reference="dp_1", now=NOW)


def test_messages_about_a_dispute_ask_about_it_once(second: SecondProvider) -> None:
    attempt = _paid(second)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST)
    for number in range(3):
        event = ProviderEvent(f"evt_{number}", "dispute.closed", EventKind.DISPUTE, "dp_1")
        services.store_event(gateway="second", event=event, now=NOW)
    second.fetched.clear()
    assert reconcile.run("payments.handle_events", LATER) == {"dispute": 3}
    assert second.fetched == ["dp_1"]
    assert reconcile.run("payments.handle_events", LATER) == {}
    assert LedgerRow.objects.count() == 2


def test_the_end_of_a_dispute_is_found_without_a_message(second: SecondProvider) -> None:
    first, other = _paid(second), _paid(second)
    for reference, attempt in (("dp_1", first), ("dp_2", other)):
        second.dispute(reference, attempt.provider_ref, DisputeState.OPEN)
        _told(reference)
    second.dispute("dp_1", first.provider_ref, DisputeState.LOST)
    second.silent_about = {"dp_2"}
    assert reconcile.run("payments.check_disputes", LATER) == {"lost": 1}
    assert reconcile.run("payments.check_disputes", LATER) == {}
    assert _balance(first.order) == 0


def test_the_database_takes_no_money_back_twice_by_one_dispute(second: SecondProvider) -> None:
    attempt = _paid(second)
    second.dispute("dp_1", attempt.provider_ref, DisputeState.LOST)
    _told()
    row = LedgerRow.objects.get(kind=LedgerKind.CHARGED_BACK)
    row.pk = None
    with pytest.raises(IntegrityError, match="ledger_provider_ref_unique"), transaction.atomic():
        row.save(force_insert=True)


def test_the_database_returns_no_money_twice(second: SecondProvider) -> None:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=60_000)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    row = services.record_return(
        ledger_row_id=LedgerRow.objects.get().pk, by=make.office(), reference="R-1", returned_at=NOW, now=NOW
    )
    row.pk, row.provider_ref = None, "R-2"
    with pytest.raises(IntegrityError, match="ledger_returned_once"), transaction.atomic():
        row.save(force_insert=True)
