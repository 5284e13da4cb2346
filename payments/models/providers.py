"""What providers tell by themselves: their messages and their disputes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import frozen_fields, state_is_known, state_machine
from payments import states
from payments.states import DisputeState, EventKind

from .orders import PaymentAttempt


class WebhookEvent(models.Model):
    """A verified message of a provider, kept once however often it is delivered.

    It only rings the bell: the truth is fetched.  The body is not kept.  Holds no personal data.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    gateway = models.CharField(max_length=20)
    event_id = models.CharField(max_length=120)
    topic = models.CharField(max_length=80, help_text="What the provider calls it.")
    kind = models.CharField(max_length=20, choices=EventKind)
    reference = models.CharField(max_length=120, blank=True, help_text="The payment or dispute it is about.")
    idempotency_key = models.CharField(
        max_length=80, blank=True, help_text="Ours, when the message carries it."
    )
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "event_id"], name="webhook_event_once"),
        ]
        indexes = [
            models.Index(
                fields=["received_at"], condition=Q(handled_at__isnull=True), name="webhook_event_unhandled"
            ),
        ]
        triggers = frozen_fields(
            "gateway",
            "event_id",
            "topic",
            "kind",
            "reference",
            "idempotency_key",
            "occurred_at",
            "received_at",
        )

    def __str__(self) -> str:
        return f"{self.gateway}: {self.topic}"


class Dispute(models.Model):
    """A payer's bank or PayPal asks for a payment back.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    attempt = models.ForeignKey(PaymentAttempt, on_delete=models.PROTECT, related_name="disputes")
    gateway = models.CharField(max_length=20)
    provider_ref = models.CharField(max_length=120)
    amount_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=120, blank=True, help_text="In the provider's words.")
    state = models.CharField(max_length=20, choices=DisputeState, default=DisputeState.OPEN)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            state_is_known(DisputeState, name="dispute_state_known"),
            models.UniqueConstraint(fields=["gateway", "provider_ref"], name="dispute_once"),
            models.CheckConstraint(
                condition=Q(state=DisputeState.OPEN) | Q(closed_at__isnull=False),
                name="dispute_end_has_instant",
                violation_error_message="A dispute that ended needs the instant at which it did.",
            ),
        ]
        triggers = [
            *state_machine(states.DISPUTE_ALLOWED, initial=[DisputeState.OPEN]),
            *frozen_fields("attempt", "gateway", "provider_ref"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} dispute {self.provider_ref}"


class SandboxPayment(models.Model):
    """The sandbox provider's own book: what a real provider would know about a payment.  No personal data."""

    reference = models.CharField(max_length=40, primary_key=True)
    idempotency_key = models.CharField(max_length=80, unique=True)
    amount_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, default="created")
    return_url = models.CharField(max_length=300)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.reference}: {self.status}"
