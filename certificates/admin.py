"""Staff's side of certificates: look, download, and take one back with a reason."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from certification.kernel import clock
from certification.kernel.admin import ReadOnlyAdmin
from certification.kernel.errors import Refusal

from . import services
from .forms import RevokeForm
from .models import Certificate
from .states import CertificateState


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin):
    """Certificates are made by the sweep and never edited; they can be revoked."""

    change_form_template = "certificates/admin/certificate.html"
    list_display = ["number", "name", "cohort_name", "state", "certified_at", "is_printed"]
    list_filter = ["state", "cohort_name"]
    search_fields = ["number", "name", "candidacy__number"]
    date_hierarchy = "certified_at"
    fields = [
        "number",
        "name",
        "cohort_name",
        "candidacy",
        "state",
        "certified_at",
        "issued_at",
        "pdf",
        "sha256",
        "revoked_at",
        "revoked_by",
        "revoked_reason",
    ]
    readonly_fields = ["pdf"]

    @admin.display(description="printed", boolean=True)
    def is_printed(self, certificate: Certificate) -> bool:
        return bool(certificate.storage_key)

    @admin.display(description="PDF")
    def pdf(self, certificate: Certificate) -> str:
        if not certificate.storage_key:
            return "being made"
        url = reverse("certificates:download", args=[certificate.number])
        return format_html('<a href="{}">Download</a>', url)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke)
        return [
            path("<uuid:certificate_id>/revoke/", view, name="certificates_certificate_revoke"),
            *super().get_urls(),
        ]

    def revoke(self, request: HttpRequest, certificate_id: UUID) -> HttpResponse:
        """Ask for the reason on a page of its own, then revoke."""
        certificate = Certificate.objects.filter(pk=certificate_id).first()
        if certificate is None:
            raise Http404
        assert isinstance(request.user, User)
        form = RevokeForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                services.revoke_certificate(
                    certificate_id=certificate_id,
                    by=request.user,
                    reason=form.cleaned_data["reason"],
                    now=clock.now(),
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"Certificate {certificate.number} is revoked.")
                return redirect("admin:certificates_certificate_change", certificate_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Revoke certificate {certificate.number}",
            "opts": self.opts,
            "certificate": certificate,
            "is_valid": certificate.state == CertificateState.VALID,
            "form": form,
        }
        return render(request, "certificates/admin/revoke.html", context)
