"""Clean the evidence of one entry and put the copies into the `blind` storage, whole or not at all.

The order is what makes it safe to be killed at any point: clean into a temporary folder, note the keys,
store the copies, then claim the keys and write the rows in one transaction.  A key noted and never
claimed is swept, and the blinding is still waiting.  Source: the programme's rules, section 7.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from PIL import Image

from candidates import selectors as candidates
from certification.kernel import ids
from certification.kernel.errors import BadInput
from certification.kernel.states import require
from scoring.api import FileKind

from ..models import Evidence
from ..states import BLINDING_ALLOWED, BlindingState, EvidenceKind
from . import cleaning, locks
from .cleaning.results import Finding as Found
from .identifiers import Identity, Term, redact, search_terms
from .models import Blinding, CleanedFile, Finding, UnclaimedCopy

logger = logging.getLogger(__name__)

_BLOCK_BYTES = 1024 * 1024
# Whoever's they are, they lead to somebody: a second address, a school's page, a channel with the videos.
ADDRESSES = (
    Term("any e-mail address", "email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    Term("any link", "link", re.compile(r"(?:https?://|www\.)[^\s<>\")]+")),
)


class StoreSilent(Exception):
    """A store could not be reached or refused; the work is tried again later."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One cleaned file on local disk, with everything its row will say; `key` is where it will lie."""

    evidence: Evidence
    path: Path
    key: str
    label: str
    kind: str
    content_type: str
    size: int
    sha256: str
    width: int
    height: int
    page_number: int | None = None
    seconds: Decimal | None = None
    text: str = ""


def blind_store() -> Storage:
    """The store of cleaned copies."""
    return storages["blind"]


def identity_of(blinding: Blinding) -> Identity:
    """Everything known to name the candidate of this entry, and what staff found besides."""
    person = candidates.person(blinding.entry.candidacy_id)
    return Identity(
        names=tuple(dict.fromkeys((person.name_on_certificate, person.full_name))),
        emails=(person.email,),
        organisations=tuple(filter(None, (person.school, person.district))),
        usernames=(person.number, *blinding.also_cover),
    )


def clean(blinding_id: UUID, now: datetime) -> BlindingState | None:
    """Clean a waiting blinding's evidence.  Returns the state it came to.

    None when there was nothing to do, somebody else does it, or a store did not answer; the next
    sweep tries again.
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
            with _answering():
                blind_store().delete(unclaimed.storage_key)
        except StoreSilent:
            logger.exception("blinding %s: a copy could not be removed; it is tried again", blinding_id)
            continue
        unclaimed.delete()
        removed += 1
    return removed


# ---- cleaning, on local disk ----


def _cleaned(blinding: Blinding, folder: Path) -> tuple[list[Copy], list[tuple[Evidence, Found]]]:
    known = search_terms(identity_of(blinding))
    terms = (*known, *ADDRESSES)
    made: list[Copy] = []
    found: list[tuple[Evidence, Found]] = []
    for place, (evidence, label) in enumerate(_labelled(blinding)):
        work = folder / f"{place:03d}"
        work.mkdir()
        original = _downloaded(evidence, work)
        if evidence.slot.kind == EvidenceKind.VIDEO:
            copies, findings = _clean_video(evidence, label, original, terms, work)
        else:
            copies, findings = _clean_document(evidence, label, original, terms, work)
        original.unlink()
        _require_clean(label, copies, known)
        made += copies
        found += [(evidence, finding) for finding in findings]
    if not made:
        raise BadInput("The entry has no evidence to clean. Look at the entry; it was sealed without files.")
    return made, found


def _labelled(blinding: Blinding) -> Iterator[tuple[Evidence, str]]:
    """The entry's evidence in the order of its slots, each under its slot's title, counted if need be."""
    live = Evidence.objects.filter(entry_id=blinding.entry_id, removed_at__isnull=True)
    evidence = list(live.select_related("slot").order_by("slot__ordinal", "place", "uploaded_at", "pk"))
    for one in evidence:
        alike = [other.pk for other in evidence if other.slot_id == one.slot_id]
        counted = f", file {alike.index(one.pk) + 1} of {len(alike)}" if len(alike) > 1 else ""
        yield one, f"{one.slot.title}{counted}"


def _downloaded(evidence: Evidence, work: Path) -> Path:
    """The original under a neutral name, byte for byte what the candidate handed in."""
    path = work / f"original.{evidence.format}"
    digest = hashlib.sha256()
    try:
        with (
            _answering(),
            storages["identity"].open(evidence.storage_key, "rb") as source,
            path.open("wb") as target,
        ):
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
                target.write(block)
    except FileNotFoundError:
        raise BadInput(
            f"The original for “{evidence.slot.title}” is missing from the store. Restore it, then try again."
        ) from None
    if digest.hexdigest() != evidence.sha256:
        raise BadInput(
            f"The stored file for “{evidence.slot.title}” is not the one that was handed in: its bytes "
            "have changed. Restore it, then try again."
        )
    return path


def _clean_document(
    evidence: Evidence, label: str, original: Path, terms: Sequence[Term], work: Path
) -> tuple[list[Copy], Sequence[Found]]:
    document = cleaning.clean_document(
        original, evidence.format, terms, work / "pages", declared_name=evidence.original_name
    )
    copies = [
        Copy(
            evidence=evidence,
            path=page.image_path,
            key=_key(),
            label=label,
            kind=FileKind.PAGE,
            content_type="image/jpeg",
            size=page.size,
            sha256=page.sha256,
            width=page.width,
            height=page.height,
            page_number=page.number,
            text=redact(page.text, terms),
        )
        for page in document.pages
    ]
    return copies, document.findings


def _clean_video(
    evidence: Evidence, label: str, original: Path, terms: Sequence[Term], work: Path
) -> tuple[list[Copy], Sequence[Found]]:
    video = cleaning.clean_video(
        original, work / "copy.mp4", terms=terms, declared_name=evidence.original_name
    )
    copy = Copy(
        evidence=evidence,
        path=video.path,
        key=_key(),
        label=label,
        kind=FileKind.VIDEO,
        content_type="video/mp4",
        size=video.size,
        sha256=video.sha256,
        width=video.width,
        height=video.height,
        seconds=video.seconds,
    )
    return [copy, _poster(copy, work / "poster.jpg")], video.findings


def _poster(video: Copy, path: Path) -> Copy:
    cleaning.poster(video.path, path)
    data = path.read_bytes()
    with Image.open(path) as image:
        width, height = image.size
    return replace(
        video,
        path=path,
        key=_key(),
        kind=FileKind.POSTER,
        content_type="image/jpeg",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        seconds=None,
    )


def _require_clean(label: str, copies: Sequence[Copy], terms: Sequence[Term]) -> None:
    """Look at the finished copies once more by other means than those that made them."""
    if cleaning.assert_clean([copy.path for copy in copies], terms):
        raise BadInput(
            f"The cleaned copy of “{label}” still holds an identifier outside what it shows. "
            "Nothing was handed on; tell support."
        )


def _key() -> str:
    key = ids.uuid().hex
    return f"{key[:2]}/{key}"


# ---- storing and writing down ----


def _store(blinding: Blinding, made: Sequence[Copy]) -> None:
    UnclaimedCopy.objects.bulk_create(UnclaimedCopy(storage_key=copy.key, blinding=blinding) for copy in made)
    for copy in made:
        with _answering(), copy.path.open("rb") as stream:
            blind_store().save(copy.key, File(stream))


@contextmanager
def _answering() -> Iterator[None]:
    """Tell a store that does not answer from a file that cannot be cleaned; each store has its own errors."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StoreSilent from error


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
            kind=copy.kind,
            page_number=copy.page_number,
            storage_key=copy.key,
            content_type=copy.content_type,
            size=copy.size,
            sha256=copy.sha256,
            width=copy.width,
            height=copy.height,
            seconds=copy.seconds,
            text=copy.text,
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
