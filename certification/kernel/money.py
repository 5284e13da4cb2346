"""Money is an integer of the currency's smallest unit; only people see decimals."""

from __future__ import annotations

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
# The currencies people write without decimals; all others have two.  Source: ISO 4217.
_DECIMALS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0}


def decimals(currency: str) -> int:
    """How many decimal places an amount of `currency` is written with."""
    return _DECIMALS.get(currency.upper(), 2)


def money_text(amount_minor: int, currency: str) -> str:
    """The amount in digits, with the currency's symbol when it has one: `$500.00`."""
    places = decimals(currency)
    major, minor = divmod(abs(amount_minor), 10**places)
    digits = f"{major:,}.{minor:0{places}d}" if places else f"{major:,}"
    sign = "\N{MINUS SIGN}" if amount_minor < 0 else ""
    return f"{sign}{_SYMBOLS.get(currency.upper(), '')}{digits}"
