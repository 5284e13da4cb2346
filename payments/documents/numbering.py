"""Gapless numbers: one series for each kind of document and year.

The number is taken in the transaction that writes its document, under the lock of the series' row: a
change that is rolled back gives its number back, and the next document gets it.  The row is the last
lock a transaction takes, so documents wait for one another at the end of their work and never in a ring.
The database refuses a number that is skipped, used twice, or taken for no document.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from payments import locks
from payments.states import DocumentKind

_PREFIXES = {
    DocumentKind.INVOICE: "INV",
    DocumentKind.RECEIPT: "REC",
    DocumentKind.CREDIT_NOTE: "CRN",
}


def series_of(kind: DocumentKind, now: datetime) -> str:
    """The series a document of `kind` issued `now` is numbered in; its year is the programme's."""
    return f"{_PREFIXES[kind]}-{now.astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).year}"


def take_number(series: str) -> int:
    """The next number of `series`, for a document written in this same transaction."""
    row = locks.number_series(series)
    row.last_number += 1
    row.save(update_fields=["last_number"])
    return row.last_number
