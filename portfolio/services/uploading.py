"""Sending a file in parts: begin it, take its parts in, go on elsewhere, complete it, call it off.

The entry is locked before anything is decided, and the window asked there, at the moment of writing.
Whatever the store of parts must do takes time and happens outside the transactions.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, Count, F, Q, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from accounts.models import User
from certification.kernel import audit, clock, reconcile, states
from certification.kernel.errors import BadInput, NotAllowed

from .. import locks
from ..models import Entry, Evidence, Slot, Upload, UploadPart
from ..states import UNDER_WAY_UPLOADS, UPLOAD_ALLOWED, EntryState, UploadState
from ..uploads import parts, receiving, rules, signing
from ..uploads.parts import Forgotten, Held, LocalParts, Promised, Readable
from ..uploads.rules import Part
from .entries import require_preparable
from .evidence import piece_to_replace, require_room

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a browser says of a file before it sends any of it; only the length is held to.

    `replaces` names the piece in whose place it comes, where a slot holds several.
    """

    name: str
    declared_type: str
    size: int
    replaces: UUID | None = None


def create_upload(*, entry_id: UUID, slot_key: str, by: User, file: NewFile, now: datetime) -> Upload:
    """Begin to take a file in parts, or go on with the one of the same name and size in that slot.

    So another device continues where the first one stopped.

    Raises:
        Entry.DoesNotExist, Slot.DoesNotExist, Evidence.DoesNotExist: there is none, the entry is somebody
            else's, or the piece to replace is of another slot.
        BadInput: it is empty, too large, or does not claim to be of a format the slot takes.
        NotAllowed: the entry is not in preparation, its slot is full, too many files are on their way, or
            there is no room for this one.
        WindowClosed: the window is over.
    """
    name = receiving.plain_name(file.name)
    begun = _begun(entry_id, slot_key, by, name, file, now)
    if isinstance(begun, Upload):
        return begun
    new = Upload(
        entry_id=entry_id,
        slot=begun,
        name=name,
        declared_type=file.declared_type[:100],
        declared_bytes=file.size,
        part_bytes=rules.part_bytes_for(file.size),
        replaces_id=file.replaces,
        created_at=now,
    )
    new.storage_id = parts.store().begin(new.pk, now, new.declared_type)
    try:
        kept = _insert(new, slot_key, by, file, now)
    except BaseException:
        parts.store().discard(new.pk, now, new.storage_id)
        raise
    if kept.pk != new.pk:
        parts.store().discard(new.pk, now, new.storage_id)
    return kept


def list_parts(*, upload_id: UUID, by: User) -> tuple[Upload, list[Part]]:
    """The upload and the parts of it that have arrived.

    Raises:
        Upload.DoesNotExist: there is none, or it is somebody else's.
    """
    upload = Upload.objects.select_related("slot").get(pk=upload_id, entry__candidacy__account=by)
    learn_parts(upload, clock.now())
    return upload, recorded_parts(upload)


def address_of_part(*, upload_id: UUID, number: int, by: User, now: datetime) -> str:
    """Where to send a part within the next quarter of an hour: to the bucket, or to the site itself.

    Raises:
        Upload.DoesNotExist: there is none, or it is somebody else's.
        BadPart: the file has no such part.
        NotAllowed, WindowClosed: no more parts are taken; the message says why.
    """
    upload = _sendable(upload_id, number, by)
    if upload.entry.state == EntryState.UNUSED:
        upload = _reopened(upload_id, by, now)
    else:
        _require_sending(upload, clock.agreed(now))
    link = parts.store().link(upload, number, int(rules.LINK_LIFE.total_seconds()))
    if link is not None:
        return link
    token = signing.signature(upload.pk, number, by.pk, now + rules.LINK_LIFE)
    return f"{reverse('portfolio:upload_part', args=[upload.pk, number])}?signature={token}"


def receive_part(*, upload_id: UUID, by: User, stream: Readable, promised: Promised) -> Part:
    """Take a part in, on local disk; one that was there already is replaced by what comes now.

    The window is asked when the part is in: an hour on a slow line is an hour.

    Raises:
        Upload.DoesNotExist: there is none, it is somebody else's, or a bucket takes its parts.
        BadPart: it is not the part that was announced.
        NotAllowed, WindowClosed: no more parts are taken; the message says why.
    """
    store = parts.store()
    if not isinstance(store, LocalParts):
        raise Upload.DoesNotExist
    upload = _sendable(upload_id, promised.number, by)
    expected = _expected_bytes(upload, promised.number)
    if promised.length != expected:
        raise rules.BadPart(
            "EntityTooLarge" if promised.length > expected else "EntityTooSmall",
            f"Part {promised.number} has {expected:,} bytes, and not {promised.length:,}.",
        )
    with store.receiving(upload, stream, promised) as part:
        try:
            superfluous = _record_part(store, upload_id, part, by, clock.now())
        except BaseException:
            _forget(store, upload_id, part)
            raise
        if superfluous is not None:
            _forget(store, upload_id, superfluous)
    return part


def complete_upload(
    *, upload_id: UUID, by: User, claimed: Sequence[tuple[int, str]], now: datetime
) -> Upload:
    """Close an upload whose parts are all there and have it checked; twice is once.

    What was complete in time counts as in time, however long the check takes.

    Raises:
        Upload.DoesNotExist: there is none, or it is somebody else's.
        BadPart: a part is missing, or is not the one that was claimed.
        NotAllowed: it was cancelled, refused or given up; or its entry is not in preparation.
        WindowClosed: the window is over.
    """
    upload = Upload.objects.get(pk=upload_id, entry__candidacy__account=by)
    learn_parts(upload, now)
    with transaction.atomic():
        upload = locks.upload(upload_id, owner=by)
        now = clock.agreed(now)
        if upload.state in (UploadState.COMPLETING, UploadState.TAKEN):
            return upload
        _require_sending(upload, now)
        rules.require_every_part(
            claimed, recorded_parts(upload), size=upload.declared_bytes, part_bytes=upload.part_bytes
        )
        move(upload, UploadState.COMPLETING, completed_at=now)
        reconcile.ring("uploads.take_in")
    return upload


@transaction.atomic
def abort_upload(*, upload_id: UUID, by: User, now: datetime) -> Upload:
    """Call an upload off and remove its parts; twice is once.

    Raises:
        Upload.DoesNotExist: there is none, or it is somebody else's.
        NotAllowed: all of it has arrived, so it is being checked or was added.
    """
    upload = locks.upload(upload_id, owner=by)
    now = clock.agreed(now)
    if upload.state in (UploadState.ABORTED, UploadState.EXPIRED, UploadState.REFUSED):
        return upload
    if upload.state != UploadState.OPEN:
        raise NotAllowed(
            f"“{upload.name}” has arrived already. Once it is checked you can remove it like any other file."
        )
    end(upload, UploadState.ABORTED, now)
    audit.record(actor=by, action="cancelled upload", subject=upload)
    return upload


def recorded_parts(upload: Upload) -> list[Part]:
    """The parts on record, in order."""
    return [row.as_part() for row in upload.parts.order_by("number")]


def move(upload: Upload, state: UploadState, **fields: object) -> None:
    """Move a locked upload to `state` and write `fields` with it."""
    states.require(UPLOAD_ALLOWED, upload.state, state, what=f"“{upload.name}”")
    upload.state = state
    for name, value in fields.items():
        setattr(upload, name, value)
    upload.save(update_fields=["state", *fields])


def end(upload: Upload, state: UploadState, now: datetime, **fields: object) -> None:
    """Let a locked upload be over; what its parts occupy is freed once that is on record."""
    move(upload, state, ended_at=now, **fields)
    upload.parts.all().delete()
    held = (upload.pk, upload.created_at, upload.storage_id)
    transaction.on_commit(lambda: parts.store().discard(*held), robust=True)


@transaction.atomic
def _begun(entry_id: UUID, slot_key: str, by: User, name: str, file: NewFile, now: datetime) -> Upload | Slot:
    """The upload to go on with; else the slot, once it is clear that it may be begun."""
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    slot = Slot.objects.get(template=entry.template, key=slot_key)
    require_preparable(entry, now)
    size, replaced = file.size, piece_to_replace(entry.pk, slot, file.replaces)
    on_their_way = entry.uploads.filter(state__in=UNDER_WAY_UPLOADS)
    same = on_their_way.filter(state=UploadState.OPEN, slot=slot, name=name, declared_bytes=size).first()
    if same is not None:
        return _in_place_of(same, replaced)
    if size < 1:
        raise BadInput(f"“{name}” is empty (0 bytes). Check the file on your computer and upload it again.")
    if size > slot.max_bytes:
        raise receiving.too_large(slot.title, slot.max_bytes)
    rules.require_ending(name, title=slot.title, formats=slot.formats)
    staying = entry.evidence.filter(slot=slot, removed_at__isnull=True)
    require_room(slot, staying.exclude(pk=replaced.pk).count() if replaced else staying.count())
    rules.require_quota(size, _traffic_of(entry, now), what=str(entry.template))
    parts.store().require_room(name, size)
    return slot


def _traffic_of(entry: Entry, now: datetime) -> rules.Traffic:
    under_way = Q(state__in=UNDER_WAY_UPLOADS)
    lately = Q(created_at__gt=now - rules.A_DAY) & ~Q(state__in=[UploadState.ABORTED, UploadState.EXPIRED])
    room = Slot.objects.filter(template=entry.template).aggregate(
        bytes=Coalesce(Sum(F("max_bytes") * F("max_files"), output_field=BigIntegerField()), 0)
    )
    sums = entry.uploads.aggregate(
        under_way=Count("pk", filter=under_way),
        under_way_bytes=Coalesce(Sum("declared_bytes", filter=under_way), 0),
        last_day_bytes=Coalesce(Sum("declared_bytes", filter=lately), 0),
    )
    return rules.Traffic(**sums, room_bytes=room["bytes"])


def _in_place_of(upload: Upload, replaced: Evidence | None) -> Upload:
    """The upload that goes on: what was said last of the piece it replaces counts."""
    if replaced is not None and upload.replaces_id != replaced.pk:
        upload.replaces = replaced
        upload.save(update_fields=["replaces"])
    return upload


@transaction.atomic
def _insert(new: Upload, slot_key: str, by: User, file: NewFile, now: datetime) -> Upload:
    begun = _begun(new.entry_id, slot_key, by, new.name, file, now)
    if isinstance(begun, Upload):  # another tab was quicker
        return begun
    new.save(force_insert=True)
    return new


def _sendable(upload_id: UUID, number: int, by: User) -> Upload:
    """An upload that takes the part, by a first look that locks nothing.

    Whoever locks a row makes the database write to disk, and nothing is decided here: what counts is
    asked under the lock when the part is put on record.
    """
    own = Upload.objects.filter(entry__candidacy__account=by)
    upload = own.select_related("slot", "entry__candidacy", "entry__template").get(pk=upload_id)
    _require_open(upload)
    _expected_bytes(upload, number)
    return upload


@transaction.atomic
def _reopened(upload_id: UUID, by: User, now: datetime) -> Upload:
    """The upload, its entry in preparation again if its window is not over for this candidate."""
    upload = locks.upload(upload_id, owner=by)
    _require_sending(upload, clock.agreed(now))
    return upload


def _require_sending(upload: Upload, now: datetime) -> None:
    _require_open(upload)
    require_preparable(upload.entry, now)


def _require_open(upload: Upload) -> None:
    if upload.state != UploadState.OPEN:
        raise NotAllowed(
            f"“{upload.name}” is {upload.get_state_display().lower()}, so no part of it is taken any more. "
            "Choose the file again to upload it anew."
        )


def _expected_bytes(upload: Upload, number: int) -> int:
    return rules.bytes_of_part(number, size=upload.declared_bytes, part_bytes=upload.part_bytes)


@transaction.atomic
def _record_part(store: LocalParts, upload_id: UUID, part: Part, by: User, now: datetime) -> Part | None:
    """Put a part on record; returns what the store then keeps for nothing, if there is such a thing."""
    upload = locks.upload(upload_id, owner=by)
    now = clock.agreed(now)
    _require_sending(upload, now)
    row = upload.parts.filter(number=part.number).first()
    before = row.as_part() if row else None
    if before is not None and before.etag == part.etag and not before.is_apart:
        return part  # the same came again, and is in its place already
    if not store.holds(upload, part):
        raise rules.BadPart("OperationAborted", f"Part {part.number} came twice at once. Send it again.")
    UploadPart.objects.bulk_create(  # in one question; the lock on the upload keeps others out
        [
            UploadPart(
                upload=upload,
                number=part.number,
                bytes=part.bytes,
                etag=part.etag,
                is_apart=part.is_apart,
                received_at=now,
            )
        ],
        update_conflicts=True,
        unique_fields=["upload", "number"],
        update_fields=["bytes", "etag", "is_apart", "received_at"],
    )
    return before if before != part else None


@transaction.atomic
def _forget(store: LocalParts, upload_id: UUID, part: Part) -> None:
    """Remove a part unless it is the one on record: the same may have come again meanwhile."""
    upload = locks.upload_alone(upload_id)
    on_record = upload.parts.filter(number=part.number, etag=part.etag, is_apart=part.is_apart)
    if not on_record.exists():
        store.forget(upload, part)


def learn_parts(upload: Upload, now: datetime) -> None:
    """Bring the record up to what a bucket holds; on local disk the record is right already.

    A part of another length than ours, which the candidate can send to the bucket's address, is none:
    so it is asked for again.  An upload that the bucket gave up by itself begins there anew.
    """
    if upload.state != UploadState.OPEN:
        return
    try:
        present = parts.store().received(upload)
    except Forgotten:
        _begin_anew(upload)
        return
    if present is None:
        return
    expected = rules.lengths_of_parts(size=upload.declared_bytes, part_bytes=upload.part_bytes)
    whole = [part for part in present if expected.get(part.number) == part.bytes]
    with transaction.atomic():
        locked = locks.upload_alone(upload.pk)
        if locked.state != UploadState.OPEN or locked.storage_id != upload.storage_id:
            return
        known = set(recorded_parts(locked))
        locked.parts.exclude(number__in=[part.number for part in whole]).delete()
        for part in whole:
            if part not in known:
                locked.parts.update_or_create(
                    number=part.number, defaults={"bytes": part.bytes, "etag": part.etag, "received_at": now}
                )


def _begin_anew(upload: Upload) -> None:
    """Let the bucket begin a forgotten upload once more, unless another tab did, or it was completed."""
    store = parts.store()
    storage_id = store.begin(upload.pk, upload.created_at, upload.declared_type)
    begun = Held(upload.pk, upload.created_at.astimezone(UTC).date(), storage_id)
    try:
        with transaction.atomic():
            locked = locks.upload_alone(upload.pk)
            is_ours = locked.state == UploadState.OPEN and locked.storage_id == upload.storage_id
            if is_ours:
                locked.parts.all().delete()
                locked.storage_id = storage_id
                locked.save(update_fields=["storage_id"])
    except BaseException:
        store.remove(begun)
        raise
    if is_ours:
        logger.warning("the bucket had forgotten upload %s, so it begins anew there", upload.pk)
    else:
        store.remove(begun)
