"""Which file a person may be shown: one question to the database for each request."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from accounts.models import Role, User

from ..models import Rendition
from ..renditions.models import RenditionKind
from ..states import PREPARED

_IMAGES = frozenset({"image/jpeg", "image/png", "image/webp"})
# What we make, and nothing else, may be shown by a browser as what it says it is.
_TYPES: dict[str, frozenset[str]] = {
    RenditionKind.PAGE: _IMAGES,
    RenditionKind.POSTER: _IMAGES,
    RenditionKind.VIDEO: frozenset({"video/mp4"}),
    RenditionKind.CAPTIONS: frozenset({"text/vtt", "text/vtt; charset=utf-8"}),
    RenditionKind.DOCUMENT: frozenset({"application/pdf"}),
}
_ANYTHING = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file that may be shown now: `disposition` says whether inside a page or as a download."""

    id: UUID
    evidence_id: UUID
    kind: str
    storage_key: str
    content_type: str
    disposition: str
    size: int
    sha256: str


def shown_file(rendition_id: UUID, *, viewer: User) -> ShownFile:
    """A rendition of evidence that is still in its slot, for its owner or for staff.

    Raises:
        Rendition.DoesNotExist: there is none, or it is not for this person; the caller must not tell which.
    """
    shown = Rendition.objects.filter(
        pk=rendition_id, preparation__state__in=PREPARED, preparation__evidence__removed_at__isnull=True
    )
    if viewer.role != Role.STAFF:
        shown = shown.filter(preparation__evidence__entry__candidacy__account=viewer)
    evidence_id, kind, key, content_type, size, sha256 = shown.values_list(
        "preparation__evidence", "kind", "storage_key", "content_type", "size", "sha256"
    ).get()
    known = content_type in _TYPES[kind]
    return ShownFile(
        id=rendition_id,
        evidence_id=evidence_id,
        kind=kind,
        storage_key=key,
        content_type=content_type if known else _ANYTHING,
        disposition="inline" if known and kind != RenditionKind.DOCUMENT else "attachment",
        size=size,
        sha256=sha256,
    )
