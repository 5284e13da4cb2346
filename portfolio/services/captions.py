"""Captions of a video: what is said in it, handed in as WebVTT or SRT while the entry is prepared."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from django.core.files.base import File
from django.db import transaction

from accounts.models import User
from certification.kernel import audit, clock
from certification.kernel.errors import BadInput

from .. import locks
from ..models import Captions, Evidence, Preparation
from ..renditions import locks as preparations
from ..renditions import moves, webvtt
from ..renditions.models import RenditionKind
from ..states import PREPARED, EvidenceKind
from ..uploads import receiving
from .entries import require_preparable


@transaction.atomic
def set_captions(*, evidence_id: UUID, by: User, file: File, name: str, now: datetime) -> Captions:
    """Give a video its captions, in place of those it had; the same file again changes nothing.

    Kept is what was read, written anew without styles and tags.  Source: the programme's rules, section 5.

    Raises:
        Evidence.DoesNotExist: there is no such video, it was removed, or it is somebody else's.
        BadInput: no captions, too large, or longer than the video.
        NotAllowed, WindowClosed: the entry is not in preparation any more.
    """
    evidence = _own_video(evidence_id, by)
    now = clock.agreed(now)
    require_preparable(evidence.entry, now)
    name = receiving.plain_name(name)
    data = _read(file, name)
    cues = webvtt.read(data, name)
    webvtt.require_within(cues, evidence.seconds, name)
    sha256 = hashlib.sha256(data).hexdigest()
    captions = Captions.objects.filter(evidence=evidence).first() or Captions(evidence=evidence)
    if captions.sha256 == sha256:
        return captions
    captions.original_name, captions.text = name, webvtt.written(cues)
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
