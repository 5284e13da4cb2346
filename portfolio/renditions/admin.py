"""Preparations in the administration: what is stuck, what cannot be used, and why."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from certification.kernel import clock
from certification.kernel.admin import ReadOnlyAdmin, ReadOnlyMixin
from certification.kernel.errors import Refusal

from ..models import Preparation, Rendition
from ..states import PREPARED, EntryState, Scan
from . import pages, selectors, services
from .cards import rendition_url
from .models import RenditionKind

HANDED_IN = "handed_in"


class EntryFilter(admin.SimpleListFilter):
    """Whether its candidate can still mend it alone."""

    title = "entry"
    parameter_name = "entry"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("preparing", "In preparation"), (HANDED_IN, "Handed in")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Preparation]) -> QuerySet[Preparation]:
        match self.value():
            case "preparing":
                return queryset.filter(evidence__entry__state=EntryState.DRAFT)
            case "handed_in":
                return queryset.filter(evidence__entry__state__in=selectors.HANDED_IN_ENTRIES)
        return queryset


class RenditionInline(ReadOnlyMixin, admin.TabularInline):
    model = Rendition
    extra = 0
    fields = ("look", "page_number", "content_type", "size", "width", "height", "seconds", "sha256")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rendition]:
        return super().get_queryset(request).select_related("preparation__evidence")

    @admin.display(description="file")
    def look(self, rendition: Rendition) -> str:
        """Where it is looked at, once it may be shown; a video by itself is no page that could play it."""
        kind = rendition.get_kind_display()
        if rendition.preparation.state not in PREPARED:
            return kind
        is_video = rendition.kind == RenditionKind.VIDEO
        url = _shown_url(rendition.preparation) if is_video else rendition_url(rendition.pk)
        return format_html('<a href="{}">{}</a>', url, kind)


@admin.register(Preparation)
class PreparationAdmin(ReadOnlyAdmin):
    """Pieces of evidence on their way to being shown; what ended can be tried again."""

    list_display = (
        "candidate",
        "entry_title",
        "file",
        "stands",
        "virus_scan",
        "tries",
        "received_at",
        "ended_at",
        "problem",
    )
    list_filter = ("state", EntryFilter, "scan", "evidence__entry__year", "evidence__slot__kind")
    search_fields = ("evidence__entry__candidacy__number", "evidence__original_name")
    ordering = ("-received_at", "pk")
    list_select_related = ("evidence__entry__candidacy", "evidence__entry__template", "evidence__slot")
    actions = ("try_again",)
    inlines = (RenditionInline,)
    fields: ClassVar[Any] = (
        "candidate",
        "entry_title",
        "file",
        "as_shown",
        "stands",
        "virus_scan",
        "problem",
        "tries",
        "received_at",
        "ended_at",
    )

    def get_urls(self) -> list[URLPattern]:
        shown = path(
            "<uuid:preparation_id>/shown/",
            self.admin_site.admin_view(self.shown),
            name="portfolio_preparation_shown",
        )
        return [shown, *super().get_urls()]

    def shown(self, request: HttpRequest, preparation_id: UUID) -> HttpResponse:
        """One piece exactly as scorers will see it; each of its files is on record as it is looked at."""
        preparation = get_object_or_404(
            self.get_queryset(request).select_related(*self.list_select_related), pk=preparation_id
        )
        evidence = preparation.evidence
        piece = reverse("admin:portfolio_preparation_change", args=[preparation.pk])
        context = {
            "name": evidence.original_name,
            "slot_title": evidence.slot.title,
            "number": evidence.entry.candidacy.number,
            "shown": pages.shown(selectors.preview(evidence.pk)),
            "trail": [
                ("Season cockpit", reverse("admin:index")),
                ("Preparations", reverse("admin:portfolio_preparation_changelist")),
                (evidence.original_name, piece),
            ],
        }
        return render(request, "portfolio/shown.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Preparation]:
        return super().get_queryset(request).filter(evidence__removed_at__isnull=True)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"state_counts": selectors.state_counts()}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @admin.action(description="Try again", permissions=["view"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Preparation]) -> None:
        assert isinstance(request.user, User)
        done = 0
        for preparation in chosen:
            try:
                services.try_again(preparation_id=preparation.pk, by=request.user, now=clock.now())
            except Refusal as refusal:
                messages.error(request, f"{preparation.evidence.original_name}: {refusal}")
                continue
            done += 1
        if done:
            messages.success(request, f"{done} will be prepared again; reload this list in a minute.")

    @admin.display(description="candidate", ordering="evidence__entry__candidacy__number")
    def candidate(self, preparation: Preparation) -> str:
        entry = preparation.evidence.entry
        url = reverse("admin:portfolio_entry_change", args=[entry.pk])
        return format_html('<a href="{}">{}</a>', url, entry.candidacy.number)

    @admin.display(description="entry", ordering="evidence__entry__template__title")
    def entry_title(self, preparation: Preparation) -> str:
        entry = preparation.evidence.entry
        return f"{entry.template.title}, year {entry.year}: {entry.get_state_display().lower()}"

    @admin.display(description="file", ordering="evidence__original_name")
    def file(self, preparation: Preparation) -> str:
        """The original, whose every opening is on record."""
        evidence = preparation.evidence
        url = reverse("admin:portfolio_original", args=[evidence.pk])
        return format_html('<a href="{}">{}</a><br>{}', url, evidence.original_name, evidence.slot.title)

    @admin.display(description="rendition")
    def as_shown(self, preparation: Preparation) -> str:
        if preparation.state not in PREPARED:
            return "Nothing to see yet"
        return format_html('<a href="{}">What scorers will see</a>', _shown_url(preparation))

    @admin.display(description="stands", ordering="state")
    def stands(self, preparation: Preparation) -> str:
        said = preparation.get_state_display()
        return f"{said}: {preparation.step}, {preparation.percent} %" if preparation.step else said

    @admin.display(description="virus scan", ordering="scan")
    def virus_scan(self, preparation: Preparation) -> str:
        if preparation.scan == Scan.NOT_ASKED and not settings.CLAMAV_ADDRESS:
            return "No scanner is set up"
        return preparation.get_scan_display()


def _shown_url(preparation: Preparation) -> str:
    return reverse("admin:portfolio_preparation_shown", args=[preparation.pk])
