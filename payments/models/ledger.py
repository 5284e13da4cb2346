"""The ledger: every cent that came in, and every cent that went back."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import append_only
from payments.money import spoken
from payments.states import INCOMING, OUTGOING, TRANSFER, LedgerKind

from .orders import Order


class LedgerRow(models.Model):
    """Money that came in or went back.  Append-only; an order's balance is their sum.

    Who paid stands in the order.  Holds no personal data.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger")
    kind = models.CharField(max_length=20, choices=LedgerKind)
    gateway = models.CharField(max_length=20)
    provider_ref = models.CharField(max_length=120)
    transaction_ref = models.CharField(
        max_length=120, blank=True, help_text="As the provider's statements name it, where that differs."
    )
    about = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="went_back",
        help_text="Of money that went back: the row it came in with.",
    )
    amount_minor = models.IntegerField(help_text="Negative when the money went back.")
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
            # A bank may take a sum back in parts, one dispute after another; we return it once.
            models.UniqueConstraint(
                fields=["about"], condition=Q(kind=LedgerKind.RETURNED), name="ledger_returned_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=sorted(INCOMING), amount_minor__gt=0, about__isnull=True)
                | Q(kind__in=sorted(OUTGOING), amount_minor__lt=0, about__isnull=False),
                name="ledger_sign_follows_kind",
                violation_error_message=(
                    "Money that came in is more than nothing; money that went back is less, "
                    "and names the row it came in with."
                ),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{spoken(self.amount_minor, self.currency)} by {self.gateway}"

    @property
    def received_on(self) -> date | None:
        """The civil day, where staff read no more than that off a statement; a provider tells the instant."""
        if self.gateway != TRANSFER and self.kind != LedgerKind.RETURNED:
            return None
        return self.received_at.astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).date()

    @property
    def left_minor(self) -> int:
        """What has not gone back of money that came in; less than nothing when more went than came."""
        gone = (row.amount_minor for row in self.went_back.all() if row.currency == self.currency)
        return self.amount_minor + sum(gone)


class MoneyToReturn(LedgerRow):
    """The ledger's rows that are no fee, in a list of their own for staff.  Holds no personal data."""

    class Meta:
        proxy = True
        verbose_name = "sum to return"
        verbose_name_plural = "money to return"
