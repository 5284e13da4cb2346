"""What hangs on an order or a purchase order, as tables below it."""

from __future__ import annotations

from django.contrib import admin

from certification.kernel.admin import ReadOnlyMixin
from payments import money
from payments.models import LedgerRow, PaymentAttempt, PaymentDocument, PurchaseOrder, PurchaseOrderFile, Seat

from .columns import document_link, file_link


class AttemptInline(ReadOnlyMixin, admin.TabularInline):
    model = PaymentAttempt
    extra = 0
    fields = ["number", "gateway", "state", "provider_ref", "started_at", "settled_at", "problem"]


class LedgerInline(ReadOnlyMixin, admin.TabularInline):
    model = LedgerRow
    verbose_name_plural = "money received and returned"
    extra = 0
    fields = ["kind", "amount", "gateway", "provider_ref", "received_at", "note"]
    readonly_fields = ["amount"]

    @admin.display(description="amount")
    def amount(self, row: LedgerRow) -> str:
        return money.spoken(row.amount_minor, row.currency)


class PurchaseOrderInline(ReadOnlyMixin, admin.TabularInline):
    model = PurchaseOrder
    extra = 0
    fields = ["number", "organisation", "state", "requested_at", "decided_at", "decision_reason"]
    show_change_link = True


class DocumentInline(ReadOnlyMixin, admin.TabularInline):
    model = PaymentDocument
    view_on_site = False
    extra = 0
    fields = ["pdf", "kind", "amount", "issued_at"]
    readonly_fields = ["pdf", "amount"]

    @admin.display(description="document")
    def pdf(self, document: PaymentDocument) -> str:
        return document_link(document)

    @admin.display(description="amount")
    def amount(self, document: PaymentDocument) -> str:
        return money.spoken(document.amount_minor, document.currency)


class FileInline(ReadOnlyMixin, admin.TabularInline):
    model = PurchaseOrderFile
    verbose_name_plural = "what was sent with it"
    extra = 0
    fields = ["link", "content_type", "size", "uploaded_at"]
    readonly_fields = ["link"]

    @admin.display(description="file")
    def link(self, file: PurchaseOrderFile) -> str:
        return file_link(file)


class SeatInline(ReadOnlyMixin, admin.TabularInline):
    model = Seat
    verbose_name_plural = "seats"
    extra = 0
    fields = ["number", "name", "email", "state", "claimed_at"]
