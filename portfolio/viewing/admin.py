"""Looks at evidence in the administration: who looked at what, when, and how often a player asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Case, OuterRef, QuerySet, Subquery, UUIDField, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from certification.kernel.admin import ReadOnlyAdmin

from ..models import MediaView, Rendition
from ..renditions.models import RenditionKind


def looks_at(evidence_id: UUID) -> str:
    """The address of the list of looks at one piece of evidence."""
    return f"{reverse('admin:portfolio_mediaview_changelist')}?evidence={evidence_id}"


@admin.register(MediaView)
class MediaViewAdmin(ReadOnlyAdmin):
    """Only read: a look is on record before its first byte, and stays there."""

    list_display = ("first_at", "viewer", "role", "candidate", "file", "requests", "last_at")
    list_filter = ("viewer__role",)
    list_select_related = ("viewer",)
    date_hierarchy = "first_at"
    search_fields = ("viewer__email", "viewer__full_name", "sha256")
    fields = ("viewer", "role", "candidate", "file", "sha256", "first_at", "last_at", "requests")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MediaView]:
        """Each look with the evidence it was at, in the same question; what is drawn anew leaves none."""
        number = Case(
            When(subject_type=Rendition._meta.label, then=Cast("subject_id", UUIDField())),
            output_field=UUIDField(),
        )
        shown = Rendition.objects.filter(pk=OuterRef("shown"))
        evidence = "preparation__evidence"
        return (
            super()
            .get_queryset(request)
            .annotate(shown=number)
            .annotate(
                evidence=Subquery(shown.values(evidence)[:1]),
                entry=Subquery(shown.values(f"{evidence}__entry")[:1]),
                name=Subquery(shown.values(f"{evidence}__original_name")[:1]),
                kind=Subquery(shown.values("kind")[:1]),
                number=Subquery(shown.values(f"{evidence}__entry__candidacy__number")[:1]),
            )
        )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "evidence" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="role", ordering="viewer__role")
    def role(self, look: MediaView) -> str:
        return look.viewer.get_role_display()

    @admin.display(description="candidate", ordering="number")
    def candidate(self, look: Any) -> str:
        return look.number or ""

    @admin.display(description="file")
    def file(self, look: Any) -> str:
        if look.entry is None:
            return "drawn anew since"
        url = reverse("admin:portfolio_entry_change", args=[look.entry])
        return format_html('<a href="{}">{}</a>, {}', url, look.name, RenditionKind(look.kind).label.lower())
