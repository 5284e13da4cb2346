"""Staff's side: what is owed, what came in, what is to be returned, and purchase orders to decide.

Nothing is edited here.  Every act goes through a service, which checks, locks and audits it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from certification.kernel import clock
from certification.kernel.admin import ReadOnlyAdmin, ReadOnlyMixin
from certification.kernel.errors import Refusal

from . import money, services
from .forms import DeclineForm, TransferForm
from .models import LedgerRow, MoneyToReturn, Order, PaymentAttempt, PurchaseOrder
from .states import LedgerKind, OrderState, PurchaseOrderState


class AttemptInline(ReadOnlyMixin, admin.TabularInline):
    model = PaymentAttempt
    extra = 0
    fields = ["number", "gateway", "state", "provider_ref", "started_at", "settled_at", "problem"]


class LedgerInline(ReadOnlyMixin, admin.TabularInline):
    model = LedgerRow
    verbose_name_plural = "money received"
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


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders with the sums by state above them."""

    change_list_template = "payments/admin/order_list.html"
    change_form_template = "payments/admin/order_detail.html"
    list_display = ["description", "payer", "amount", "state", "payable_until", "covered_at"]
    list_filter = ["state", "purpose"]
    list_select_related = ["payer"]
    search_fields = ["description", "payer__email", "payer__full_name"]
    date_hierarchy = "created_at"
    fields = ["description", "payer", "amount", "state", "created_at", "payable_until", "covered_at"]
    readonly_fields = ["amount"]
    inlines = [PurchaseOrderInline, AttemptInline, LedgerInline]

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, order: Order) -> str:
        return money.spoken(order.amount_minor, order.currency)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.transfer)
        return [path("<uuid:order_id>/transfer/", view, name="payments_order_transfer"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"sums": _sums_by_state(), **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        order = kwargs.get("obj")
        accepted = PurchaseOrder.objects.filter(order=order, state=PurchaseOrderState.ACCEPTED)
        context["takes_transfers"] = accepted.exists()
        return super().render_change_form(request, context, *args, **kwargs)

    def transfer(self, request: HttpRequest, order_id: UUID) -> HttpResponse:
        """Record a cheque or transfer that came in for an accepted purchase order."""
        order = Order.objects.select_related("payer").filter(pk=order_id).first()
        if order is None:
            raise Http404
        form = TransferForm(order, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                services.record_transfer(
                    order_id=order_id,
                    by=_staff(request),
                    amount_minor=form.cleaned_data["amount"],
                    reference=form.cleaned_data["reference"],
                    received_at=form.received_at,
                    now=clock.now(),
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "The money is recorded.")
                return redirect("admin:payments_order_change", order_id)
        context = {
            **self.admin_site.each_context(request),
            "title": "Record a cheque or transfer",
            "opts": self.opts,
            "order": order,
            "form": form,
        }
        return render(request, "payments/admin/transfer.html", context)


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyAdmin):
    """Purchase orders, to be accepted or declined."""

    change_form_template = "payments/admin/purchase_order_detail.html"
    list_display = ["number", "organisation", "amount", "state", "order_state", "requested_at", "decided_at"]
    list_filter = ["state"]
    list_select_related = ["order"]
    search_fields = ["number", "organisation", "billing_email", "order__payer__email"]
    actions = ["accept", "decline"]

    @admin.display(description="amount")
    def amount(self, request: PurchaseOrder) -> str:
        return money.spoken(request.order.amount_minor, request.order.currency)

    @admin.display(description="order is")
    def order_state(self, request: PurchaseOrder) -> str:
        return request.order.get_state_display()

    @admin.action(description="Accept the chosen purchase orders", permissions=["view"])
    def accept(self, request: HttpRequest, chosen: QuerySet[PurchaseOrder]) -> None:
        for one in chosen:
            try:
                services.accept_purchase_order(purchase_order_id=one.pk, by=_staff(request), now=clock.now())
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, f"Purchase order {one.number} is accepted.")

    @admin.action(description="Decline the chosen purchase orders", permissions=["view"])
    def decline(self, request: HttpRequest, chosen: QuerySet[PurchaseOrder]) -> HttpResponse | None:
        """Ask for the reason on a page of its own, then decline."""
        form = DeclineForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": "Why are they declined?",
                "opts": self.opts,
                "chosen": chosen,
                "form": form,
            }
            return render(request, "payments/admin/decline.html", context)
        for one in chosen:
            try:
                services.decline_purchase_order(
                    purchase_order_id=one.pk,
                    by=_staff(request),
                    reason=form.cleaned_data["reason"],
                    now=clock.now(),
                )
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(
                    request, f"Purchase order {one.number} is declined, and its sender told why."
                )
        return None


@admin.register(LedgerRow)
class LedgerRowAdmin(ReadOnlyAdmin):
    """Money that came in.  Append-only, also in the database."""

    list_display = ["received_at", "kind", "amount", "gateway", "provider_ref", "order_link", "note"]
    list_filter = ["kind", "gateway"]
    list_select_related = ["order__payer"]
    search_fields = ["provider_ref", "order__payer__email", "order__description"]
    date_hierarchy = "received_at"
    fields = ["order_link", "kind", "amount", "gateway", "provider_ref", "received_at", "note"]
    readonly_fields = ["order_link", "amount"]

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, row: LedgerRow) -> str:
        return money.spoken(row.amount_minor, row.currency)

    @admin.display(description="order")
    def order_link(self, row: LedgerRow) -> str:
        url = reverse("admin:payments_order_change", args=[row.order_id])
        return format_html('<a href="{}">{}, {}</a>', url, row.order.payer, row.order.description)


@admin.register(MoneyToReturn)
class MoneyToReturnAdmin(LedgerRowAdmin):
    """What came in and is no fee: staff send it back."""

    list_display = ["received_at", "amount", "note", "gateway", "provider_ref", "order_link"]
    list_filter = ["gateway"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoneyToReturn]:
        return super().get_queryset(request).filter(kind=LedgerKind.TO_RETURN)


def _staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _sums_by_state() -> list[tuple[str, int, str]]:
    """Of each state and currency: its name, how many orders, and their sum in words."""
    sums = (
        Order.objects.order_by("state", "currency")
        .values("state", "currency")
        .annotate(orders=Count("pk"), total=Sum("amount_minor"))
    )
    return [
        (OrderState(row["state"]).label, row["orders"], money.spoken(row["total"], row["currency"]))
        for row in sums
    ]
