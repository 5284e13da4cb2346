"""What every page of the administration stands on, and the kernel's own: mails and the audit trail.

An account of the programme office may do everything that a page offers; what a page does not offer,
states and services rule.  Each change made here, and nothing else, is told by the audit trail.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from . import audit, clock, outbox, reconcile
from .errors import Refusal
from .models import AuditEvent, OutboxMessage

HISTORY_LENGTH = 200


class StaffMixin:
    """Every staff account reads and writes; pages and rows that may not be written say so."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


class ReadOnlyMixin(StaffMixin):
    """Rows that states and services write: every staff account reads them, nobody edits them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StaffAdmin(StaffMixin, admin.ModelAdmin):
    """A list under its own name, whose history is the audit trail."""

    # The pages of the site answer "not yours" to everybody else, staff included.
    view_on_site: Any = False
    # Whether a service or the page itself puts each change on record.
    records_itself = False
    show_full_result_count = False
    list_per_page = 50

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Everything on record about the row, whoever did it and wherever."""
        found = self.get_object(request, object_id)
        if found is None or not self.has_view_permission(request, found):
            raise Http404
        acts = AuditEvent.objects.filter(
            subject_type=self.model._meta.concrete_model._meta.label,
            subject_id=str(found.pk),
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {found}",
            "module_name": capfirst(self.opts.verbose_name_plural),
            "object": found,
            "opts": self.opts,
            "acts": acts[:HISTORY_LENGTH],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/object_history.html", context)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:  # type: ignore[override]
        self._record(request, "added", obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:  # type: ignore[override]
        if message:
            self._record(request, "changed", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:  # type: ignore[override]
        for obj in queryset:
            self._record(request, "deleted", obj, str(obj))

    def _record(self, request: HttpRequest, did: str, obj: Model, message: Any) -> None:
        if not self.records_itself:
            action = f"{did} {self.opts.verbose_name}"
            audit.record(actor=request.user, action=action, subject=obj, detail={"what": message})


class ReadOnlyAdmin(ReadOnlyMixin, StaffAdmin):
    """Every staff account reads; nobody writes."""


class DeliveryFilter(admin.SimpleListFilter):
    """Where a mail stands."""

    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("given_up", "Given up"), ("sent", "Sent")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        match self.value():
            case "waiting":
                return queryset.filter(sent_at__isnull=True, attempts__lt=outbox.MAX_ATTEMPTS)
            case "given_up":
                return queryset.filter(sent_at__isnull=True, attempts__gte=outbox.MAX_ATTEMPTS)
            case "sent":
                return queryset.filter(sent_at__isnull=False)
        return queryset


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """Mails; one that could not be sent can be tried again."""

    list_display = ["queued_at", "kind", "recipient", "subject", "standing", "attempts", "last_error"]
    list_filter = [DeliveryFilter, "kind"]
    search_fields = ["recipient", "subject", "dedupe_key"]
    ordering = ["-queued_at"]
    actions = ["try_again"]
    fields: ClassVar[Any] = [
        "kind",
        "recipient",
        "subject",
        "body",
        "standing",
        "queued_at",
        "deliver_after",
        "sent_at",
        "attempts",
        "last_error",
    ]

    @admin.display(description="delivery")
    def standing(self, message: OutboxMessage) -> str:
        if message.sent_at is not None:
            return "Sent"
        return "Given up" if message.attempts >= outbox.MAX_ATTEMPTS else "Waiting"

    @admin.action(description="Try to send again", permissions=["view"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[OutboxMessage]) -> None:
        done = 0
        for message in chosen:
            try:
                outbox.try_again(message_id=message.pk, now=clock.now())
            except Refusal as refusal:
                messages.error(request, f"{message.recipient}, {message.subject}: {refusal}")
                continue
            audit.record(actor=request.user, action="tried mail again", subject=message)
            done += 1
        if done:
            reconcile.ring("outbox.deliver")
            messages.success(request, f"{done} will be tried again within a minute.")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what to what, when."""

    list_display = ["at", "actor_label", "action", "subject", "in_short"]
    list_filter = ["action", "subject_type"]
    search_fields = ["actor_label", "action", "subject_type", "subject_id"]
    date_hierarchy = "at"
    fields: ClassVar[Any] = ["at", "actor_label", "action", "subject", "subject_id", "detail"]

    @admin.display(description="what", ordering="subject_type")
    def subject(self, act: AuditEvent) -> str:
        """The kind of thing, as a link where it has a page."""
        try:
            options = apps.get_model(act.subject_type)._meta
        except (LookupError, ValueError):
            return act.subject_type
        try:
            url = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[act.subject_id])
        except NoReverseMatch:
            return capfirst(options.verbose_name)
        return format_html('<a href="{}">{}</a>', url, capfirst(options.verbose_name))

    @admin.display(description="detail")
    def in_short(self, act: AuditEvent) -> str:
        said = "; ".join(f"{name}: {value}" for name, value in act.detail.items())
        return said if len(said) <= 120 else f"{said[:119]}…"
