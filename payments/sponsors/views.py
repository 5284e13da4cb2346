"""What a sponsor sees and does."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.access import require_role
from accounts.models import Role
from payments.models import PurchaseOrder, Seat


@login_not_required
@require_GET
def seat(request: HttpRequest, code: str) -> HttpResponse:
    """Where a code's link leads."""
    return render(request, "payments/seat.html", {"seat": get_object_or_404(Seat, code=code)})


@require_GET
@require_role(Role.SPONSOR)
def seats(request: HttpRequest, purchase_order_id: UUID) -> HttpResponse:
    """One purchase order and its places."""
    own = get_object_or_404(PurchaseOrder, pk=purchase_order_id, order__payer=request.user)
    return render(request, "payments/sponsors/purchase_order.html", {"page": own})
