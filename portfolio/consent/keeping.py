"""Where release forms are kept: the store of originals, under random keys that say nothing about anybody.

Taken in like evidence: decoded before anything is stored, swept when nothing refers to it.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.files.base import File

from certification.kernel.bounded import Failed, Interrupted, Limits, OutOfBounds, run_bounded
from certification.kernel.errors import BadInput, NotAllowed

from ..models import ReleaseForm
from ..uploads import storing
from ..uploads.storing import discard
from . import looking

logger = logging.getLogger(__name__)

__all__ = ["MAX_BYTES", "Received", "discard", "keep", "received", "sweep", "too_large"]

MAX_BYTES = 20 * 1024 * 1024
ACCEPT = ".pdf,.jpg,.jpeg,.png"
_FOLDER = "release-forms"
_CHUNK_BYTES = 1024 * 1024
_LIMITS = Limits(memory_bytes=1024**3, cpu_seconds=10, wall_seconds=60)


@dataclass(frozen=True, slots=True)
class Received:
    """A release form on local disk that was decoded and found sound."""

    path: Path
    format: str
    size: int
    sha256: str


@contextmanager
def received(file: File, name: str) -> Iterator[Received]:
    """The uploaded form on local disk for the length of the block.

    Raises:
        BadInput: it is too large, no PDF, PNG or JPEG, broken or protected.
        NotAllowed: the machine has no room to look at it just now.
    """
    with tempfile.TemporaryDirectory(prefix="icg-form-") as folder:
        path = Path(folder) / "received"
        size, sha256 = _copy(file, path)
        if size == 0:
            raise BadInput(f"“{name}” is empty (0 bytes). Check the file on your computer and send it again.")
        try:
            look = run_bounded(looking.look, path, name, limits=_LIMITS, results=(looking.Look,))
        except OutOfBounds:
            raise looking.unreadable(name) from None
        except Interrupted:
            raise NotAllowed(
                f"“{name}” was not taken in: it could not be looked at just now. "
                "Wait a minute and send it again."
            ) from None
        except Failed:  # a mistake of ours, which must not cost what was typed beside the file
            logger.exception("a release form could not be looked at")
            raise looking.unreadable(name) from None
        yield Received(path, look.format, size, sha256)


def too_large() -> BadInput:
    """The refusal of a form that has more bytes than we take, however many they are."""
    return BadInput("A release form has at most 20 MB. Scan it at a lower resolution and send it again.")


def keep(form: Received, now: datetime) -> str:
    """Store it under a fresh random key and return the key; it outlasts a power cut from now on."""
    return storing.keep(form.path, now, _FOLDER)


def sweep(now: datetime) -> dict[str, int]:
    """Remove forms that no row refers to any more and that are older than a day."""
    return {"forms_removed": storing.sweep_folder(_FOLDER, ReleaseForm.objects.all(), now)}


def _copy(file: File, path: Path) -> tuple[int, str]:
    """Stop at the limit instead of trusting a declared size: memory and disk stay bounded."""
    written, digest = 0, hashlib.sha256()
    with path.open("wb") as target:
        for chunk in file.chunks(_CHUNK_BYTES):
            written += len(chunk)
            if written > MAX_BYTES:
                raise too_large()
            digest.update(chunk)
            target.write(chunk)
    return written, digest.hexdigest()
