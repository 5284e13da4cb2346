"""Where uploads stand, for the pages: frozen cards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from ..states import UNDER_WAY_UPLOADS, UploadState
from .models import Upload

_REFUSAL_SHOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class UploadCard:
    """One upload: `arrived_bytes` of `declared_bytes` are here; `problem` says why it was not accepted.

    `replaces_id` and `replaces_name` are of the evidence in whose place it comes, where a slot holds several.
    """

    id: UUID
    slot_key: str
    name: str
    declared_bytes: int
    arrived_bytes: int
    part_bytes: int
    state: UploadState
    problem: str
    state_url: str
    replaces_id: UUID | None = None
    replaces_name: str = ""

    @property
    def state_label(self) -> str:
        return str(self.state.label)

    @property
    def percent(self) -> int:
        return 100 * self.arrived_bytes // self.declared_bytes

    def as_data(self) -> dict[str, Any]:
        """For the script of the page."""
        return {
            "key": str(self.id),
            "uploadId": str(self.id),
            "name": self.name,
            "size": self.declared_bytes,
            "bytes": self.arrived_bytes,
            "partSize": self.part_bytes,
            "state": str(self.state),
            "label": self.state_label,
            "problem": self.problem,
        }


def cards_of_entry(entry_id: UUID, now: datetime) -> list[UploadCard]:
    """What is on its way into an entry, and what was refused lately and not followed by another try."""
    later = Upload.objects.filter(
        entry=OuterRef("entry"), slot=OuterRef("slot"), created_at__gte=OuterRef("ended_at")
    )
    shown = Q(state__in=UNDER_WAY_UPLOADS) | Q(
        ~Exists(later), state=UploadState.REFUSED, ended_at__gt=now - _REFUSAL_SHOWN
    )
    return [_card(upload) for upload in _with_arrived(Upload.objects.filter(shown, entry=entry_id))]


def card_of(upload_id: UUID, *, owner_id: UUID) -> UploadCard:
    """One upload of this person.

    Raises:
        Upload.DoesNotExist: there is none, or it is somebody else's.
    """
    return _card(_with_arrived(Upload.objects.filter(entry__candidacy__account=owner_id)).get(pk=upload_id))


def _with_arrived(uploads: QuerySet[Upload]) -> QuerySet[Upload]:
    return uploads.select_related("slot", "replaces").annotate(in_parts=Coalesce(Sum("parts__bytes"), 0))


def _card(upload: Upload) -> UploadCard:
    """What has arrived whole counts as arrived, although its parts are gone once it was checked."""
    in_parts: int = upload.in_parts  # type: ignore[attr-defined]
    return UploadCard(
        id=upload.pk,
        slot_key=upload.slot.key,
        name=upload.name,
        declared_bytes=upload.declared_bytes,
        arrived_bytes=upload.declared_bytes if upload.completed_at else in_parts,
        part_bytes=upload.part_bytes,
        state=UploadState(upload.state),
        problem=upload.problem,
        state_url=reverse("portfolio:upload_state", args=[upload.pk]),
        replaces_id=upload.replaces_id,
        replaces_name=upload.replaces.original_name if upload.replaces else "",
    )
