"""Invoices, receipts and credit notes, each with its PDF."""

from __future__ import annotations

from django.contrib import admin

from certification.kernel.admin import ReadOnlyAdmin
from payments import money
from payments.models import PaymentDocument

from .columns import document_link, link_to


@admin.register(PaymentDocument)
class PaymentDocumentAdmin(ReadOnlyAdmin):
    """Numbered without gaps and never changed; the PDF is made from what is stored."""

    list_display = ["full_number", "kind", "amount", "issued_at", "order_link", "pdf"]
    list_filter = ["kind", "series", "currency"]
    list_select_related = ["order__payer", "purchase_order"]
    search_fields = [
        "series",
        "=number",
        "order__payer__email",
        "order__payer__full_name",
        "purchase_order__number",
        "purchase_order__organisation",
    ]
    date_hierarchy = "issued_at"
    fields = ["pdf", "kind", "amount", "issued_at", "order_link", "purchase_order_link"]
    readonly_fields = ["pdf", "amount", "order_link", "purchase_order_link"]

    @admin.display(description="number", ordering="number")
    def full_number(self, document: PaymentDocument) -> str:
        return document.full_number

    @admin.display(description="PDF")
    def pdf(self, document: PaymentDocument) -> str:
        return document_link(document, "Download")

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, document: PaymentDocument) -> str:
        return money.spoken(document.amount_minor, document.currency)

    @admin.display(description="order")
    def order_link(self, document: PaymentDocument) -> str:
        return link_to(document.order, f"{document.order.payer}, {document.order.description}")

    @admin.display(description="purchase order")
    def purchase_order_link(self, document: PaymentDocument) -> str:
        request = document.purchase_order
        return link_to(request, str(request)) if request else "–"
