"""The kernel in the administration: mails that are owed or were sent, and the audit trail.  Read-only."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from . import audit, clock, outbox, reconcile
from .errors import Refusal
from .models import AuditEvent, OutboxMessage


class ReadOnlyAdmin(admin.ModelAdmin):
    """Every staff account reads; nobody writes."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_staff", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
    show_full_result_count = False
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

    list_display = ["at", "actor_label", "action", "subject_type", "subject_id"]
    list_filter = ["action", "subject_type"]
    search_fields = ["actor_label", "action", "subject_type", "subject_id"]
    date_hierarchy = "at"
    show_full_result_count = False
    list_per_page = 50
