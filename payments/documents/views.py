"""A document as a file: for its payer, for staff, and for whoever was mailed a link to it."""

from __future__ import annotations

import logging
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import audit, clock
from certification.kernel.errors import NotAllowed
from certification.kernel.typesetting import CannotPrint
from payments.models import PaymentDocument

from .facts import digest
from .links import linked
from .pdf import pdf_of

logger = logging.getLogger(__name__)

# Drawing takes seconds of the whole process, and whoever holds a link may ask as often as they like.
KEPT_SECONDS = 600


@require_safe
@require_role(Role.CANDIDATE, Role.SPONSOR, Role.STAFF)
def document(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """The payer's own document; staff may open any."""
    assert isinstance(request.user, User)  # the role decorator let nobody else in
    rows = PaymentDocument.objects.all()
    if request.user.role != Role.STAFF:
        rows = rows.filter(order__payer=request.user)
    found = rows.filter(pk=document_id).first()
    if found is None:
        raise Http404
    return _file(found)


@login_not_required
@require_safe
def document_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """The one document a mailed link names.  Every opening is on record."""
    try:
        found = linked(token, clock.now())
    except PaymentDocument.DoesNotExist as absent:
        raise Http404 from absent
    answer = _file(found)
    audit.record(
        actor="whoever holds the mailed link",
        action="opened document by link",
        subject=found,
        detail={"number": found.full_number},
    )
    return answer


def _file(document: PaymentDocument) -> HttpResponse:
    try:
        made = cache.get_or_set(
            f"payments:document:{digest(document.data).hex()}", lambda: pdf_of(document), KEPT_SECONDS
        )
    except CannotPrint as missing:
        logger.error("payments: %s", missing)
        raise NotAllowed(
            f"{document.full_number} cannot be printed yet: this site lacks a font for one of its letters. "
            "Nothing of it is lost. Please write to the programme office, and try again later."
        ) from missing
    return HttpResponse(
        made,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{document.full_number}.pdf"',
            "Cache-Control": "private, no-store",
            "X-Robots-Tag": "noindex",
            "Referrer-Policy": "no-referrer",
        },
    )
