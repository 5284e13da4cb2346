"""Orders: what is owed, by whom, and everything that happened to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse

from certification.kernel import clock
from certification.kernel.admin import ReadOnlyAdmin
from certification.kernel.errors import BadInput
from payments import money, services
from payments.desk import orders_by_state
from payments.models import Order, PurchaseOrder
from payments.selectors import fees_minor
from payments.services import transfers
from payments.states import PurchaseOrderState

from .acts import Act, act_page, asked, staff_of
from .columns import link_to
from .desk import desk_page
from .exports import export_page
from .forms import TransferForm
from .inlines import AttemptInline, DocumentInline, LedgerInline, PurchaseOrderInline


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders with the sums by state above them.  The payments desk and the exports live beside them."""

    change_list_template = "payments/admin/order_list.html"
    change_form_template = "payments/admin/order_detail.html"
    list_display = ["description", "payer", "amount", "state", "payable_until", "covered_at"]
    list_filter = ["state", "purpose", "currency"]
    list_select_related = ["payer"]
    search_fields = ["id", "description", "payer__email", "payer__full_name"]
    date_hierarchy = "created_at"
    fields = [
        "description",
        "payer",
        "amount",
        "balance",
        "state",
        "created_at",
        "payable_until",
        "covered_at",
    ]
    readonly_fields = ["amount", "balance"]
    inlines = [PurchaseOrderInline, AttemptInline, LedgerInline, DocumentInline]

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, order: Order) -> str:
        return money.spoken(order.amount_minor, order.currency)

    @admin.display(description="in the ledger")
    def balance(self, order: Order) -> str:
        """What came in less what went back, per currency: a payer's bank may send another one."""
        sums = order.ledger.order_by("currency").values_list("currency").annotate(Sum("amount_minor"))
        return ", ".join(money.spoken(total, currency) for currency, total in sums) or "nothing yet"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("desk/", view(self.desk), name="payments_desk"),
            path("exports/", view(self.exports), name="payments_exports"),
            path("<uuid:order_id>/transfer/", view(self.transfer), name="payments_order_transfer"),
            *super().get_urls(),
        ]

    def desk(self, request: HttpRequest) -> HttpResponse:
        return desk_page(request, self)

    def exports(self, request: HttpRequest) -> HttpResponseBase:
        return export_page(request, self)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sums = {"sums": orders_by_state()}
        return super().changelist_view(request, {**sums, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        decided = PurchaseOrder.objects.filter(
            order=kwargs.get("obj"), state__in=[PurchaseOrderState.ACCEPTED, PurchaseOrderState.CANCELLED]
        )
        context["takes_transfers"] = decided.exists()
        return super().render_change_form(request, context, *args, **kwargs)

    def transfer(self, request: HttpRequest, order_id: UUID) -> HttpResponse:
        """Record a cheque or transfer: typed on the first page, said back on the second, then recorded."""
        order = Order.objects.select_related("payer").filter(pk=order_id).first()
        if order is None:
            raise Http404
        form = TransferForm(order, request.POST if request.method == "POST" else None)
        typed = form.is_bound and form.is_valid()
        if typed and "confirmed" not in request.POST and _is_new(order, form):
            form.seal()
            return asked(request, self, _confirmed_transfer(order, form), form)
        return act_page(
            request,
            self,
            _transfer(order),
            form,
            lambda: services.record_transfer(
                order_id=order_id,
                by=staff_of(request),
                amount_minor=form.cleaned_data["amount"],
                reference=form.cleaned_data["reference"],
                received_at=form.received_at,
                now=clock.now(),
            ),
        )


def _transfer(order: Order, **fields: Any) -> Act:
    back = reverse("admin:payments_order_change", args=[order.pk])
    received = fees_minor(order)
    facts = [
        ("Order", link_to(order, f"{order.payer}, {order.description}")),
        ("Amount", money.spoken(order.amount_minor, order.currency)),
        ("Received so far", money.spoken(received, order.currency)),
        ("Outstanding", money.spoken(transfers.owed_minor(order), order.currency)),
    ]
    values: dict[str, Any] = {
        "title": "Record a cheque or transfer",
        "button": "Go on",
        "done": "The money is recorded.",
        "back": back,
        "trail": (("Orders", reverse("admin:payments_order_changelist")), (order.description, back)),
        "facts": facts,
        "consequences": (
            "It may be a part of what is owed. What is beyond it is entered as money to return.",
        ),
    }
    return Act(**(values | fields))


def _confirmed_transfer(order: Order, form: TransferForm) -> Act:
    """The same, said back before it is written: a ledger row is never changed."""
    came = form.cleaned_data["amount"]
    outstanding = transfers.owed_minor(order)
    surplus = max(came - outstanding, 0)
    said = [f"{money.spoken(came - surplus, order.currency)} is entered as fee."] if came > surplus else []
    if surplus:
        said.append(f"{money.spoken(surplus, order.currency)} is more than is owed, and is to be returned.")
    if came < outstanding:
        said.append(f"{money.spoken(outstanding - came, order.currency)} stays outstanding.")
    return _transfer(
        order,
        title=f"Record {money.spoken(came, order.currency)}?",
        button=f"Record {money.spoken(came, order.currency)}",
        consequences=(*said, "The ledger is never changed afterwards: check it against the statement."),
        hidden=(("confirmed", "1"),),
        is_final=True,
    )


def _is_new(order: Order, form: TransferForm) -> bool:
    """Whether nothing is recorded under the reference; what is, is said beside it."""
    try:
        transfers.require_new(order, form.cleaned_data["reference"])
    except BadInput as refusal:
        form.add_error("reference", str(refusal))
        return False
    return True
