"""Scoring in the administration: what may be changed, and what may only be looked at.

Staff see everything and every look at somebody's marks is on record.  No scorer comes here.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import OuterRef, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts.models import BLIND_ROLES, Role, User
from certification.kernel import audit, clock
from certification.kernel.admin import ReadOnlyAdmin, ReadOnlyMixin, StaffAdmin, StaffMixin
from certification.kernel.exact import display

from . import library, scorers
from .models import (
    Assignment,
    Conflict,
    EvidenceShown,
    LookFor,
    Packet,
    PacketFile,
    Qualification,
    Reading,
    Rubric,
    RubricEntry,
    RuleSetVersion,
    Scorer,
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


# ---- scorers ----


class EnlistForm(forms.ModelForm):
    """Enlists an account; the scorer keeps its bare key and nothing else of it."""

    account = forms.ModelChoiceField(
        queryset=User.objects.none(),
        help_text="An open account in the role of scorer or lead scorer that is not enlisted yet. "
        "Its role makes the scorer a lead or not. Accounts are added under Users.",
    )

    class Meta:
        model = Scorer
        fields = ["employer", "district"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["account"]
        assert isinstance(field, forms.ModelChoiceField)
        enlisted = Scorer.objects.values("account_id")
        field.queryset = User.objects.filter(role__in=BLIND_ROLES, is_active=True).exclude(pk__in=enlisted)


class ConflictInline(StaffMixin, admin.TabularInline):
    model = Conflict
    extra = 1


class QualificationForm(forms.ModelForm):
    """Holds the gate where staff type the percentages in."""

    class Meta:
        model = Qualification
        fields = ["rubric_entry", "exact_percent", "within_one_percent", "qualified_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["qualified_at"].initial = clock.now

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        values = cleaned or {}
        if "exact_percent" in values and "within_one_percent" in values:
            misses = scorers.misses_of_gate(values["exact_percent"], values["within_one_percent"])
            if misses:
                raise forms.ValidationError(list(misses))
        return cleaned


class QualificationInline(StaffMixin, admin.TabularInline):
    model = Qualification
    form = QualificationForm
    extra = 0
    verbose_name_plural = "qualified for"


@admin.register(Scorer)
class ScorerAdmin(StaffAdmin):
    """Scorers.  One is enlisted from an account here, and qualified on the page that follows."""

    records_itself = True
    list_display = [
        "alias",
        "person",
        "is_lead",
        "is_active",
        "qualified_for",
        "employer",
        "district",
        "open_packets",
        "submitted",
    ]
    list_filter = ["is_active", "is_lead", "qualifications__rubric_entry"]
    search_fields = ["alias", "employer", "district", "account_name", "account_email"]
    readonly_fields = ["alias", "person"]
    inlines = [QualificationInline, ConflictInline]

    def get_form(
        self, request: HttpRequest, obj: Scorer | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = EnlistForm
        return super().get_form(request, obj, change=change, **kwargs)

    def response_add(self, request: HttpRequest, obj: Scorer, post_url_continue: Any = None) -> HttpResponse:
        """On to the page where the scorer is qualified: without that, no packet ever comes."""
        messages.success(
            request, f"Enlisted as {obj.alias}. Say below for which entries the gate was passed."
        )
        return redirect("admin:scoring_scorer_change", obj.pk)

    def get_fieldsets(self, request: HttpRequest, obj: Scorer | None = None) -> Any:
        added = ["account", "employer", "district"]
        changed = ["alias", "person", "is_lead", "is_active", "employer", "district"]
        return [(None, {"fields": added if obj is None else changed})]

    def get_inlines(self, request: HttpRequest, obj: Scorer | None) -> Any:
        return [] if obj is None else super().get_inlines(request, obj)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Scorer]:
        accounts = User.objects.filter(pk=OuterRef("account_id"))
        named = scorers.with_load(super().get_queryset(request)).annotate(
            account_name=Subquery(accounts.values("full_name")[:1]),
            account_email=Subquery(accounts.values("email")[:1]),
        )
        return named.prefetch_related("qualifications__rubric_entry")

    def has_delete_permission(self, request: HttpRequest, obj: Scorer | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Scorer, form: ModelForm[Scorer], change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            account: User = form.cleaned_data["account"]
            obj.pk = scorers.enlist_scorer(
                account_id=account.pk,
                is_lead=account.role == Role.LEAD_SCORER,
                employer=obj.employer,
                district=obj.district,
            )
            obj.refresh_from_db()
        audit.record(
            actor=request.user, action="edited a scorer" if change else "enlisted a scorer", subject=obj
        )

    @admin.display(description="person", ordering="account_name")
    def person(self, obj: Any) -> str:
        """Who it is: for the office alone, which enlisted them."""
        url = reverse("admin:accounts_user_change", args=[obj.account_id])
        return format_html(
            '<a href="{}">{}</a>', url, obj.account_name or obj.account_email or "account gone"
        )

    @admin.display(description="qualified for")
    def qualified_for(self, obj: Scorer) -> str:
        passed = (qualification.rubric_entry.title for qualification in obj.qualifications.all())
        return ", ".join(sorted(passed)) or "nothing yet"

    @admin.display(description="open packets")
    def open_packets(self, obj: Scorer) -> int:
        return obj.open  # type: ignore[attr-defined]

    @admin.display(description="submitted")
    def submitted(self, obj: Scorer) -> int:
        return obj.submitted  # type: ignore[attr-defined]


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
