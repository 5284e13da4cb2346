"""Scoring in the administration: what may be changed, and what may only be looked at.

Staff see everything and every look at somebody's marks is on record.  No scorer comes here.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join

from certification.kernel import audit
from certification.kernel.admin import ReadOnlyAdmin, ReadOnlyMixin, StaffAdmin, StaffMixin
from certification.kernel.exact import display

from . import library
from . import scorer_admin as scorer_admin
from .models import (
    Assignment,
    EvidenceShown,
    LookFor,
    Packet,
    PacketFile,
    Reading,
    Rubric,
    RubricEntry,
    RuleSetVersion,
)
from .outcomes import with_progress
from .rules.parsing import parse_rule_set
from .rules.ruleset import BadRuleSet

# ---- rubrics and rule sets ----


class RubricEntryInline(StaffMixin, admin.TabularInline):
    model = RubricEntry
    fields = ["ordinal", "key", "title"]
    extra = 0
    show_change_link = True


@admin.register(Rubric)
class RubricAdmin(StaffAdmin):
    list_display = ["title", "slug", "version", "entry_titles"]
    inlines = [RubricEntryInline]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Rubric]:
        return super().get_queryset(request).prefetch_related("entries")

    @admin.display(description="entries")
    def entry_titles(self, obj: Rubric) -> str:
        return "; ".join(entry.title for entry in obj.entries.all())

    def has_delete_permission(self, request: HttpRequest, obj: Rubric | None = None) -> bool:
        return obj is not None and not Packet.objects.filter(rubric_entry__rubric=obj).exists()


class LookForInline(StaffMixin, admin.StackedInline):
    model = LookFor
    extra = 0

    def _free(self, entry: RubricEntry | None) -> bool:
        return entry is None or not entry.packets.exists()

    def has_add_permission(self, request: HttpRequest, obj: RubricEntry | None = None) -> bool:
        return self._free(obj)

    def has_change_permission(self, request: HttpRequest, obj: RubricEntry | None = None) -> bool:
        return self._free(obj)

    def has_delete_permission(self, request: HttpRequest, obj: RubricEntry | None = None) -> bool:
        return self._free(obj)


@admin.register(RubricEntry)
class RubricEntryAdmin(StaffAdmin):
    """Look-fors stay as they are once a packet is scored by them; a later cohort gets a new rubric."""

    list_display = ["title", "key", "rubric"]
    list_filter = ["rubric"]
    list_select_related = ["rubric"]
    inlines = [LookForInline]

    def get_readonly_fields(self, request: HttpRequest, obj: RubricEntry | None = None) -> list[str]:
        return ["rubric", "key"] if obj and obj.packets.exists() else []

    def has_delete_permission(self, request: HttpRequest, obj: RubricEntry | None = None) -> bool:
        return obj is not None and not obj.packets.exists()


class RuleSetForm(forms.ModelForm):
    """Says everything that is wrong with the data at once, in the rule set's own words."""

    class Meta:
        model = RuleSetVersion
        fields = ["slug", "version", "title", "data"]

    def clean_data(self) -> Any:
        try:
            parsed = parse_rule_set(self.cleaned_data["data"])
        except BadRuleSet as bad:
            raise forms.ValidationError(list(bad.problems)) from bad
        self.instance.digest = parsed.digest()
        return parsed.to_data()


@admin.register(RuleSetVersion)
class RuleSetAdmin(StaffAdmin):
    """Editable until a packet is minted with it; then a new version is the way to change it."""

    form = RuleSetForm
    records_itself = True
    list_display = ["title", "slug", "version", "used_at"]
    list_filter = ["slug"]
    readonly_fields = ["digest", "used_at"]
    actions = ["start_new_version"]

    def has_change_permission(self, request: HttpRequest, obj: RuleSetVersion | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.used_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: RuleSetVersion | None = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and obj.used_at is None

    def save_model(self, request: HttpRequest, obj: RuleSetVersion, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(
            actor=request.user,
            action="edited a rule set" if change else "added a rule set",
            subject=obj,
            detail={"digest": obj.digest},
        )

    @admin.action(description="Start a new version, to be edited")
    def start_new_version(self, request: HttpRequest, queryset: models.QuerySet[RuleSetVersion]) -> None:
        for old in queryset:
            made = library.start_new_version(rule_set_id=old.pk)
            self.message_user(
                request, f"Version {made.version} of {made.slug} can be edited.", messages.SUCCESS
            )


# ---- packets, readings, evidence ----


class PacketFileInline(ReadOnlyMixin, admin.TabularInline):
    model = PacketFile
    readonly_fields = (
        "ordinal",
        "slot_title",
        "label",
        "kind",
        "page_number",
        "content_type",
        "size",
        "sha256",
    )
    fields = readonly_fields


class AssignmentInline(ReadOnlyMixin, admin.TabularInline):
    model = Assignment
    readonly_fields = ("scorer", "role", "state", "assigned_at", "opened_at", "saved_at", "ended_at")
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Assignment]:
        return super().get_queryset(request).select_related("packet", "scorer")


@admin.register(Packet)
class PacketAdmin(ReadOnlyAdmin):
    list_display = ["code", "rubric_entry", "state", "readings", "minted_at", "closed_at"]
    list_filter = ["state", "rubric_entry"]
    list_select_related = ["rubric_entry"]
    search_fields = ["code"]
    inlines = [AssignmentInline, PacketFileInline]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Packet]:
        return with_progress(super().get_queryset(request))

    @admin.display(description="readings")
    def readings(self, obj: Packet) -> str:
        return f"{obj.scored + obj.adjudicated} of {obj.wanted}"  # type: ignore[attr-defined]


@admin.register(Reading)
class ReadingAdmin(ReadOnlyAdmin):
    # No score in the list: marks are looked at one by one, on record.
    list_display = ["packet", "scorer", "role", "condition", "submitted_at"]
    list_filter = ["assignment__role", ("condition", admin.EmptyFieldListFilter)]
    list_select_related = ["assignment__packet", "assignment__scorer"]
    search_fields = ["assignment__packet__code", "assignment__scorer__alias"]
    readonly_fields = (
        "packet",
        "scorer",
        "role",
        "condition",
        "score_shown",
        "marks_shown",
        "note",
        "submitted_at",
    )
    fields = readonly_fields

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        audit.record(actor=request.user, action="looked at a reading", subject=("scoring.Reading", object_id))
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(ordering="assignment__packet__code")
    def packet(self, obj: Reading) -> str:
        return obj.assignment.packet.code

    @admin.display(ordering="assignment__scorer__alias")
    def scorer(self, obj: Reading) -> str:
        return obj.assignment.scorer.alias

    @admin.display()
    def role(self, obj: Reading) -> str:
        return obj.assignment.get_role_display()

    @admin.display(description="score")
    def score_shown(self, obj: Reading) -> str:
        return "–" if obj.score is None else display(obj.score)

    @admin.display(description="marks")
    def marks_shown(self, obj: Reading) -> str:
        marks = obj.marks.order_by("look_for")
        return format_html_join(
            "", "<div>{}: {}</div>", ((mark.look_for, mark.points.normalize()) for mark in marks)
        )


@admin.register(EvidenceShown)
class EvidenceShownAdmin(ReadOnlyAdmin):
    list_display = ["shown_at", "scorer", "packet", "label", "sha256"]
    list_select_related = ["assignment__packet", "assignment__scorer", "file"]
    search_fields = ["assignment__packet__code", "assignment__scorer__alias", "sha256"]
    date_hierarchy = "shown_at"

    @admin.display(ordering="assignment__scorer__alias")
    def scorer(self, obj: EvidenceShown) -> str:
        return obj.assignment.scorer.alias

    @admin.display(ordering="assignment__packet__code")
    def packet(self, obj: EvidenceShown) -> str:
        return obj.assignment.packet.code

    @admin.display()
    def label(self, obj: EvidenceShown) -> str:
        return obj.file.label
