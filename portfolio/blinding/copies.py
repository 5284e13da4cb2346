"""Clean the evidence of one entry and put the copies into the `blind` storage, whole or not at all.

What the candidate saw in the preview is copied byte for byte, as long as the same words are to be covered.

The order is what makes it safe to be killed at any point: clean into a temporary folder, note the keys,
store the copies, then claim the keys and write the rows in one transaction.  A key noted and never
claimed is swept, and the blinding is still waiting.  Source: the programme's rules, section 7.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.db import transaction

from certification.kernel import bounded, ids
from certification.kernel.errors import BadInput
from certification.kernel.states import require

from ..models import Captions, Evidence, Preparation
from ..renditions import making, reuse
from ..renditions.making import Drawn, Made, Piece
from ..renditions.stores import StoreSilent, answering, original
from ..states import BLINDING_ALLOWED, BlindingState, EvidenceKind, PreparationState
from . import locks, terms
from .cleaning.results import Finding as Found
from .identifiers import Identity
from .models import Blinding, CleanedFile, Finding, UnclaimedCopy

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Copy:
    """One cleaned file on local disk, and under which name and key it goes to the scorers' store."""

    evidence: Evidence
    label: str
    key: str
    made: Made


def blind_store() -> Storage:
    """The store of cleaned copies."""
    return storages["blind"]


def clean(blinding_id: UUID, now: datetime) -> BlindingState | None:
    """Clean a waiting blinding's evidence.  Returns the state it came to.

    None when there was nothing to do, somebody else does it, a store did not answer, or the machine ended
    the work; the next sweep tries again.
    """
    with locks.copies(blinding_id) as mine:
        if not mine:
            return None
        blinding = Blinding.objects.select_related("entry").filter(pk=blinding_id).first()
        if blinding is None or blinding.state != BlindingState.WAITING:
            return None
        try:
            with tempfile.TemporaryDirectory(prefix="icg-blinding-") as folder:
                made, found = _cleaned(blinding, Path(folder))
                _store(blinding, made)
                return _claim(blinding_id, made, found, now)
        except BadInput as refusal:
            return _fail(blinding_id, str(refusal))
        except StoreSilent:
            logger.exception("blinding %s: a store did not answer; it is tried again", blinding_id)
            return None
        except bounded.Interrupted:
            logger.exception("blinding %s: the cleaning was interrupted; it is tried again", blinding_id)
            return None
        except SoftTimeLimitExceeded:
            raise  # the worker's trouble, not the entry's
        except Exception:  # a decoder fell over a file: the other entries must not wait for it
            logger.exception("blinding %s could not be cleaned", blinding_id)
            return _fail(
                blinding_id, "A file made the cleaning stop. Try again; if it stops again, tell support."
            )


def sweep() -> int:
    """Remove stored copies that no row claims.  Returns how many keys it settled."""
    removed = 0
    for blinding_id in list(UnclaimedCopy.objects.values_list("blinding_id", flat=True).distinct()):
        with locks.copies(blinding_id) as mine:
            if mine:
                removed += _sweep_one(blinding_id)
    return removed


def give_up(blinding: Blinding) -> None:
    """Let go of the copies and findings of an earlier cleaning; what a person recorded stays.

    Runs in the caller's transaction; the stored objects go with the next sweep.
    """
    keys = list(blinding.files.values_list("storage_key", flat=True))
    UnclaimedCopy.objects.bulk_create(UnclaimedCopy(storage_key=key, blinding=blinding) for key in keys)
    blinding.files.all().delete()
    blinding.findings.filter(recorded_by__isnull=True).delete()


def _sweep_one(blinding_id: UUID) -> int:
    removed = 0
    for unclaimed in UnclaimedCopy.objects.filter(blinding_id=blinding_id):
        try:
            with answering():
                blind_store().delete(unclaimed.storage_key)
        except StoreSilent:
            logger.exception("blinding %s: a copy could not be removed; it is tried again", blinding_id)
            continue
        unclaimed.delete()
        removed += 1
    return removed


def _cleaned(blinding: Blinding, folder: Path) -> tuple[list[Copy], list[tuple[Evidence, Found]]]:
    """Copies of every piece: those the preview shows where it covers the same words, else made now."""
    entry = blinding.entry
    identity = terms.identities([(entry.pk, entry.candidacy_id)])[entry.pk]
    digest = terms.digest(identity)
    copies: list[Copy] = []
    found: list[tuple[Evidence, Found]] = []
    for place, (evidence, label) in enumerate(_labelled(blinding)):
        work = folder / f"{place:03d}"
        work.mkdir()
        _require_usable(evidence, label)
        drawn = reuse.drawn(evidence, digest, work / "prepared") or _made(evidence, identity, work)
        copies += [Copy(evidence, label, _key(), made) for made in drawn.files]
        found += [(evidence, finding) for finding in drawn.findings]
    if not copies:
        raise BadInput("The entry has no evidence to clean. Look at the entry; it was sealed without files.")
    return copies, found


def _require_usable(evidence: Evidence, label: str) -> None:
    """Nothing is made of a file that was found harmful, or that ended each program that opened it."""
    rejected = Preparation.objects.filter(evidence=evidence, state=PreparationState.REJECTED).first()
    if rejected is not None:
        raise BadInput(f"“{label}” cannot be used: {rejected.problem}")


def _made(evidence: Evidence, identity: Identity, work: Path) -> Drawn:
    piece = Piece(
        path=original(evidence, work),
        format=evidence.format,
        name=evidence.original_name,
        pages=evidence.pages,
        seconds=evidence.seconds,
        known=terms.known_terms(identity),
        terms=terms.all_terms(identity),
    )
    try:
        if evidence.slot.kind != EvidenceKind.VIDEO:
            return making.pages_alone(piece, work)
        video = making.video(piece, work)
        poster = making.poster(video.files[0].path, work)
    finally:
        piece.path.unlink()
    captions = Captions.objects.filter(evidence=evidence).first()
    words = making.captions(captions.text, piece.known, piece.terms, work) if captions else Drawn(())
    return Drawn((*video.files, *poster.files, *words.files), (*video.findings, *words.findings))


def _labelled(blinding: Blinding) -> Iterator[tuple[Evidence, str]]:
    """The entry's evidence in the order of its slots, each under its slot's title, counted if need be."""
    live = Evidence.objects.filter(entry_id=blinding.entry_id, removed_at__isnull=True)
    evidence = list(live.select_related("slot").order_by("slot__ordinal", "place", "uploaded_at", "pk"))
    for one in evidence:
        alike = [other.pk for other in evidence if other.slot_id == one.slot_id]
        counted = f", file {alike.index(one.pk) + 1} of {len(alike)}" if len(alike) > 1 else ""
        yield one, f"{one.slot.title}{counted}"


def _key() -> str:
    key = ids.uuid().hex
    return f"{key[:2]}/{key}"


def _store(blinding: Blinding, made: Sequence[Copy]) -> None:
    UnclaimedCopy.objects.bulk_create(UnclaimedCopy(storage_key=copy.key, blinding=blinding) for copy in made)
    for copy in made:
        with answering(), copy.made.path.open("rb") as stream:
            blind_store().save(copy.key, File(stream))


@transaction.atomic
def _claim(
    blinding_id: UUID, made: Sequence[Copy], found: Sequence[tuple[Evidence, Found]], now: datetime
) -> BlindingState:
    blinding = locks.blinding(blinding_id)
    require(BLINDING_ALLOWED, blinding.state, BlindingState.CLEANED, what="This blinding")
    UnclaimedCopy.objects.filter(storage_key__in=[copy.key for copy in made]).delete()
    CleanedFile.objects.bulk_create(
        CleanedFile(
            blinding=blinding,
            evidence=copy.evidence,
            ordinal=ordinal,
            label=copy.label[:150],
            kind=copy.made.kind,
            page_number=copy.made.page_number,
            storage_key=copy.key,
            content_type=copy.made.content_type,
            size=copy.made.size,
            sha256=copy.made.sha256,
            width=copy.made.width,
            height=copy.made.height,
            seconds=copy.made.seconds,
            text=copy.made.text,
        )
        for ordinal, copy in enumerate(made, start=1)
    )
    Finding.objects.bulk_create(
        Finding(
            blinding=blinding,
            evidence=evidence,
            where=finding.where[:120],
            page_number=finding.page,
            kind=finding.kind[:40],
            excerpt=finding.excerpt[:300],
            covered=finding.covered,
        )
        for evidence, finding in found
    )
    blinding.state = BlindingState.CLEANED
    blinding.cleaned_at = now
    blinding.problem = ""
    blinding.save(update_fields=["state", "cleaned_at", "problem"])
    return BlindingState.CLEANED


@transaction.atomic
def _fail(blinding_id: UUID, problem: str) -> BlindingState:
    blinding = locks.blinding(blinding_id)
    require(BLINDING_ALLOWED, blinding.state, BlindingState.FAILED, what="This blinding")
    blinding.state = BlindingState.FAILED
    blinding.problem = problem[:300]
    blinding.save(update_fields=["state", "problem"])
    return BlindingState.FAILED
