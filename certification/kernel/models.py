"""Rows every app leans on: the travelling clock, the outbox, the audit trail."""

from __future__ import annotations

from django.db import models

from . import ids
from .states import append_only


class ClockTravel(models.Model):
    """How far a demo's clock stands from the real one.  One row.  Holds no personal data."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    offset = models.DurationField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="clock_travel_one_row")]

    def __str__(self) -> str:
        return f"clock travelled by {self.offset}"


class OutboxMessage(models.Model):
    """A mail owed to somebody, written with the change that caused it.

    Personal data: an e-mail address and what the mail says.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    dedupe_key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=60)
    recipient = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    queued_at = models.DateTimeField()
    deliver_after = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["queued_at"]
        indexes = [
            models.Index(
                fields=["deliver_after"], condition=models.Q(sent_at__isnull=True), name="outbox_unsent"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class AuditEvent(models.Model):
    """Who did what to what, when.  Append-only.

    Personal data: the account's id and label; `detail` may name people and is seen by staff only.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    at = models.DateTimeField(db_index=True)
    actor_id = models.UUIDField(null=True, blank=True, db_index=True)
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=80, db_index=True)
    subject_type = models.CharField(max_length=80)
    subject_id = models.CharField(max_length=80)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_subject")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.subject_type} {self.subject_id}"
