"""What becomes of money that came in: the order's fee, or a sum to return, and why."""

from __future__ import annotations

from dataclasses import dataclass

from . import money
from .states import LedgerKind, OrderState


@dataclass(frozen=True, slots=True)
class Arrival:
    """Money that a provider collected, and the order it came for, as it stands under its lock.

    Attributes:
        received_minor: what was really collected, in `received_currency`.
        owed_minor: what the order asks for, in `owed_currency`.
        fee_came: whether a fee was entered for the order already, in whole or in part.
    """

    received_minor: int
    received_currency: str
    owed_minor: int
    owed_currency: str
    order: OrderState
    fee_came: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the money is; `reasons` are sentences for its payer and for staff, none for a fee."""

    kind: LedgerKind
    reasons: tuple[str, ...] = ()


# An accepted purchase order is a promise to pay: a card may keep it, as long as no part has come.
_OWES_NOTHING = {
    OrderState.LAPSED: "Received after the order had lapsed.",
    OrderState.SEATED: "Received although a sponsor’s seat covers this order.",
    OrderState.SETTLED: "Received although the fee had been paid already.",
}


def judge(arrival: Arrival) -> Judgement:
    """The fee, when exactly what is owed came while it was owed; else to be returned, with every reason.

    Source: the programme's rules, section 4.
    """
    reasons = []
    if (arrival.received_minor, arrival.received_currency) != (arrival.owed_minor, arrival.owed_currency):
        received = money.spoken(arrival.received_minor, arrival.received_currency)
        owed = money.spoken(arrival.owed_minor, arrival.owed_currency)
        reasons.append(f"{received} came in where {owed} was owed.")
    if arrival.order in _OWES_NOTHING:
        reasons.append(_OWES_NOTHING[arrival.order])
    elif arrival.fee_came:
        reasons.append("Received although a part of the fee had been paid already.")
    return Judgement(LedgerKind.TO_RETURN if reasons else LedgerKind.FEE, tuple(reasons))
