"""A district orders seats: one request, staff's question, a decision, and money that comes in parts."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from accounts.models import Role, User
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from certification.kernel.models import AuditEvent, OutboxMessage
from payments import services
from payments.models import LedgerRow, Order, PurchaseOrder
from payments.services.decisions import due_at
from payments.states import DocumentKind, LedgerKind, OrderState, PurchaseOrderState, SeatState
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.payments import NOW, PAYABLE_UNTIL
from tests.factories.sponsors import OFFER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("offers_on_sale")]

LATER = NOW + timedelta(days=40)


@pytest.fixture
def staff() -> User:
    return make.office()


def _ask_back(request: PurchaseOrder, staff: User, question: str = "Which year is it for?") -> PurchaseOrder:
    return services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=staff, question=question, now=NOW
    )


def _resend(request: PurchaseOrder, how_many: int | None = None, number: str = "PO-78") -> PurchaseOrder:
    return services.resend_purchase_order(
        purchase_order_id=request.pk,
        by=request.order.payer,
        details=make.details(number),
        how_many=how_many,
        now=NOW,
    )


def _transfer(order: Order, amount_minor: int, reference: str, staff: User) -> LedgerRow:
    return services.record_transfer(
        order_id=order.pk,
        by=staff,
        amount_minor=amount_minor,
        reference=reference,
        received_at=LATER,
        now=LATER,
    )


def _states(request: PurchaseOrder) -> list[str]:
    return list(request.all_seats.order_by("number").values_list("state", flat=True))


def test_a_request_makes_an_order_and_its_seats_in_one_go() -> None:
    request = sponsors.ordered_seats(5)
    order = request.order
    assert (order.purpose, order.purpose_id, order.offer_id) == ("seats", request.pk, OFFER.id)
    assert (order.amount_minor, order.currency, order.payable_until) == (250_000, "USD", PAYABLE_UNTIL)
    assert order.description == "5 seats: Cohort 10"
    assert _states(request) == [SeatState.FREE] * 5
    mail = OutboxMessage.objects.get()
    assert mail.recipient == order.payer.email
    assert order.get_absolute_url() in mail.body


def test_the_same_request_twice_is_one() -> None:
    by = sponsors.sponsor()
    assert sponsors.ordered_seats(5, by=by) == sponsors.ordered_seats(5, by=by)
    assert sponsors.ordered_seats(6, by=by) != sponsors.ordered_seats(5, by=by)
    assert sponsors.ordered_seats(5) != sponsors.ordered_seats(5, by=by), "another sponsor's is another"
    assert Order.objects.count() == PurchaseOrder.objects.count() == 3


@pytest.mark.parametrize("how_many", [0, -1, 201, 10**9])
def test_nobody_orders_no_seats_or_too_many(how_many: int) -> None:
    with pytest.raises(BadInput, match="1 to 200"):
        sponsors.ordered_seats(how_many)
    assert not Order.objects.exists()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SPONSOR])
def test_only_sponsors_order_seats(role: Role) -> None:
    with pytest.raises(NotAllowed, match="sponsor"):
        sponsors.ordered_seats(by=make.payer(role=role))


def test_what_is_not_on_sale_cannot_be_ordered() -> None:
    with pytest.raises(NotAllowed, match="not on sale"):
        sponsors.ordered_seats(offer_id=uuid.uuid4())
    with pytest.raises(NotAllowed, match="not on sale"):
        sponsors.ordered_seats(now=PAYABLE_UNTIL)


def test_a_failure_leaves_no_half_request(monkeypatch: pytest.MonkeyPatch) -> None:
    from payments.services import seats

    def fail(*args: object) -> None:
        raise RuntimeError("no seats")

    monkeypatch.setattr(seats, "add", fail)
    with pytest.raises(RuntimeError):
        sponsors.ordered_seats()
    assert not Order.objects.exists()
    assert not PurchaseOrder.objects.exists()


def test_seats_are_not_paid_by_card() -> None:
    with pytest.raises(NotAllowed, match="cheque or transfer"):
        make.attempt(sponsors.ordered_seats().order)


def test_staff_ask_back_and_the_sender_is_told_once(staff: User) -> None:
    request = sponsors.ordered_seats()
    for _ in range(2):
        request = _ask_back(request, staff)
    assert (request.state, request.decided_by) == (PurchaseOrderState.ASKED_BACK, staff)
    asked = OutboxMessage.objects.filter(subject__startswith="A question")
    assert "Which year is it for?" in asked.get().body
    _ask_back(request, staff, "Who signed it?")
    assert asked.count() == 1, "at the same instant it would be the same mail"
    request.refresh_from_db()
    assert request.decision_reason == "Who signed it?"


@pytest.mark.parametrize("question", ["", "   ", "x" * 301])
def test_a_question_has_words_and_fits(staff: User, question: str) -> None:
    with pytest.raises(BadInput):
        _ask_back(sponsors.ordered_seats(), staff, question)


def test_a_corrected_purchase_order_is_with_staff_again(staff: User) -> None:
    request = _ask_back(sponsors.ordered_seats(), staff)
    for _ in range(2):
        _resend(request)
    request.refresh_from_db()
    assert (request.state, request.number) == (PurchaseOrderState.REQUESTED, "PO-78")
    assert (request.decided_at, request.decided_by, request.decision_reason) == (None, None, "")
    assert AuditEvent.objects.filter(action="corrected purchase order").count() == 1


def test_a_purchase_order_is_corrected_also_after_the_window(staff: User) -> None:
    request = _ask_back(sponsors.ordered_seats(), staff)
    services.resend_purchase_order(
        purchase_order_id=request.pk,
        by=request.order.payer,
        details=make.details(),
        now=PAYABLE_UNTIL + timedelta(days=1),
    )
    request.refresh_from_db()
    assert request.state == PurchaseOrderState.REQUESTED


def test_nobody_corrects_what_was_not_asked_back_or_is_somebody_elses(staff: User) -> None:
    request = sponsors.ordered_seats()
    with pytest.raises(NotAllowed, match="nobody has asked"):
        _resend(request)
    _ask_back(request, staff)
    with pytest.raises(PurchaseOrder.DoesNotExist):
        services.resend_purchase_order(
            purchase_order_id=request.pk, by=sponsors.sponsor(), details=make.details(), now=NOW
        )


def test_a_candidates_own_purchase_order_is_corrected_too(staff: User) -> None:
    order = make.order()
    request = _ask_back(make.purchase_order(order), staff)
    _resend(request, how_many=7)
    request.refresh_from_db()
    assert (request.number, request.seats, request.order) == ("PO-78", 1, order)


def test_more_seats_are_another_order_at_the_same_price(staff: User) -> None:
    request = _ask_back(sponsors.ordered_seats(3), staff)
    before = request.order
    codes = set(request.all_seats.values_list("code", flat=True))
    request = _resend(request, how_many=5)
    before.refresh_from_db()
    assert before.state == OrderState.LAPSED
    assert request.order != before
    assert (request.order.amount_minor, request.order.state) == (250_000, OrderState.OPEN)
    assert request.order.description == "5 seats: Cohort 10"
    assert (request.order.offer_id, request.order.payable_until) == (before.offer_id, before.payable_until)
    assert codes < set(request.all_seats.values_list("code", flat=True))
    assert _states(request) == [SeatState.FREE] * 5


def test_fewer_seats_take_the_free_and_unnamed_ones_away(staff: User) -> None:
    request = sponsors.ordered_seats(4)
    claimed = sponsors.claim(sponsors.candidate_order(), request.all_seats.get(number=4))
    services.change_seat(
        seat_id=request.all_seats.get(number=3).pk,
        by=request.order.payer,
        name="Ada",
        email="a@x.example",
        now=NOW,
    )
    request = _resend(_ask_back(request, staff), how_many=2)
    standing = request.all_seats.exclude(state=SeatState.VOID).order_by("number")
    assert [seat.number for seat in standing] == [3, 4]
    assert claimed in standing
    assert request.order.amount_minor == 100_000


def test_never_fewer_seats_than_are_claimed(staff: User) -> None:
    request = sponsors.ordered_seats(3)
    for _ in range(2):
        sponsors.claim(sponsors.candidate_order(), sponsors.free_seat(request))
    _ask_back(request, staff)
    with pytest.raises(BadInput, match="2 seats are claimed"):
        _resend(request, how_many=1)
    request.refresh_from_db()
    assert (request.state, request.seats) == (PurchaseOrderState.ASKED_BACK, 3)


def test_claimed_seats_survive_a_correction_and_are_paid_at_acceptance(staff: User) -> None:
    request, order = sponsors.ordered_seats(3), sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(request))
    request = _resend(_ask_back(request, staff), how_many=6)
    services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)
    order.refresh_from_db()
    assert order.state == OrderState.SEATED


def test_accepting_covers_the_claimed_invoices_all_and_mails_the_named(staff: User) -> None:
    request, order = sponsors.ordered_seats(3), sponsors.candidate_order()
    sponsors.claim(order, request.all_seats.get(number=1))
    for number, name in ((1, "Gone"), (2, "Ada")):
        if number == 2:
            services.change_seat(
                seat_id=request.all_seats.get(number=2).pk,
                by=request.order.payer,
                name=name,
                email="ada@school.example",
                now=NOW,
            )
    assert not OutboxMessage.objects.filter(kind="seat code").exists()
    for _ in range(2):
        services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)
    request.refresh_from_db()
    request.order.refresh_from_db()
    assert (request.state, request.due_at) == (PurchaseOrderState.ACCEPTED, due_at(NOW))
    assert request.order.state == OrderState.ACCEPTED
    invoice = request.documents.get()
    assert (invoice.kind, invoice.amount_minor) == (DocumentKind.INVOICE, 150_000)
    mail = OutboxMessage.objects.get(kind="seat code")
    seat = request.all_seats.get(number=2)
    assert mail.recipient == "ada@school.example"
    assert f"/payments/seats/{seat.code}/" in mail.body


def test_declining_voids_the_seats_and_frees_whoever_had_reserved_one(staff: User) -> None:
    request, order = sponsors.ordered_seats(2), sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(request))
    for _ in range(2):
        services.decline_purchase_order(
            purchase_order_id=request.pk, by=staff, reason="It is not signed.", now=NOW
        )
    order.refresh_from_db()
    request.order.refresh_from_db()
    assert _states(request) == [SeatState.VOID] * 2
    assert (order.state, request.order.state) == (OrderState.OPEN, OrderState.LAPSED)
    assert "It is not signed." in OutboxMessage.objects.get(subject__endswith="declined").body
    lost = OutboxMessage.objects.get(recipient=order.payer.email)
    assert "is gone" in lost.body
    assert "31 January 2027, 23:59" in lost.body
    assert make.purchase_order(order).state == PurchaseOrderState.REQUESTED


def test_an_unpaid_purchase_order_is_cancelled_and_claimed_seats_stay(staff: User) -> None:
    request, order = sponsors.accepted_seats(3), sponsors.candidate_order()
    sponsors.claim(order, sponsors.free_seat(request))
    _transfer(request.order, 20_000, "T-1", staff)
    for _ in range(2):
        services.cancel_purchase_order(
            purchase_order_id=request.pk, by=staff, reason="Nothing came.", now=LATER
        )
    request.refresh_from_db()
    request.order.refresh_from_db()
    order.refresh_from_db()
    assert (request.state, request.order.state) == (PurchaseOrderState.CANCELLED, OrderState.LAPSED)
    assert _states(request) == [SeatState.CLAIMED, SeatState.VOID, SeatState.VOID]
    assert order.state == OrderState.SEATED
    note = request.documents.get(kind=DocumentKind.CREDIT_NOTE)
    assert note.amount_minor == 130_000
    assert "Nothing came." in OutboxMessage.objects.get(subject__endswith="cancelled").body
    late = _transfer(request.order, 130_000, "T-2", staff)
    assert (late.kind, late.note) == (
        LedgerKind.TO_RETURN,
        "Received after the purchase order was cancelled.",
    )


def test_a_void_seat_cannot_be_claimed_after_the_cancellation(staff: User) -> None:
    request = sponsors.accepted_seats()
    seat = sponsors.free_seat(request)
    services.cancel_purchase_order(purchase_order_id=request.pk, by=staff, reason="Unpaid.", now=NOW)
    with pytest.raises(BadInput):
        sponsors.claim(sponsors.candidate_order(), seat)


def test_what_is_undecided_or_paid_is_not_cancelled(staff: User) -> None:
    undecided, paid = sponsors.ordered_seats(), sponsors.accepted_seats(1)
    _transfer(paid.order, 50_000, "T-1", staff)
    for request, why in ((undecided, "cannot become"), (paid, "paid in full")):
        with pytest.raises(NotAllowed, match=why):
            services.cancel_purchase_order(purchase_order_id=request.pk, by=staff, reason="No.", now=LATER)


def test_a_candidates_own_accepted_purchase_order_is_cancelled_too(staff: User) -> None:
    order = make.accepted_order(staff=staff)
    services.cancel_purchase_order(
        purchase_order_id=order.purchase_orders.get().pk, by=staff, reason="Unpaid.", now=LATER
    )
    order.refresh_from_db()
    assert order.state == OrderState.LAPSED


def test_a_districts_money_comes_in_parts_until_it_is_paid(staff: User) -> None:
    request = sponsors.accepted_seats(3)
    _transfer(request.order, 100_000, "T-1", staff)
    _transfer(request.order, 60_000, "T-2", staff)
    request.order.refresh_from_db()
    assert request.order.state == OrderState.SETTLED
    kinds = list(request.order.ledger.order_by("kind", "amount_minor").values_list("kind", "amount_minor"))
    assert kinds == [(LedgerKind.FEE, 50_000), (LedgerKind.FEE, 100_000), (LedgerKind.TO_RETURN, 10_000)]


def test_only_staff_decide_about_a_district(staff: User) -> None:
    request = sponsors.ordered_seats()
    by = request.order.payer
    with pytest.raises(NotAllowed, match="staff"):
        _ask_back(request, by)
    with pytest.raises(NotAllowed, match="staff"):
        services.cancel_purchase_order(purchase_order_id=request.pk, by=by, reason="No.", now=NOW)
    with pytest.raises(NotAllowed, match="staff"):
        services.accept_purchase_order(purchase_order_id=request.pk, by=by, now=NOW)


def test_claimed_seats_of_a_late_decision_do_not_reopen_the_window(staff: User) -> None:
    request = sponsors.ordered_seats()
    services.accept_purchase_order(
        purchase_order_id=request.pk, by=staff, now=PAYABLE_UNTIL + timedelta(days=1)
    )
    with pytest.raises(WindowClosed):
        sponsors.claim(sponsors.candidate_order(), sponsors.free_seat(request), now=PAYABLE_UNTIL)
