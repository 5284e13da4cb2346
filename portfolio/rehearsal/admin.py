"""Rehearsals as staff read them when a candidate asks for help with an upload."""

from __future__ import annotations

from django.contrib import admin

from certification.kernel.admin import ReadOnlyAdmin

from ..candidate_search import of_candidate
from .models import Rehearsal
from .selectors import clip_of, speed_of


@admin.register(Rehearsal)
class RehearsalAdmin(ReadOnlyAdmin):
    """Whose line is slow, and whose camera makes what."""

    list_display = ["candidate", "rehearsed_at", "line", "line_breaks", "clip", "problem"]
    list_filter = ["clip_treatment", "clip_codec"]
    list_select_related = ["candidacy"]
    date_hierarchy = "rehearsed_at"
    search_fields = of_candidate("candidacy")

    @admin.display(description="candidate", ordering="candidacy__number")
    def candidate(self, rehearsal: Rehearsal) -> str:
        return rehearsal.candidacy.number

    @admin.display(description="line")
    def line(self, rehearsal: Rehearsal) -> str:
        return speed_of(rehearsal)

    @admin.display(description="clip")
    def clip(self, rehearsal: Rehearsal) -> str:
        return clip_of(rehearsal)
