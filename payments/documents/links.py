"""Links that open one document without an account, for the billing contact who has none.

A mail carries a link and not the PDF, so that every opening is on record and the mail itself, which may
go astray, says little.  Whoever holds the link can read that one document, and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from payments.models import PaymentDocument

# Through the payer's own financial year and its audit.
LIFE = timedelta(days=550)
_SALT = "payments.documents.links"


def link_to(document: PaymentDocument) -> str:
    """The whole address; the same document has the same."""
    return f"{settings.SITE_URL}{reverse('payments:document_by_link', args=[token_of(document)])}"


def token_of(document: PaymentDocument) -> str:
    return Signer(salt=_SALT).sign(str(document.pk))


def linked(token: str, now: datetime) -> PaymentDocument:
    """The document a link opens.

    Raises:
        PaymentDocument.DoesNotExist: it is no link of ours, or its time is over.
    """
    try:
        document_id = UUID(Signer(salt=_SALT).unsign(token))
    except (BadSignature, ValueError) as forged:
        raise PaymentDocument.DoesNotExist("not a link to a document") from forged
    return PaymentDocument.objects.get(pk=document_id, issued_at__gt=now - LIFE)
