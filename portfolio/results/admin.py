"""Staff's side of the release: what came out, and, weeks ahead, what would.  Nothing is edited here."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from accounts.models import User
from certification.kernel import audit, clock
from certification.kernel.admin import ReadOnlyAdmin
from certification.kernel.templatetags.ui import score

from ..models import BankedScore, Decision, EntryScore, Release
from . import preview as previews

PREVIEW_HORIZON = timedelta(days=366)


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Releases that happened, and the way to preview the next."""

    change_list_template = "portfolio/results/admin/release_list.html"
    list_display = ["due_at", "released_at", "entries", "decisions"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview)
        return [path("preview/", view, name="portfolio_release_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """What the next release, or the one asked for by `?due=`, would bring as things stand.

        It shows scores before anybody else may see them, so every look is on record.
        """
        assert isinstance(request.user, User)
        coming = previews.coming_releases(clock.now() + PREVIEW_HORIZON)
        due_at = _chosen(request.GET.get("due"), coming)
        shown = previews.preview(due_at) if due_at else None
        if due_at:
            audit.record(
                actor=request.user, action="previewed release", subject=("release", due_at.isoformat())
            )
        context = {
            **self.admin_site.each_context(request),
            "title": "What the next release would bring",
            "opts": self.opts,
            "preview": shown,
            "coming": coming,
        }
        return render(request, "portfolio/results/admin/preview.html", context)


def _chosen(asked: str | None, coming: list[datetime]) -> datetime | None:
    if asked is None:
        return coming[0] if coming else None
    chosen = next((due_at for due_at in coming if due_at.isoformat() == asked), None)
    if chosen is None:
        raise Http404
    return chosen


@admin.register(EntryScore)
class EntryScoreAdmin(ReadOnlyAdmin):
    list_display = ["candidacy", "entry", "shown_score", "condition", "release"]
    list_select_related = ["entry__candidacy", "entry__template", "release"]
    list_filter = ["entry__year", "entry__template__framework", ("condition", admin.EmptyFieldListFilter)]
    search_fields = ["entry__candidacy__number"]
    fields = ["entry", "release", "shown_score", "condition", "look_fors", "reasons", "rule_set_digest"]
    readonly_fields = ["shown_score"]

    @admin.display(description="candidacy", ordering="entry__candidacy__number")
    def candidacy(self, row: EntryScore) -> str:
        return str(row.entry.candidacy)

    @admin.display(description="score")
    def shown_score(self, row: EntryScore) -> str:
        return score(row.score)


@admin.register(BankedScore)
class BankedScoreAdmin(ReadOnlyAdmin):
    list_display = ["candidacy", "year", "entry_key", "shown_score", "earned_in_year"]
    list_select_related = ["candidacy"]
    list_filter = ["year", "entry_key"]
    search_fields = ["candidacy__number"]
    fields = ["candidacy", "year", "entry_key", "shown_score", "look_fors", "earned_in_year", "release"]
    readonly_fields = ["shown_score"]

    @admin.display(description="score")
    def shown_score(self, row: BankedScore) -> str:
        return score(row.score)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["candidacy", "year", "outcome", "ended_as", "shown_overall", "decided_at"]
    list_select_related = ["candidacy"]
    list_filter = ["outcome", "year", "candidacy__cohort"]
    search_fields = ["candidacy__number"]
    date_hierarchy = "decided_at"
    fields = [
        "candidacy",
        "year",
        "outcome",
        "ended_as",
        "shown_overall",
        "reasons",
        "open_next_year",
        "decided_at",
        "release",
    ]
    readonly_fields = ["shown_overall"]

    @admin.display(description="overall")
    def shown_overall(self, row: Decision) -> str:
        return score(row.overall)
