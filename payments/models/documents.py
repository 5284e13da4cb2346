"""Invoices, receipts and credit notes: numbered without gaps, never changed."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.urls import reverse

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
        triggers = [
            pgtrigger.Trigger(
                name="begins_at_nothing",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__last_number=0),
                func="RAISE EXCEPTION 'series % must begin at 0', NEW.name;",
            ),
            pgtrigger.Trigger(
                name="grows_by_one",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=(
                    "IF NEW.name <> OLD.name OR NEW.last_number <> OLD.last_number + 1 THEN "
                    "RAISE EXCEPTION 'series % goes on from % to the next number, not to % of %', "
                    "OLD.name, OLD.last_number, NEW.last_number, NEW.name; "
                    "END IF; RETURN NEW;"
                ),
            ),
            # Looked at when the transaction ends: a number taken is a document written.
            pgtrigger.Trigger(
                name="number_is_used",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                timing=pgtrigger.Deferred,
                func=(
                    "IF NOT EXISTS (SELECT FROM payments_paymentdocument "
                    "WHERE series = NEW.name AND number = NEW.last_number) THEN "
                    "RAISE EXCEPTION 'number % of series % was taken for no document', "
                    "NEW.last_number, NEW.name; "
                    "END IF; RETURN NULL;"
                ),
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

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
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="number_is_the_last_taken",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=(
                    "IF NEW.number IS DISTINCT FROM "
                    "(SELECT last_number FROM payments_numberseries WHERE name = NEW.series) THEN "
                    "RAISE EXCEPTION 'number % is not the last one taken of series %', "
                    "NEW.number, NEW.series; "
                    "END IF; RETURN NEW;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.full_number

    def get_absolute_url(self) -> str:
        return reverse("payments:document", args=[self.pk])

    @property
    def full_number(self) -> str:
        """As printed, and as people quote it: `INV-2026-0001`."""
        return f"{self.series}-{self.number:04d}"
