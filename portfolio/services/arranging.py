"""The order of the files in a slot that holds several."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from accounts.models import User
from certification.kernel import audit, clock

from .. import locks
from ..models import Entry, Evidence
from .entries import require_preparable


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"


@transaction.atomic
def move_evidence(
    *, evidence_id: UUID, by: User, direction: Direction, now: datetime, seen_place: int | None = None
) -> Entry:
    """Let a piece change places with the one before or after it in its slot.

    `seen_place` is where the candidate saw it, counted from 1: a button pressed twice, or on a page left
    open, moves nothing further.  At the end of the row there is nothing to change places with.

    Raises:
        Evidence.DoesNotExist: there is none, it was removed, or it is somebody else's.
        NotAllowed, WindowClosed: the entry is not in preparation any more.
    """
    entry_id = Evidence.objects.values_list("entry_id", flat=True).get(
        pk=evidence_id, entry__candidacy__account=by
    )
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    piece = Evidence.objects.get(pk=evidence_id, removed_at__isnull=True)
    require_preparable(entry, now)
    row = list(
        entry.evidence.filter(slot_id=piece.slot_id, removed_at__isnull=True).order_by("place", "uploaded_at")
    )
    here = row.index(piece)
    there = here + (1 if direction is Direction.DOWN else -1)
    if seen_place not in (None, here + 1) or not 0 <= there < len(row):
        return entry
    row[here], row[there] = row[there], row[here]
    _write_places(row)
    audit.record(actor=by, action="moved evidence", subject=piece, detail={"place": there + 1})
    return entry


def _write_places(row: list[Evidence]) -> None:
    """Number the pieces from 1; those from before there were places all stood at 0."""
    for place, piece in enumerate(row, start=1):
        if piece.place != place:
            piece.place = place
            piece.save(update_fields=["place"])
