"""Providers' messages, as they came."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from certification.kernel.admin import ReadOnlyAdmin
from payments import desk
from payments.models import WebhookEvent


class HandledFilter(admin.SimpleListFilter):
    """What became of a message."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Not handled yet"), ("handled", "Handled"), ("unknown", "About nothing of ours")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        match self.value():
            case "waiting":
                return queryset.filter(handled_at__isnull=True)
            case "handled":
                return queryset.filter(handled_at__isnull=False)
            case "unknown":
                return queryset.filter(pk__in=desk.unknown_events().values("pk"))
        return queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """Each message once, however often it was delivered.  It is never believed: the provider is asked."""

    list_display = ["received_at", "gateway", "topic", "kind", "reference", "handled_at", "outcome"]
    list_filter = [HandledFilter, "gateway", "kind"]
    search_fields = ["event_id", "topic", "reference", "idempotency_key", "outcome"]
    date_hierarchy = "received_at"
    fields = [
        "gateway",
        "topic",
        "kind",
        "event_id",
        "reference",
        "idempotency_key",
        "occurred_at",
        "received_at",
        "handled_at",
        "outcome",
    ]
