"""The page on which a list is exported, and the file it comes to."""

from __future__ import annotations

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from payments import exports
from payments.models import Order

from .acts import staff_of
from .forms import ExportForm, lately


def export_page(request: HttpRequest, page: ModelAdmin[Order]) -> HttpResponseBase:
    """Ask which list and which days.  The file is asked for by POST, because each one is put on record."""
    if request.method == "POST":
        form = ExportForm(request.POST)
        if form.is_valid():
            return _file(request, form)
    else:
        form = ExportForm(initial={**lately(), "what": request.GET.get("what", "")})
    context = {
        **page.admin_site.each_context(request),
        "title": "Export for the accountant",
        "opts": page.opts,
        "form": form,
        "lists": exports.EXPORTS,
    }
    return render(request, "payments/admin/exports.html", context)


def _file(request: HttpRequest, form: ExportForm) -> StreamingHttpResponse:
    export, period = exports.named(form.cleaned_data["what"]), form.period
    written = exports.begin(export, period, by=staff_of(request))
    name = f"{export.name}-{period.first_day.isoformat()}-{period.last_day.isoformat()}.csv"
    return StreamingHttpResponse(
        written.pieces,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
