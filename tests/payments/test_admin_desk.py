"""The payments desk: it shows everything that waits with its money, and its totals add up."""

from __future__ import annotations

from datetime import timedelta
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
from payments import desk, services
from payments.models import LedgerRow, Order
from payments.states import DisputeState
from tests.factories import payments as make
from tests.factories.payments import NOW

from . import desk_world as world
from .desk_world import LATER, LONG

pytestmark = pytest.mark.django_db

QUERIES = 26


@pytest.fixture
def staff(client: Client, settings: Settings) -> User:
    settings.MFA_REQUIRED = False
    member = make.office()
    client.force_login(member)
    return member


def page(client: Client) -> str:
    with clock.fixed(LATER):
        answer = client.get(reverse("admin:payments_desk"))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def some_of_everything(staff: User) -> None:
    make.purchase_order(make.order())
    world.sponsored(None, seats=3, claimed=1)
    world.asked_back(staff)
    world.overdue(staff)
    world.overpaid(staff)
    world.returned(staff)
    world.disputed()
    world.disputed(DisputeState.LOST)
    world.message()
    world.message(handled=True)
    world.checking()


def test_a_desk_without_anything_says_so(client: Client, staff: User) -> None:
    shown = page(client)
    for sentence in (
        "Nothing to decide.",
        "No dispute is open.",
        "Nothing to return.",
        "Nothing is overdue.",
        "Nobody was asked anything.",
        "Every payment is decided.",
        "Every message is handled.",
        "No money has come in yet.",
        "No order yet.",
        "Nobody had to be reminded",
    ):
        assert sentence in shown


def test_the_desk_asks_as_many_questions_for_three_of_everything_as_for_one(
    client: Client, staff: User
) -> None:
    asked = []
    for more in (1, 2):
        for _ in range(more):
            some_of_everything(staff)
        with clock.fixed(LATER), CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("admin:payments_desk")).status_code == 200
        asked.append(len(queries))
    assert asked == [QUERIES, QUERIES]


def test_every_line_names_its_money_and_leads_to_where_it_is_done(client: Client, staff: User) -> None:
    sponsored = world.sponsored(None, seats=3)
    asked = world.asked_back(staff)
    late = world.overdue(staff, reminders=2)
    surplus = world.overpaid(staff)
    dispute = world.disputed()
    waiting = world.message()
    checking = world.checking()
    shown = page(client)
    for url in (
        reverse("admin:payments_purchaseorder_change", args=[sponsored.pk]),
        reverse("admin:payments_purchaseorder_change", args=[asked.pk]),
        reverse("admin:payments_purchaseorder_change", args=[late.pk]),
        reverse("admin:payments_moneytoreturn_return", args=[surplus.pk]),
        reverse("admin:payments_dispute_change", args=[dispute.pk]),
        reverse("admin:payments_webhookevent_change", args=[waiting.pk]),
        reverse("admin:payments_order_change", args=[checking.pk]),
    ):
        assert url in shown
        assert client.get(url).status_code == 200
    for words in (LONG, "$1,500.00", "Who signs for it?", "$300.00", "14 days", "2, the last", "$100.00"):
        assert words in shown, words
    assert "fraudulent" in shown


def test_every_list_behind_the_desk_holds_what_it_counts(client: Client, staff: User) -> None:
    for _ in range(desk.ROWS_SHOWN + 2):
        make.purchase_order(make.order())
    some_of_everything(staff)
    with clock.fixed(LATER):
        answer = client.get(reverse("admin:payments_desk"))
        found, lists = answer.context["desk"], answer.context["lists"]
        for name, url in lists.items():
            if name == "checking":  # counted by payment, listed by order
                continue
            listing = client.get(url)
            assert listing.status_code == 200, url
            assert listing.context["cl"].result_count == getattr(found, name).count, name
    assert found.to_decide.count == desk.ROWS_SHOWN + 4
    assert (len(found.to_decide.rows), found.to_decide.beyond) == (desk.ROWS_SHOWN, 4)
    assert f"All {found.to_decide.count}, 4 more than shown" in " ".join(answer.content.decode().split())


def test_a_lost_dispute_is_told_to_who_decides_about_the_candidacy(client: Client, staff: User) -> None:
    lost = world.disputed(DisputeState.LOST)
    shown = page(client)
    assert reverse("admin:payments_dispute_change", args=[lost.pk]) in shown
    assert "decide about the candidacy" in shown
    with clock.fixed(LATER + timedelta(days=91)):
        answer = client.get(reverse("admin:payments_desk"))
    assert "decide about the candidacy" not in answer.content.decode()


def test_what_waits_longest_comes_first(staff: User) -> None:
    young = make.purchase_order(make.order(), now=NOW + timedelta(hours=2))
    old = make.purchase_order(make.order(), now=NOW)
    assert desk.desk(LATER).to_decide.rows == (old, young)


def test_received_less_returned_less_charged_back_is_the_ledgers_balance(staff: User) -> None:
    some_of_everything(staff)
    some_of_everything(staff)
    euros = make.paid_order(currency="EUR", amount_minor=45_000)
    assert euros.state == "settled"
    by_currency = {balance.currency: balance for balance in desk.balances()}
    assert set(by_currency) == {"EUR", "USD"}
    for currency, balance in by_currency.items():
        ledger = list(LedgerRow.objects.filter(currency=currency).values_list("amount_minor", flat=True))
        parts = balance.received_minor - balance.returned_minor - balance.charged_back_minor
        assert parts == balance.balance_minor == sum(ledger)
        assert balance.received_minor == sum(amount for amount in ledger if amount > 0)
        assert sum(bar.minor for bar in balance.bars) == balance.received_minor
    dollars = by_currency["USD"]
    assert (dollars.returned_minor, dollars.charged_back_minor) == (20_000, 100_000)
    assert dollars.to_return_minor == 20_000


def test_the_identity_holds_over_any_ledger_the_database_takes(staff: User) -> None:
    """Whatever is entered next, the page's parts stay the sum of the rows."""
    rows: list[Any] = [world.overpaid(staff) for _ in range(3)]
    for row in rows[:2]:
        before = desk.balances()[0]
        services.record_return(
            ledger_row_id=row.pk, by=staff, reference=f"R-{row.pk}", returned_at=LATER, now=LATER
        )
        after = desk.balances()[0]
        assert after.balance_minor == before.balance_minor - row.amount_minor
        assert after.to_return_minor == before.to_return_minor - row.amount_minor
        assert after.received_minor == before.received_minor


def test_orders_by_state_add_up_to_all_orders(staff: User) -> None:
    some_of_everything(staff)
    (dollars,) = desk.orders_by_state()
    total = Order.objects.aggregate(total=Sum("amount_minor"))["total"]
    assert sum(line.minor for line in dollars.lines) == dollars.minor == total
    assert sum(line.count for line in dollars.lines) == dollars.count == Order.objects.count()


def test_returned_money_waits_no_longer_and_money_taken_back_neither(staff: User) -> None:
    row = world.overpaid(staff)
    assert desk.to_return().count() == 1
    LedgerRow.objects.create(
        order=row.order,
        kind="charged_back",
        gateway="sandbox",
        provider_ref="dp_x",
        about=row,
        amount_minor=-row.amount_minor,
        currency=row.currency,
        received_at=LATER,
    )
    assert desk.to_return().count() == 0


def test_nobody_else_sees_the_desk(client: Client, settings: Settings) -> None:
    settings.MFA_REQUIRED = False
    client.force_login(make.payer())
    assert client.get(reverse("admin:payments_desk"), follow=True).status_code == 404
    assert client.get(reverse("admin:payments_exports"), follow=True).status_code == 404


def test_the_desk_is_found_from_the_cockpit_and_from_payments(client: Client, staff: User) -> None:
    for where in (reverse("admin:index"), reverse("admin:app_list", args=["payments"])):
        assert reverse("admin:payments_desk") in client.get(where).text
