"""Verify a certificate in public; download one's own."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import require_role
from accounts.models import Role
from certification.kernel import audit

from . import selectors
from .forms import NumberForm
from .models import Certificate


@login_not_required
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    form = NumberForm(request.GET or None)
    if form.is_bound and form.is_valid():
        return redirect("verify_number", "".join(form.cleaned_data["number"].split()).upper())
    return render(request, "certificates/verify.html", {"form": form})


@login_not_required
@require_safe
def verify_number(request: HttpRequest, number: str) -> HttpResponse:
    certificate = selectors.by_number(number)
    return render(
        request,
        "certificates/verified.html",
        {"certificate": certificate, "number": number, "form": NumberForm()},
        status=200 if certificate else 404,
    )


@require_role(Role.CANDIDATE, Role.STAFF)
@require_safe
def download(request: HttpRequest, number: str) -> FileResponse:
    """The holder's PDF; staff may fetch it too.  Every download is on record."""
    rows = Certificate.objects.exclude(storage_key="")
    if request.user.role != Role.STAFF:
        rows = rows.filter(candidacy__account=request.user)
    certificate = rows.filter(number=number).first()
    if certificate is None:
        raise Http404
    audit.record(actor=request.user, action="downloaded certificate", subject=certificate)
    return FileResponse(
        storages["certificates"].open(certificate.storage_key),
        as_attachment=True,
        filename=f"{certificate.number}.pdf",
        content_type="application/pdf",
    )
