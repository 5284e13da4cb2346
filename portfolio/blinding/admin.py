"""Blindings in the administration: the work list, and the pages of one blinding."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from certification.kernel import clock
from certification.kernel.admin import ReadOnlyAdmin

from ..matching import services as matching
from ..models import Blinding
from . import selectors, views


@admin.register(Blinding)
class BlindingAdmin(ReadOnlyAdmin):
    """A work list.  Nothing is edited here: what may be done next is on the page of each blinding."""

    list_display = ("candidate", "entry_title", "year", "stands", "held_up", "sealed_at", "checked_by")
    list_filter = ("state", "entry__year", "entry__candidacy__cohort")
    search_fields = ("entry__candidacy__number", "packet_code")
    ordering = ("entry__sealed_at", "pk")
    actions = None

    def get_urls(self) -> list[URLPattern]:
        staff = self.admin_site.admin_view
        return [
            path("unmatched/", staff(views.unmatched), name="portfolio_blinding_unmatched"),
            path("copies/<uuid:file_id>/", staff(views.copy), name="portfolio_blinding_copy"),
            path("<uuid:blinding_id>/look/", staff(views.look), name="portfolio_blinding_look"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Blinding]:
        return selectors.work_list().order_by(*self.ordering)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "state_counts": selectors.state_counts(),
            "unmatched_count": len(matching.unmatched(clock.now())),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        blinding = self.get_object(request, object_id)
        if blinding is None:
            return super().change_view(request, object_id, *args, **kwargs)
        return redirect("admin:portfolio_blinding_look", blinding.pk)

    @admin.display(description="candidate", ordering="entry__candidacy__number")
    def candidate(self, blinding: Blinding) -> str:
        return blinding.entry.candidacy.number

    @admin.display(description="entry", ordering="entry__template__title")
    def entry_title(self, blinding: Blinding) -> str:
        return blinding.entry.template.title

    @admin.display(description="year", ordering="entry__year")
    def year(self, blinding: Blinding) -> int:
        return blinding.entry.year

    @admin.display(description="stands", ordering="state")
    def stands(self, blinding: Blinding) -> str:
        return blinding.get_state_display()

    @admin.display(description="needs manual work", ordering="open_findings")
    def held_up(self, blinding: Blinding) -> str:
        return str(blinding.open_findings or "")  # type: ignore[attr-defined]

    @admin.display(description="sealed", ordering="entry__sealed_at")
    def sealed_at(self, blinding: Blinding) -> Any:
        return blinding.entry.sealed_at
