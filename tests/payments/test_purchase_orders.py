"""A purchase order stands in for the money once staff accept it; the money comes later, in parts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from certification.kernel.models import AuditEvent, OutboxMessage
from payments import services
from payments.gateways import PaymentStatus
from payments.models import LedgerRow, Order, PurchaseOrder
from payments.states import LedgerKind, OrderState, PurchaseOrderState
from tests.factories import payments as make
from tests.factories.payments import NOW, PAYABLE_UNTIL, PENDING_CARD

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=40)


def _transfer(order: Order, amount_minor: int, reference: str, *, by: User | None = None) -> LedgerRow:
    return services.record_transfer(
        order_id=order.pk,
        by=by or make.office(),
        amount_minor=amount_minor,
        reference=reference,
        received_at=LATER,
        now=LATER,
    )


def _parts(order: Order) -> list[tuple[str, int]]:
    return list(order.ledger.order_by("kind", "amount_minor").values_list("kind", "amount_minor"))


def test_the_same_purchase_order_twice_is_one_request() -> None:
    order = make.order()
    assert make.purchase_order(order) == make.purchase_order(order)
    assert PurchaseOrder.objects.count() == 1


def test_another_purchase_order_waits_until_the_first_is_decided() -> None:
    order = make.order()
    make.purchase_order(order)
    with pytest.raises(NotAllowed, match="PO-77"):
        make.purchase_order(order, number="PO-78")


def test_no_purchase_order_is_taken_after_the_last_instant() -> None:
    order = make.order()
    make.purchase_order(order, now=PAYABLE_UNTIL - timedelta(seconds=1))
    with pytest.raises(WindowClosed):
        make.purchase_order(make.order(), now=PAYABLE_UNTIL)


def test_no_purchase_order_is_taken_while_a_card_is_pending() -> None:
    order = make.order()
    attempt = make.attempt(order)
    make.card(attempt, PENDING_CARD)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    with pytest.raises(NotAllowed, match="pay twice"):
        make.purchase_order(order)


def test_somebody_elses_order_takes_no_purchase_order() -> None:
    with pytest.raises(Order.DoesNotExist):
        services.request_purchase_order(
            order_id=make.order().pk, by=make.payer(), details=make.details(), now=NOW
        )


def test_accepting_covers_the_order_also_after_the_window() -> None:
    order, staff = make.order(), make.office()
    request = make.purchase_order(order)
    for _ in range(2):
        services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=LATER)
    order.refresh_from_db()
    assert (order.state, order.covered_at) == (OrderState.ACCEPTED, LATER)
    assert AuditEvent.objects.filter(action="accepted purchase order").count() == 1
    assert OutboxMessage.objects.filter(recipient=order.payer.email).count() == 1


def test_declining_needs_a_reason_and_tells_it() -> None:
    order, staff = make.order(), make.office()
    request = make.purchase_order(order)
    with pytest.raises(BadInput):
        services.decline_purchase_order(purchase_order_id=request.pk, by=staff, reason="  ", now=NOW)
    services.decline_purchase_order(
        purchase_order_id=request.pk, by=staff, reason="It is not signed.", now=NOW
    )
    order.refresh_from_db()
    assert order.state == OrderState.OPEN
    body = OutboxMessage.objects.get().body
    assert "It is not signed." in body
    assert body.startswith(f"Dear {order.payer.full_name},")
    assert make.purchase_order(order, number="PO-78").state == PurchaseOrderState.REQUESTED


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (PAYABLE_UNTIL - timedelta(seconds=1), "pay online on the page below, until 31 January 2027, 23:59"),
        (PAYABLE_UNTIL, "it is too late for another one"),
    ],
)
def test_who_is_declined_is_told_to_pay_otherwise_only_while_one_can(now: datetime, says: str) -> None:
    request = make.purchase_order(make.order())
    services.decline_purchase_order(purchase_order_id=request.pk, by=make.office(), reason="No.", now=now)
    assert says in OutboxMessage.objects.get().body


def test_a_decided_purchase_order_is_not_decided_otherwise() -> None:
    staff = make.office()
    request = make.accepted_order(staff=staff).purchase_orders.get()
    with pytest.raises(NotAllowed):
        services.decline_purchase_order(purchase_order_id=request.pk, by=staff, reason="No.", now=NOW)


def test_a_purchase_order_of_a_paid_order_cannot_be_accepted() -> None:
    order, staff = make.order(), make.office()
    request = make.purchase_order(order)
    attempt = make.attempt(order)
    make.card(attempt)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    with pytest.raises(NotAllowed, match="paid otherwise"):
        services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)


def test_only_staff_decide_and_record() -> None:
    order = make.order()
    request, by = make.purchase_order(order), order.payer
    with pytest.raises(NotAllowed, match="staff"):
        services.accept_purchase_order(purchase_order_id=request.pk, by=by, now=NOW)
    with pytest.raises(NotAllowed, match="staff"):
        services.decline_purchase_order(purchase_order_id=request.pk, by=by, reason="No.", now=NOW)
    with pytest.raises(NotAllowed, match="staff"):
        _transfer(order, 50_000, "T-1", by=by)


def test_an_accepted_order_settles_when_its_parts_reach_the_amount() -> None:
    order = make.accepted_order(staff=make.office())
    covered_at = order.covered_at
    _transfer(order, 20_000, "T-1")
    order.refresh_from_db()
    assert order.state == OrderState.ACCEPTED
    _transfer(order, 30_000, "T-2")
    order.refresh_from_db()
    assert (order.state, order.covered_at) == (OrderState.SETTLED, covered_at)
    assert _parts(order) == [(LedgerKind.FEE, 20_000), (LedgerKind.FEE, 30_000)]


def test_the_same_transfer_recorded_twice_is_one_and_with_another_amount_is_refused() -> None:
    order = make.accepted_order(staff=make.office())
    assert _transfer(order, 20_000, "T-1") == _transfer(order, 20_000, " T-1 ")
    with pytest.raises(BadInput, match=r"\$200.00 USD"):
        _transfer(order, 30_000, "T-1")
    assert _parts(order) == [(LedgerKind.FEE, 20_000)]


def test_one_bank_transfer_may_pay_two_orders() -> None:
    first, second = make.accepted_order(staff=make.office()), make.accepted_order(staff=make.office())
    for order in (first, second):
        _transfer(order, 50_000, "T-1")
        order.refresh_from_db()
        assert order.state == OrderState.SETTLED


def test_what_is_beyond_the_sum_owed_is_to_be_returned() -> None:
    order = make.accepted_order(staff=make.office())
    _transfer(order, 60_000, "T-1")
    _transfer(order, 60_000, "T-1")
    _transfer(order, 5_000, "T-2")
    assert _parts(order) == [
        (LedgerKind.FEE, 50_000),
        (LedgerKind.TO_RETURN, 5_000),
        (LedgerKind.TO_RETURN, 10_000),
    ]


def test_a_card_payment_beside_a_part_payment_is_to_be_returned(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    request = make.purchase_order(order)
    services.accept_purchase_order(purchase_order_id=request.pk, by=make.office(), now=NOW)
    _transfer(order, 20_000, "T-1")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    assert services.check_attempt(attempt_id=attempt.pk, now=LATER) is OrderState.ACCEPTED
    assert _parts(order) == [(LedgerKind.FEE, 20_000), (LedgerKind.TO_RETURN, 50_000)]


def test_a_card_payment_settles_an_accepted_order_nothing_came_for(second: SecondProvider) -> None:
    order = make.order()
    attempt = make.attempt(order, gateway="second")
    request = make.purchase_order(order)
    services.accept_purchase_order(purchase_order_id=request.pk, by=make.office(), now=NOW)
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED)
    assert services.check_attempt(attempt_id=attempt.pk, now=LATER) is OrderState.SETTLED


def test_no_transfer_without_an_accepted_purchase_order() -> None:
    with pytest.raises(NotAllowed, match="no accepted purchase order"):
        _transfer(make.order(), 50_000, "T-1")


@pytest.mark.parametrize(
    ("amount_minor", "reference", "days"), [(0, "T-1", 0), (-5, "T-1", 0), (100, " ", 0), (100, "T-1", 1)]
)
def test_an_implausible_transfer_is_refused(amount_minor: int, reference: str, days: int) -> None:
    order = make.accepted_order(staff=make.office())
    with pytest.raises(BadInput):
        services.record_transfer(
            order_id=order.pk,
            by=make.office(),
            amount_minor=amount_minor,
            reference=reference,
            received_at=LATER + timedelta(days=days),
            now=LATER,
        )
    assert not LedgerRow.objects.exists()


def test_the_database_wants_a_reason_and_a_signature() -> None:
    request = make.purchase_order(make.order())
    rows = PurchaseOrder.objects.filter(pk=request.pk)
    with pytest.raises(IntegrityError, match="decision_signed"), transaction.atomic():
        rows.update(state=PurchaseOrderState.ACCEPTED, due_at=NOW)
    with pytest.raises(IntegrityError, match="accepted_has_due_date"), transaction.atomic():
        rows.update(state=PurchaseOrderState.ACCEPTED, decided_at=NOW, decided_by=make.office())
    with pytest.raises(IntegrityError, match="refused_with_reason"), transaction.atomic():
        rows.update(state=PurchaseOrderState.DECLINED, decided_at=NOW, decided_by=make.office())
