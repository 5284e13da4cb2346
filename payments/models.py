"""Orders and the money that came in for them.

Payments knows purposes and keys, never portfolios: an order says `registration` and a UUID.
Source: the programme's rules, section 4.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from certification.kernel import ids
from certification.kernel.states import append_only, frozen_fields, state_is_known, state_machine

from . import states
from .states import TRANSFER, AttemptState, LedgerKind, OrderState, PurchaseOrderState


class Order(models.Model):
    """What somebody owes for one purpose.  Personal data: who pays, by account."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    purpose = models.CharField(max_length=40)
    purpose_id = models.UUIDField()
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
            *frozen_fields("purpose", "purpose_id", "payer", "amount_minor", "currency"),
        ]

    def __str__(self) -> str:
        return f"{self.description} ({self.get_state_display()})"

    def get_absolute_url(self) -> str:
        return reverse("payments:order", args=[self.pk])


class PaymentAttempt(models.Model):
    """One try to pay an order through one gateway.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    gateway = models.CharField(max_length=20)
    provider_ref = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=20, choices=AttemptState, default=AttemptState.STARTED)
    started_at = models.DateTimeField()
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


class LedgerRow(models.Model):
    """Money that came in.  Append-only; an order's balance is their sum.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger")
    kind = models.CharField(max_length=20, choices=LedgerKind)
    gateway = models.CharField(max_length=20)
    provider_ref = models.CharField(max_length=120)
    amount_minor = models.IntegerField()
    currency = models.CharField(max_length=3)
    received_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "provider_ref"],
                condition=~Q(gateway=TRANSFER),
                name="ledger_provider_ref_unique",
            ),
            # One bank transfer may pay several orders, and may be more than one of them owes.
            models.UniqueConstraint(
                fields=["order", "kind", "provider_ref"],
                condition=Q(gateway=TRANSFER),
                name="ledger_transfer_once_per_order",
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(kind=LedgerKind.FEE) & ~Q(gateway=TRANSFER),
                name="ledger_one_fee_per_order",
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} by {self.gateway}"


class MoneyToReturn(LedgerRow):
    """The ledger's rows that are no fee, in a list of their own for staff.  Holds no personal data."""

    class Meta:
        proxy = True
        verbose_name = "sum to return"
        verbose_name_plural = "money to return"


class PurchaseOrder(models.Model):
    """A request to pay by invoice.  Personal data: a billing contact's name, e-mail and address."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="purchase_orders")
    number = models.CharField("purchase order number", max_length=60)
    organisation = models.CharField(max_length=150)
    billing_name = models.CharField("billing contact", max_length=150)
    billing_email = models.EmailField("billing e-mail")
    billing_address = models.TextField("billing address")
    state = models.CharField(max_length=20, choices=PurchaseOrderState, default=PurchaseOrderState.REQUESTED)
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decision_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            state_is_known(PurchaseOrderState, name="purchase_order_state_known"),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=[PurchaseOrderState.REQUESTED, PurchaseOrderState.ACCEPTED]),
                name="purchase_order_one_live_per_order",
            ),
            models.CheckConstraint(
                condition=Q(state=PurchaseOrderState.REQUESTED)
                | Q(decided_at__isnull=False, decided_by__isnull=False),
                name="purchase_order_decision_signed",
                violation_error_message="A decided purchase order needs who decided it, and when.",
            ),
            models.CheckConstraint(
                condition=~Q(state=PurchaseOrderState.DECLINED) | ~Q(decision_reason=""),
                name="purchase_order_declined_with_reason",
                violation_error_message=(
                    "Declining a purchase order needs a reason for the person who sent it."
                ),
            ),
        ]
        triggers = state_machine(states.PURCHASE_ORDER_ALLOWED, initial=[PurchaseOrderState.REQUESTED])

    def __str__(self) -> str:
        return f"PO {self.number} of {self.organisation}"


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
