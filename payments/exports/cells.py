"""What stands in one cell: text that no spreadsheet computes, numbers made from integers, instants.

A text that a spreadsheet would take for a formula is prefixed with an apostrophe (OWASP, "CSV
Injection").  Numbers are written by us, never from what somebody typed, so a negative amount stays a
number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models

from certification.kernel.money import decimals
from payments.models.purchase_orders import last_day_before

Row = dict[str, Any]
Cell = str | int | Decimal

_FORMULA_STARTS = frozenset("=+-@\N{MINUS SIGN}")
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, the fields that are fetched for it, and what is written of them."""

    heading: str
    fields: tuple[str, ...]
    cell: Callable[[Row], Cell]


def guarded(typed: str) -> str:
    """`typed` such that no spreadsheet computes it: with an apostrophe before it where that is needed.

    Programs differ in what they skip before a formula and in what they read as its sign: blanks,
    control and invisible characters are therefore looked through, and full-width and small forms
    count as the sign they stand for.
    """
    for sign in typed:
        if sign in "\t\r\n":
            return f"'{typed}"
        if unicodedata.category(sign) not in _UNSEEN:
            return f"'{typed}" if unicodedata.normalize("NFKC", sign)[0] in _FORMULA_STARTS else typed
    return typed


def text(heading: str, field: str) -> Column:
    return Column(heading, (field,), lambda row: guarded(str(row[field] or "")))


def choice(heading: str, field: str, choices: type[models.TextChoices]) -> Column:
    return Column(
        heading, (field,), lambda row: guarded(str(choices(row[field]).label)) if row[field] else ""
    )


def number(heading: str, field: str) -> Column:
    return Column(heading, (field,), lambda row: int(row[field]))


def instant(name: str, field: str) -> tuple[Column, ...]:
    """The civil day, which a spreadsheet understands, and the instant with its distance from UTC."""
    return (
        Column(
            f"{name}_on", (field,), lambda row: _civil(row[field]).date().isoformat() if row[field] else ""
        ),
        Column(f"{name}_at", (field,), lambda row: _civil(row[field]).isoformat() if row[field] else ""),
    )


def deadline(name: str, field: str) -> tuple[Column, ...]:
    """The last civil day before a deadline, as people are told it, and the deadline itself."""
    _, at = instant(name, field)
    last_day = Column(
        f"{name}_on", (field,), lambda row: last_day_before(row[field]).isoformat() if row[field] else ""
    )
    return (last_day, at)


def amount(name: str, field: str, currency: str) -> tuple[Column, ...]:
    """The amount with its decimals, and the same in the currency's smallest unit."""
    return (
        Column(
            name,
            (field, currency),
            lambda row: "" if row[field] is None else _decimal(row[field], row[currency]),
        ),
        Column(f"{name}_minor", (field,), lambda row: "" if row[field] is None else int(row[field])),
    )


def _civil(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(settings.PROGRAMME_ZONE))


def _decimal(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-decimals(currency))


ZONE = Column("zone", (), lambda row: settings.PROGRAMME_ZONE)
PAYER = (text("payer", "order__payer__full_name"), text("payer_email", "order__payer__email"))
