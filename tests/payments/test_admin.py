"""Staff's lists: what they show and find, each with its money; nothing edited by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from certification.kernel import clock
from payments.models import LedgerRow
from payments.states import DisputeState
from tests.factories import payments as make
from tests.factories.payments import NOW

from . import desk_world as world

pytestmark = pytest.mark.django_db

ORDERS = "admin:payments_order_changelist"
PURCHASE_ORDERS = "admin:payments_purchaseorder_changelist"
LEDGER = "admin:payments_ledgerrow_changelist"
TO_RETURN = "admin:payments_moneytoreturn_changelist"
DISPUTES = "admin:payments_dispute_changelist"
EVENTS = "admin:payments_webhookevent_changelist"
DOCUMENTS = "admin:payments_paymentdocument_changelist"

# How many questions each list asks, and what puts a row into it.
LISTS: dict[str, tuple[int, Callable[[User], Any]]] = {
    ORDERS: (9, world.overpaid),
    PURCHASE_ORDERS: (6, world.overdue),
    LEDGER: (8, world.overpaid),
    TO_RETURN: (8, world.overpaid),
    DISPUTES: (7, lambda staff: world.disputed()),
    EVENTS: (7, lambda staff: world.message()),
    DOCUMENTS: (8, world.overdue),
}


@pytest.fixture
def staff(client: Client, settings: Settings) -> User:
    settings.MFA_REQUIRED = False
    member = make.office()
    client.force_login(member)
    return member


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def rows(client: Client, name: str, query: str = "") -> list[Any]:
    answer = client.get(f"{reverse(name)}{query}")
    assert answer.status_code == 200, answer
    return list(answer.context["cl"].result_list)


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_is_a_page(client: Client, staff: User, name: str) -> None:
    assert rows(client, name) == []


@pytest.mark.parametrize(("name", "queries"), [(name, known[0]) for name, known in LISTS.items()])
def test_a_list_asks_as_many_questions_for_three_rows_as_for_one(
    client: Client, staff: User, django_assert_num_queries: DjangoAssertNumQueries, name: str, queries: int
) -> None:
    add = LISTS[name][1]
    add(staff)
    with clock.fixed(NOW), django_assert_num_queries(queries):
        client.get(reverse(name))
    add(staff)
    add(staff)
    with clock.fixed(NOW), django_assert_num_queries(queries):
        client.get(reverse(name))


@pytest.mark.parametrize("name", LISTS)
def test_payers_do_not_enter(client: Client, name: str) -> None:
    client.force_login(make.payer())
    assert client.get(reverse(name), follow=True).status_code == 404


def test_orders_are_summed_by_state(client: Client, staff: User) -> None:
    make.order()
    make.order()
    make.paid_order()
    sums = client.get(reverse(ORDERS)).context["sums"]
    assert [(line.label, line.count, line.minor) for line in sums[0].lines] == [
        ("Waiting for payment", 2, 100_000),
        ("Paid", 1, 50_000),
    ]
    assert (sums[0].count, sums[0].minor) == (3, 150_000)


def test_money_to_return_lists_what_is_open_first_and_filters_it(client: Client, staff: User) -> None:
    make.paid_order()
    done = world.returned(staff).about
    first = world.overpaid(staff)
    second = world.overpaid(staff, now=NOW.replace(day=3))
    assert done is not None
    assert [row.pk for row in rows(client, TO_RETURN)] == [first.pk, second.pk, done.pk]
    assert [row.pk for row in rows(client, TO_RETURN, "?standing=open")] == [first.pk, second.pk]
    assert [row.pk for row in rows(client, TO_RETURN, "?standing=returned")] == [done.pk]
    page = text(client.get(reverse(TO_RETURN)))
    assert "$100.00 USD" in page
    assert "Record its return" in page
    assert "Returned under R-" in page


def test_overdue_purchase_orders_are_found_from_the_instant_they_are_due(client: Client, staff: User) -> None:
    request = world.overdue(staff)
    assert request.due_at is not None
    with clock.fixed(request.due_at):
        assert rows(client, PURCHASE_ORDERS, "?due=overdue") == [request]
    with clock.fixed(NOW):
        assert rows(client, PURCHASE_ORDERS, "?due=overdue") == []
        assert rows(client, PURCHASE_ORDERS, "?due=not_yet") == [request]
    assert rows(client, PURCHASE_ORDERS, "?due=paid") == []


def test_a_purchase_order_shows_its_seats_and_what_is_outstanding(client: Client, staff: User) -> None:
    request = world.sponsored(staff, seats=3, claimed=2)
    page = text(client.get(reverse(PURCHASE_ORDERS)))
    assert "2 of 3, 1 free" in page
    assert "$1,500.00 USD" in page
    detail = text(client.get(reverse("admin:payments_purchaseorder_change", args=[request.pk])))
    assert "Nothing has come yet" in detail
    assert world.LONG in detail
    assert reverse("payments:document", args=[request.documents.get().pk]) in detail


def test_messages_are_searched_and_the_unknown_ones_found(client: Client, staff: User) -> None:
    waiting, unknown = world.message(), world.message(handled=True)
    known = world.message(handled=True)
    attempt = world.checking().attempts.get()
    type(known).objects.filter(pk=known.pk).update(outcome="Asked.")
    assert [one.pk for one in rows(client, EVENTS, f"?q={waiting.event_id}")] == [waiting.pk]
    assert rows(client, EVENTS, "?standing=waiting") == [waiting]
    assert set(rows(client, EVENTS, "?standing=unknown")) == {unknown, known}
    ours = type(known).objects.create(
        gateway=attempt.gateway,
        event_id="evt_ours",
        topic="payment.completed",
        kind="payment",
        reference=attempt.provider_ref,
        received_at=NOW,
        handled_at=NOW,
    )
    assert ours not in rows(client, EVENTS, "?standing=unknown")
    assert ours in rows(client, EVENTS, "?standing=handled")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (DisputeState.OPEN, "before the deadline they name"),
        (DisputeState.LOST, "Decide about the candidacy"),
        (DisputeState.WON, "Nothing is left to do"),
    ],
)
def test_a_dispute_says_what_is_to_be_done(
    client: Client, staff: User, state: DisputeState, said: str
) -> None:
    dispute = world.disputed(state)
    page = text(client.get(reverse("admin:payments_dispute_change", args=[dispute.pk])))
    assert said in page
    assert "$500.00" in page


def test_documents_lead_to_their_files(client: Client, staff: User) -> None:
    document = world.overdue(staff).documents.get()
    page = text(client.get(reverse(DOCUMENTS)))
    assert document.full_number in page
    assert reverse("payments:document", args=[document.pk]) in page
    assert rows(client, DOCUMENTS, f"?q={document.number}") == [document]


@pytest.mark.parametrize(
    "name",
    [
        "order",
        "purchaseorder",
        "ledgerrow",
        "moneytoreturn",
        "dispute",
        "webhookevent",
        "paymentdocument",
    ],
)
def test_nothing_is_added_changed_or_deleted_by_hand(client: Client, staff: User, name: str) -> None:
    row = world.overpaid(staff)
    pk = {
        "order": row.order_id,
        "purchaseorder": row.order.purchase_orders.get().pk,
        "paymentdocument": row.order.documents.first().pk,  # type: ignore[union-attr]
    }.get(name, row.pk)
    if name == "dispute":
        pk = world.disputed().pk
    if name == "webhookevent":
        pk = world.message().pk
    assert client.get(reverse(f"admin:payments_{name}_change", args=[pk])).status_code == 200
    assert client.post(reverse(f"admin:payments_{name}_change", args=[pk]), {}).status_code == 403
    assert client.get(reverse(f"admin:payments_{name}_add")).status_code == 403
    assert client.get(reverse(f"admin:payments_{name}_delete", args=[pk])).status_code == 403
    assert LedgerRow.objects.filter(pk=row.pk).exists()
