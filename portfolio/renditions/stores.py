"""Bytes between the store of originals and local disk, each time with a look at their digest."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage

from certification.kernel.errors import BadInput

from ..models import Evidence
from ..uploads.storing import originals
from .making import Made
from .models import Preparation, UnclaimedRendition

FOLDER = "renditions"
_BLOCK_BYTES = 1024 * 1024


class Damaged(BadInput):
    """The original is gone from the store, or not the file that was handed in; the message is for staff."""


class StoreSilent(Exception):
    """A store could not be reached or refused; the work is tried again later."""


@contextmanager
def answering() -> Iterator[None]:
    """Tell a store that does not answer from a file that cannot be used; each store has its own errors."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StoreSilent from error


def original(evidence: Evidence, folder: Path) -> Path:
    """The original under a neutral name in `folder`, byte for byte what the candidate handed in.

    Raises:
        Damaged: it is gone from the store, or its bytes have changed.
        StoreSilent: the store does not answer.
    """
    path = folder / f"original.{evidence.format}"
    title = evidence.slot.title
    try:
        digest = _fetched(originals(), evidence.storage_key, path)
    except FileNotFoundError:
        raise Damaged(
            f"The original for “{title}” is missing from the store. Restore it, then try again."
        ) from None
    if digest != evidence.sha256:
        raise Damaged(
            f"The stored file for “{title}” is not the one that was handed in: its bytes "
            "have changed. Restore it, then try again."
        )
    return path


def fetch(key: str, sha256: str, path: Path) -> bool:
    """Bring a rendition to `path`; false when the store has it no more, or not as it was made.

    Raises:
        StoreSilent: the store does not answer.
    """
    try:
        return _fetched(originals(), key, path) == sha256
    except FileNotFoundError:
        return False


def keep(preparation: Preparation, files: Iterable[Made], now: datetime) -> list[tuple[Made, str]]:
    """Store files under fresh keys, which are on record as unclaimed first.  Returns each with its key.

    Raises:
        StoreSilent: the store does not answer.
    """
    day = f"{FOLDER}/{now.astimezone(UTC):%Y-%m-%d}"
    kept = [(made, f"{day}/{secrets.token_hex(20)}") for made in files]
    UnclaimedRendition.objects.bulk_create(
        UnclaimedRendition(storage_key=key, preparation=preparation) for _, key in kept
    )
    for made, key in kept:
        with answering(), made.path.open("rb") as stream:
            originals().save(key, File(stream))
    return kept


def _fetched(store: Storage, key: str, path: Path) -> str:
    """Bring an object to `path` and return its digest; on local disk it is the same file by another name."""
    digest = hashlib.sha256()
    path.unlink(missing_ok=True)  # a second name of the stored object itself must never be written into
    with answering(), store.open(key, "rb") as source:
        if isinstance(store, FileSystemStorage) and _linked(Path(store.path(key)), path):
            _read(source, digest, None)
        else:
            with path.open("xb") as target:
                _read(source, digest, target)
    return digest.hexdigest()


def _linked(there: Path, here: Path) -> bool:
    """Whether a second name could be given to the file, which spares a copy of gigabytes."""
    try:
        here.hardlink_to(there)
    except OSError:  # another disk, or one without links
        return False
    return True


def _read(source: File, digest: hashlib._Hash, target: IO[bytes] | None) -> None:
    while block := source.read(_BLOCK_BYTES):
        digest.update(block)
        if target is not None:
            target.write(block)
