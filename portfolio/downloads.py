"""Originals on their way out: always as a download, never shown inside a page of ours."""

from __future__ import annotations

import logging
from urllib.parse import quote
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts.models import User
from certification.kernel.media import serve

from . import services
from .models import Evidence, ReleaseForm
from .uploads.storing import originals

logger = logging.getLogger(__name__)


def original_response(request: HttpRequest, by: User, evidence_id: UUID) -> HttpResponseBase:
    """An original, or the rest of it after a broken line, for its owner or staff; 404 for anybody else."""
    try:
        evidence = services.open_original(evidence_id=evidence_id, by=by)
    except ObjectDoesNotExist:
        raise Http404 from None
    return as_it_was_sent(request, evidence, what="evidence")


def as_it_was_sent(request: HttpRequest, row: Evidence | ReleaseForm, *, what: str) -> HttpResponseBase:
    """A file that a candidate sent, as a download; who may have it was asked, and the look recorded."""
    try:
        return serve(
            request,
            storage=originals(),
            key=row.storage_key,
            content_type="application/octet-stream",
            size=row.size,
            sha256=row.sha256,
            disposition=f"attachment; filename*=utf-8''{quote(row.original_name)}",
        )
    except Http404:
        logger.exception("%s %s is not in the store", what, row.pk)
        raise
