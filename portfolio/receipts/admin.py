"""Receipts in the administration: read as their candidate reads them; each PDF handed out is on record."""

from __future__ import annotations

import logging
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from certification.kernel import audit
from certification.kernel.admin import ReadOnlyAdmin
from certification.kernel.typesetting import CannotPrint

from ..candidate_search import of_candidate
from ..models import Receipt
from .pages import receipt_page
from .pdf import pdf_of

logger = logging.getLogger(__name__)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """What was handed in and when, in words."""

    list_display = ["number", "candidate", "person", "entry", "submitted_at"]
    list_select_related = ["entry__template", "entry__candidacy__registration"]
    date_hierarchy = "submitted_at"
    search_fields = ["number", *of_candidate("entry__candidacy")]
    fields: ClassVar[Any] = [
        "number",
        "of_entry",
        "candidate",
        "person",
        "instant",
        "by_wish",
        "as_pdf",
        "files",
        "seen",
        "affirmed",
        "digest",
    ]

    def get_urls(self) -> list[URLPattern]:
        pdf = path(
            "<uuid:receipt_id>/pdf/",
            self.admin_site.admin_view(require_safe(self.pdf)),
            name="portfolio_receipt_pdf",
        )
        return [pdf, *super().get_urls()]

    @admin.display(description="candidate", ordering="entry__candidacy__number")
    def candidate(self, receipt: Receipt) -> str:
        return receipt.entry.candidacy.number

    @admin.display(description="name", ordering="entry__candidacy__registration__name_on_certificate")
    def person(self, receipt: Receipt) -> str:
        return receipt.entry.candidacy.registration.name_on_certificate

    @admin.display(description="entry")
    def of_entry(self, receipt: Receipt) -> str:
        url = reverse("admin:portfolio_entry_change", args=[receipt.entry_id])
        return format_html('<a href="{}">{}</a>', url, receipt.entry)

    @admin.display(description="submitted")
    def instant(self, receipt: Receipt) -> str:
        page = receipt_page(receipt)
        return f"{page.in_programme} ({page.in_utc})"

    @admin.display(description="PDF")
    def as_pdf(self, receipt: Receipt) -> str:
        url = reverse("admin:portfolio_receipt_pdf", args=[receipt.pk])
        return format_html('<a href="{}">Download the receipt</a>', url)

    @admin.display(description="files")
    def files(self, receipt: Receipt) -> str:
        return render_to_string("admin/portfolio/receipt/files.html", {"page": receipt_page(receipt)})

    @admin.display(description="who is seen")
    def seen(self, receipt: Receipt) -> str:
        page = receipt_page(receipt)
        return render_to_string("admin/portfolio/receipt/seen.html", {"page": page}) if page.seen else "–"

    @admin.display(description="what was affirmed")
    def affirmed(self, receipt: Receipt) -> str:
        page = receipt_page(receipt)
        if not page.affirmed:
            return "–"
        return render_to_string("admin/portfolio/receipt/affirmed.html", {"page": page})

    def pdf(self, request: HttpRequest, receipt_id: UUID) -> HttpResponse:
        """The candidate's own PDF, to the byte, for staff; each time is on record."""
        receipt = get_object_or_404(Receipt.objects.select_related("entry__template"), pk=receipt_id)
        try:
            made = pdf_of(receipt_page(receipt))
        except CannotPrint as missing:
            logger.error("portfolio: %s", missing)
            messages.error(request, f"Receipt {receipt} cannot be printed: {missing}")
            return redirect("admin:portfolio_receipt_change", receipt.pk)
        audit.record(
            actor=request.user, action="opened receipt", subject=receipt, detail={"digest": receipt.digest}
        )
        return HttpResponse(
            made,
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{receipt.number}.pdf"'},
        )
