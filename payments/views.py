"""The payer's order page and what is pressed there; the sandbox's own page."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import Refusal

from . import services
from .forms import CardForm
from .gateways import sandbox as provider
from .models import Order, SandboxPayment
from .pages import OrderPage, order_page
from .situations import Situation
from .states import SEATS

_payers = require_role(Role.CANDIDATE, Role.SPONSOR)


@require_GET
@_payers
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """The payer's page of an order; a sponsor's is the page of the purchase order.

    It looks again by itself, and is told when there is nothing new to show.
    """
    page = _page_of(request, order_id)
    if page.order.purpose == SEATS:
        return redirect(page.order)
    if request.GET.get("seen") == page.look:
        return HttpResponse(status=204)
    return render(request, "payments/order.html", {"page": page})


@require_http_methods(["GET", "POST"])
@_payers
def pay(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Send the payer to the chosen provider's page; who comes from the sign-in page chooses again."""
    page = _page_of(request, order_id)
    if request.method != "POST":
        return redirect(page.order)
    try:
        started = services.start_payment(
            order_id=order_id,
            by=_payer(request),
            gateway=request.POST.get("gateway", ""),
            now=clock.now(),
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect(page.order)
    return redirect(started.redirect_url)


@require_GET
@_payers
def came_back(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Where a provider sends the payer.  What it says in the address is not believed: it is asked."""
    services.check_order(order_id=_page_of(request, order_id).order.pk, now=clock.now())
    page = _page_of(request, order_id)
    if "left" in request.GET and page.situation is Situation.UNFINISHED:
        messages.info(request, "You came back without paying. Go on where you were, or choose another way.")
    return redirect(page.order)


@login_not_required
@require_http_methods(["GET", "POST"])
def sandbox(request: HttpRequest, reference: str) -> HttpResponse:
    """The sandbox provider's page.  Like a real provider's, it knows a payment and no account."""
    if not settings.PAYMENT_SANDBOX:
        raise Http404
    payment = get_object_or_404(SandboxPayment, pk=reference)
    form = CardForm(request.POST if "card_number" in request.POST else None)
    try:
        if _acted(request, payment, form):
            return redirect(payment.return_url)
    except Refusal as refusal:
        if form.is_bound:
            form.add_error("card_number", str(refusal))
        else:
            messages.error(request, str(refusal))
    context = {
        "payment": payment,
        "form": form,
        "expired": provider.has_expired(payment, clock.now()),
        "cards": provider.CARDS,
    }
    return render(request, "payments/sandbox.html", context)


def _acted(request: HttpRequest, payment: SandboxPayment, form: CardForm) -> bool:
    if "answer" in request.POST:
        approved = request.POST["answer"] == "approve"
        provider.settle_pending(reference=payment.pk, approved=approved, now=clock.now())
        return True
    if form.is_bound and form.is_valid():
        number = form.cleaned_data["card_number"]
        provider.decide(reference=payment.pk, card_number=number, now=clock.now())
        return True
    return False


def _payer(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _page_of(request: HttpRequest, order_id: UUID) -> OrderPage:
    try:
        return order_page(order_id, payer=_payer(request), now=clock.now())
    except Order.DoesNotExist as absent:
        raise Http404 from absent
