"""Captions of a video: what is said in it, handed in as WebVTT or SRT while the entry is prepared."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.core.files.base import File
from django.db import transaction

from accounts.models import User
from certification.kernel import audit, bounded, clock
from certification.kernel.errors import BadInput, NotAllowed

from .. import locks
from ..models import Captions, Evidence, Preparation
from ..renditions import locks as preparations
from ..renditions import moves, webvtt
from ..renditions.models import RenditionKind
from ..states import PREPARED, EvidenceKind
from ..uploads import receiving
from .entries import require_preparable

_LIMITS = bounded.Limits(memory_bytes=512 * 1024**2, cpu_seconds=20, wall_seconds=60)


def set_captions(*, evidence_id: UUID, by: User, file: File, name: str, now: datetime) -> Captions:
    """Give a video its captions, in place of those it had; the same file again changes nothing.

    Kept is what was read, written anew without styles and tags.  Source: the programme's rules, section 5.

    Raises:
        Evidence.DoesNotExist: there is no such video, it was removed, or it is somebody else's.
        BadInput: no captions, too large, or longer than the video.
        NotAllowed, WindowClosed: the entry is not in preparation any more; or the machine has no room to
            read them just now.
    """
    seconds = _preparable(evidence_id, by, now)
    name = receiving.plain_name(name)
    data = _read(file, name)
    cues = _cues(data, name)
    webvtt.require_within(cues, seconds, name)
    return _recorded(evidence_id, by, name, data, webvtt.written(cues), now)


@transaction.atomic
def _preparable(evidence_id: UUID, by: User, now: datetime) -> Decimal | None:
    """How long the video lasts, if its captions may change: before anybody reads a megabyte."""
    evidence = _own_video(evidence_id, by)
    require_preparable(evidence.entry, clock.agreed(now))
    return evidence.seconds


def _cues(data: bytes, name: str) -> tuple[webvtt.Cue, ...]:
    """What the captions say, read by nobody who holds a lock or serves others."""
    try:
        return bounded.run_bounded(webvtt.read, data, name, limits=_LIMITS, results=(webvtt.Cue,))
    except bounded.OutOfBounds:
        raise webvtt.no_captions(name) from None
    except bounded.Interrupted:
        raise NotAllowed(
            f"“{name}” was not taken in: it could not be read just now. Wait a minute and upload it again."
        ) from None


@transaction.atomic
def _recorded(evidence_id: UUID, by: User, name: str, data: bytes, text: str, now: datetime) -> Captions:
    evidence = _own_video(evidence_id, by)
    now = clock.agreed(now)
    require_preparable(evidence.entry, now)
    sha256 = hashlib.sha256(data).hexdigest()
    captions = Captions.objects.filter(evidence=evidence).first() or Captions(evidence=evidence)
    if captions.sha256 == sha256:
        return captions
    captions.original_name, captions.text = name, text
    captions.sha256, captions.size, captions.added_at = sha256, len(data), now
    captions.save()
    _draw_captions_again(evidence)
    audit.record(actor=by, action="set captions", subject=evidence, detail={"sha256": sha256})
    return captions


@transaction.atomic
def remove_captions(*, evidence_id: UUID, by: User, now: datetime) -> None:
    """Take a video's captions away; twice is once.

    Raises:
        Evidence.DoesNotExist: there is no such video, it was removed, or it is somebody else's.
        NotAllowed, WindowClosed: the entry is not in preparation any more.
    """
    evidence = _own_video(evidence_id, by)
    now = clock.agreed(now)
    captions = Captions.objects.filter(evidence=evidence).first()
    if captions is None:
        return
    require_preparable(evidence.entry, now)
    captions.delete()
    _draw_captions_again(evidence)
    audit.record(actor=by, action="removed captions", subject=evidence, detail={"sha256": captions.sha256})


def _own_video(evidence_id: UUID, by: User) -> Evidence:
    """The video, its entry locked."""
    found = Evidence.objects.select_related("slot").get(
        pk=evidence_id,
        entry__candidacy__account=by,
        removed_at__isnull=True,
        slot__kind=EvidenceKind.VIDEO,
    )
    found.entry = locks.entry(found.entry_id, owner=by)
    return found


def _read(file: File, name: str) -> bytes:
    """The file's bytes, but no more than what shows that it is too large."""
    data = b"".join(file.chunks(webvtt.MAX_BYTES + 1)) if file.size <= webvtt.MAX_BYTES else b""
    if not data and file.size:
        raise webvtt.too_large(name)
    if not data:
        raise BadInput(f"“{name}” is empty (0 bytes). Check the file on your computer and choose it again.")
    return data


def _draw_captions_again(evidence: Evidence) -> None:
    """Have the preview follow: the captions alone, since the video is as it was."""
    found = Preparation.objects.filter(evidence=evidence).values_list("pk", flat=True).first()
    if found is None:
        return
    preparation = preparations.preparation(found)
    moves.drop(preparation, [RenditionKind.CAPTIONS])
    preparation.sightings.filter(where__startswith=webvtt.WHERE).delete()
    if preparation.state in PREPARED:
        moves.do_again(preparation)
