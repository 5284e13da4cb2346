"""Staff's lists: sums by state, purchase orders to decide, money to return; nothing edited by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from certification.kernel import clock
from payments import services
from payments.models import LedgerRow
from payments.states import OrderState, PurchaseOrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

pytestmark = pytest.mark.django_db

ORDERS = "admin:payments_order_changelist"
PURCHASE_ORDERS = "admin:payments_purchaseorder_changelist"
LEDGER = "admin:payments_ledgerrow_changelist"
TO_RETURN = "admin:payments_moneytoreturn_changelist"
QUERIES_OF_LIST = {ORDERS: 8, PURCHASE_ORDERS: 4, LEDGER: 7, TO_RETURN: 7}


@pytest.fixture
def staff(client: Client, settings: Settings) -> User:
    settings.MFA_REQUIRED = False
    member = make.office()
    client.force_login(member)
    return member


def _text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def _overpaid(staff: User) -> LedgerRow:
    order = make.accepted_order(staff=staff)
    services.record_transfer(
        order_id=order.pk, by=staff, amount_minor=60_000, reference="T-1", received_at=NOW, now=NOW
    )
    return order.ledger.get(kind="to_return")


def test_orders_are_summed_by_state(client: Client, staff: User) -> None:
    make.order()
    make.order()
    make.paid_order()
    page = _text(client.get(reverse(ORDERS)))
    assert '<th scope="row">Waiting for payment</th><td>2</td><td>$1,000.00 USD</td>' in page
    assert '<th scope="row">Paid</th><td>1</td><td>$500.00 USD</td>' in page


def test_purchase_orders_are_accepted_from_the_list(client: Client, staff: User) -> None:
    requests = [make.purchase_order(make.order()) for _ in range(2)]
    chosen = [str(request.pk) for request in requests]
    client.post(reverse(PURCHASE_ORDERS), {"action": "accept", "_selected_action": chosen})
    for request in requests:
        request.refresh_from_db()
        assert (request.state, request.decided_by) == (PurchaseOrderState.ACCEPTED, staff)


def test_declining_asks_for_the_reason_first(client: Client, staff: User) -> None:
    request = make.purchase_order(make.order())
    posted = {"action": "decline", "_selected_action": [str(request.pk)]}
    assert "Why are they declined?" in _text(client.post(reverse(PURCHASE_ORDERS), posted))
    assert "reads the reason" in _text(client.post(reverse(PURCHASE_ORDERS), posted | {"reason": " "}))
    request.refresh_from_db()
    assert request.state == PurchaseOrderState.REQUESTED
    client.post(reverse(PURCHASE_ORDERS), posted | {"reason": "It is not signed."})
    request.refresh_from_db()
    assert (request.state, request.decision_reason) == (PurchaseOrderState.DECLINED, "It is not signed.")


def test_a_refusal_is_shown_and_changes_nothing(client: Client, staff: User) -> None:
    order = make.order()
    request = make.purchase_order(order)
    attempt = make.attempt(order)
    make.card(attempt)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    posted = {"action": "accept", "_selected_action": [str(request.pk)]}
    assert "was paid otherwise" in _text(client.post(reverse(PURCHASE_ORDERS), posted, follow=True))


def test_a_purchase_order_is_decided_from_its_own_page_too(client: Client, staff: User) -> None:
    request = make.purchase_order(make.order())
    page = _text(client.get(reverse("admin:payments_purchaseorder_change", args=[request.pk])))
    assert "Decline, with a reason" in page
    services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)
    page = _text(client.get(reverse("admin:payments_purchaseorder_change", args=[request.pk])))
    assert "Decline, with a reason" not in page


def test_a_transfer_is_recorded_and_an_impossible_one_refused(client: Client, staff: User) -> None:
    order = make.accepted_order(staff=staff)
    url = reverse("admin:payments_order_transfer", args=[order.pk])
    assert url in _text(client.get(reverse("admin:payments_order_change", args=[order.pk])))
    filled = {"amount": "500.00", "reference": "T-1", "received_on": "2026-12-05"}
    with clock.fixed(NOW):
        assert "cannot lie in the future" in _text(client.post(url, filled))
    with clock.fixed(NOW + timedelta(days=10)):
        assert client.post(url, filled).status_code == 302
    order.refresh_from_db()
    assert order.state == OrderState.SETTLED


def test_an_order_without_an_accepted_purchase_order_takes_no_transfer(client: Client, staff: User) -> None:
    order = make.order()
    url = reverse("admin:payments_order_transfer", args=[order.pk])
    assert url not in _text(client.get(reverse("admin:payments_order_change", args=[order.pk])))
    filled = {"amount": "500.00", "reference": "T-1", "received_on": "2026-11-05"}
    assert "no accepted purchase order" in _text(client.post(url, filled))


def test_money_to_return_lists_nothing_else(client: Client, staff: User) -> None:
    make.paid_order()
    row = _overpaid(staff)
    page = _text(client.get(reverse("admin:payments_moneytoreturn_changelist")))
    assert "1 sum to return" in page
    assert "$100.00 USD" in page
    assert row.note in page


@pytest.mark.parametrize("name", ["order", "purchaseorder", "ledgerrow", "moneytoreturn"])
def test_nothing_is_added_changed_or_deleted_by_hand(client: Client, staff: User, name: str) -> None:
    row = _overpaid(staff)
    pk = {"order": row.order_id, "purchaseorder": row.order.purchase_orders.get().pk}.get(name, row.pk)
    assert client.get(reverse(f"admin:payments_{name}_change", args=[pk])).status_code == 200
    assert client.post(reverse(f"admin:payments_{name}_change", args=[pk]), {}).status_code == 403
    assert client.get(reverse(f"admin:payments_{name}_add")).status_code == 403
    assert client.get(reverse(f"admin:payments_{name}_delete", args=[pk])).status_code == 403


@pytest.mark.parametrize("name", QUERIES_OF_LIST)
def test_payers_do_not_enter(client: Client, name: str) -> None:
    client.force_login(make.payer())
    assert client.get(reverse(name), follow=True).status_code == 404


@pytest.mark.parametrize(("name", "queries"), QUERIES_OF_LIST.items())
def test_a_list_asks_as_many_questions_for_three_rows_as_for_one(
    client: Client, staff: User, django_assert_num_queries: DjangoAssertNumQueries, name: str, queries: int
) -> None:
    _overpaid(staff)
    with clock.fixed(NOW), django_assert_num_queries(queries):
        client.get(reverse(name))
    _overpaid(staff)
    _overpaid(staff)
    with clock.fixed(NOW), django_assert_num_queries(queries):
        client.get(reverse(name))
