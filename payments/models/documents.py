"""Invoices, receipts and credit notes: numbered without gaps, never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import append_only
from payments.states import DocumentKind

from .orders import Order
from .purchase_orders import PurchaseOrder


class NumberSeries(models.Model):
    """The last number given in a series.  Whoever issues a document holds this row's lock.

    Holds no personal data.
    """

    name = models.CharField(max_length=20, primary_key=True, help_text="Such as INV-2026.")
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"

    def __str__(self) -> str:
        return f"{self.name}, up to {self.last_number}"


class PaymentDocument(models.Model):
    """An invoice, a receipt or a credit note, with all that is printed on it.  Append-only.

    Personal data: names and addresses of whoever paid or was billed, in `data`.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    kind = models.CharField(max_length=20, choices=DocumentKind)
    series = models.CharField(max_length=20)
    number = models.PositiveIntegerField()
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="documents")
    purchase_order = models.ForeignKey(
        PurchaseOrder, on_delete=models.PROTECT, null=True, blank=True, related_name="documents"
    )
    issued_at = models.DateTimeField()
    amount_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    data = models.JSONField(help_text="Everything the PDF says, as it was said when it was issued.")

    class Meta:
        ordering = ["-issued_at", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="payment_document_number_unique"),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(kind=DocumentKind.RECEIPT),
                name="payment_document_one_receipt_per_order",
            ),
            models.UniqueConstraint(
                fields=["purchase_order", "kind"],
                condition=Q(purchase_order__isnull=False) & ~Q(kind=DocumentKind.RECEIPT),
                name="payment_document_one_invoice_per_purchase_order",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="payment_document_number_from_one"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return self.full_number

    @property
    def full_number(self) -> str:
        """As printed, and as people quote it: `INV-2026-0001`."""
        return f"{self.series}-{self.number:04d}"
