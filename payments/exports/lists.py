"""The lists an accountant can have: which rows, dated by which instant, in which columns."""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery

from payments import desk
from payments.models import LedgerRow, MoneyToReturn, Order, PaymentDocument, PurchaseOrder, Seat
from payments.selectors import with_outstanding
from payments.states import DocumentKind, LedgerKind, OrderState, PurchaseOrderState, SeatState

from .cells import PAYER, ZONE, Column, Row, amount, choice, deadline, guarded, instant, number, text
from .streams import Export


def _document_number(row: Row) -> str:
    return guarded(PaymentDocument(series=row["series"], number=row["number"]).full_number)


def _to_return() -> QuerySet[MoneyToReturn]:
    """Each sum with what became of it; of several rows by which it went back, the last is named."""
    back = LedgerRow.objects.filter(about=OuterRef("pk")).order_by("-received_at", "-pk")
    return desk.with_open(MoneyToReturn.objects.filter(kind=LedgerKind.TO_RETURN)).annotate(
        became=Subquery(back.values("kind")[:1]),
        went_back_at=Subquery(back.values("received_at")[:1]),
        returned_under=Subquery(back.values("provider_ref")[:1]),
    )


EXPORTS: tuple[Export, ...] = (
    Export(
        name="orders",
        label="Orders",
        dated_words="they were opened",
        dated_by="created_at",
        rows=lambda: Order.objects.all(),
        columns=(
            text("order", "id"),
            *instant("opened", "created_at"),
            text("description", "description"),
            text("purpose", "purpose"),
            choice("state", "state", OrderState),
            *amount("amount", "amount_minor", "currency"),
            text("currency", "currency"),
            *instant("covered", "covered_at"),
            *instant("payable_until", "payable_until"),
            text("payer", "payer__full_name"),
            text("payer_email", "payer__email"),
            ZONE,
        ),
    ),
    Export(
        name="ledger",
        label="Ledger",
        dated_words="the money came in or went back",
        dated_by="received_at",
        rows=lambda: LedgerRow.objects.all(),
        columns=(
            text("row", "id"),
            *instant("received", "received_at"),
            choice("kind", "kind", LedgerKind),
            *amount("amount", "amount_minor", "currency"),
            text("currency", "currency"),
            text("gateway", "gateway"),
            text("reference", "provider_ref"),
            text("statement_reference", "transaction_ref"),
            text("about_row", "about_id"),
            text("note", "note"),
            text("order", "order_id"),
            text("description", "order__description"),
            *PAYER,
            ZONE,
        ),
    ),
    Export(
        name="purchase-orders",
        label="Purchase orders",
        dated_words="they were requested",
        dated_by="requested_at",
        rows=lambda: with_outstanding(PurchaseOrder.objects.all()),
        columns=(
            text("purchase_order", "id"),
            *instant("requested", "requested_at"),
            text("number", "number"),
            text("organisation", "organisation"),
            text("billing_contact", "billing_name"),
            text("billing_email", "billing_email"),
            text("billing_address", "billing_address"),
            number("seats", "seats"),
            choice("state", "state", PurchaseOrderState),
            *instant("decided", "decided_at"),
            text("reason", "decision_reason"),
            *deadline("due", "due_at"),
            *amount("amount", "order__amount_minor", "order__currency"),
            *amount("received", "received_minor", "order__currency"),
            *amount("outstanding", "outstanding_minor", "order__currency"),
            text("currency", "order__currency"),
            text("order", "order_id"),
            text("description", "order__description"),
            *PAYER,
            ZONE,
        ),
    ),
    Export(
        name="seats",
        label="Seats",
        dated_words="their purchase order was requested",
        dated_by="purchase_order__requested_at",
        rows=lambda: Seat.objects.all(),
        then_by=("purchase_order", "number"),
        columns=(
            text("purchase_order", "purchase_order_id"),
            *instant("requested", "purchase_order__requested_at"),
            text("purchase_order_number", "purchase_order__number"),
            text("organisation", "purchase_order__organisation"),
            choice("purchase_order_state", "purchase_order__state", PurchaseOrderState),
            number("seat", "number"),
            text("roster_name", "name"),
            text("roster_email", "email"),
            choice("state", "state", SeatState),
            *instant("claimed", "claimed_at"),
            text("claimed_for_order", "order_id"),
            ZONE,
        ),
    ),
    Export(
        name="documents",
        label="Documents",
        dated_words="they were issued",
        dated_by="issued_at",
        rows=lambda: PaymentDocument.objects.all(),
        columns=(
            Column("number", ("series", "number"), _document_number),
            choice("kind", "kind", DocumentKind),
            *instant("issued", "issued_at"),
            *amount("amount", "amount_minor", "currency"),
            text("currency", "currency"),
            text("purchase_order_number", "purchase_order__number"),
            text("order", "order_id"),
            text("description", "order__description"),
            *PAYER,
            ZONE,
        ),
    ),
    Export(
        name="money-to-return",
        label="Money to return",
        dated_words="the money came in",
        dated_by="received_at",
        rows=_to_return,
        columns=(
            text("row", "id"),
            *instant("received", "received_at"),
            *amount("amount", "amount_minor", "currency"),
            text("currency", "currency"),
            text("gateway", "gateway"),
            text("reference", "provider_ref"),
            text("statement_reference", "transaction_ref"),
            text("why", "note"),
            choice("became", "became", LedgerKind),
            *amount("went_back", "went_back_minor", "currency"),
            *instant("went_back", "went_back_at"),
            text("returned_under", "returned_under"),
            *amount("left", "open_minor", "currency"),
            text("order", "order_id"),
            text("description", "order__description"),
            *PAYER,
            ZONE,
        ),
    ),
)


def named(name: str) -> Export:
    return next(export for export in EXPORTS if export.name == name)
