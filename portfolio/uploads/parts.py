"""Where the parts of a file wait for the rest: one small protocol, two stores.

`LocalParts` keeps them as files beside the originals; `S3Parts` (in `multipart`) leaves them to the
bucket.  Which one it is follows from where the originals are kept.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.core.files.storage import FileSystemStorage
from django.db import transaction

from certification.kernel.errors import NotAllowed

from .. import locks
from ..states import UploadState
from . import disk
from .limits import shown_bytes
from .models import Upload
from .rules import BadPart, Part, start_of_part
from .storing import originals

logger = logging.getLogger(__name__)

FOLDER = "uploads"
_WHOLE = "whole"
# For everything else that is written to the same disk meanwhile.
_SPARE_BYTES = 64 * 1024 * 1024
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
    """Parts in their places in one file, so that no byte is written twice; the etag is a part's SHA-256.

    A place is written only by who holds its lock and has seen, under the lock, that the upload is open and
    the part not on record.  A part that is on record, or is arriving in its place already, comes apart:
    into a file `<number>-<etag>` of its own.  So bytes on record are never written over.
    """

    root: Path

    def begin(self, upload_id: UUID, created_at: datetime, declared_type: str) -> str:
        return ""

    def require_room(self, name: str, size: int) -> None:
        there = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        free = shutil.disk_usage(there).free
        # Where parts cannot be locked they all come apart, and the whole beside them.
        needed = size if disk.CAN_LOCK else 2 * size
        if free < needed + _SPARE_BYTES:
            logger.error("%s bytes are free for uploads, too few for a file of %s", free, size)
            raise NotAllowed(
                f"There is no room for “{name}” ({shown_bytes(size)}) on our server at present. What has "
                "arrived of your other files is safe. Try again in some hours; if that may be too late, "
                "write to the programme office."
            )

    def received(self, upload: Upload) -> list[Part] | None:
        return None

    def link(self, upload: Upload, number: int, seconds: int) -> str | None:
        return None

    @contextmanager
    def receiving(self, upload: Upload, stream: Readable, promised: Promised) -> Iterator[Part]:
        """Write a part to disk as it arrives; within the block it can be put on record.

        Of one that is not as promised nothing is left but bytes in a place that is not on record.

        Raises:
            BadPart: it is short, long, or its digest is another.
        """
        folder = self._folder(upload.pk, upload.created_at)
        with _unless_it_is_over():
            _make_folder(folder)
            whole = disk.opened(folder / _WHOLE)
        with whole:
            if self._claim_place(upload, promised, whole):
                with _unless_it_is_over():
                    whole.seek(start_of_part(promised.number, part_bytes=upload.part_bytes))
                    etag = _write(stream, whole, promised)
                    os.fsync(whole.fileno())
                    _sync_folder(folder)
                # The lock goes when the file is closed: not before the part is on record.
                yield Part(promised.number, promised.length, etag, is_apart=False)
                return
        with _unless_it_is_over():
            part = _received_apart(folder, stream, promised)
        yield part

    def holds(self, upload: Upload, part: Part) -> bool:
        return not part.is_apart or self._path(upload, part).is_file()

    def forget(self, upload: Upload, part: Part) -> None:
        """Remove a part that is on record no longer; its place is simply written again."""
        if part.is_apart:
            self._path(upload, part).unlink(missing_ok=True)

    @contextmanager
    def assembled(self, upload: Upload) -> Iterator[Whole]:
        folder = self._folder(upload.pk, upload.created_at)
        if not self.root.is_dir():  # not mounted, say: no fault of the file's
            raise OSError(errno.EIO, "The store of parts is not there")
        if not folder.is_dir():
            raise BadPart("InvalidPart", _DAMAGED)
        for left_by_a_crash in folder.glob(".whole-*"):  # or each try would leave another
            left_by_a_crash.unlink(missing_ok=True)
        with disk.opened(folder / _WHOLE) as whole:
            if disk.try_lock(whole) and disk.has_one_name(whole):
                yield Whole(folder / _WHOLE, self._gather(upload, whole, whole))
                return
            # Somebody still writes into a place whose part came apart meanwhile, and may do so for long.
            # Or a try that was killed has given the file its key already.
            copy = folder / f".whole-{secrets.token_hex(8)}"
            try:
                with disk.opened(copy) as target:
                    digest = self._gather(upload, whole, target)
                yield Whole(copy, digest)
            finally:
                copy.unlink(missing_ok=True)

    def discard(self, upload_id: UUID, created_at: datetime, storage_id: str) -> None:
        shutil.rmtree(self._folder(upload_id, created_at), ignore_errors=True)

    def held(self) -> Iterator[Held]:
        for folder in sorted(self.root.glob("????-??-??/*-*-*-*-*")):
            yield Held(UUID(folder.name), date.fromisoformat(folder.parent.name), str(folder))

    def remove(self, held: Held) -> None:
        shutil.rmtree(held.handle, ignore_errors=True)

    def _claim_place(self, upload: Upload, promised: Promised, whole: FileIO) -> bool:
        """Lock the part's place until the file is closed; whether it may be written.

        The upload's row is locked to wait for a sender that was killed while its part went on record:
        the database may still be at it.
        """
        start = start_of_part(promised.number, part_bytes=upload.part_bytes)
        if not disk.try_lock(whole, start, promised.length):
            return False
        with transaction.atomic():
            locked = locks.upload_alone(upload.pk)
            is_on_record = locked.parts.filter(number=promised.number).exists()
            transaction.set_rollback(True)  # nothing was written, so there is no disk to wait for
        return locked.state == UploadState.OPEN and not is_on_record

    def _gather(self, upload: Upload, whole: FileIO, target: FileIO) -> str:
        """Bring what is elsewhere to its place in `target`, look at every byte; the digest of all of them."""
        digest, looked_at = hashlib.sha256(), 0
        for row in upload.parts.order_by("number"):
            part = row.as_part()
            target.seek(start_of_part(part.number, part_bytes=upload.part_bytes))
            with self._at(upload, part, whole) as source:
                _look_at(part, source, target, digest)
            looked_at += part.bytes
        if not looked_at == target.seek(0, os.SEEK_END) == upload.declared_bytes:
            raise BadPart("InvalidPart", _DAMAGED)
        return digest.hexdigest()

    @contextmanager
    def _at(self, upload: Upload, part: Part, whole: FileIO) -> Iterator[FileIO]:
        """The part's bytes, where it is kept."""
        if not part.is_apart:
            whole.seek(start_of_part(part.number, part_bytes=upload.part_bytes))
            yield whole
            return
        try:
            source = self._path(upload, part).open("rb", buffering=0)
        except FileNotFoundError:
            raise BadPart("InvalidPart", _DAMAGED) from None
        with source:
            yield source

    def _folder(self, upload_id: UUID, created_at: datetime) -> Path:
        return self.root / key_of(upload_id, created_at)

    def _path(self, upload: Upload, part: Part) -> Path:
        return self._folder(upload.pk, upload.created_at) / f"{part.number}-{part.etag}"


@contextmanager
def _unless_it_is_over() -> Iterator[None]:
    """Say so when the folder goes while a part comes."""
    try:
        yield
    except FileNotFoundError:
        raise BadPart("NoSuchUpload", "The upload was called off or completed meanwhile.") from None


def _received_apart(folder: Path, stream: Readable, promised: Promised) -> Part:
    """A part in a file of its own: under a name with its digest, so that it overwrites no other on record."""
    arriving = folder / f".{promised.number}-{secrets.token_hex(8)}"
    try:
        with arriving.open("xb", buffering=0) as target:
            etag = _write(stream, target, promised)
            # Before it may take the name of one that is there: what a power cut takes was never on record.
            os.fsync(target.fileno())
        arriving.replace(folder / f"{promised.number}-{etag}")
        _sync_folder(folder)
    finally:
        arriving.unlink(missing_ok=True)
    return Part(promised.number, promised.length, etag, is_apart=True)


def _write(stream: Readable, target: FileIO, promised: Promised) -> str:
    """Write what comes and return its digest; another digest is made only for a sender that gave one."""
    digests = {"sha256": hashlib.sha256()}
    if promised.md5 is not None:
        digests["md5"] = hashlib.md5(usedforsecurity=False)
    arrived = 0

    def fill(room: memoryview) -> int:
        nonlocal arrived
        filled = 0
        while filled < len(room) and (chunk := stream.read(len(room) - filled)):
            room[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        arrived += filled
        if arrived > promised.length:
            raise BadPart("EntityTooLarge", f"Part {promised.number} has more bytes than it should have.")
        return filled

    disk.go_past_the_cache(target)
    disk.pass_on(fill, *(digest.update for digest in digests.values()), partial(_write_own, target))
    if arrived < promised.length:
        raise BadPart(
            "IncompleteBody",
            f"Part {promised.number} broke off after {arrived:,} of {promised.length:,} bytes.",
        )
    for name, said in (("md5", promised.md5), ("sha256", promised.sha256)):
        if said is not None and said != digests[name].digest():
            raise BadPart("BadDigest", f"Part {promised.number} changed on its way here. It is sent again.")
    return digests["sha256"].hexdigest()


def _write_own(target: FileIO, piece: memoryview) -> None:
    """Write, unless the file was discarded or became evidence meanwhile.

    The lock keeps both away; but not every file system that several machines share has locks for all.
    """
    if not disk.has_one_name(target):
        raise FileNotFoundError(errno.ENOENT, "The file is over")
    disk.write_out(target, piece)


def _look_at(part: Part, source: FileIO, target: FileIO, whole: hashlib._Hash) -> None:
    """See that a part still is the one that arrived, take it into the digest of all, and to its place."""
    own, left = hashlib.sha256(), part.bytes

    def fill(room: memoryview) -> int:
        nonlocal left
        length = min(left, disk.read_into(source, room)) if left else 0
        left -= length
        return length

    disk.go_past_the_cache(source)
    takers: list[Callable[[memoryview], object]] = [own.update, whole.update]
    if source is not target:
        takers.append(partial(disk.write_out, target))
    disk.pass_on(fill, *takers)
    if own.hexdigest() != part.etag:
        raise BadPart("InvalidPart", _DAMAGED)


def _make_folder(folder: Path) -> None:
    """The folder of an upload, whose name outlasts a power cut."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for above in (folder.parent, folder.parent.parent):
        _sync_folder(above)


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut; the bytes are on disk already."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
