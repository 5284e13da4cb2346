"""Purchase orders: what was sent, what it pays for, and what staff decide about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone

from certification.kernel import clock
from certification.kernel.admin import ReadOnlyAdmin
from certification.kernel.errors import Refusal
from payments import money, selectors, services
from payments.models import PurchaseOrder
from payments.states import (
    PURCHASE_ORDER_ALLOWED,
    SEATS,
    OrderState,
    PurchaseOrderState,
    SeatState,
)

from . import decisions
from .acts import Act, NothingToTypeForm, act_page, asked, staff_of
from .columns import link_to
from .forms import QuestionForm, ReasonForm
from .inlines import DocumentInline, FileInline, SeatInline


class DueFilter(admin.SimpleListFilter):
    """Whether an accepted purchase order's money is late."""

    title = "money"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("overdue", "Overdue"), ("not_yet", "Not due yet"), ("paid", "Paid in full")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PurchaseOrder]) -> QuerySet[PurchaseOrder]:
        accepted = queryset.filter(state=PurchaseOrderState.ACCEPTED)
        match self.value():
            case "overdue":
                return queryset.filter(pk__in=selectors.overdue(clock.now()).values("pk"))
            case "not_yet":
                return accepted.filter(order__state=OrderState.ACCEPTED, due_at__gt=clock.now())
            case "paid":
                return accepted.filter(order__state=OrderState.SETTLED)
        return queryset


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyAdmin):
    """Purchase orders, to be accepted, asked back, declined or given up."""

    change_form_template = "payments/admin/purchase_order_detail.html"
    list_display = [
        "number",
        "organisation",
        "amount",
        "outstanding",
        "claimed",
        "state",
        "requested_on",
        "due_on",
    ]
    list_filter = ["state", DueFilter]
    search_fields = ["number", "organisation", "billing_email", "order__payer__email", "all_seats__email"]
    date_hierarchy = "requested_at"
    actions = ["accept_chosen", "decline_chosen"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "number",
                    "organisation",
                    "billing_name",
                    "billing_email",
                    "billing_address",
                    "order_link",
                    "requested_at",
                ]
            },
        ),
        ("Money and seats", {"fields": ["amount", "received", "outstanding", "due_on", "seats", "claimed"]}),
        ("Decision", {"fields": ["state", "decided_at", "decided_by", "decision_reason"]}),
    ]
    readonly_fields = ["order_link", "amount", "received", "outstanding", "due_on", "claimed"]
    inlines = [FileInline, SeatInline, DocumentInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseOrder]:
        found = selectors.with_outstanding(super().get_queryset(request).select_related("order__payer"))
        standing = ~Q(all_seats__state=SeatState.VOID)
        return found.annotate(
            claimed_seats=Count("all_seats", filter=Q(all_seats__state=SeatState.CLAIMED)),
            standing_seats=Count("all_seats", filter=standing),
        )

    # ---- cells ----

    @admin.display(description="order")
    def order_link(self, request: PurchaseOrder) -> str:
        return link_to(request.order, f"{request.order.payer}, {request.order.description}")

    @admin.display(description="amount", ordering="order__amount_minor")
    def amount(self, request: PurchaseOrder) -> str:
        return money.spoken(request.order.amount_minor, request.order.currency)

    @admin.display(description="received")
    def received(self, request: Any) -> str:
        return money.spoken(request.received_minor, request.order.currency)

    @admin.display(description="outstanding", ordering="outstanding_minor")
    def outstanding(self, request: Any) -> str:
        """What an accepted one still owes; nothing is owed on any other."""
        if request.state != PurchaseOrderState.ACCEPTED:
            return "–"
        return money.spoken(request.outstanding_minor, request.order.currency)

    @admin.display(description="requested", ordering="requested_at")
    def requested_on(self, request: PurchaseOrder) -> str:
        return formats.date_format(timezone.localtime(request.requested_at))

    @admin.display(description="due", ordering="due_at")
    def due_on(self, request: PurchaseOrder) -> str:
        """The last day to pay, as the invoice names it."""
        return formats.date_format(request.due_on) if request.due_on else "–"

    @admin.display(description="seats claimed", ordering="claimed_seats")
    def claimed(self, request: Any) -> str:
        if request.order.purpose != SEATS:
            return "its payer’s own"
        if not request.standing_seats:
            return "none stands"
        free = request.standing_seats - request.claimed_seats
        return f"{request.claimed_seats} of {request.standing_seats}, {free} free"

    # ---- pages ----

    def get_urls(self) -> list[URLPattern]:
        acts: dict[str, Callable[..., HttpResponse]] = {
            "accept": self.accept,
            "ask-back": self.ask_back,
            "decline": self.decline,
            "cancel": self.cancel,
        }
        return [
            *(
                path(
                    f"<uuid:purchase_order_id>/{word}/",
                    self.admin_site.admin_view(view),
                    name=f"payments_purchaseorder_{word.replace('-', '_')}",
                )
                for word, view in acts.items()
            ),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        shown: PurchaseOrder = kwargs["obj"]
        allowed = PURCHASE_ORDER_ALLOWED[shown.state]
        context["may"] = {
            "accept": PurchaseOrderState.ACCEPTED in allowed,
            "ask_back": PurchaseOrderState.ASKED_BACK in allowed or shown.state == "asked_back",
            "decline": PurchaseOrderState.DECLINED in allowed,
            "record": shown.state in (PurchaseOrderState.ACCEPTED, PurchaseOrderState.CANCELLED),
            "cancel": PurchaseOrderState.CANCELLED in allowed and shown.order.state == OrderState.ACCEPTED,
        }
        context["received"] = shown.order.ledger.order_by("received_at")
        context["overdue"] = bool(
            context["may"]["cancel"] and shown.due_at is not None and shown.due_at <= clock.now()
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def accept(self, request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
        shown = self._shown(request, purchase_order_id)
        return self._act(
            request,
            shown,
            PurchaseOrderState.ACCEPTED,
            NothingToTypeForm(request.POST if request.method == "POST" else None),
            lambda form: services.accept_purchase_order(
                purchase_order_id=shown.pk,
                by=staff_of(request),
                now=clock.now(),
                read=request.POST.get("read"),
            ),
            hidden=(("read", services.as_sent(shown)),),
            title=f"Accept purchase order {shown.number}?",
            button="Accept it",
            done=f"Purchase order {shown.number} is accepted.",
            consequences=decisions.if_accepted(shown),
        )

    def ask_back(self, request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
        shown = self._shown(request, purchase_order_id)
        return self._act(
            request,
            shown,
            PurchaseOrderState.ASKED_BACK,
            QuestionForm(request.POST if request.method == "POST" else None),
            lambda form: services.ask_back_purchase_order(
                purchase_order_id=shown.pk,
                by=staff_of(request),
                question=form.cleaned_data["question"],
                now=clock.now(),
            ),
            title=f"What is unclear about purchase order {shown.number}?",
            button="Ask its sender",
            done=f"The sender of purchase order {shown.number} is asked.",
            consequences=(
                "Its sender can correct it and send it again; until then nothing lapses.",
                "You can still accept or decline it meanwhile.",
            ),
        )

    def decline(self, request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
        shown = self._shown(request, purchase_order_id)
        return self._act(
            request,
            shown,
            PurchaseOrderState.DECLINED,
            ReasonForm(request.POST if request.method == "POST" else None),
            lambda form: services.decline_purchase_order(
                purchase_order_id=shown.pk,
                by=staff_of(request),
                reason=form.cleaned_data["reason"],
                now=clock.now(),
            ),
            title=f"Why is purchase order {shown.number} declined?",
            button="Decline it",
            done=f"Purchase order {shown.number} is declined, and its sender told why.",
            consequences=decisions.if_declined(shown),
            is_final=True,
        )

    def cancel(self, request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
        shown = self._shown(request, purchase_order_id)
        return self._act(
            request,
            shown,
            PurchaseOrderState.CANCELLED,
            ReasonForm(request.POST if request.method == "POST" else None),
            lambda form: services.cancel_purchase_order(
                purchase_order_id=shown.pk,
                by=staff_of(request),
                reason=form.cleaned_data["reason"],
                now=clock.now(),
            ),
            title=f"Why is purchase order {shown.number} cancelled?",
            button="Cancel it",
            done=f"Purchase order {shown.number} is cancelled, and its sender told why.",
            consequences=decisions.if_cancelled(shown),
            is_final=True,
        )

    def _shown(self, request: HttpRequest, purchase_order_id: UUID) -> Any:
        shown = self.get_queryset(request).filter(pk=purchase_order_id).first()
        if shown is None:
            raise Http404
        return shown

    def _act(
        self,
        request: HttpRequest,
        shown: Any,
        becomes: PurchaseOrderState,
        form: django_forms.Form,
        do: Callable[[django_forms.Form], object],
        **words: Any,
    ) -> HttpResponse:
        """Ask and do; a page whose act is impossible by now says so instead of asking."""
        back = reverse("admin:payments_purchaseorder_change", args=[shown.pk])
        possible = becomes in PURCHASE_ORDER_ALLOWED[shown.state] or becomes == shown.state == "asked_back"
        if request.method != "POST" and not possible:
            standing = shown.get_state_display().lower()
            messages.warning(request, f"Purchase order {shown.number} is {standing} already.")
            return redirect(back)
        listing = reverse("admin:payments_purchaseorder_changelist")
        act = Act(
            back=back,
            trail=(("Purchase orders", listing), (str(shown), back)),
            facts=(
                ("From", f"{shown.organisation}, {shown.billing_name}"),
                ("Order", self.order_link(shown)),
                ("Amount", self.amount(shown)),
                ("Seats", self.claimed(shown)),
            ),
            **words,
        )
        return act_page(request, self, act, form, lambda: do(form))

    # ---- from the list ----

    @admin.action(description="Accept the chosen purchase orders", permissions=["view"])
    def accept_chosen(self, request: HttpRequest, chosen: QuerySet[PurchaseOrder]) -> HttpResponse | None:
        """Say what is accepted on a page of its own, then accept."""
        return self._several(
            request,
            chosen,
            NothingToTypeForm({} if "confirmed" in request.POST else None),
            lambda one, form: services.accept_purchase_order(
                purchase_order_id=one.pk,
                by=staff_of(request),
                now=clock.now(),
                read=request.POST.get(f"read-{one.pk}"),
            ),
            title="Accept these purchase orders?",
            button="Accept them",
            done="Purchase order {} is accepted.",
            action="accept_chosen",
            consequences=("Their orders are covered at once, and invoices are issued.",),
        )

    @admin.action(description="Decline the chosen purchase orders", permissions=["view"])
    def decline_chosen(self, request: HttpRequest, chosen: QuerySet[PurchaseOrder]) -> HttpResponse | None:
        """Ask for the reason on a page of its own, then decline."""
        return self._several(
            request,
            chosen,
            ReasonForm(request.POST if "confirmed" in request.POST else None),
            lambda one, form: services.decline_purchase_order(
                purchase_order_id=one.pk,
                by=staff_of(request),
                reason=form.cleaned_data["reason"],
                now=clock.now(),
            ),
            title="Why are they declined?",
            button="Decline them",
            done="Purchase order {} is declined, and its sender told why.",
            action="decline_chosen",
            consequences=("Each sender is told the reason, and can pay in another way.",),
            is_final=True,
        )

    def _several(
        self,
        request: HttpRequest,
        chosen: QuerySet[PurchaseOrder],
        form: django_forms.Form,
        do: Callable[[PurchaseOrder, django_forms.Form], object],
        *,
        action: str,
        done: str,
        **words: Any,
    ) -> HttpResponse | None:
        if not (form.is_bound and form.is_valid()):
            listing = reverse("admin:payments_purchaseorder_changelist")
            act = Act(
                done="",
                back=listing,
                trail=(("Purchase orders", listing),),
                facts=tuple((str(one), self.amount(one)) for one in chosen),
                hidden=(
                    ("action", action),
                    ("confirmed", "1"),
                    *((ACTION_CHECKBOX_NAME, str(one.pk)) for one in chosen),
                    *((f"read-{one.pk}", services.as_sent(one)) for one in chosen),
                ),
                **words,
            )
            return asked(request, self, act, form)
        for one in chosen:
            try:
                do(one, form)
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, done.format(one.number))
        return None
