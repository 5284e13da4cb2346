"""Originals on their way out: always as a download, never shown inside a page of ours."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.http import FileResponse, Http404, HttpResponseBase

from accounts.models import User

from . import services


def original_response(by: User, evidence_id: UUID) -> HttpResponseBase:
    """An original as a download, for its owner or staff; 404 for anybody else."""
    try:
        evidence, stream = services.open_original(evidence_id=evidence_id, by=by)
    except (ObjectDoesNotExist, FileNotFoundError):
        raise Http404 from None
    response = FileResponse(stream, content_type="application/octet-stream")
    response["Content-Length"] = str(evidence.size)
    response["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(evidence.original_name)}"
    response["Cache-Control"] = "private, no-store"
    return response
