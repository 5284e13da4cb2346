"""Money is an integer of the currency's smallest unit; only people see decimals."""

from __future__ import annotations

from decimal import Decimal

from certification.kernel.templatetags.ui import money_text

# How many decimals people write; two, where nothing else is said.  Source: ISO 4217.
_DECIMALS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0}


def spoken(amount_minor: int, currency: str) -> str:
    """The amount as a sentence names it: `$500.00 USD`."""
    return f"{money_text(amount_minor, currency)} {currency}"


def decimals(currency: str) -> int:
    """How many decimal places an amount of `currency` is written with."""
    return _DECIMALS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount`, as written by a person, in the currency's smallest unit.

    Raises:
        ValueError: the amount has more decimals than the currency.
    """
    minor = amount.scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} has more decimal places than {currency} has.")
    return int(minor)


def to_major(amount_minor: int, currency: str) -> Decimal:
    """An amount of minor units as a person would write it in a form."""
    return Decimal(amount_minor).scaleb(-decimals(currency))
