"""The programme office's pages: cohorts, registrations, candidacies, texts, extensions.

States are never edited here: they move through the services alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from certification.kernel import audit, clock
from certification.kernel.admin import ReadOnlyAdmin, ReadOnlyMixin
from certification.kernel.errors import Refusal
from certification.kernel.windows import spoken

from . import selectors, services
from .documents import cleaned, current_texts, problems_of, publish_document
from .forms import ExtensionForm
from .models import (
    Affirmation,
    Candidacy,
    Cohort,
    CohortYear,
    DeadlineExtension,
    PolicyDocument,
    Registration,
)
from .states import RegistrationState

_POLICY = (
    "fee_minor",
    "currency",
    "min_years_employed",
    "refuse_below_percent",
    "clean_from_percent",
    "grace_minutes",
    "retakes_in_year_2",
)


def _staff(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.is_staff:
        raise Http404
    return request.user


class ReadOnlyInline(ReadOnlyMixin, admin.TabularInline):
    """Rows that belong to the page and are only read there."""

    extra = 0
    can_delete = False


class CohortYearInline(ReadOnlyInline):
    """The three years of a cohort: their dates may be moved, their number may not."""

    model = CohortYear
    fields = ["number", "submission_opens_at", "submission_closes_at", "release_at"]
    readonly_fields = ["number"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@admin.register(Cohort)
class CohortAdmin(ReadOnlyAdmin):
    """Cohorts.  Adding one asks for its number, year and policy; the calendar is worked out."""

    records_itself = True
    list_display = ["name", "number", "registration_opens_at", "registration_closes_at", "candidates"]
    inlines = [CohortYearInline]
    fieldsets: ClassVar[Any] = [
        (None, {"fields": ["number", "name", "first_year", "zone", "framework_slug"]}),
        ("Registration", {"fields": ["registration_opens_at", "registration_closes_at"]}),
        ("Policy", {"fields": list(_POLICY)}),
    ]
    add_fieldsets: ClassVar[Any] = [
        (None, {"fields": ["number", "name", "first_year", "framework_slug"]}),
        ("Policy", {"fields": list(_POLICY)}),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cohort]:
        return Cohort.objects.annotate(candidate_count=Count("candidacies"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["number", "first_year", "zone"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []

    @admin.display(description="candidates")
    def candidates(self, cohort: Any) -> int:
        return int(cohort.candidate_count)

    def save_model(self, request: HttpRequest, obj: Cohort, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            if form.changed_data:
                _record_change(request, "changed cohort", obj, form)
            return
        made = services.create_cohort(
            number=obj.number,
            name=obj.name,
            first_year=obj.first_year,
            framework_slug=obj.framework_slug,
            **{name: getattr(obj, name) for name in _POLICY},
        )
        obj.pk = made.pk
        obj.refresh_from_db()
        audit.record(actor=_staff(request), action="created cohort", subject=made)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for year_form in formset.forms:
            if year_form.changed_data:
                _record_change(request, "changed calendar", year_form.instance, year_form)


class AffirmationInline(ReadOnlyInline):
    model = Affirmation
    readonly_fields = ["kind", "document", "affirmed_at", "sha256"]
    fields = [*readonly_fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Affirmation]:
        return Affirmation.objects.select_related("document").order_by("affirmed_at", "kind")


class CorrectionForm(forms.ModelForm):
    """What staff may correct for a person: never what decided on eligibility."""

    class Meta:
        model = Registration
        fields = ["name_on_certificate", "school", "district", "country", "role_title"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.instance.state in {RegistrationState.AWAITING_PAYMENT, RegistrationState.COMPLETE}:
            for name in ("name_on_certificate", "school", "country"):
                if not cleaned.get(name):
                    self.add_error(name, ValidationError("A registration that was sent needs this answer."))
        return cleaned


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyAdmin):
    """Registrations, those with an advisory first."""

    records_itself = True
    form = CorrectionForm
    list_display = [
        "__str__",
        "cohort",
        "state",
        "flagged_for_staff",
        "share",
        "started_at",
    ]
    list_filter = ["flagged_for_staff", "state", "cohort"]
    list_select_related = ["cohort", "account"]
    search_fields = ["name_on_certificate", "account__email", "school", "district"]
    ordering = ["-flagged_for_staff", "-started_at"]
    inlines = [AffirmationInline]
    readonly_fields = [
        "account",
        "cohort",
        "state",
        "started_at",
        "full_time",
        "years_employed",
        "coaching_percent",
        "advisory_acknowledged_at",
        "flagged_for_staff",
        "decided_at",
        "why",
        "wants_reminder",
    ]
    fields = [*CorrectionForm.Meta.fields, *readonly_fields]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    @admin.display(description="coaching time (%)", ordering="coaching_percent")
    def share(self, registration: Registration) -> Decimal | None:
        return registration.coaching_percent

    @admin.display(description="reasons")
    def why(self, registration: Registration) -> str:
        return " ".join(registration.reasons) or "–"

    def save_model(self, request: HttpRequest, obj: Registration, form: Any, change: bool) -> None:
        if form.changed_data:
            obj.save(update_fields=form.changed_data)
            _record_change(request, "corrected registration", obj, form)


class OpenUntilMixin:
    """Shows an extension as it was typed and as its candidate reads it: by the last admitted minute."""

    @admin.display(description="open until and including", ordering="closes_at")
    def open_until(self, extension: DeadlineExtension) -> str:
        return spoken(extension.closes_at, settings.PROGRAMME_ZONE, ending=True)


class ExtensionInline(OpenUntilMixin, ReadOnlyInline):
    model = DeadlineExtension
    readonly_fields = ["year", "open_until", "reason", "granted_by", "granted_at"]
    fields = [*readonly_fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadlineExtension]:
        return DeadlineExtension.objects.select_related("granted_by").order_by("granted_at")


@admin.register(Candidacy)
class CandidacyAdmin(ReadOnlyAdmin):
    """Candidacies, each with a page that extends a deadline."""

    change_form_template = "candidates/admin/candidacy.html"
    list_display = ["number", "person", "cohort", "state", "ended_as", "enrolled_at"]
    list_filter = ["state", "cohort"]
    list_select_related = ["registration", "account", "cohort"]
    search_fields = ["number", "registration__name_on_certificate", "account__email"]
    fields = ["number", "registration", "account", "cohort", "state", "enrolled_at", "ended_at", "ended_as"]
    inlines = [ExtensionInline]

    @admin.display(description="name", ordering="registration__name_on_certificate")
    def person(self, candidacy: Candidacy) -> str:
        return candidacy.registration.name_on_certificate

    def get_urls(self) -> list[URLPattern]:
        extend = self.admin_site.admin_view(self.extend)
        return [
            path("<uuid:candidacy_id>/extend/", extend, name="candidates_candidacy_extend"),
            *super().get_urls(),
        ]

    def extend(self, request: HttpRequest, candidacy_id: UUID) -> HttpResponse:
        """Give one person a later end of one year's submission, with the reason."""
        candidacy = get_object_or_404(
            Candidacy.objects.select_related("cohort", "registration"), pk=candidacy_id
        )
        form = ExtensionForm(request.POST or None, candidacy=candidacy)
        if request.method == "POST" and form.is_valid():
            try:
                services.extend_deadline(
                    candidacy_id=candidacy.pk, by=_staff(request), now=clock.now(), **form.cleaned_data
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"The deadline of {candidacy.number} is extended.")
                return redirect("admin:candidates_candidacy_change", candidacy.pk)
        numbers = candidacy.cohort.years.order_by("number").values_list("number", flat=True)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Extend a deadline of {candidacy.number}",
            "opts": self.opts,
            "candidacy": candidacy,
            "windows": [(number, selectors.submission_window(candidacy, number)) for number in numbers],
            "form": form,
        }
        return render(request, "candidates/admin/extend.html", context)


class TextForm(forms.ModelForm):
    """A new version of a text; what cannot be published is said beside the field it stands in."""

    class Meta:
        model = PolicyDocument
        fields = ["kind", "title", "body"]
        widgets: ClassVar[Any] = {
            "title": forms.TextInput(attrs={"class": "vLargeTextField"}),
            "body": forms.Textarea(attrs={"class": "vLargeTextField", "rows": 32, "spellcheck": "true"}),
        }
        help_texts: ClassVar[Any] = {
            "body": (
                "Blank lines separate paragraphs. Lines beginning with “## ” and “### ” are headings, with"
                " “- ” or “1. ” lists; rows between bars, “| one | two |”, make a table. **Words** stand out,"
                " and [words](/fees/) are a link. On the page of questions each “### ” is a question."
            )
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["title"], data["body"] = cleaned(data.get("title", ""), data.get("body", ""))
        if not self.errors:
            for problem in problems_of(data["title"], data["body"]):
                self.add_error("body", problem)
        return data


@admin.register(PolicyDocument)
class PolicyDocumentAdmin(ReadOnlyAdmin):
    """The programme's texts.  A change is a new version; what was published stays as it is."""

    records_itself = True
    add_form_template = "candidates/admin/text_add.html"
    change_form_template = "candidates/admin/text.html"
    list_display = ["title", "kind", "version", "published_at", "rewrite"]
    list_filter = ["kind"]
    fields = ["kind", "title", "body", "version", "published_at", "sha256"]
    add_fieldsets: ClassVar[Any] = [
        (
            None,
            {
                "fields": ["kind", "title", "body"],
                "description": (
                    "What you publish replaces the text in force; earlier versions stay readable."
                    " If candidates affirm it, people who are registering affirm it anew."
                ),
            },
        )
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": "Write a new version of a text"}
        return super().add_view(request, form_url, {**title, **(extra_context or {})})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if not change:
            kwargs["form"] = TextForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin a new version with the text in force: `?kind=fee`."""
        current = current_texts().get(request.GET.get("kind", ""))
        return {"kind": current.kind, "title": current.title, "body": current.body} if current else {}

    @admin.display(description="change it")
    def rewrite(self, document: PolicyDocument) -> str:
        address = reverse("admin:candidates_policydocument_add")
        return format_html('<a href="{}?kind={}">Write a new version</a>', address, document.kind)

    def save_model(self, request: HttpRequest, obj: PolicyDocument, form: Any, change: bool) -> None:
        published = publish_document(
            kind=obj.kind, title=obj.title, body=obj.body, by=_staff(request), now=clock.now()
        )
        obj.pk = published.pk
        obj.refresh_from_db()


@admin.register(DeadlineExtension)
class DeadlineExtensionAdmin(OpenUntilMixin, ReadOnlyAdmin):
    """Every extension granted; a new one is granted on the candidacy's page."""

    list_display = ["candidacy", "year", "open_until", "reason", "granted_by", "granted_at"]
    fields = ["candidacy", "year", "open_until", "reason", "granted_by", "granted_at"]
    list_filter = ["year", "candidacy__cohort"]
    list_select_related = ["candidacy", "granted_by"]


def _record_change(request: HttpRequest, action: str, subject: Any, form: Any) -> None:
    before = {name: str(form.initial.get(name, "")) for name in form.changed_data}
    after = {name: str(form.cleaned_data[name]) for name in form.changed_data}
    audit.record(
        actor=_staff(request), action=action, subject=subject, detail={"before": before, "after": after}
    )
