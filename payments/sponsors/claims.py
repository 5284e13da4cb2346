"""A candidate takes a seat with its code, or gives it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import Refusal
from payments import services
from payments.models import Order, Seat
from payments.pages import order_page
from payments.seat_codes import normalised, spaced
from payments.states import PAYABLE_ORDERS, SEATS, SeatState

from .forms import CodeForm

# The code a person followed a link with, kept until the order's page asks for it.
SESSION_KEY = "seat_code"
_candidates = require_role(Role.CANDIDATE)


@dataclass(frozen=True, slots=True)
class SeatPage:
    """Where a code's link leads: that a seat waits, who pays, and how to go on.

    Attributes:
        in_time: whether it can still be taken, `until` then.
        order_url: the visitor's own order that the seat would pay, if there is one.
        is_candidate: the visitor is signed in and may register.
    """

    organisation: str
    code: str
    is_free: bool
    in_time: bool
    until: datetime
    is_yours: bool
    order_url: str
    is_candidate: bool


@login_not_required
@require_GET
def seat(request: HttpRequest, code: str) -> HttpResponse:
    """Tell who follows a link that a seat waits, and keep the code for the order's page.

    Whoever has the code may see who pays; nobody the roster names is named.
    """
    seat = Seat.objects.select_related("purchase_order__order").filter(code=normalised(code)).first()
    if seat is None or seat.state == SeatState.VOID:
        raise Http404
    order = _order_for(request, seat)
    until = seat.purchase_order.order.payable_until
    page = SeatPage(
        organisation=seat.purchase_order.organisation,
        code=spaced(seat.code),
        is_free=seat.state == SeatState.FREE,
        in_time=clock.now() < until,
        until=until,
        is_yours=order is not None and seat.order_id == order.pk,
        order_url=order.get_absolute_url() if order else "",
        is_candidate=request.user.is_authenticated and request.user.role == Role.CANDIDATE,
    )
    if page.is_free and page.in_time:
        request.session[SESSION_KEY] = seat.code
    return render(request, "payments/seat.html", {"page": page})


@_candidates
@require_http_methods(["GET", "POST"])
def claim(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Take the seat a code opens for one's own order."""
    order = _own_order(request, order_id)
    if request.method != "POST":
        return redirect(order)
    form = CodeForm(request.POST)
    if not form.is_valid():
        return _asked_again(request, order, "Type the code you were sent.")
    try:
        taken = services.claim_seat(
            order_id=order_id, by=_candidate(request), code=form.cleaned_data["code"], now=clock.now()
        )
    except Refusal as refusal:
        return _asked_again(request, order, str(refusal))
    request.session.pop(SESSION_KEY, None)
    messages.success(request, f"You have a seat that {taken.purchase_order.organisation} pays for.")
    return redirect(order)


@_candidates
@require_http_methods(["GET", "POST"])
def give_back(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Let go of a reserved seat."""
    order = _own_order(request, order_id)
    if request.method != "POST":
        return redirect(order)
    try:
        if services.give_back_seat(order_id=order_id, by=_candidate(request), now=clock.now()):
            messages.success(request, "The seat is given back. Pay in one of the ways below.")
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect(order)


def _asked_again(request: HttpRequest, order: Order, problem: str) -> HttpResponse:
    """The order's page: what is wrong stands beside the code as it was typed, if one is asked for."""
    page = order_page(order.pk, payer=_candidate(request), now=clock.now())
    if not page.may_claim_seat:
        messages.error(request, problem)
        return redirect(order)
    context = {"page": page, "typed_code": request.POST.get("code", ""), "code_problem": problem}
    return render(request, "payments/order.html", context, status=422)


def _order_for(request: HttpRequest, seat: Seat) -> Order | None:
    """The signed-in visitor's own order that this seat pays, or could."""
    if not request.user.is_authenticated:
        return None
    orders = Order.objects.filter(payer=_candidate(request)).exclude(purpose=SEATS)
    return (
        orders.filter(pk=seat.order_id).first()
        if seat.order_id
        else orders.filter(offer_id=seat.purchase_order.order.offer_id, state__in=PAYABLE_ORDERS).first()
    )


def _own_order(request: HttpRequest, order_id: UUID) -> Order:
    order = Order.objects.filter(pk=order_id, payer=_candidate(request)).first()
    if order is None:
        raise Http404
    return order


def _candidate(request: HttpRequest) -> User:
    return cast(User, request.user)
