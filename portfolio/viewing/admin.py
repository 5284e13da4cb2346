"""Looks at evidence in the administration: who looked at what, when, and how often a player asked."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from certification.kernel.admin import ReadOnlyAdmin

from ..candidate_search import of_candidate
from ..models import MediaView


def looks_at(evidence_id: UUID) -> str:
    """The address of the list of looks at one piece of evidence."""
    return f"{reverse('admin:portfolio_mediaview_changelist')}?evidence={evidence_id}"


@admin.register(MediaView)
class MediaViewAdmin(ReadOnlyAdmin):
    """Only read: a look is on record before its first byte, and stays there."""

    list_display = ("first_at", "viewer", "role", "candidate", "file", "requests", "last_at")
    list_filter = ("viewer__role",)
    list_select_related = ("viewer", "evidence__entry__candidacy")
    date_hierarchy = "first_at"
    search_fields = (
        "viewer__email",
        "viewer__full_name",
        "sha256",
        *of_candidate("evidence__entry__candidacy"),
    )
    fields = ("viewer", "role", "candidate", "file", "sha256", "first_at", "last_at", "requests")

    @admin.display(description="role", ordering="viewer__role")
    def role(self, look: MediaView) -> str:
        return look.viewer.get_role_display()

    @admin.display(description="candidate", ordering="evidence__entry__candidacy__number")
    def candidate(self, look: MediaView) -> str:
        return look.evidence.entry.candidacy.number if look.evidence else ""

    @admin.display(description="file")
    def file(self, look: MediaView) -> str:
        if look.evidence is None:
            return "drawn anew since"
        url = reverse("admin:portfolio_entry_change", args=[look.evidence.entry_id])
        kind = look.get_kind_display().lower()
        return format_html('<a href="{}">{}</a>, {}', url, look.evidence.original_name, kind)
