"""Orders and the tries to pay them.

Payments knows purposes and keys, never portfolios: an order says `registration` and a UUID.
Source: the programme's rules, section 4.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from certification.kernel import ids
from certification.kernel.states import frozen_fields, state_is_known, state_machine
from payments import states
from payments.states import AttemptState, OrderState


class Order(models.Model):
    """What somebody owes for one purpose.  Personal data: who pays, by account."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    purpose = models.CharField(max_length=40)
    purpose_id = models.UUIDField()
    offer_id = models.UUIDField(
        null=True, blank=True, help_text="What is sold: a seat for the same offer can stand in for the money."
    )
    payer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    description = models.CharField(max_length=200)
    amount_minor = models.PositiveIntegerField(
        help_text="In the currency's smallest unit: 50000 is 500 dollars."
    )
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, choices=OrderState, default=OrderState.OPEN)
    payable_until = models.DateTimeField(help_text="A payment may be started until just before this instant.")
    return_path = models.CharField(max_length=200, help_text="Where the payer goes on after paying.")
    created_at = models.DateTimeField()
    covered_at = models.DateTimeField(null=True, blank=True, help_text="When it was first paid or accepted.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            state_is_known(OrderState, name="order_state_known"),
            models.UniqueConstraint(
                fields=["purpose", "purpose_id"],
                condition=Q(state__in=sorted(states.LIVE_ORDERS)),
                name="order_one_live_per_purpose",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(states.COVERED_ORDERS)) | Q(covered_at__isnull=False),
                name="order_covered_has_instant",
                violation_error_message="A paid or accepted order needs the instant at which it was covered.",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="order_amount_positive"),
        ]
        triggers = [
            *state_machine(states.ORDER_ALLOWED, initial=[OrderState.OPEN]),
            *frozen_fields("purpose", "purpose_id", "offer_id", "payer", "amount_minor", "currency"),
        ]

    def __str__(self) -> str:
        return f"{self.description} ({self.get_state_display()})"

    def get_absolute_url(self) -> str:
        """The page on which its payer looks after it: a sponsor's is the purchase order's."""
        if self.purpose == states.SEATS:
            return reverse("payments:sponsor_purchase_order", args=[self.purpose_id])
        return reverse("payments:order", args=[self.pk])


class PaymentAttempt(models.Model):
    """One try to pay an order through one gateway.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    gateway = models.CharField(max_length=20)
    provider_ref = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=20, choices=AttemptState, default=AttemptState.STARTED)
    page_url = models.TextField(blank=True, help_text="The provider's page, for going on with the same try.")
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="When the provider is asked to close its page.")
    settled_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["order", "number"]
        constraints = [
            state_is_known(AttemptState, name="attempt_state_known"),
            models.UniqueConstraint(fields=["order", "number"], name="attempt_number_unique"),
            models.UniqueConstraint(
                fields=["gateway", "provider_ref"],
                condition=~Q(provider_ref=""),
                name="attempt_provider_ref_unique",
            ),
        ]
        triggers = state_machine(states.ATTEMPT_ALLOWED, initial=[AttemptState.STARTED])

    def __str__(self) -> str:
        return f"attempt {self.number} by {self.gateway}"

    @property
    def idempotency_key(self) -> str:
        """What tells the provider that two requests are one: the order and the attempt."""
        return f"{self.order_id}-{self.number}"
