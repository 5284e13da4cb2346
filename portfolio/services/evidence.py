"""Adding, replacing and removing evidence while an entry is prepared.

A file is decoded and stored before the transaction, because that takes time and a lock should not.
Should the row then be refused, or the database be gone, the stored object is taken away again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.files.base import File
from django.db import transaction

from accounts.models import Role, User
from certification.kernel import audit, clock
from certification.kernel.errors import NotAllowed, Refusal

from .. import locks
from ..models import Entry, Evidence, Preparation, Slot
from ..renditions import moves as renditions
from ..uploads import receiving, storing
from ..uploads.inspect import Inspection
from .entries import require_preparable


def add_evidence(
    *,
    entry_id: UUID,
    slot_key: str,
    by: User,
    file: File,
    name: str,
    now: datetime,
    replaces: UUID | None = None,
) -> Evidence:
    """Put a file into a slot of an entry in preparation, at the end or in place of the piece `replaces`.

    A slot for one file takes the new one in place of the old in any case.  The same file again is the
    evidence that is there already.  Source: the programme's rules, section 5.

    Raises:
        Entry.DoesNotExist, Slot.DoesNotExist, Evidence.DoesNotExist: there is none, the entry is somebody
            else's, or the piece to replace is of another slot.
        BadInput: the file is not what it claims, or beyond the slot's limits.
        NotAllowed: the entry is not in preparation, or the slot is full.
        WindowClosed: the window is over.
    """
    slot = slot_to_fill(entry_id, slot_key, by, now)
    replaced = piece_to_replace(entry_id, slot, replaces)
    with receiving.received(file, name, slot) as (path, inspection):
        key = storing.keep(path, now)
        try:
            plain_name = receiving.plain_name(name)
            evidence = _recorded(entry_id, slot, by, plain_name, inspection, key, now, replaced)
        except Refusal:  # nothing else says for sure that the row is not there: the sweep will know
            storing.discard(key)
            raise
    if evidence.storage_key != key:
        storing.discard(key)
    return evidence


@transaction.atomic
def remove_evidence(*, evidence_id: UUID, by: User, now: datetime) -> Entry:
    """Take a file out of its slot; twice is once.  The stored object goes a day later.

    Raises:
        Evidence.DoesNotExist: there is none, or it is somebody else's.
        NotAllowed, WindowClosed: the entry is not in preparation any more.
    """
    entry_id = Evidence.objects.values_list("entry_id", flat=True).get(
        pk=evidence_id, entry__candidacy__account=by
    )
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    evidence = Evidence.objects.get(pk=evidence_id)
    if evidence.removed_at is None:
        require_preparable(entry, now)
        _remove(evidence, by, now)
    return entry


def open_original(*, evidence_id: UUID, by: User) -> Evidence:
    """An original for its owner or for staff to read; each opening is on record.

    Raises:
        Evidence.DoesNotExist: there is none, it was removed, or it is not for `by`.
    """
    evidence = Evidence.objects.select_related("entry__candidacy").get(
        pk=evidence_id, removed_at__isnull=True
    )
    if by.role != Role.STAFF and evidence.entry.candidacy.account_id != by.pk:
        raise Evidence.DoesNotExist
    audit.record(actor=by, action="opened original", subject=evidence, detail={"sha256": evidence.sha256})
    return evidence


@transaction.atomic
def slot_to_fill(entry_id: UUID, slot_key: str, by: User, now: datetime) -> Slot:
    """The slot, after a first look that spares everybody the upload of a file that cannot be taken."""
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    slot = Slot.objects.get(template=entry.template, key=slot_key)
    require_preparable(entry, now)
    return slot


@transaction.atomic
def _recorded(
    entry_id: UUID,
    slot: Slot,
    by: User,
    name: str,
    inspection: Inspection,
    key: str,
    now: datetime,
    replaced: Evidence | None,
) -> Evidence:
    """The row, as of the instant at which the entry was ours to write."""
    locks.entry(entry_id, owner=by)
    return record_evidence(entry_id, slot, by, name, inspection, key, clock.agreed(now), replaced)


@transaction.atomic
def record_evidence(
    entry_id: UUID,
    slot: Slot,
    by: User,
    name: str,
    inspection: Inspection,
    key: str,
    at: datetime,
    replaced: Evidence | None = None,
) -> Evidence:
    """The row of a file that is stored under `key`; the evidence that is there already if it is the same.

    The piece `replaced` leaves in the same transaction, and the new one has its place.  Where it left
    meanwhile by itself, the new one is simply added.  `at` is the instant by the shared clock at which
    the file was there whole.

    Raises:
        NotAllowed: the entry is not in preparation, the slot is full, or the same file is in the slot beside
            the piece it should replace.
        WindowClosed: the window is over.
    """
    entry = locks.entry(entry_id, owner=by)
    require_preparable(entry, at)
    present = list(entry.evidence.filter(slot=slot, removed_at__isnull=True))
    leaving = [piece for piece in present if slot.max_files == 1 or piece == replaced]
    for piece in present:
        if piece.sha256 == inspection.sha256:
            _require_no_double(piece, slot, leaving)
            return piece
    require_room(slot, len(present) - len(leaving))
    for piece in leaving:
        _remove(piece, by, at)
    added = Evidence.objects.create(
        entry=entry,
        slot=slot,
        original_name=name,
        storage_key=key,
        format=inspection.format,
        size=inspection.size,
        sha256=inspection.sha256,
        pages=inspection.pages,
        seconds=inspection.seconds,
        place=leaving[0].place if leaving else 1 + max((piece.place for piece in present), default=0),
        uploaded_at=at,
    )
    renditions.ring(Preparation.objects.create(evidence=added, received_at=at))
    audit.record(
        actor=by, action="added evidence", subject=added, detail={"slot": slot.key, "sha256": added.sha256}
    )
    return added


def piece_to_replace(entry_id: UUID, slot: Slot, evidence_id: UUID | None) -> Evidence | None:
    """The piece of this slot in whose place another comes, whether or not it is still there.

    Raises:
        Evidence.DoesNotExist: there is none in this slot of this entry.
    """
    if evidence_id is None:
        return None
    return Evidence.objects.get(pk=evidence_id, entry_id=entry_id, slot=slot)


def require_room(slot: Slot, present: int) -> None:
    """Let a file into a slot for several only while it is not full; one for a single file is replaced."""
    if slot.max_files > 1 and present >= slot.max_files:
        raise NotAllowed(
            f"“{slot.title}” holds {present} files, as many as it takes."
            " Remove one of them before you add another."
        )


def _require_no_double(same: Evidence, slot: Slot, leaving: Sequence[Evidence]) -> None:
    """Refuse to let a piece make way for a file that is in the slot already: nothing would be left of it."""
    if leaving and same not in leaving:
        raise NotAllowed(
            f"“{same.original_name}” is in “{slot.title}” already, and “{leaving[0].original_name}” stays."
            " Choose another file to take its place, or remove it."
        )


def _remove(evidence: Evidence, by: User, now: datetime) -> None:
    evidence.removed_at = now
    evidence.save(update_fields=["removed_at"])
    audit.record(actor=by, action="removed evidence", subject=evidence, detail={"sha256": evidence.sha256})
