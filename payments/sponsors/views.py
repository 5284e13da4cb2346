"""The sponsor's own pages: what was ordered, what became of it, and who is to have the seats."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import Refusal
from payments import offers, purchase_files, roster_file, services
from payments.models import PurchaseOrder, Seat

from .forms import RosterForm, SeatForm, SeatsForm
from .pages import PurchaseOrderPage, purchase_order_page, sponsor_page
from .uploads import takes_a_file, was_too_large

UNPROCESSABLE = 422
_sponsors = require_role(Role.SPONSOR)


@_sponsors
@require_GET
def sponsor(request: HttpRequest) -> HttpResponse:
    """Every purchase order, with what is paid and what is claimed."""
    page = sponsor_page(_sponsor(request), clock.now())
    return render(request, "payments/sponsors/home.html", {"page": page})


@_sponsors
@takes_a_file(purchase_files.MAX_BYTES)
@require_http_methods(["GET", "POST"])
def request_seats(request: HttpRequest) -> HttpResponse:
    """Order seats for coaches on one purchase order."""
    now = clock.now()
    on_sale = offers.on_sale(now)
    if not on_sale:
        messages.info(request, "No cohort is on sale now. Come back before the next registration opens.")
        return redirect("payments:sponsor")
    posted = request.method == "POST"
    form = SeatsForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        offers=on_sale,
        too_large=posted and was_too_large(request),
    )
    if posted and form.is_valid():
        try:
            made = services.request_seats(
                offer_id=UUID(form.cleaned_data["offer"]),
                by=_sponsor(request),
                how_many=form.cleaned_data["how_many"],
                details=form.details,
                document=form.document,
                now=now,
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Purchase order {made.number} was sent. The seats have their codes.")
            return redirect("payments:sponsor_purchase_order", made.pk)
    context = {"form": form, "trail": [("Purchase orders", reverse("payments:sponsor"))]}
    return render(request, "payments/sponsors/request.html", context, status=UNPROCESSABLE if posted else 200)


@_sponsors
@require_GET
def purchase_order(request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
    """One purchase order: its seats, its money, its documents."""
    return _page(request, _page_of(request, purchase_order_id), RosterForm(), None)


@_sponsors
@takes_a_file(roster_file.MAX_BYTES)
@require_http_methods(["GET", "POST"])
def roster(request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
    """Take a roster over, or say what is wrong with each row of it."""
    page = _page_of(request, purchase_order_id)
    if request.method != "POST":
        return redirect(page.card.url)
    form = RosterForm(request.POST, request.FILES, too_large=was_too_large(request))
    if not form.is_valid():
        return _page(request, page, form, None)
    try:
        taken = services.upload_roster(
            purchase_order_id=purchase_order_id,
            by=_sponsor(request),
            content=form.cleaned_data["file"],
            now=clock.now(),
        )
    except Refusal as refusal:
        return _page(request, page, RosterForm(), refusal)
    people = "1 person has" if taken.named == 1 else f"{taken.named} people have"
    known = f" {taken.known} had one before." if taken.known else ""
    messages.success(request, f"{people} a seat now.{known}")
    return redirect(page.card.url)


@_sponsors
@require_http_methods(["GET", "POST"])
def name_seat(request: HttpRequest, seat_id: UUID) -> HttpResponse:
    """Who is to have one seat."""
    seat = (
        Seat.objects.select_related("purchase_order__order")
        .filter(pk=seat_id, purchase_order__order__payer=_sponsor(request))
        .first()
    )
    if seat is None:
        raise Http404
    page = _page_of(request, seat.purchase_order_id)
    posted = request.method == "POST"
    form = SeatForm(request.POST if posted else None, initial={"name": seat.name, "email": seat.email})
    if posted and form.is_valid():
        wanted = {"name": "", "email": ""} if "clear" in request.POST else form.cleaned_data
        try:
            services.change_seat(seat_id=seat_id, by=_sponsor(request), now=clock.now(), **wanted)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Seat {seat.number} is saved.")
            return redirect(page.card.url)
    status = UNPROCESSABLE if posted else 200
    return render(
        request, "payments/sponsors/name_seat.html", {"page": page, "seat": seat, "form": form}, status=status
    )


def _page(
    request: HttpRequest, page: PurchaseOrderPage, form: RosterForm, refusal: Refusal | None
) -> HttpResponse:
    context = {"page": page, "form": form, "refusal": refusal}
    status = UNPROCESSABLE if form.is_bound or refusal else 200
    return render(request, "payments/sponsors/purchase_order.html", context, status=status)


def _sponsor(request: HttpRequest) -> User:
    return cast(User, request.user)


def _page_of(request: HttpRequest, purchase_order_id: UUID) -> PurchaseOrderPage:
    try:
        return purchase_order_page(purchase_order_id, by=_sponsor(request), now=clock.now())
    except PurchaseOrder.DoesNotExist as absent:
        raise Http404 from absent
