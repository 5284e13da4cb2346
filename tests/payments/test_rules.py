"""What received money is, decided without a database: the fee, or to return with every reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from payments.rules import Arrival, Judgement, judge
from payments.states import LedgerKind, OrderState

OWED = Arrival(
    received_minor=50_000,
    received_currency="USD",
    owed_minor=50_000,
    owed_currency="USD",
    order=OrderState.CHECKING,
    fee_came=False,
)


@pytest.mark.parametrize("order", [OrderState.OPEN, OrderState.CHECKING, OrderState.ACCEPTED])
def test_what_is_owed_is_the_fee(order: OrderState) -> None:
    assert judge(replace(OWED, order=order)) == Judgement(LedgerKind.FEE)


@pytest.mark.parametrize("order", [OrderState.SETTLED, OrderState.SEATED, OrderState.LAPSED])
def test_where_nothing_is_owed_any_more_it_is_to_return(order: OrderState) -> None:
    judgement = judge(replace(OWED, order=order))
    assert judgement.kind is LedgerKind.TO_RETURN
    assert len(judgement.reasons) == 1


def test_another_amount_is_to_return_and_both_amounts_are_named() -> None:
    (reason,) = judge(replace(OWED, received_minor=49_999)).reasons
    assert reason == "$499.99 USD came in where $500.00 USD was owed."


def test_another_currency_is_to_return_and_both_are_named() -> None:
    (reason,) = judge(replace(OWED, received_currency="EUR")).reasons
    assert reason == "€500.00 EUR came in where $500.00 USD was owed."


def test_a_card_does_not_pay_what_a_transfer_paid_in_part() -> None:
    (reason,) = judge(replace(OWED, order=OrderState.ACCEPTED, fee_came=True)).reasons
    assert "part of the fee" in reason


def test_every_reason_is_given_and_fits_the_ledger() -> None:
    judgement = judge(
        replace(
            OWED, received_minor=2**31 - 1, received_currency="CHF", order=OrderState.SETTLED, fee_came=True
        )
    )
    assert len(judgement.reasons) == 2
    assert len(" ".join(judgement.reasons)) <= 200


@given(
    some.builds(
        Arrival,
        received_minor=some.integers(1, 2**31 - 1),
        received_currency=some.sampled_from(["USD", "EUR", "JPY"]),
        owed_minor=some.integers(1, 2**31 - 1),
        owed_currency=some.sampled_from(["USD", "EUR"]),
        order=some.sampled_from(OrderState),
        fee_came=some.booleans(),
    )
)
def test_money_is_the_fee_exactly_when_no_reason_speaks_against_it(arrival: Arrival) -> None:
    judgement = judge(arrival)
    assert (judgement.kind is LedgerKind.FEE) == (not judgement.reasons)
    if judgement.kind is LedgerKind.FEE:
        assert (arrival.received_minor, arrival.received_currency) == (
            arrival.owed_minor,
            arrival.owed_currency,
        )
        assert not arrival.fee_came
