"""Cells that lists of the administration share: links to what a row is about."""

from __future__ import annotations

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html

from payments.models import PaymentDocument, PurchaseOrderFile


def link_to(row: Model, words: str) -> str:
    """A link to the row's own page in the administration."""
    options = row._meta
    url = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, words)


def document_link(document: PaymentDocument, words: str = "") -> str:
    """A link to the document's PDF, under the number people quote."""
    url = reverse("payments:document", args=[document.pk])
    return format_html('<a href="{}">{}</a>', url, words or document.full_number)


def file_link(file: PurchaseOrderFile) -> str:
    """A link to the file as it was sent, which the browser saves and never opens."""
    return format_html(
        '<a href="{}">{}</a>', reverse("payments:purchase_order_file", args=[file.pk]), file.name
    )
