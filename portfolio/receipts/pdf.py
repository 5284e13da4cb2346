"""A receipt's PDF, drawn from the stored receipt: the same receipt, the same bytes, on any day."""

from __future__ import annotations

import hashlib
from datetime import UTC

from django.conf import settings
from django.template.loader import render_to_string

from certification.kernel import typesetting

from .pages import ReceiptPage


def pdf_of(page: ReceiptPage) -> bytes:
    """The receipt as a tagged PDF on Letter paper.

    Raises:
        CannotPrint: a font is not installed, or no font has a character of what it says.
    """
    html = render_to_string(
        "portfolio/receipts/receipt_pdf.html",
        {
            "page": page,
            "file_date": f"{page.submitted_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "issuer": settings.ISSUER_NAME,
        },
    )
    return typesetting.pdf_from(
        html,
        what=f"Receipt {page.number}",
        dated=page.submitted_at,
        identifier=hashlib.sha256(f"{page.number} {page.digest}".encode()).digest()[:16],
    )
