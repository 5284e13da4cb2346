"""Verify a certificate in public; download one's own."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import audit
from certification.kernel.media import serve

from . import selectors
from .forms import NumberForm
from .models import Certificate
from .states import CertificateState

logger = logging.getLogger(__name__)


@login_not_required
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a number; `?number=` leads to its page."""
    form = NumberForm(request.GET if "number" in request.GET else None)
    if form.is_bound and form.is_valid():
        return redirect("verify_number", form.cleaned_data["number"])
    return render(request, "certificates/verify.html", {"form": form})


@login_not_required
@require_safe
def verify_number(request: HttpRequest, number: str) -> HttpResponse:
    """Whose certificate it is and whether it is valid, for whoever holds the number."""
    certificate = selectors.by_number(number)
    response = render(
        request,
        "certificates/verified.html",
        {"certificate": certificate, "number": selectors.normalised(number)},
        status=200 if certificate else 404,
    )
    # The page carries a name; it is for whoever has the number, not for search engines or shared caches.
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "no-store"
    return response


@require_role(Role.CANDIDATE, Role.STAFF)
@require_safe
def download(request: HttpRequest, number: str) -> HttpResponseBase:
    """The holder's PDF, while it is valid; staff may fetch any.  Every download is on record."""
    assert isinstance(request.user, User)  # the role decorator let nobody else in
    rows = Certificate.objects.exclude(storage_key="")
    if request.user.role != Role.STAFF:
        rows = rows.filter(candidacy__account=request.user, state=CertificateState.VALID)
    certificate = rows.filter(number=selectors.normalised(number)).first()
    if certificate is None:
        raise Http404
    audit.record(actor=request.user, action="downloaded certificate", subject=certificate)
    store = storages["certificates"]
    try:
        return serve(
            request,
            storage=store,
            key=certificate.storage_key,
            content_type="application/pdf",
            size=store.size(certificate.storage_key),
            sha256=certificate.sha256,
            disposition=f'attachment; filename="{certificate.number}.pdf"',
        )
    except (FileNotFoundError, Http404):
        logger.exception("certificate %s is not in the store", certificate.number)
        raise Http404 from None
