"""A list written row by row, and on record before its first line is."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Window

from accounts.models import User
from certification.kernel import audit
from certification.kernel.windows import civil

from .cells import Column, Row

CHUNK = 2_000
# Excel takes a file for UTF-8 only when it begins with this mark.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole civil days in the programme's zone, both included."""

    first_day: date
    last_day: date

    @property
    def begins(self) -> datetime:
        return civil(self.first_day, settings.PROGRAMME_ZONE)

    @property
    def ends(self) -> datetime:
        """The first instant that is not part of it."""
        return civil(self.last_day + timedelta(days=1), settings.PROGRAMME_ZONE)


@dataclass(frozen=True, slots=True)
class Export:
    """A list and how it is written.

    Attributes:
        name: in file names and on record.
        dated_by: the field of the instant that has to lie in the period.
        dated_words: what happened at that instant, as people say it.
        rows: all rows there are; the period narrows them.
        then_by: the order of rows of the same instant.
    """

    name: str
    label: str
    dated_by: str
    dated_words: str
    rows: Callable[[], QuerySet[Any]]
    columns: tuple[Column, ...]
    then_by: tuple[str, ...] = ("pk",)


@dataclass(frozen=True, slots=True)
class Written:
    """An export that is on record: how many rows it has, and its text piece by piece."""

    rows: int
    pieces: Iterator[str]


class _Echo:
    """What the writer writes to: it hands every line straight back."""

    def write(self, line: str) -> str:
        return line


def begin(export: Export, period: Period, *, by: User) -> Written:
    """Put the export on record and begin to read it, through a cursor that stays at the server.

    The rows are counted by the very statement that reads them, so what is on record is what is
    written, whatever happens meanwhile.
    """
    fields = {field for column in export.columns for field in column.fields}
    rows: Iterator[Row] = (
        export.rows()
        .filter(**{f"{export.dated_by}__gte": period.begins, f"{export.dated_by}__lt": period.ends})
        .order_by(export.dated_by, *export.then_by)
        .annotate(rows_in_all=Window(Count("*")))
        .values(*sorted(fields), "rows_in_all")
        .iterator(chunk_size=CHUNK)
    )
    first = list(islice(rows, 1))
    count = first[0]["rows_in_all"] if first else 0
    audit.record(
        actor=by,
        action=f"exported {export.label.lower()}",
        subject=("payments.Export", export.name),
        detail={
            "from": period.first_day.isoformat(),
            "to": period.last_day.isoformat(),
            "zone": settings.PROGRAMME_ZONE,
            "rows": count,
        },
    )
    return Written(count, _written(export, first, rows))


def _written(export: Export, first: Sequence[Row], rest: Iterator[Row]) -> Iterator[str]:
    # Texts are quoted, so that no locale's separator ends a cell early; numbers are not.
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_NONNUMERIC)
    yield BYTE_ORDER_MARK + writer.writerow([column.heading for column in export.columns])
    with closing(rest):  # type: ignore[type-var]
        for row in chain(first, rest):
            yield writer.writerow([column.cell(row) for column in export.columns])
