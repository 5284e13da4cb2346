"""Money that came in and went back, and what is to go back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from certification.kernel import clock
from certification.kernel.admin import ReadOnlyAdmin
from payments import desk, money, services
from payments.models import LedgerRow, MoneyToReturn
from payments.states import TRANSFER, LedgerKind

from .acts import Act, act_page, staff_of
from .columns import link_to
from .forms import ReturnForm, today


@admin.register(LedgerRow)
class LedgerRowAdmin(ReadOnlyAdmin):
    """Money that came in or went back.  Append-only, also in the database."""

    list_display = ["received_at", "kind", "amount", "gateway", "provider_ref", "order_link", "note"]
    list_filter = ["kind", "gateway", "currency"]
    list_select_related = ["order__payer"]
    search_fields = [
        "provider_ref",
        "transaction_ref",
        "order__payer__email",
        "order__payer__full_name",
        "order__description",
    ]
    date_hierarchy = "received_at"
    fields = [
        "order_link",
        "kind",
        "amount",
        "gateway",
        "provider_ref",
        "transaction_ref",
        "received_at",
        "about_link",
        "note",
    ]
    readonly_fields = ["order_link", "amount", "about_link"]

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, row: LedgerRow) -> str:
        return money.spoken(row.amount_minor, row.currency)

    @admin.display(description="order")
    def order_link(self, row: LedgerRow) -> str:
        return link_to(row.order, f"{row.order.payer}, {row.order.description}")

    @admin.display(description="came in with")
    def about_link(self, row: LedgerRow) -> str:
        return link_to(row.about, str(row.about)) if row.about else "–"


class ReturnedFilter(admin.SimpleListFilter):
    """Whether the money went back."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "To be returned"), ("returned", "Went back")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MoneyToReturn]) -> QuerySet[MoneyToReturn]:
        match self.value():
            case "open":
                return queryset.filter(pk__in=desk.to_return().values("pk"))
            case "returned":
                return queryset.exclude(pk__in=desk.to_return().values("pk"))
        return queryset


@admin.register(MoneyToReturn)
class MoneyToReturnAdmin(LedgerRowAdmin):
    """What came in and is no fee: staff send it back at the provider or bank, and say so here."""

    change_form_template = "payments/admin/money_to_return_detail.html"
    list_display = ["received_at", "amount", "standing", "note", "gateway", "provider_ref", "order_link"]
    list_filter = [ReturnedFilter, "gateway"]
    fields = [*LedgerRowAdmin.fields, "standing"]
    readonly_fields = [*LedgerRowAdmin.readonly_fields, "standing"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoneyToReturn]:
        sums = super().get_queryset(request).filter(kind=LedgerKind.TO_RETURN)
        return sums.select_related("order__payer").prefetch_related("went_back")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """What is open first, the oldest first."""
        is_done = Case(When(pk__in=desk.to_return().values("pk"), then=Value(0)), default=Value(1))
        return [is_done, "received_at", "pk"]

    @admin.display(description="standing")
    def standing(self, row: MoneyToReturn) -> str:
        if row.left_minor > 0:
            url = reverse("admin:payments_moneytoreturn_return", args=[row.pk])
            return format_html('<a href="{}">Record its return</a>', url)
        return _went_back(row)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.record_return)
        return [
            path("<uuid:row_id>/return/", view, name="payments_moneytoreturn_return"),
            *super().get_urls(),
        ]

    def record_return(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Record that money went back.  The sending itself is done at the provider or bank."""
        row = self.get_queryset(request).filter(pk=row_id).first()
        if row is None:
            raise Http404
        back = reverse("admin:payments_moneytoreturn_changelist")
        left_minor = row.left_minor
        if request.method != "POST" and left_minor <= 0:
            messages.warning(request, f"This went back already: {_went_back(row)}.")
            return redirect(back)
        form = ReturnForm(
            row, request.POST if request.method == "POST" else None, initial={"returned_on": today()}
        )
        # A second press still names what the first one returned.
        amount = money.spoken(left_minor, row.currency) if left_minor > 0 else self.amount(row)
        act = Act(
            title=f"Record that {amount} went back",
            button=f"Record the return of {amount}",
            done=f"The return of {amount} is recorded.",
            back=back,
            trail=(("Money to return", back),),
            facts=(
                ("Payer", f"{row.order.payer} ({row.order.payer.email})"),
                ("Order", self.order_link(row)),
                ("Amount", amount),
                *_billed(row),
                ("Came by", f"{_way(row)}, {row.transaction_ref or row.provider_ref}"),
                ("Why", row.note),
            ),
            consequences=(
                f"Send {amount} back first, {_where(row)}. This page only puts it on record.",
                "The ledger is never changed afterwards: check the reference against the statement.",
            ),
            is_final=True,
        )
        return act_page(
            request,
            self,
            act,
            form,
            lambda: services.record_return(
                ledger_row_id=row_id,
                by=staff_of(request),
                reference=form.cleaned_data["reference"],
                returned_at=form.returned_at,
                now=clock.now(),
            ),
        )


def _went_back(row: MoneyToReturn) -> str:
    gone = sorted(row.went_back.all(), key=lambda one: one.received_at)
    return ", ".join(f"{one.get_kind_display()} under {one.provider_ref}" for one in gone)


def _billed(row: LedgerRow) -> tuple[tuple[str, str], ...]:
    """Who sent a cheque, and where one for them goes: the account may be a clerk's without a name."""
    request = row.order.purchase_orders.order_by("-requested_at").first()
    if row.gateway != TRANSFER or request is None:
        return ()
    address = ", ".join(request.billing_address.split("\n"))
    return (
        ("Purchase order", str(request)),
        ("Billing contact", f"{request.billing_name}, {request.billing_email}, {address}"),
    )


def _way(row: LedgerRow) -> str:
    return "cheque or transfer" if row.gateway == TRANSFER else row.gateway


def _where(row: LedgerRow) -> str:
    if row.gateway == TRANSFER:
        return "by cheque or transfer to whoever paid"
    return "as a refund in the provider’s own pages, to the card or account it came from"
