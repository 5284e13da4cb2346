"""The administration of frameworks, entries and uploads; each part of the app registers its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Max, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from certification.kernel.admin import ReadOnlyAdmin, ReadOnlyMixin, StaffAdmin, StaffMixin

from .blinding import admin as blinding_admin
from .candidate_search import of_candidate
from .consent.admin import ConsentBesideEntry
from .downloads import original_response
from .models import Entry, EntryTemplate, Evidence, Framework, Receipt, Slot, Upload, UploadPart
from .receipts import admin as receipts_admin
from .rehearsal import admin as rehearsal_admin
from .rehearsal.telling import length
from .renditions import admin as renditions_admin
from .results import admin as results_admin
from .viewing import admin as viewing_admin

__all__ = [
    "blinding_admin",
    "receipts_admin",
    "rehearsal_admin",
    "renditions_admin",
    "results_admin",
    "viewing_admin",
]


class EntryTemplateInline(StaffMixin, admin.TabularInline):
    model = EntryTemplate
    extra = 0
    show_change_link = True


class SlotInline(StaffMixin, admin.StackedInline):
    model = Slot
    extra = 0


@admin.register(Framework)
class FrameworkAdmin(StaffAdmin):
    """Frameworks belong to the staff: what an entry asks for, and its limits, change here without code."""

    list_display = ["title", "slug", "to_be_confirmed"]
    inlines = [EntryTemplateInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Framework | None = None) -> list[str]:
        """Cohorts name their framework by its slug, so it stays once it is there."""
        return ["slug"] if obj else []


@admin.register(EntryTemplate)
class EntryTemplateAdmin(StaffAdmin):
    list_display = ["title", "framework", "key", "ordinal"]
    list_filter = ["framework"]
    list_select_related = ["framework"]
    inlines = [SlotInline]

    def get_readonly_fields(self, request: HttpRequest, obj: EntryTemplate | None = None) -> list[str]:
        """The rule set knows the entry by its key."""
        return ["framework", "key"] if obj else []


class EvidenceInline(ReadOnlyMixin, admin.TabularInline):
    model = Evidence
    extra = 0
    fields = ("slot", "file", "stands", "pages", "length", "in_words", "uploaded_at", "removed_at", "looks")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evidence]:
        return super().get_queryset(request).select_related("slot", "preparation")

    @admin.display(description="state")
    def stands(self, evidence: Evidence) -> str:
        """How far it is prepared, and the way to what was made of it."""
        preparation = getattr(evidence, "preparation", None)
        if preparation is None:
            return "–"
        url = reverse("admin:portfolio_preparation_change", args=[preparation.pk])
        return format_html('<a href="{}">{}</a>', url, preparation.get_state_display())

    @admin.display(description="length")
    def length(self, evidence: Evidence) -> str:
        return "–" if evidence.seconds is None else length(evidence.seconds)

    @admin.display(description="size")
    def in_words(self, evidence: Evidence) -> str:
        return filesizeformat(evidence.size)

    @admin.display(description="file")
    def file(self, evidence: Evidence) -> str:
        if evidence.removed_at is not None:
            return evidence.original_name
        url = reverse("admin:portfolio_original", args=[evidence.pk])
        return format_html('<a href="{}">{}</a>', url, evidence.original_name)

    @admin.display(description="looks")
    def looks(self, evidence: Evidence) -> str:
        return format_html('<a href="{}">Who looked</a>', viewing_admin.looks_at(evidence.pk))


class ReceiptInline(ReadOnlyMixin, admin.TabularInline):
    model = Receipt
    extra = 0
    fields = ("receipt", "submitted_at", "digest")
    readonly_fields = fields

    @admin.display(description="receipt")
    def receipt(self, receipt: Receipt) -> str:
        url = reverse("admin:portfolio_receipt_change", args=[receipt.pk])
        return format_html('<a href="{}">{}</a>', url, receipt.number)


@admin.register(Entry)
class EntryAdmin(ConsentBesideEntry, ReadOnlyAdmin):
    """Entries with their evidence; every original that is opened is on record."""

    list_display = [
        "candidate",
        "person",
        "template",
        "year",
        "is_retake",
        "state",
        "blinding_page",
        "submitted_at",
    ]
    ordering = ["-year", "candidacy__number", "template__ordinal"]
    list_filter = ["state", "year", "template__framework", "template__key"]
    list_select_related = ["candidacy__registration", "template", "blinding"]
    search_fields = of_candidate("candidacy")
    inlines = [EvidenceInline, ReceiptInline]
    readonly_fields = ["person", "deadline"]

    def get_urls(self) -> list[URLPattern]:
        original = path(
            "original/<uuid:evidence_id>/",
            self.admin_site.admin_view(self.original),
            name="portfolio_original",
        )
        return [original, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Entry | None = None) -> list[Any]:
        """Whose it is comes first."""
        return ["person", *(field for field in super().get_fields(request, obj) if field != "person")]

    @admin.display(description="candidate", ordering="candidacy__number")
    def candidate(self, entry: Entry) -> str:
        return entry.candidacy.number

    @admin.display(description="name", ordering="candidacy__registration__name_on_certificate")
    def person(self, entry: Entry) -> str:
        return entry.candidacy.registration.name_on_certificate

    @admin.display(description="deadline")
    def deadline(self, entry: Entry) -> str:
        url = reverse("admin:candidates_candidacy_extend", args=[entry.candidacy_id])
        return format_html('<a href="{}">Extend the deadline of {}</a>', url, entry.candidacy.number)

    @admin.display(description="blinding")
    def blinding_page(self, entry: Entry) -> str:
        blinding = getattr(entry, "blinding", None)
        if blinding is None:
            return ""
        url = reverse("admin:portfolio_blinding_look", args=[blinding.pk])
        return format_html('<a href="{}">{}</a>', url, blinding.get_state_display())

    def original(self, request: HttpRequest, evidence_id: UUID) -> HttpResponseBase:
        assert isinstance(request.user, User)
        return original_response(request, request.user, evidence_id)


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Files on their way: what is stuck, and why a file was not accepted."""

    list_display = [
        "candidate",
        "person",
        "entry",
        "name",
        "size",
        "arrived",
        "last_part",
        "state",
        "created_at",
        "ended_at",
    ]
    list_filter = ["state"]
    list_select_related = ["entry__template", "entry__candidacy__registration"]
    date_hierarchy = "created_at"
    search_fields = ["name", *of_candidate("entry__candidacy")]
    readonly_fields = ["size", "arrived", "last_part"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upload]:
        """With what has arrived of each, asked for with the list."""
        parts = UploadPart.objects.filter(upload=OuterRef("pk")).order_by().values("upload")
        return (
            super()
            .get_queryset(request)
            .annotate(
                in_parts=Coalesce(Subquery(parts.annotate(sum=Sum("bytes")).values("sum")), 0),
                newest_part_at=Subquery(parts.annotate(newest=Max("received_at")).values("newest")),
            )
        )

    @admin.display(description="candidate", ordering="entry__candidacy__number")
    def candidate(self, upload: Upload) -> str:
        return upload.entry.candidacy.number

    @admin.display(
        description="name of the candidate", ordering="entry__candidacy__registration__name_on_certificate"
    )
    def person(self, upload: Upload) -> str:
        return upload.entry.candidacy.registration.name_on_certificate

    @admin.display(description="size", ordering="declared_bytes")
    def size(self, upload: Upload) -> str:
        return filesizeformat(upload.declared_bytes)

    @admin.display(description="arrived")
    def arrived(self, upload: Upload) -> str:
        """The parts go once it was checked, so what was whole says so by its instant."""
        in_parts: int = upload.in_parts  # type: ignore[attr-defined]
        return filesizeformat(upload.declared_bytes if upload.completed_at else in_parts)

    @admin.display(description="last part")
    def last_part(self, upload: Upload) -> datetime | None:
        newest: datetime | None = upload.newest_part_at  # type: ignore[attr-defined]
        return upload.completed_at or newest
