"""Scorers in the administration: enlisted, qualified, kept from conflicts.  Services do it all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import models
from django.db.models import OuterRef, Subquery
from django.forms import BaseForm, BaseModelFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import Role, User
from certification.kernel.admin import ReadOnlyMixin, StaffAdmin
from certification.kernel.errors import Refusal

from . import scorers
from .models import Conflict, Qualification, Scorer
from .scorer_forms import ConflictForm, EnlistForm, QualifyForm


class Withdrawable(ReadOnlyMixin):
    """Rows that are added on a page of their own, and withdrawn on the scorer's."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


class ConflictInline(Withdrawable, admin.TabularInline):
    model = Conflict
    verbose_name_plural = "conflicts"


class QualificationInline(Withdrawable, admin.TabularInline):
    model = Qualification
    fields = ["rubric_entry", "exact_percent", "within_one_percent", "qualified_at"]
    verbose_name_plural = "qualified for"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Qualification]:
        return super().get_queryset(request).select_related("rubric_entry")


@admin.register(Scorer)
class ScorerAdmin(StaffAdmin):
    """Scorers.  One is enlisted from an account here, and qualified on the page that follows.

    Services do it all, put it on record and hold the gate; a refusal stands above what was typed in.
    """

    records_itself = True
    change_form_template = "scoring/admin/scorer.html"
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
        messages.success(request, f"Enlisted as {obj.alias}. Say for which entry the gate was passed.")
        return redirect("admin:scoring_scorer_qualify", obj.pk)

    def get_urls(self) -> list[URLPattern]:
        qualify = self.admin_site.admin_view(self.qualify)
        conflict = self.admin_site.admin_view(self.declare_conflict)
        return [
            path("<uuid:scorer_id>/qualify/", qualify, name="scoring_scorer_qualify"),
            path("<uuid:scorer_id>/conflict/", conflict, name="scoring_scorer_conflict"),
            *super().get_urls(),
        ]

    def qualify(self, request: HttpRequest, scorer_id: UUID) -> HttpResponse:
        """Record what the scorer reached on the benchmark papers of one kind of entry."""
        scorer = get_object_or_404(Scorer, pk=scorer_id)
        form = QualifyForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            entry = form.cleaned_data["rubric_entry"]
            try:
                scorers.qualify(
                    scorer_id=scorer_id,
                    rubric_entry_id=entry.pk,
                    exact_percent=form.cleaned_data["exact_percent"],
                    within_one_percent=form.cleaned_data["within_one_percent"],
                    now=form.passed_at,
                    by=_staff(request),
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"{scorer.alias} may score {entry.title}.")
                return redirect("admin:scoring_scorer_change", scorer_id)
        return self._act_page(request, scorer, form, "Record a passed gate")

    def declare_conflict(self, request: HttpRequest, scorer_id: UUID) -> HttpResponse:
        """Name an organisation whose candidates the scorer must not score."""
        scorer = get_object_or_404(Scorer, pk=scorer_id)
        form = ConflictForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            organisation = form.cleaned_data["organisation"]
            try:
                scorers.declare_conflict(scorer_id=scorer_id, organisation=organisation, by=_staff(request))
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"{scorer.alias} is given no candidate of {organisation}.")
                return redirect("admin:scoring_scorer_change", scorer_id)
        return self._act_page(request, scorer, form, "Declare a conflict")

    def _act_page(self, request: HttpRequest, scorer: Scorer, form: BaseForm, act: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{act} of {scorer.alias}",
            "opts": self.opts,
            "scorer": scorer,
            "act": act,
            "form": form,
        }
        return render(request, "scoring/admin/scorer_act.html", context)

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
            scorers.change_scorer(
                scorer_id=obj.pk,
                is_lead=obj.is_lead,
                is_active=obj.is_active,
                employer=obj.employer,
                district=obj.district,
                by=_staff(request),
            )
            return
        account: User = form.cleaned_data["account"]
        obj.pk = scorers.enlist_scorer(
            account_id=account.pk,
            is_lead=account.role == Role.LEAD_SCORER,
            employer=obj.employer,
            district=obj.district,
            by=_staff(request),
        )
        obj.refresh_from_db()

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseModelFormSet[Any, Any], change: bool
    ) -> None:
        """Withdraw the rows that were ticked; there is nothing else to save in them."""
        formset.save(commit=False)
        for row in formset.deleted_objects:
            if isinstance(row, Conflict):
                scorers.withdraw_conflict(conflict_id=row.pk, by=_staff(request))
            else:
                scorers.withdraw_qualification(qualification_id=row.pk, by=_staff(request))

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


def _staff(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise TypeError("Only an account of the site can be at work here.")
    return request.user
