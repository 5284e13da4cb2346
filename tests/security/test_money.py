"""Attempts to pay less, twice, with somebody else's money, or without being asked."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from certification.kernel import clock
from payments.models import LedgerRow, Order, SandboxPayment
from payments.states import OrderState
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.accounts import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(settings: Any) -> Any:
    settings.MFA_REQUIRED = False
    with clock.fixed(make.NOW):
        yield


def state(order: Order) -> str:
    order.refresh_from_db()
    return order.state


@pytest.mark.parametrize(
    "smuggled",
    [
        {"amount_minor": "1"},
        {"currency": "JPY"},
        {"state": "settled"},
        {"provider_ref": "sbx_x"},
        {"payer": "x"},
    ],
)
def test_fields_nobody_offers_change_no_order_and_no_payment(smuggled: dict[str, str]) -> None:
    order = make.order()
    client = signed_in(order.payer)
    begun = client.post(reverse("payments:pay", args=[order.pk]), {"gateway": "sandbox", **smuggled})
    card = {"card_number": make.GOOD_CARD, **smuggled}
    client.post(begun["Location"], card)
    client.get(reverse("payments:return", args=[order.pk]), {"status": "paid", **smuggled})
    paid = LedgerRow.objects.get()
    assert (paid.amount_minor, paid.currency, paid.order.payer) == (50_000, "USD", order.payer)
    assert (order.amount_minor, state(order)) == (50_000, OrderState.SETTLED)


def test_a_payment_of_one_order_pays_no_other() -> None:
    mine, theirs = make.order(), make.order()
    reference = make.attempt(theirs).provider_ref
    make.card(make.attempt(mine))
    client = signed_in(mine.payer)
    for given in ({"reference": reference}, {"order": str(theirs.pk)}, {"token": reference}):
        client.get(reverse("payments:return", args=[mine.pk]), given)
        assert client.get(reverse("payments:return", args=[theirs.pk]), given).status_code == 404
    assert (state(mine), state(theirs)) == (OrderState.SETTLED, OrderState.CHECKING)
    assert LedgerRow.objects.get().order == mine


def test_every_step_sent_again_and_out_of_order_is_one_fee() -> None:
    order = make.order()
    client = signed_in(order.payer)
    pay, back = (reverse(f"payments:{name}", args=[order.pk]) for name in ("pay", "return"))
    page = client.post(pay, {"gateway": "sandbox"})["Location"]
    client.post(page, {"answer": "approve"})  # before any card
    assert (client.get(back).status_code, state(order)) == (302, OrderState.CHECKING)
    for _ in range(2):
        client.post(page, {"card_number": make.GOOD_CARD})
        client.post(page, {"card_number": make.DECLINED_CARD})
        client.post(page, {"answer": "decline"})
        client.get(back)
        client.post(pay, {"gateway": "sandbox"})
    assert state(order) == OrderState.SETTLED
    assert LedgerRow.objects.count() == SandboxPayment.objects.count() == 1


@pytest.mark.parametrize(
    "gateway", ["", "transfer", "SANDBOX", "sandbox\0", "../sandbox", "stripe", "😀" * 99]
)
def test_no_other_way_of_paying_is_taken(gateway: str) -> None:
    order = make.order()
    answer = signed_in(order.payer).post(
        reverse("payments:pay", args=[order.pk]), {"gateway": gateway}, follow=True
    )
    assert "This way of paying is not offered here" in answer.text
    assert state(order) == OrderState.OPEN


@pytest.mark.parametrize("role", [Role.SCORER, Role.LEAD_SCORER, Role.STAFF])
def test_who_owes_nothing_has_no_order_pages(role: Role) -> None:
    order = make.order()
    client = signed_in(make.payer(role=role))
    for name in ("order", "pay", "return", "purchase_order"):
        page = reverse(f"payments:{name}", args=[order.pk])
        assert {client.get(page).status_code, client.post(page).status_code} <= {404, 405}
    assert state(order) == OrderState.OPEN


def test_a_payer_cannot_accept_their_own_purchase_order() -> None:
    order = make.order()
    request = make.purchase_order(order)
    client = signed_in(order.payer)
    page = reverse("admin:payments_purchaseorder_changelist")
    chosen = {"action": "accept_chosen", "confirmed": "1", "_selected_action": [str(request.pk)]}
    assert client.post(page, chosen).status_code in (302, 404)
    posted = {"number": "PO-1", "state": "accepted", "decided_by": str(order.payer.pk)}
    client.post(reverse("payments:purchase_order", args=[order.pk]), posted)
    request.refresh_from_db()
    assert (request.state, state(order)) == ("requested", OrderState.OPEN)


@pytest.mark.parametrize(
    "amount",
    ["-500", "0", "0.001", "NaN", "Infinity", "1e9", "9999999999.99", "21474836.48", "5 00", "\0", "५००.५५५"],
)
def test_an_amount_that_cannot_be_is_refused_beside_its_field(amount: str) -> None:
    office = make.office()
    order = make.accepted_order(staff=office)
    with clock.fixed(make.PAYABLE_UNTIL):
        answer = signed_in(office).post(
            reverse("admin:payments_order_transfer", args=[order.pk]),
            {"amount": amount, "reference": "T-1", "received_on": "2026-12-05"},
        )
    assert answer.status_code == 200
    assert "error" in answer.text
    assert not LedgerRow.objects.exists()


@pytest.mark.parametrize(
    "field", ["number", "organisation", "billing_name", "billing_email", "billing_address"]
)
@pytest.mark.parametrize("text", ["a\0b", "x" * 50_000])
def test_a_purchase_order_of_text_nobody_can_hold_is_refused(field: str, text: str) -> None:
    order = make.order()
    given = {
        "number": "PO-1",
        "organisation": "Lake",
        "billing_name": "Bea",
        "billing_email": "bea@example.org",
        "billing_address": "1 Road",
        "file": SimpleUploadedFile("po.pdf", sponsors.pdf()),
    }
    answer = signed_in(order.payer).post(
        reverse("payments:purchase_order", args=[order.pk]), {**given, field: text}
    )
    if field == "billing_address" and "\0" not in text:
        assert answer.status_code == 302
        return
    assert answer.status_code == 422
    assert not order.purchase_orders.exists()


def test_an_order_says_nothing_to_a_visitor(client: Client) -> None:
    order = make.order()
    answers = [client.get(reverse("payments:order", args=[key])) for key in (order.pk, order.payer.pk)]
    assert {answer.status_code for answer in answers} == {302}
