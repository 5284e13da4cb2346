"""Amounts as sentences name them, and as people type them."""

from __future__ import annotations

from decimal import Decimal

from certification.kernel.money import decimals, money_text


def spoken(amount_minor: int, currency: str) -> str:
    """The amount as a sentence names it: `$500.00 USD`."""
    return f"{money_text(amount_minor, currency)} {currency}"


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount`, as written by a person, in the currency's smallest unit.

    Raises:
        ValueError: the amount has more decimals than the currency.
    """
    minor = amount.scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} has more decimal places than {currency} has.")
    return int(minor)
