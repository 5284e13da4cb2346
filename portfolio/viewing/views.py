"""Renditions on their way to whoever may see them."""

from __future__ import annotations

import logging
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.links import Expired, Forged
from certification.kernel.media import serve

from ..models import Rendition
from ..uploads.storing import originals
from . import links, looks, selectors

logger = logging.getLogger(__name__)
GONE = 410


@require_role(Role.CANDIDATE, Role.STAFF)
@require_safe
def media(request: HttpRequest, rendition_id: UUID, link: str) -> HttpResponseBase:
    """One rendition, or the part of it that a player asks for; on record before its first byte."""
    viewer, now = _user(request), clock.now()
    try:
        look = links.look_of(link, viewer=viewer, rendition_id=rendition_id, now=now)
        file = selectors.shown_file(rendition_id, viewer=viewer)
    except Expired as expired:
        return HttpResponse(str(expired), status=GONE, content_type="text/plain; charset=utf-8")
    except (Forged, Rendition.DoesNotExist):
        raise Http404 from None
    looks.record(link=look.id, viewer=viewer, file=file, now=now)
    try:
        return serve(
            request,
            storage=originals(),
            key=file.storage_key,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            disposition=file.disposition,
            seconds=look.seconds_left,
        )
    except Http404:
        logger.exception("rendition %s is not in the store", rendition_id)
        raise


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
