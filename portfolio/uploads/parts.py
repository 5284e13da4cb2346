"""Where the parts of a file wait for the rest: one small protocol, two stores.

`LocalParts` keeps them as files beside the originals; `S3Parts` (in `multipart`) leaves them to the
bucket.  Which one it is follows from where the originals are kept.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import FileIO
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.core.files.storage import FileSystemStorage
from django.template.defaultfilters import filesizeformat

from certification.kernel.errors import NotAllowed

from .models import Upload
from .rules import BadPart, Part
from .storing import originals

logger = logging.getLogger(__name__)

FOLDER = "uploads"
_MD5_LETTERS = 32
# For everything else that is written to the same disk meanwhile.
_SPARE_BYTES = 64 * 1024 * 1024
# The web server hands over what has arrived in pieces as large as this; smaller ones cost it a copy each.
_CHUNK_BYTES = 1024 * 1024
_DAMAGED = (
    "The file did not stay whole while it was put together from its parts. Upload it once more; "
    "if this happens again, write to the programme office."
)


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Promised:
    """What the sender said about a part: its length, and digests if it gave any."""

    number: int
    length: int
    md5: bytes | None = None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Something the store keeps: for which upload, since which day, and its name in the store."""

    upload_id: UUID
    day: date
    handle: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A file put together from its parts, and the digest of all its bytes, taken on the way."""

    path: Path
    sha256: str


class Forgotten(Exception):
    """The store gave an upload up by itself: by a rule of the bucket's, or an accident there."""


class Parts(Protocol):
    """A store of parts."""

    def begin(self, upload_id: UUID, created_at: datetime, declared_type: str) -> str:
        """Prepare for parts and return the store's own name for the upload; empty if it needs none."""

    def require_room(self, name: str, size: int) -> None:
        """Let a file of so many bytes begin only if there is room for all of it.

        Raises:
            NotAllowed: there is none at present.
        """

    def received(self, upload: Upload) -> list[Part] | None:
        """The parts the store holds; None when our own rows are the record.

        Raises:
            Forgotten: the store knows nothing of the upload.
        """

    def link(self, upload: Upload, number: int, seconds: int) -> str | None:
        """An address that takes the part for so long; None when the site itself takes it."""

    def assembled(self, upload: Upload) -> AbstractContextManager[Whole]:
        """The whole file on local disk for the length of the block; may be asked again after a crash.

        Raises:
            BadPart: what the store holds is not what arrived.
        """

    def discard(self, upload_id: UUID, created_at: datetime, storage_id: str) -> None:
        """Remove whatever is held for the upload; twice is once."""

    def held(self) -> Iterator[Held]:
        """Everything the store keeps, whether or not we know of it."""

    def remove(self, held: Held) -> None:
        """Remove one of those."""


def store() -> Parts:
    """The store of parts that goes with the store of originals."""
    kept_in = originals()
    if isinstance(kept_in, FileSystemStorage):
        return LocalParts(Path(kept_in.path(FOLDER)))
    from .multipart import S3Parts

    return S3Parts(kept_in)


def key_of(upload_id: UUID, created_at: datetime) -> str:
    """`<day>/<id>`: the sweep reads from the name how old it is, by the clock that named it."""
    return f"{created_at.astimezone(UTC):%Y-%m-%d}/{upload_id}"


@dataclass(frozen=True, slots=True)
class LocalParts:
    """Parts as files `<number>-<etag>` in a folder of their own; the etag is the part's SHA-256."""

    root: Path

    def begin(self, upload_id: UUID, created_at: datetime, declared_type: str) -> str:
        return ""

    def require_room(self, name: str, size: int) -> None:
        there = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        free = shutil.disk_usage(there).free
        # Its parts, and the whole that is put together from them before they go.
        if free < 2 * size + _SPARE_BYTES:
            logger.error("%s bytes are free for uploads, too few for a file of %s", free, size)
            raise NotAllowed(
                f"There is no room for “{name}” ({filesizeformat(size)}) on our server at present. What has "
                "arrived of your other files is safe. Try again in some hours; if that may be too late, "
                "write to the programme office."
            )

    def received(self, upload: Upload) -> list[Part] | None:
        return None

    def link(self, upload: Upload, number: int, seconds: int) -> str | None:
        return None

    def receive(self, upload: Upload, stream: Readable, promised: Promised) -> Part:
        """Write a part to disk as it arrives; nothing is left of one that is not as promised.

        The name carries the digest, so a part sent again never overwrites the one on record.

        Raises:
            BadPart: it is short, long, or its digest is another.
        """
        folder = self._folder(upload.pk, upload.created_at)
        folder.mkdir(parents=True, exist_ok=True)
        arriving = folder / f".{promised.number}-{secrets.token_hex(8)}"
        try:
            with arriving.open("xb", buffering=0) as target:
                etag = _write(stream, target, promised)
                _name(target, arriving, folder / f"{promised.number}-{etag}")
            _sync_folder(folder)
        except FileNotFoundError:  # the folder went while the part came
            raise BadPart("NoSuchUpload", "The upload was called off or completed meanwhile.") from None
        finally:
            arriving.unlink(missing_ok=True)
        return Part(promised.number, promised.length, etag)

    def holds(self, upload: Upload, part: Part) -> bool:
        return self._path(upload, part).is_file()

    def forget(self, upload: Upload, part: Part) -> None:
        """Remove a part that is on record no longer."""
        self._path(upload, part).unlink(missing_ok=True)

    @contextmanager
    def assembled(self, upload: Upload) -> Iterator[Whole]:
        folder = self._folder(upload.pk, upload.created_at)
        for left_by_a_crash in folder.glob(".whole-*"):  # or each try would leave another
            left_by_a_crash.unlink(missing_ok=True)
        whole = folder / f".whole-{secrets.token_hex(8)}"
        try:
            yield Whole(whole, self._assemble(upload, whole))
        finally:
            whole.unlink(missing_ok=True)

    def discard(self, upload_id: UUID, created_at: datetime, storage_id: str) -> None:
        shutil.rmtree(self._folder(upload_id, created_at), ignore_errors=True)

    def held(self) -> Iterator[Held]:
        for folder in sorted(self.root.glob("????-??-??/*-*-*-*-*")):
            yield Held(UUID(folder.name), date.fromisoformat(folder.parent.name), str(folder))

    def remove(self, held: Held) -> None:
        shutil.rmtree(held.handle, ignore_errors=True)

    def _assemble(self, upload: Upload, whole: Path) -> str:
        """Put the parts behind one another; returns the digest of the whole."""
        digest = hashlib.sha256()
        # One piece of memory for all of it: a fresh one for each read costs more than the digests.
        room = memoryview(bytearray(_CHUNK_BYTES))
        try:
            with whole.open("xb", buffering=0) as target:
                for row in upload.parts.order_by("number"):
                    part = Part(row.number, row.bytes, row.etag)
                    _append(self._path(upload, part), part, target, digest, room)
        except FileNotFoundError:
            raise BadPart("InvalidPart", _DAMAGED) from None
        if whole.stat().st_size != upload.declared_bytes:
            raise BadPart("InvalidPart", _DAMAGED)
        return digest.hexdigest()

    def _folder(self, upload_id: UUID, created_at: datetime) -> Path:
        return self.root / key_of(upload_id, created_at)

    def _path(self, upload: Upload, part: Part) -> Path:
        return self._folder(upload.pk, upload.created_at) / f"{part.number}-{part.etag}"


def _write(stream: Readable, target: FileIO, promised: Promised) -> str:
    """Write what comes and return its digest; another digest is made only for a sender that gave one."""
    digests = {"sha256": hashlib.sha256()}
    if promised.md5 is not None:
        digests["md5"] = hashlib.md5(usedforsecurity=False)
    written = 0
    while chunk := stream.read(_CHUNK_BYTES):
        written += len(chunk)
        if written > promised.length:
            raise BadPart("EntityTooLarge", f"Part {promised.number} has more bytes than it should have.")
        for digest in digests.values():
            digest.update(chunk)
        _write_out(target, chunk)
    if written < promised.length:
        raise BadPart(
            "IncompleteBody",
            f"Part {promised.number} broke off after {written:,} of {promised.length:,} bytes.",
        )
    for name, said in (("md5", promised.md5), ("sha256", promised.sha256)):
        if said is not None and said != digests[name].digest():
            raise BadPart("BadDigest", f"Part {promised.number} changed on its way here. It is sent again.")
    return digests["sha256"].hexdigest()


def _name(target: FileIO, arriving: Path, place: Path) -> None:
    """Give a part its name and have its bytes on disk.

    A new name comes first: a disk that is then asked for the bytes writes both at once.  But where there
    is such a part already, it may be on record, and bytes that a power cut would take never replace it.
    """
    try:
        place.hardlink_to(arriving)
    except OSError:  # it is there; or the disk knows only one name for a file
        os.fsync(target.fileno())
        arriving.replace(place)
    else:
        os.fsync(target.fileno())


def _write_out(target: FileIO, chunk: bytes | memoryview) -> None:
    """All of it: a file without a buffer may take less than it is given, when the disk is nearly full."""
    left = memoryview(chunk)
    while left:
        left = left[os.write(target.fileno(), left) :]


def _append(path: Path, part: Part, target: FileIO, whole: hashlib._Hash, room: memoryview) -> None:
    """Put a part behind the ones before it, and look whether it still is the one that arrived."""
    own = _digest_like(part.etag)
    with path.open("rb", buffering=0) as source:
        while length := source.readinto(room):
            piece = room[:length]
            own.update(piece)
            whole.update(piece)
            _write_out(target, piece)
        _forget_cached(source)
    if own.hexdigest() != part.etag:
        raise BadPart("InvalidPart", _DAMAGED)


def _forget_cached(source: FileIO) -> None:
    """Give back the memory in which the system holds what nobody reads again: the whole needs as much."""
    if hasattr(os, "posix_fadvise"):  # not on every system
        os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _digest_like(etag: str) -> hashlib._Hash:
    """SHA-256; parts that arrived before their etag was that were named by their MD5."""
    return hashlib.md5(usedforsecurity=False) if len(etag) == _MD5_LETTERS else hashlib.sha256()


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut; the bytes are on disk already."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
