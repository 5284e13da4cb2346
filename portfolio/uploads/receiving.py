"""Take a candidate's file in: into a local file of bounded size, looked at, then stored.

Nothing is stored that was not decoded first, so a refused file leaves no trace.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.base import File
from django.core.files.uploadedfile import TemporaryUploadedFile

from certification.kernel import bounded
from certification.kernel.errors import BadInput, NotAllowed

from ..models import Slot
from ..states import EvidenceKind
from . import opening
from .formats import DOCUMENT, VIDEO
from .inspect import Inspection
from .limits import SlotLimits, beyond_bytes, check_limits
from .names import plain_name, sent_in_form

__all__ = ["inspected", "limits_of", "plain_name", "received", "sent_in_form", "too_large"]

CHUNK_BYTES = 1024 * 1024
# A form is filled in and handed in as a document.
_INSPECTED_AS = {EvidenceKind.DOCUMENT: DOCUMENT, EvidenceKind.FORM: DOCUMENT, EvidenceKind.VIDEO: VIDEO}


def limits_of(slot: Slot) -> SlotLimits:
    """What the slot accepts, as the inspection puts it."""
    return SlotLimits(
        title=slot.title,
        kind=_INSPECTED_AS[EvidenceKind(slot.kind)],
        formats=tuple(slot.formats),
        max_pages=slot.max_pages,
        max_minutes=slot.max_minutes,
        max_bytes=slot.max_bytes,
    )


@contextmanager
def received(file: File, name: str, slot: Slot) -> Iterator[tuple[Path, Inspection]]:
    """The uploaded file on local disk for the length of the block, and what it turned out to be.

    Raises:
        BadInput: it is too large, not what it claims, or does not fit the slot.
        NotAllowed: the machine has no room to look at it just now.
    """
    with _on_disk(file, slot) as path:
        try:
            inspection = inspected(path, name, slot)
        except bounded.Interrupted:
            raise NotAllowed(
                f"“{slot.title}” did not take your file: it could not be looked at just now. "
                "Nothing was changed; wait a minute and upload it again."
            ) from None
        yield path, inspection


def inspected(path: Path, name: str, slot: Slot, sha256: str = "") -> Inspection:
    """What the local file turned out to be, decoded within bounds; `sha256` if it is known already.

    Raises:
        BadInput: it is not what it claims, or does not fit the slot.
        bounded.Interrupted: nothing is known of it; try again later.
    """
    limits = limits_of(slot)
    inspection = opening.inspected(path, name, sha256, takes=limits.takes)
    problems = check_limits(inspection, slot=limits)
    if problems:
        raise BadInput(problems[0], problems[1:])
    return inspection


def too_large(title: str, max_bytes: int, size: int | None = None) -> BadInput:
    """The refusal of a file that has more bytes than the slot takes; `size` when it is known how many."""
    return BadInput(beyond_bytes(title, max_bytes, size))


@contextmanager
def _on_disk(file: File, slot: Slot) -> Iterator[Path]:
    """A path to the file's bytes, without a second copy when the web server has written one already."""
    if isinstance(file, TemporaryUploadedFile):
        path = Path(file.temporary_file_path())
        if (size := path.stat().st_size) > slot.max_bytes:
            raise too_large(slot.title, slot.max_bytes, size)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="icg-upload-") as folder:
        path = Path(folder) / "received"
        _copy(file, path, slot)
        yield path


def _copy(file: File, path: Path, slot: Slot) -> None:
    """Stop at the limit instead of trusting a declared size: memory and disk stay bounded."""
    written = 0
    with path.open("wb") as target:
        for chunk in file.chunks(CHUNK_BYTES):
            written += len(chunk)
            if written > slot.max_bytes:
                raise too_large(slot.title, slot.max_bytes)
            target.write(chunk)
