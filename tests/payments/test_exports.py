"""Exports: every row and cent of the period, safe to open, streamed, and on record."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from payments import exports, selectors, services
from payments.exports import Period, cells, streams
from payments.models import LedgerRow
from payments.states import DisputeState, DocumentKind, LedgerKind
from tests.factories import payments as make
from tests.factories.payments import NOW

from . import desk_world as world
from .desk_world import LATER

pytestmark = pytest.mark.django_db

ALL = Period(date(2026, 1, 1), date(2027, 12, 31))
HOSTILE = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\N{NO-BREAK SPACE}=1+1",
    "\N{ZERO WIDTH SPACE}=1+1",
    "\N{ZERO WIDTH NO-BREAK SPACE}@x",
    "\N{FULLWIDTH EQUALS SIGN}1+1",
    "\N{FULLWIDTH PLUS SIGN}1",
    "\N{FULLWIDTH HYPHEN-MINUS}1",
    "\N{FULLWIDTH COMMERCIAL AT}x",
    "\N{SMALL EQUALS SIGN}1",
    "\N{MINUS SIGN}1",
    '=HYPERLINK("http://x.example","A")',
    "=cmd|' /C calc'!A0",
    "-500.00",
]
HARMLESS = [
    "",
    " ",
    "Ångström, Björn",
    'A "quoted" name',
    "two\nlines",
    "1 = 1",
    "a;b,c\td",
    "O'Brien",
    "坂本 龍馬",
    "500.00",
]


@pytest.fixture
def staff(client: Client, settings: Settings) -> User:
    settings.MFA_REQUIRED = False
    member = make.office()
    client.force_login(member)
    return member


def written(name: str, staff: User, period: Period = ALL) -> list[dict[str, str]]:
    """What a program reads that opens the file."""
    text = "".join(exports.begin(exports.named(name), period, by=staff).pieces)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def some_of_everything(staff: User) -> None:
    world.sponsored(staff, seats=2, claimed=1)
    world.overdue(staff)
    world.returned(staff)
    world.overpaid(staff)
    world.disputed(DisputeState.LOST)


# ---- cells ----


@pytest.mark.parametrize("typed", HOSTILE)
def test_a_formula_is_text_for_every_program(typed: str) -> None:
    assert cells.guarded(typed) == f"'{typed}"


@pytest.mark.parametrize("typed", HARMLESS)
def test_what_is_no_formula_stays_as_it_is(typed: str) -> None:
    assert cells.guarded(typed) == typed


def test_hostile_names_come_back_whole_and_cannot_be_computed(staff: User) -> None:
    names = [*HOSTILE, *HARMLESS]
    for name in names:
        make.order(by=make.payer(full_name=name), description=name[:200] or "x")
    lines = written("orders", staff)
    assert len(lines) == len(names)
    read = [line["payer"] for line in lines]
    assert sorted(read) == sorted(cells.guarded(name) for name in names)
    assert sorted(name.removeprefix("'") for name in read) == sorted(names)
    for line in lines:
        for heading, value in line.items():
            assert value == cells.guarded(value), f"{heading}: {value!r}"


def test_without_the_guard_a_name_would_be_computed(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the names above are dangerous when nothing guards them."""
    make.order(by=make.payer(full_name="=1+1"))
    monkeypatch.setattr(cells, "guarded", lambda typed: typed)
    assert written("orders", staff)[0]["payer"] == "=1+1"


def test_a_negative_amount_stays_a_number(staff: User) -> None:
    world.returned(staff)
    text = "".join(exports.begin(exports.named("ledger"), ALL, by=staff).pieces)
    assert ",-100.00,-10000," in text
    (line,) = [line for line in written("ledger", staff) if line["kind"] == "Returned"]
    assert (Decimal(line["amount"]), int(line["amount_minor"])) == (Decimal("-100.00"), -10_000)


def test_an_amount_has_its_currencys_decimals(staff: User) -> None:
    make.order(currency="JPY", amount_minor=50_000)
    make.order(amount_minor=1)
    lines = {line["currency"]: line["amount"] for line in written("orders", staff)}
    assert lines == {"JPY": "50000", "USD": "0.01"}


def test_an_instant_is_the_programmes_day_and_says_its_zone(staff: User) -> None:
    make.order(now=datetime(2026, 12, 1, 4, 30, tzinfo=UTC))
    (line,) = written("orders", staff)
    assert (line["opened_on"], line["opened_at"], line["zone"]) == (
        "2026-11-30",
        "2026-11-30T22:30:00-06:00",
        "America/Chicago",
    )


# ---- sums and periods ----


def test_the_ledgers_export_adds_up_to_the_ledger(staff: User) -> None:
    some_of_everything(staff)
    some_of_everything(staff)
    lines = written("ledger", staff)
    total = LedgerRow.objects.aggregate(total=Sum("amount_minor"))["total"]
    assert len(lines) == LedgerRow.objects.count()
    assert sum(int(line["amount_minor"]) for line in lines) == total
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(total) / 100
    assert len({line["row"] for line in lines}) == len(lines)


def test_outstanding_and_received_add_up_to_the_amount(staff: User) -> None:
    some_of_everything(staff)
    for line in written("purchase-orders", staff):
        assert Decimal(line["received"]) + Decimal(line["outstanding"]) == Decimal(line["amount"])


def test_nothing_is_outstanding_on_what_is_not_accepted(staff: User) -> None:
    make.purchase_order(make.order(), number="UNDECIDED")
    declined = make.purchase_order(make.order(), number="DECLINED")
    services.decline_purchase_order(purchase_order_id=declined.pk, by=staff, reason="No.", now=NOW)
    cancelled = world.overdue(staff)
    services.cancel_purchase_order(purchase_order_id=cancelled.pk, by=staff, reason="No.", now=NOW)
    lines = written("purchase-orders", staff)
    assert {line["state"]: (line["received"], line["outstanding"]) for line in lines} == {
        "Waiting for staff": ("0.00", "0.00"),
        "Declined": ("0.00", "0.00"),
        "Cancelled": ("200.00", "0.00"),
    }
    credited = cancelled.documents.get(kind=DocumentKind.CREDIT_NOTE)
    assert credited.amount_minor + 20_000 == cancelled.order.amount_minor


def test_a_surplus_that_a_bank_takes_back_leaves_what_was_paid(staff: User) -> None:
    request = world.overdue(staff)
    (late,) = selectors.with_outstanding(selectors.overdue(LATER))
    surplus = LedgerRow.objects.create(
        order=request.order,
        kind=LedgerKind.TO_RETURN,
        gateway="sandbox",
        provider_ref="paid-twice",
        amount_minor=50_000,
        currency="USD",
        received_at=NOW,
    )
    LedgerRow.objects.create(
        order=request.order,
        kind=LedgerKind.CHARGED_BACK,
        gateway="sandbox",
        provider_ref="dispute",
        about=surplus,
        amount_minor=-50_000,
        currency="USD",
        received_at=NOW,
    )
    (still_late,) = selectors.with_outstanding(selectors.overdue(LATER))
    assert (still_late, still_late.outstanding_minor) == (late, late.outstanding_minor)
    (line,) = written("purchase-orders", staff)
    assert (line["received"], line["outstanding"]) == ("200.00", "300.00")


def test_money_to_return_says_what_became_of_it(staff: User) -> None:
    done = world.returned(staff)
    world.overpaid(staff)
    by_state = {line["became"]: line for line in written("money-to-return", staff)}
    assert set(by_state) == {"", "Returned"}
    assert by_state["Returned"]["returned_under"] == done.provider_ref
    assert int(by_state["Returned"]["went_back_minor"]) == -10_000
    assert by_state[""]["went_back"] == ""


def test_a_due_day_is_the_last_one_to_pay_as_the_invoice_prints_it(staff: User) -> None:
    request = world.overdue(staff)
    (line,) = written("purchase-orders", staff)
    printed = request.documents.get().data["due_on"]
    assert (line["due_on"], line["due_at"]) == (printed, "2027-01-01T00:00:00-06:00")


def test_seats_and_documents_are_whole(staff: User) -> None:
    request = world.sponsored(staff, seats=3, claimed=1)
    seats = written("seats", staff)
    assert [line["state"] for line in seats] == ["Claimed", "Not claimed", "Not claimed"]
    assert [line["seat"] for line in seats] == ["1", "2", "3"]
    documents = written("documents", staff)
    assert [line["number"] for line in documents] == [request.documents.get().full_number]


def test_a_period_has_its_last_day_and_not_the_next(staff: User) -> None:
    midnight = datetime(2026, 12, 2, 6, tzinfo=UTC)  # the first instant of 2 December in Chicago
    inside = make.order(now=midnight - timedelta(microseconds=1))
    first = make.order(now=midnight - timedelta(days=1))
    make.order(now=midnight)
    make.order(now=midnight - timedelta(days=1, microseconds=1))
    day = date(2026, 12, 1)
    assert {line["order"] for line in written("orders", staff, Period(day, day))} == {
        str(inside.pk),
        str(first.pk),
    }


@pytest.mark.parametrize("export", exports.EXPORTS, ids=lambda export: export.name)
def test_an_empty_period_has_its_headings(staff: User, export: exports.Export) -> None:
    begun = exports.begin(export, ALL, by=staff)
    assert begun.rows == 0
    (headings,) = list(csv.reader(io.StringIO("".join(begun.pieces))))
    assert len(headings) == len(set(headings)) == len(export.columns)


# ---- streamed, constant, on record ----


@pytest.mark.parametrize("export", exports.EXPORTS, ids=lambda export: export.name)
def test_an_export_asks_as_many_questions_for_many_rows_as_for_one(
    staff: User, export: exports.Export
) -> None:
    asked = []
    for more in (1, 2):
        for _ in range(more):
            some_of_everything(staff)
        with clock.fixed(NOW), CaptureQueriesContext(connection) as queries:
            written(export.name, staff)
        asked.append(len(queries))
    assert asked == [2, 2]  # the rows, and the line on record


def test_the_rows_stay_at_the_server_until_they_are_written(
    staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHUNK", 2)
    for _ in range(5):
        make.order()
    begun = exports.begin(exports.named("orders"), ALL, by=staff)
    next(begun.pieces)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django_curs_%%'")
        assert cursor.fetchone() == (1,)
    assert len(list(begun.pieces)) == 5
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django_curs_%%'")
        assert cursor.fetchone() == (0,)


def test_what_is_on_record_is_what_is_written(staff: User) -> None:
    for _ in range(3):
        make.order()
    begun = exports.begin(exports.named("orders"), ALL, by=staff)
    make.order()  # opened while the file is being written
    assert len(list(begun.pieces)) == 1 + 3
    (act,) = AuditEvent.objects.filter(action="exported orders")
    assert (act.actor_id, act.subject_id) == (staff.pk, "orders")
    assert act.detail == {
        "from": "2026-01-01",
        "to": "2027-12-31",
        "zone": "America/Chicago",
        "rows": 3,
    }


def test_an_export_is_on_record_though_nobody_reads_it_to_the_end(staff: User) -> None:
    make.order()
    exports.begin(exports.named("orders"), ALL, by=staff)
    assert AuditEvent.objects.filter(action="exported orders").count() == 1


# ---- the page ----


def test_the_page_sends_a_file(client: Client, staff: User) -> None:
    make.paid_order()
    typed = {"what": "ledger", "first_day": "2026-11-01", "last_day": "2026-12-31"}
    answer: Any = client.post(reverse("admin:payments_exports"), typed)
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="ledger-2026-11-01-2026-12-31.csv"'
    body = answer.getvalue()
    assert body.startswith(b"\xef\xbb\xbf")
    assert body.count(b"\r\n") == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"first_day": "2026-12-31", "last_day": "2026-12-01"}, "lies before the first"),
        ({"first_day": "0001-01-01"}, "nothing from that year"),
        ({"last_day": "9999-12-31"}, "nothing from that year"),
        ({"first_day": "yesterday"}, "year-month-day"),
        ({"last_day": ""}, "Give the day."),
        ({"what": "passwords"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_not_on_record(
    client: Client, staff: User, typed: dict[str, str], said: str
) -> None:
    whole = {"what": "ledger", "first_day": "2026-11-01", "last_day": "2026-12-31"}
    answer = client.post(reverse("admin:payments_exports"), whole | typed)
    assert answer.status_code == 200
    assert said in answer.text
    assert not AuditEvent.objects.filter(action__startswith="exported").exists()


def test_looking_at_the_page_exports_nothing(client: Client, staff: User) -> None:
    page = client.get(reverse("admin:payments_exports"), {"what": "seats"})
    assert '<option value="seats" selected>' in page.text
    assert not AuditEvent.objects.filter(action__startswith="exported").exists()


def test_a_reference_typed_from_a_statement_is_guarded_too(staff: User) -> None:
    order = make.accepted_order(staff=staff)
    services.record_transfer(
        order_id=order.pk, by=staff, amount_minor=50_000, reference="=T-1", received_at=NOW, now=NOW
    )
    (line,) = written("ledger", staff)
    assert line["reference"] == "'=T-1"
