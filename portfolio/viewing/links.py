"""Addresses under which a rendition is shown, each to one person for five minutes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.urls import reverse

from accounts.models import User
from certification.kernel import links
from certification.kernel.links import Look

__all__ = ["link_to", "look_of"]


def link_to(*, viewer: User, rendition_id: UUID, now: datetime) -> str:
    """An address that shows the rendition to `viewer` until five minutes from `now`.

    It asks nothing of the database, so a page may hold hundreds.  Whether the viewer may see it is asked
    when the address is opened, every time.
    """
    token = links.token(subject=_subject(rendition_id), viewer_id=viewer.pk, now=now)
    return reverse("portfolio:media", args=[rendition_id, token])


def look_of(token: str, *, viewer: User, rendition_id: UUID, now: datetime) -> Look:
    """The look that an address stands for.

    Raises:
        links.Forged, links.Expired: it opens nothing to this person, or not any more.
    """
    return links.look(token, subject=_subject(rendition_id), viewer_id=viewer.pk, now=now)


def _subject(rendition_id: UUID) -> str:
    return f"portfolio.Rendition:{rendition_id}"
