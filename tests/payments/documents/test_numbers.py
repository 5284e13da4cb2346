"""Numbers without gaps, on real threads and a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from payments import locks
from payments.documents import issue_receipt, numbering
from payments.models import NumberSeries, Order, PaymentDocument
from payments.states import DocumentKind
from tests.factories import payments as make
from tests.factories.payments import NOW

SERIES = "REC-2026"
THREADS = 8
DOCUMENTS = 40
PATIENCE_SECONDS = 30


class RolledBack(Exception):
    pass


def _numbers() -> list[int]:
    return sorted(PaymentDocument.objects.filter(series=SERIES).values_list("number", flat=True))


def _unreceipted(many: int) -> list[Order]:
    """Paid orders from before there were receipts."""
    payer = make.payer()
    orders = [make.order(by=payer) for _ in range(many)]
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(state="settled", covered_at=NOW)
    return orders


def _issue(order: Order, *, gives_up: bool = False) -> None:
    with transaction.atomic():
        issue_receipt(locks.order(order.pk), now=NOW)
        if gives_up:
            raise RolledBack


def _in_threads(jobs: list[Callable[[], None]], threads: int = THREADS) -> list[Exception]:
    """Run the jobs on `threads` threads.  Returns what they raised."""

    def run(job: Callable[[], None]) -> Exception | None:
        try:
            job()
        except Exception as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(threads) as pool:
        return [error for error in pool.map(run, jobs) if error is not None]


def _without_lock(name: str) -> NumberSeries:
    series, _ = NumberSeries.objects.get_or_create(pk=name)
    return series


@pytest.mark.django_db(transaction=True)
def test_forty_documents_from_eight_threads_leave_no_gap_where_one_is_rolled_back() -> None:
    orders = _unreceipted(DOCUMENTS + 1)
    jobs: list[Callable[[], None]] = [
        lambda order=order, last=index == DOCUMENTS // 2: _issue(order, gives_up=last)  # type: ignore[misc]
        for index, order in enumerate(orders)
    ]

    errors = _in_threads(jobs)

    assert [type(error) for error in errors] == [RolledBack]
    assert _numbers() == list(range(1, DOCUMENTS + 1))
    assert NumberSeries.objects.get(pk=SERIES).last_number == DOCUMENTS


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_documents_reach_for_the_same_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the lock is for.  The database refuses the second document."""
    both_looked = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def looked_at(name: str) -> NumberSeries:
        series = _without_lock(name)
        both_looked.wait()
        return series

    monkeypatch.setattr(locks, "number_series", looked_at)
    NumberSeries.objects.create(name=SERIES)

    errors = _in_threads([lambda o=order: _issue(o) for order in _unreceipted(2)], threads=2)  # type: ignore[misc]

    assert len(errors) == 1
    assert isinstance(errors[0], DatabaseError)
    assert _numbers() == [1]


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_begin_a_series_at_once_begin_one() -> None:
    errors = _in_threads([lambda o=order: _issue(o) for order in _unreceipted(2)], threads=2)  # type: ignore[misc]
    assert (errors, _numbers()) == ([], [1, 2])


@pytest.mark.django_db(transaction=True)
def test_a_number_that_is_taken_for_no_document_is_refused_when_the_transaction_ends() -> None:
    with pytest.raises(DatabaseError, match="taken for no document"), transaction.atomic():
        numbering.take_number(SERIES)
    assert not NumberSeries.objects.filter(last_number__gt=0).exists()


@pytest.mark.django_db
def test_the_database_refuses_every_other_number_than_the_last_one_taken() -> None:
    [order] = _unreceipted(1)
    issued = issue_receipt(Order.objects.get(pk=order.pk), now=NOW)
    for number in (issued.number + 1, issued.number + 2):
        with pytest.raises(DatabaseError, match="not the last one taken"), transaction.atomic():
            _copy(issued, number=number)
    with pytest.raises(DatabaseError, match="not the last one taken"), transaction.atomic():
        _copy(issued, number=1, series="REC-1999")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"last_number": 3}, "goes on from 1 to the next number"),
        ({"last_number": 1}, "goes on from 1 to the next number"),
        ({"last_number": 0}, "goes on from 1 to the next number"),
        ({"last_number": 2, "name": "REC-2031"}, "goes on from 1 to the next number"),
    ],
)
def test_a_series_goes_on_to_the_next_number_and_nowhere_else(
    change: dict[str, object], refusal: str
) -> None:
    [order] = _unreceipted(1)
    issue_receipt(Order.objects.get(pk=order.pk), now=NOW)
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
        NumberSeries.objects.filter(pk=SERIES).update(**change)


@pytest.mark.django_db
def test_a_series_begins_at_nothing_and_stays() -> None:
    with pytest.raises(DatabaseError, match="must begin at 0"), transaction.atomic():
        NumberSeries.objects.create(name=SERIES, last_number=4)
    NumberSeries.objects.create(name=SERIES)
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        NumberSeries.objects.filter(pk=SERIES).delete()


@pytest.mark.django_db
def test_a_document_is_never_changed_or_taken_away() -> None:
    [order] = _unreceipted(1)
    issued = issue_receipt(Order.objects.get(pk=order.pk), now=NOW)
    documents = PaymentDocument.objects.filter(pk=issued.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        documents.update(data={})
    with pytest.raises(DatabaseError), transaction.atomic():
        documents.delete()


def _copy(issued: PaymentDocument, **changed: object) -> None:
    values = {
        "kind": DocumentKind.INVOICE,
        "series": issued.series,
        "order": issued.order,
        "issued_at": NOW,
        "amount_minor": 1,
        "currency": "USD",
        "data": {},
    }
    PaymentDocument.objects.create(**values | changed)
