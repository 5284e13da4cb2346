"""What becomes of a file that has arrived whole, and of uploads that nobody goes on with.

Both are sweeps: they look at what is on record and do what is left to do, so one that was killed half-way
is simply run again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import Case, F, Max, Q, When

from accounts.models import User
from certification.kernel import audit, bounded
from certification.kernel import locks as advisory
from certification.kernel.errors import Refusal

from .. import locks
from ..models import Upload
from ..states import UNDER_WAY_UPLOADS, EvidenceKind, UploadState
from ..uploads import parts, receiving, rules, storing
from ..uploads.inspect import Inspection
from .evidence import record_evidence
from .uploading import end, learn_parts

logger = logging.getLogger(__name__)

_LARGE_BYTES = 256 * 1024**2
_MOST_FAILURES = 3


def take_in_due(now: datetime) -> dict[str, int]:
    """Check every file that has arrived whole: it becomes evidence, or is refused with the reason.

    Several workers may do so side by side, but only one of them has a large file in hand, and documents
    come first: nobody's page waits behind other people's hours of video.  A file that cannot be looked
    at now, because the disk is full or a bucket is away, holds up no other and is tried again.
    """
    counts = {"taken": 0, "refused": 0}
    seen: list[UUID] = []
    while (upload := _next(seen)) is not None:
        seen.append(upload.pk)
        with _in_hand(upload) as mine:
            state = _tried(upload, now) if mine else None
        if state is not None:
            counts[str(state)] += 1
    return counts


def _next(seen: Collection[UUID]) -> Upload | None:
    waiting = Upload.objects.filter(state=UploadState.COMPLETING).exclude(pk__in=seen)
    shortest = waiting.annotate(is_video=Case(When(slot__kind=EvidenceKind.VIDEO, then=1), default=0))
    return (
        shortest.select_related("slot", "entry__candidacy__account")
        .order_by("is_video", "failures", "completed_at", "pk")
        .first()
    )


@contextmanager
def _in_hand(upload: Upload) -> Iterator[bool]:
    """The right to take this file in, without waiting; of large files, one at a time."""
    large = upload.declared_bytes > _LARGE_BYTES
    alone = advisory.try_advisory("uploads.take_in:large") if large else nullcontext(enter_result=True)
    with advisory.try_advisory(f"uploads.take_in:{upload.pk}") as mine, alone as may_be_large:
        yield (
            mine
            and may_be_large
            and Upload.objects.filter(pk=upload.pk, state=UploadState.COMPLETING).exists()
        )


def _tried(upload: Upload, now: datetime) -> UploadState | None:
    try:
        return _take_in(upload, now)
    except SoftTimeLimitExceeded:
        raise  # the worker's trouble, not the file's
    except bounded.Failed:
        logger.exception("upload %s made its reader fail", upload.pk)
        return _count_failure(upload, now)
    except Exception:
        logger.exception("upload %s could not be checked; it is tried again", upload.pk)
        return None


def _count_failure(upload: Upload, now: datetime) -> UploadState | None:
    """A mistake of ours may pass with the next version; but nobody's entry waits for it for ever."""
    Upload.objects.filter(pk=upload.pk).update(failures=F("failures") + 1)
    if upload.failures + 1 < _MOST_FAILURES:
        return None
    return _refuse(
        upload.pk,
        upload.entry.candidacy.account,
        f"“{upload.name}” made the program that reads it fail, {_MOST_FAILURES} times. Save or export it "
        "with another program and upload that; if this happens again, write to the programme office.",
        now,
    )


def sweep(now: datetime) -> dict[str, int]:
    """Give up uploads without a new part for a week, and free what ended or unknown ones occupy.

    What was begun within a day is spared: it may be somebody's first step.
    """
    return {"expired": sum(1 for upload in _silent(now) if _expire(upload, now)), "freed": _free(now)}


def _take_in(upload: Upload, now: datetime) -> UploadState | None:
    """Make the file evidence as of the instant it was complete, which was in time."""
    by = upload.entry.candidacy.account
    try:
        with parts.store().assembled(upload) as whole:
            inspection = receiving.inspected(whole.path, upload.name, upload.slot, whole.sha256)
            return _keep(upload, by, whole.path, inspection, now)
    except Refusal as refusal:
        return _refuse(upload.pk, by, str(refusal), now)


def _keep(upload: Upload, by: User, path: Path, inspection: Inspection, now: datetime) -> UploadState:
    key = storing.keep(path, now)
    try:
        kept_as = _record(upload.pk, by, inspection, key, now)
    except Refusal:  # nothing else says for sure that the row is not there: the sweep will know
        storing.discard(key)
        raise
    if kept_as != key:
        storing.discard(key)
    return UploadState.TAKEN


@transaction.atomic
def _record(upload_id: UUID, by: User, inspection: Inspection, key: str, now: datetime) -> str:
    """Evidence and the upload's end in one; returns where the evidence is kept.

    Raises:
        NotAllowed, WindowClosed: the entry takes no file, or another worker has decided already.
    """
    upload = locks.upload(upload_id, owner=by)
    assert upload.completed_at is not None
    evidence = record_evidence(
        upload.entry_id,
        upload.slot,
        by,
        upload.name,
        inspection,
        key,
        upload.completed_at,
        upload.replaces,
    )
    end(upload, UploadState.TAKEN, now, sha256=inspection.sha256, evidence=evidence)
    return evidence.storage_key


@transaction.atomic
def _refuse(upload_id: UUID, by: User, problem: str, now: datetime) -> UploadState | None:
    """End it with the reason, unless another worker has decided already."""
    upload = locks.upload(upload_id, owner=by)
    if upload.state != UploadState.COMPLETING:
        return None
    end(upload, UploadState.REFUSED, now, problem=problem)
    audit.record(actor=None, action="refused upload", subject=upload)
    return UploadState.REFUSED


def _silent(now: datetime) -> Iterator[Upload]:
    """Open uploads that are a week old and have no part as young as that on record."""
    since = now - rules.KEPT_WITHOUT_A_NEW_PART
    old = Upload.objects.filter(state=UploadState.OPEN, created_at__lte=since)
    silent = old.annotate(last=Max("parts__received_at")).filter(Q(last__isnull=True) | Q(last__lte=since))
    yield from silent.select_related("entry__candidacy__account").order_by("pk")


def _expire(upload: Upload, now: datetime) -> bool:
    """End it, unless the bucket knows of a part that the record does not."""
    learn_parts(upload, now)
    with transaction.atomic():
        locked = locks.upload(upload.pk, owner=upload.entry.candidacy.account)
        fresh = locked.parts.filter(received_at__gt=now - rules.KEPT_WITHOUT_A_NEW_PART)
        if locked.state != UploadState.OPEN or fresh.exists():
            return False
        end(locked, UploadState.EXPIRED, now)
    return True


def _free(now: datetime) -> int:
    """Remove what the store of parts holds for uploads that are over, or that we never heard of."""
    store = parts.store()
    spared_from = (now.astimezone(UTC) - storing.SPARED).date()
    held = [one for one in store.held() if one.day < spared_from]
    wanted = set(
        Upload.objects.filter(
            pk__in={one.upload_id for one in held}, state__in=UNDER_WAY_UPLOADS
        ).values_list("pk", flat=True)
    )
    unwanted = [one for one in held if one.upload_id not in wanted]
    for one in unwanted:
        store.remove(one)
    return len(unwanted)
