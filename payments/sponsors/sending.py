"""Handing a purchase order in, correcting it when staff ask back, and getting its file back."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import Refusal
from payments import purchase_files, services
from payments.models import Order, PurchaseOrder, PurchaseOrderFile
from payments.services.purchase_orders import details_of
from payments.states import SEATS, PurchaseOrderState

from .forms import PurchaseOrderForm, SeatsForm
from .uploads import takes_a_file, was_too_large

UNPROCESSABLE = 422
_payers = require_role(Role.CANDIDATE, Role.SPONSOR)


@_payers
@takes_a_file(purchase_files.MAX_BYTES)
@require_http_methods(["GET", "POST"])
def purchase_order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Hand in a purchase order for one's own registration."""
    order = Order.objects.filter(pk=order_id, payer=_payer(request)).first()
    if order is None:
        raise Http404
    posted = request.method == "POST"
    form = PurchaseOrderForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        too_large=posted and was_too_large(request),
    )
    if posted and form.is_valid():
        try:
            services.request_purchase_order(
                order_id=order_id,
                by=_payer(request),
                details=form.details,
                document=form.document,
                now=clock.now(),
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Purchase order {form.details.number} was sent.")
            return redirect(order)
    return _form(request, order, form, None)


@_payers
@takes_a_file(purchase_files.MAX_BYTES)
@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
    """Answer staff's question with a corrected purchase order."""
    own = PurchaseOrder.objects.select_related("order").filter(
        pk=purchase_order_id, order__payer=_payer(request)
    )
    sent = own.first()
    if sent is None:
        raise Http404
    order, for_seats = sent.order, sent.order.purpose == SEATS
    posted = request.method == "POST"
    form_of = SeatsForm if for_seats else PurchaseOrderForm
    form = form_of(
        request.POST if posted else None,
        request.FILES if posted else None,
        initial=asdict(details_of(sent)) | {"how_many": sent.seats},
        resent=True,
        too_large=posted and was_too_large(request),
    )
    if posted and form.is_valid():
        try:
            services.resend_purchase_order(
                purchase_order_id=sent.pk,
                by=_payer(request),
                details=form.details,
                how_many=form.cleaned_data.get("how_many"),
                document=form.document,
                now=clock.now(),
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Purchase order {form.details.number} was sent again.")
            return redirect(order)
    return _form(request, order, form, sent)


@require_role(Role.CANDIDATE, Role.SPONSOR, Role.STAFF)
@require_GET
def file(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
    """The document behind a purchase order, for its sender and for staff."""
    try:
        return purchase_files.served(request, file_id=file_id, by=_payer(request))
    except PurchaseOrderFile.DoesNotExist as absent:
        raise Http404 from absent


def _form(
    request: HttpRequest, order: Order, form: PurchaseOrderForm, sent: PurchaseOrder | None
) -> HttpResponse:
    for_seats = order.purpose == SEATS
    trail = [(f"Purchase order {sent.number}" if for_seats and sent else "Payment", order.get_absolute_url())]
    start = (
        ("Purchase orders", reverse("payments:sponsor"))
        if for_seats
        else (
            "Dashboard",
            settings.LOGIN_REDIRECT_URL,
        )
    )
    context = {
        "trail": [start, *trail],
        "order": order,
        "form": form,
        "sent": sent,
        "question": sent.decision_reason if sent and sent.state == PurchaseOrderState.ASKED_BACK else "",
    }
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "payments/purchase_order.html", context, status=status)


def _payer(request: HttpRequest) -> User:
    return cast(User, request.user)
