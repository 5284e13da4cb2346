"""What staff do from their pages: asked first, done once, refused in words; and done by nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from payments import services
from payments.models import LedgerRow, PurchaseOrder
from payments.states import LedgerKind, OrderState, PurchaseOrderState, SeatState
from tests.factories import payments as make
from tests.factories.payments import NOW

from . import desk_world as world
from .desk_world import LATER

pytestmark = pytest.mark.django_db

LIST = "admin:payments_purchaseorder_changelist"
TYPED = {
    "accept": {},
    "ask_back": {"question": "Who signs for it?"},
    "decline": {"reason": "It is not signed."},
    "cancel": {"reason": "Nobody pays."},
}


@pytest.fixture
def staff(client: Client, settings: Settings) -> User:
    settings.MFA_REQUIRED = False
    member = make.office()
    client.force_login(member)
    return member


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def act(name: str, request: PurchaseOrder) -> str:
    return reverse(f"admin:payments_purchaseorder_{name}", args=[request.pk])


def detail(request: PurchaseOrder) -> str:
    return reverse("admin:payments_purchaseorder_change", args=[request.pk])


def state(request: PurchaseOrder) -> str:
    return PurchaseOrder.objects.values_list("state", flat=True).get(pk=request.pk)


# ---- one purchase order ----


def test_a_page_asks_before_anything_is_done(client: Client, staff: User) -> None:
    request = world.sponsored(None, seats=3, claimed=1)
    for name in ("accept", "ask_back", "decline"):
        page = text(client.get(act(name, request)))
        assert "$1,500.00 USD" in page
        assert world.LONG in page
        assert "1 of 3, 2 free" in page
    assert state(request) == PurchaseOrderState.REQUESTED


def test_a_page_speaks_of_candidates_only_when_a_seat_is_claimed(client: Client, staff: User) -> None:
    request = world.sponsored(None, seats=2, claimed=0)
    assert "Nobody has claimed a seat yet" in text(client.get(act("accept", request)))
    assert "Nobody has claimed one yet" in text(client.get(act("decline", request)))


def test_accepting_covers_the_order_and_a_second_press_changes_nothing(client: Client, staff: User) -> None:
    request = world.sponsored(None)
    for _ in range(2):
        answer = client.post(act("accept", request), follow=True)
        assert "is accepted" in text(answer)
    request.refresh_from_db()
    assert (request.state, request.decided_by) == (PurchaseOrderState.ACCEPTED, staff)
    assert request.documents.count() == 1
    assert AuditEvent.objects.filter(action="accepted purchase order").count() == 1


def test_asking_back_needs_a_question_and_shows_it(client: Client, staff: User) -> None:
    request = make.purchase_order(make.order())
    assert "Write the question" in text(client.post(act("ask_back", request), {"question": " "}))
    assert state(request) == PurchaseOrderState.REQUESTED
    for _ in range(2):
        client.post(act("ask_back", request), TYPED["ask_back"])
    assert state(request) == PurchaseOrderState.ASKED_BACK
    page = text(client.get(detail(request)))
    assert "Who signs for it?" in page
    assert "Ask something else" in page


def test_declining_needs_a_reason(client: Client, staff: User) -> None:
    request = make.purchase_order(make.order())
    assert "reads the reason" in text(client.post(act("decline", request), {"reason": ""}))
    for _ in range(2):
        client.post(act("decline", request), TYPED["decline"])
    request.refresh_from_db()
    assert (request.state, request.decision_reason) == (PurchaseOrderState.DECLINED, "It is not signed.")


def test_cancelling_says_what_happens_to_seats_and_keeps_the_claimed(client: Client, staff: User) -> None:
    request = world.sponsored(staff, seats=3, claimed=2)
    page = text(client.get(act("cancel", request)))
    assert "Claimed seats stay with their candidates: 2." in page
    assert "Seats nobody has claimed become void: 1." in page
    assert "$1,500.00" in page
    for _ in range(2):
        client.post(act("cancel", request), TYPED["cancel"])
    assert state(request) == PurchaseOrderState.CANCELLED
    seats = list(request.all_seats.values_list("state", flat=True))
    assert sorted(seats) == [SeatState.CLAIMED, SeatState.CLAIMED, SeatState.VOID]


@pytest.mark.parametrize("several", [False, True])
def test_what_was_corrected_since_it_was_read_is_not_accepted(
    client: Client, staff: User, several: bool
) -> None:
    request = world.sponsored(None, seats=3, claimed=1)
    listed = {"action": "accept_chosen", "_selected_action": [str(request.pk)]}

    def page() -> str:
        return text(client.post(reverse(LIST), listed) if several else client.get(act("accept", request)))

    def press(shown: str) -> str:
        read = dict(re.findall(r'name="(read[^"]*)" value="([^"]*)"', shown))
        assert len(read) == 1
        url, posted = (
            (reverse(LIST), listed | {"confirmed": "1"}) if several else (act("accept", request), {})
        )
        return text(client.post(url, posted | read, follow=True))

    read_before = page()
    services.ask_back_purchase_order(purchase_order_id=request.pk, by=staff, question="Which?", now=NOW)
    services.resend_purchase_order(
        purchase_order_id=request.pk, by=request.order.payer, details=make.details(), how_many=200, now=NOW
    )
    assert "was corrected by its sender after you opened this page" in press(read_before)
    assert state(request) == PurchaseOrderState.REQUESTED
    assert "is accepted" in press(page())


def test_only_what_is_possible_is_offered(client: Client, staff: User) -> None:
    request = make.purchase_order(make.order())

    def offered() -> set[str]:
        page = text(client.get(detail(request)))
        return {name for name in TYPED if act(name, request) in page}

    assert offered() == {"accept", "ask_back", "decline"}
    services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)
    assert offered() == {"cancel"}
    services.record_transfer(
        order_id=request.order_id, by=staff, amount_minor=50_000, reference="T", received_at=NOW, now=NOW
    )
    assert offered() == set()


def test_a_page_whose_act_is_impossible_by_now_leads_back(client: Client, staff: User) -> None:
    request = make.purchase_order(make.order())
    services.decline_purchase_order(purchase_order_id=request.pk, by=staff, reason="No.", now=NOW)
    answer = client.get(act("accept", request), follow=True)
    assert answer.redirect_chain[-1][0] == detail(request)
    assert "is declined already" in text(answer)


def test_a_refusal_stays_on_the_page_with_what_was_typed(client: Client, staff: User) -> None:
    request = make.purchase_order(make.order())
    services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)
    answer = client.post(act("decline", request), TYPED["decline"])
    assert answer.status_code == 200
    assert "errorlist" in text(answer)
    assert "It is not signed." in text(answer)
    assert state(request) == PurchaseOrderState.ACCEPTED


# ---- several ----


def test_several_are_accepted_only_after_a_page_that_lists_them(client: Client, staff: User) -> None:
    requests = [make.purchase_order(make.order(), number=f"PO-{number}") for number in (1, 2)]
    posted = {"action": "accept_chosen", "_selected_action": [str(one.pk) for one in requests]}
    page = text(client.post(reverse(LIST), posted))
    assert "PO-1 of Lakeside District" in page
    assert "$500.00 USD" in page
    assert {state(one) for one in requests} == {PurchaseOrderState.REQUESTED}
    client.post(reverse(LIST), posted | {"confirmed": "1"})
    assert {state(one) for one in requests} == {PurchaseOrderState.ACCEPTED}


def test_several_are_declined_with_one_reason(client: Client, staff: User) -> None:
    requests = [make.purchase_order(make.order()) for _ in range(2)]
    posted: dict[str, Any] = {
        "action": "decline_chosen",
        "_selected_action": [str(one.pk) for one in requests],
    }
    assert "Why are they declined?" in text(client.post(reverse(LIST), posted))
    assert "reads the reason" in text(client.post(reverse(LIST), posted | {"confirmed": "1", "reason": " "}))
    client.post(reverse(LIST), posted | {"confirmed": "1", "reason": "Not signed."})
    assert {state(one) for one in requests} == {PurchaseOrderState.DECLINED}


def test_of_several_one_refusal_stops_no_other(client: Client, staff: User) -> None:
    paid, open_one = make.order(), make.order()
    requests = [make.purchase_order(paid), make.purchase_order(open_one)]
    attempt = make.attempt(paid)
    make.card(attempt)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    posted = {
        "action": "accept_chosen",
        "confirmed": "1",
        "_selected_action": [str(one.pk) for one in requests],
    }
    assert "was paid otherwise" in text(client.post(reverse(LIST), posted, follow=True))
    assert state(requests[1]) == PurchaseOrderState.ACCEPTED


# ---- transfers ----


def test_a_transfer_is_said_back_before_it_is_recorded(client: Client, staff: User) -> None:
    order = make.accepted_order(staff=staff)
    url = reverse("admin:payments_order_transfer", args=[order.pk])
    assert url in text(client.get(reverse("admin:payments_order_change", args=[order.pk])))
    assert url in text(client.get(detail(order.purchase_orders.get())))
    typed = {"amount": "600.00", "reference": "T-1", "received_on": "2026-12-05"}
    with clock.fixed(LATER):
        page = text(client.post(url, typed))
        assert "Record $600.00 USD?" in page
        assert "$500.00 USD is entered as fee." in page
        assert "$100.00 USD is more than is owed" in page
        assert 'name="reference" value="T-1"' in page
        assert not LedgerRow.objects.exists()
        for _ in range(2):
            assert client.post(url, typed | {"confirmed": "1"}).status_code == 302
    order.refresh_from_db()
    assert order.state == OrderState.SETTLED
    kinds = order.ledger.order_by("kind").values_list("kind", "amount_minor")
    assert list(kinds) == [(LedgerKind.FEE, 50_000), (LedgerKind.TO_RETURN, 10_000)]


def test_a_part_leaves_the_rest_outstanding(client: Client, staff: User) -> None:
    order = make.accepted_order(staff=staff)
    url = reverse("admin:payments_order_transfer", args=[order.pk])
    with clock.fixed(LATER):
        typed = {"amount": "200", "reference": "T-1", "received_on": "2026-12-05"}
        assert "$300.00 USD stays outstanding." in text(client.post(url, typed))


def test_money_for_a_cancelled_purchase_order_is_said_to_go_back_before_it_is_recorded(
    client: Client, staff: User
) -> None:
    request = world.sponsored(staff, seats=2)
    services.cancel_purchase_order(purchase_order_id=request.pk, by=staff, reason="Nobody pays.", now=NOW)
    url = reverse("admin:payments_order_transfer", args=[request.order_id])
    with clock.fixed(LATER):
        page = text(client.post(url, {"amount": "400", "reference": "T-1", "received_on": "2026-12-05"}))
    assert "$400.00 USD is more than is owed, and is to be returned." in page
    assert "entered as fee" not in page
    assert "stays outstanding" not in page
    assert "<dt>Outstanding</dt><dd>$0.00 USD</dd>" in page


def test_a_reference_that_is_recorded_is_said_instead_of_passed_over(client: Client, staff: User) -> None:
    order = make.accepted_order(staff=staff)
    url = reverse("admin:payments_order_transfer", args=[order.pk])
    typed = {"amount": "200", "reference": " PO-77 ", "received_on": "2026-12-05"}
    with clock.fixed(LATER):
        client.post(url, typed | {"confirmed": "1"})
        page = text(client.post(url, typed | {"received_on": "2026-12-20"}))
    assert "A transfer “PO-77” over $200.00 USD is recorded for this order." in page
    assert "Go on" in page
    assert order.ledger.count() == 1


def test_a_transfer_of_tomorrow_is_refused_beside_its_field(client: Client, staff: User) -> None:
    order = make.accepted_order(staff=staff)
    url = reverse("admin:payments_order_transfer", args=[order.pk])
    typed = {"amount": "500.00", "reference": "T-1", "received_on": "2026-12-05", "confirmed": "1"}
    with clock.fixed(NOW):
        assert "cannot lie in the future" in text(client.post(url, typed))
    assert not LedgerRow.objects.exists()


def test_an_order_without_an_accepted_purchase_order_takes_no_transfer(client: Client, staff: User) -> None:
    order = make.order()
    url = reverse("admin:payments_order_transfer", args=[order.pk])
    assert url not in text(client.get(reverse("admin:payments_order_change", args=[order.pk])))
    typed = {"amount": "500.00", "reference": "T-1", "received_on": "2026-11-05", "confirmed": "1"}
    with clock.fixed(NOW):
        assert "no accepted purchase order" in text(client.post(url, typed))


# ---- money that goes back ----


def test_a_return_is_recorded_once(client: Client, staff: User) -> None:
    row = world.overpaid(staff)
    url = reverse("admin:payments_moneytoreturn_return", args=[row.pk])
    with clock.fixed(LATER):
        page = text(client.get(url))
        told = ("$100.00 USD", row.order.payer.email, row.note, "Lakeside District", "1 Lake Road, Lakeside")
        for words in told:
            assert words in page
        typed = {"reference": "RF-1", "returned_on": "2026-12-20"}
        for _ in range(2):
            assert client.post(url, typed).status_code == 302
        assert "went back already" in text(client.get(url, follow=True))
        assert "returned once" in text(client.post(url, typed | {"reference": "RF-2"}))
    answer = LedgerRow.objects.get(about=row)
    assert (answer.kind, answer.amount_minor, answer.provider_ref) == (LedgerKind.RETURNED, -10_000, "RF-1")


def test_money_can_go_back_on_the_day_it_came(client: Client, staff: User) -> None:
    row = world.overpaid(staff)
    url = reverse("admin:payments_moneytoreturn_return", args=[row.pk])
    with clock.fixed(row.received_at + timedelta(hours=1)):
        day = row.received_at.date().isoformat()
        assert client.post(url, {"reference": "RF-1", "returned_on": day}).status_code == 302
    assert LedgerRow.objects.get(about=row).received_at == row.received_at


def test_a_return_of_before_the_receipt_or_of_tomorrow_is_refused(client: Client, staff: User) -> None:
    row = world.overpaid(staff)
    url = reverse("admin:payments_moneytoreturn_return", args=[row.pk])
    with clock.fixed(LATER):
        for day, said in (("2026-11-20", "before it came in"), ("2027-12-01", "cannot lie in the future")):
            assert said in text(client.post(url, {"reference": "RF-1", "returned_on": day}))
        assert "Give the reference" in text(client.post(url, {"reference": " ", "returned_on": "2026-12-20"}))
    assert not LedgerRow.objects.filter(about=row).exists()


def test_a_fee_cannot_be_returned_from_its_address(client: Client, staff: User) -> None:
    fee = make.paid_order().ledger.get()
    assert client.get(reverse("admin:payments_moneytoreturn_return", args=[fee.pk])).status_code == 404


# ---- nobody else ----


@pytest.mark.parametrize("role", [role for role in Role if role != Role.STAFF])
def test_nobody_but_staff_does_any_of_it(settings: Settings, role: Role) -> None:
    settings.MFA_REQUIRED = False
    staff = make.office()
    request = make.purchase_order(make.order())
    accepted = make.accepted_order(staff=staff)
    row = world.overpaid(staff)
    client = Client()
    client.force_login(make.payer(role=role))
    before = LedgerRow.objects.count()
    asked = [
        *((act(name, request), typed) for name, typed in TYPED.items()),
        (act("cancel", accepted.purchase_orders.get()), TYPED["cancel"]),
        (
            reverse(LIST),
            {"action": "accept_chosen", "confirmed": "1", "_selected_action": [str(request.pk)]},
        ),
        (
            reverse("admin:payments_order_transfer", args=[accepted.pk]),
            {"amount": "500", "reference": "T", "received_on": "2026-11-05", "confirmed": "1"},
        ),
        (
            reverse("admin:payments_moneytoreturn_return", args=[row.pk]),
            {"reference": "R", "returned_on": "2026-12-20"},
        ),
        (
            reverse("admin:payments_exports"),
            {"what": "ledger", "first_day": "2026-11-01", "last_day": "2026-12-31"},
        ),
    ]
    for url, typed in asked:
        assert client.post(url, typed, follow=True).status_code == 404, url
    assert state(request) == PurchaseOrderState.REQUESTED
    assert state(accepted.purchase_orders.get()) == PurchaseOrderState.ACCEPTED
    assert LedgerRow.objects.count() == before
    assert not AuditEvent.objects.filter(action__startswith="exported").exists()


def test_a_post_without_the_pages_token_is_refused(settings: Settings) -> None:
    settings.MFA_REQUIRED = False
    request = make.purchase_order(make.order())
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.office())
    assert client.post(act("accept", request)).status_code == 403
    assert state(request) == PurchaseOrderState.REQUESTED
