"""The sweep that issues what should have been issued: once, whatever came before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certification.kernel import reconcile
from payments import services
from payments.documents import issue_missing
from payments.documents import missing as sweep
from payments.models import Order, PaymentDocument
from payments.states import DocumentKind, OrderState, PurchaseOrderState
from tests.factories import payments as make
from tests.factories.payments import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=40)
NAME = "payments.issue_missing_documents"


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The services as they were before there were documents."""
    from payments import documents
    from payments.notices import orders as letters

    for issue in ("issue_receipt", "issue_invoice", "issue_credit_note"):
        monkeypatch.setattr(documents, issue, lambda *_, **__: None)
    monkeypatch.setattr(letters, "_document", lambda *_: "")
    return monkeypatch


def kinds() -> list[str]:
    return sorted(PaymentDocument.objects.values_list("kind", flat=True))


def test_orders_from_before_there_were_documents_get_theirs_and_only_once(
    forgetful: pytest.MonkeyPatch,
) -> None:
    paid = make.paid_order()
    accepted = make.accepted_order(staff=make.office())
    make.order()
    forgetful.undo()

    assert reconcile.run(NAME, LATER) == {"receipts": 1, "invoices": 1}
    assert reconcile.run(NAME, LATER) == {}

    receipt, invoice = paid.documents.get(), accepted.documents.get()
    assert (receipt.kind, invoice.kind) == (DocumentKind.RECEIPT, DocumentKind.INVOICE)
    assert receipt.issued_at == LATER
    assert receipt.data["received"][0]["received_on"] == "2026-12-01"


def test_a_cancelled_invoice_gets_its_credit_note(forgetful: pytest.MonkeyPatch) -> None:
    forgetful.undo()
    office = make.office()
    order = make.accepted_order(staff=office)
    request = order.purchase_orders.get()
    request.state, request.decision_reason = PurchaseOrderState.CANCELLED, "Given up."
    request.save(update_fields=["state", "decision_reason"])
    Order.objects.filter(pk=order.pk).update(state=OrderState.LAPSED)

    assert issue_missing(LATER) == {"credit notes": 1}
    assert issue_missing(LATER) == {}
    assert kinds() == [DocumentKind.CREDIT_NOTE, DocumentKind.INVOICE]


def test_a_paid_and_an_unpaid_order_of_today_need_no_sweep() -> None:
    make.paid_order()
    make.accepted_order(staff=make.office())
    make.order()
    assert issue_missing(LATER) == {}


def test_a_backlog_is_worked_off_in_batches(
    forgetful: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make.paid_order()
    forgetful.undo()
    monkeypatch.setattr(sweep, "BATCH", 2)
    assert [issue_missing(LATER) for _ in range(3)] == [{"receipts": 2}, {"receipts": 1}, {}]
    assert sorted(PaymentDocument.objects.values_list("number", flat=True)) == [1, 2, 3]


def test_what_moved_on_since_it_was_looked_at_holds_up_nobody_else(
    forgetful: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = make.office()
    gone, stays = make.accepted_order(staff=office), make.accepted_order(staff=office)
    forgetful.undo()
    wanted = sweep._uninvoiced()
    monkeypatch.setattr(sweep, "_uninvoiced", lambda: wanted.all() | gone.purchase_orders.all())
    forgetful.setattr(services.decisions, "documents", _Silent)
    services.cancel_purchase_order(
        purchase_order_id=gone.purchase_orders.get().pk, by=office, reason="Given up.", now=NOW
    )
    assert issue_missing(LATER) == {"invoices": 1}
    assert stays.documents.count() == 1
    assert not gone.documents.exists()


class _Silent:
    @staticmethod
    def issue_credit_note(*_: object, **__: object) -> None:
        return None
