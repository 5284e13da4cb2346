"""Disputes: a payer's bank or PayPal asks for a payment back."""

from __future__ import annotations

from django.contrib import admin

from certification.kernel.admin import ReadOnlyAdmin
from payments import money
from payments.models import Dispute

from .columns import link_to


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Read here, answered at the provider.  The page of each says what is to be done."""

    change_form_template = "payments/admin/dispute_detail.html"
    list_display = ["opened_at", "order_link", "amount", "state", "gateway", "reason", "closed_at"]
    list_filter = ["state", "gateway"]
    list_select_related = ["attempt__order__payer"]
    search_fields = [
        "provider_ref",
        "reason",
        "attempt__provider_ref",
        "attempt__order__payer__email",
        "attempt__order__payer__full_name",
    ]
    date_hierarchy = "opened_at"
    fields = [
        "order_link",
        "amount",
        "state",
        "reason",
        "gateway",
        "provider_ref",
        "payment",
        "opened_at",
        "closed_at",
    ]
    readonly_fields = ["order_link", "amount", "payment"]

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, dispute: Dispute) -> str:
        return money.spoken(dispute.amount_minor, dispute.currency)

    @admin.display(description="order")
    def order_link(self, dispute: Dispute) -> str:
        order = dispute.attempt.order
        return link_to(order, f"{order.payer}, {order.description}")

    @admin.display(description="payment")
    def payment(self, dispute: Dispute) -> str:
        return dispute.attempt.provider_ref
