"""Parts on local disk: what is written, what leaves nothing, and how little memory it takes."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tracemalloc
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from certification.kernel.errors import NotAllowed
from portfolio.models import Entry, Upload
from portfolio.uploads import parts
from portfolio.uploads.parts import LocalParts, Promised
from portfolio.uploads.rules import MIB, BadPart
from tests.factories.uploads import an_upload, complete, file_of, send_all

pytestmark = pytest.mark.django_db


class Wire:
    """So many bytes that are made while they are read."""

    def __init__(self, length: int) -> None:
        self.left = length

    def read(self, size: int, /) -> bytes:
        given = min(size, self.left)
        self.left -= given
        return bytes(given)


@pytest.fixture
def store() -> LocalParts:
    found = parts.store()
    assert isinstance(found, LocalParts)
    return found


@pytest.fixture
def upload(draft: Entry, now: datetime) -> Upload:
    return an_upload(draft, now, size=1000)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_part_is_a_file_named_by_number_and_digest(store: LocalParts, upload: Upload, folder: Path) -> None:
    part = store.receive(upload, io.BytesIO(b"x" * 10), Promised(3, 10))

    assert part.etag == hashlib.sha256(b"x" * 10).hexdigest()
    assert files(folder) == [f"3-{part.etag}"]


@pytest.mark.parametrize(
    ("promised", "code"),
    [
        (Promised(1, 11), "IncompleteBody"),
        (Promised(1, 9), "EntityTooLarge"),
        (Promised(1, 10, md5=b"0" * 16), "BadDigest"),
        (Promised(1, 10, sha256=b"0" * 32), "BadDigest"),
    ],
)
def test_a_part_that_is_not_as_promised_leaves_nothing(
    store: LocalParts, upload: Upload, folder: Path, promised: Promised, code: str
) -> None:
    with pytest.raises(BadPart) as refused:
        store.receive(upload, io.BytesIO(b"x" * 10), promised)
    assert refused.value.code == code
    assert files(folder) == []


def test_right_digests_are_accepted(store: LocalParts, upload: Upload) -> None:
    content = b"x" * 10
    store.receive(
        upload,
        io.BytesIO(content),
        Promised(1, 10, md5=hashlib.md5(content).digest(), sha256=hashlib.sha256(content).digest()),
    )


def test_a_big_part_takes_no_more_memory_than_a_small_one(store: LocalParts, upload: Upload) -> None:
    tracemalloc.start()
    try:
        store.receive(upload, Wire(64 * MIB), Promised(1, 64 * MIB))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB


def test_the_whole_is_the_parts_in_order(
    store: LocalParts, draft: Entry, now: datetime, folder: Path
) -> None:
    content = file_of(3)
    upload = an_upload(draft, now, size=len(content))
    complete(upload, send_all(upload, content, now), now)
    before = files(folder)
    (next(folder.rglob("1-*")).parent / ".whole-abc").write_bytes(b"left by a worker that was killed")

    with store.assembled(upload) as whole:
        assert whole.path.read_bytes() == content
        assert whole.sha256 == hashlib.sha256(content).hexdigest()
    assert files(folder) == before


def test_a_flipped_bit_on_disk_is_found(store: LocalParts, draft: Entry, now: datetime, folder: Path) -> None:
    content = file_of(2)
    upload = an_upload(draft, now, size=len(content))
    complete(upload, send_all(upload, content, now), now)
    (second,) = folder.rglob("2-*")
    second.write_bytes(b"\x01" + second.read_bytes()[1:])

    with pytest.raises(BadPart, match="did not stay whole"), store.assembled(upload):
        pass


def test_a_part_that_is_gone_is_found(store: LocalParts, draft: Entry, now: datetime, folder: Path) -> None:
    content = file_of(2)
    upload = an_upload(draft, now, size=len(content))
    complete(upload, send_all(upload, content, now), now)
    next(folder.rglob("2-*")).unlink()

    with pytest.raises(BadPart, match="did not stay whole"), store.assembled(upload):
        pass


def test_a_file_that_does_not_fit_on_the_disk_is_refused_before_it_is_sent(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice its length: as parts, and once more as the whole that is put together from them."""
    size, spare = 100 * MIB, 64 * MIB
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: SimpleNamespace(free=2 * size + spare - 1))
    with pytest.raises(NotAllowed, match=r"no room for “written.pdf” \(100.0.MB\) on our server at present"):
        an_upload(draft, now, size=size)
    assert not Upload.objects.exists()

    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: SimpleNamespace(free=2 * size + spare))
    begun = an_upload(draft, now, size=size)
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    assert an_upload(draft, now, size=size) == begun


def test_a_part_is_on_disk_with_its_name_and_one_sent_again_is_there_before_it_takes_the_name(
    store: LocalParts, upload: Upload, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut may take is never all there is of a part on record."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder synced" if is_folder else "bytes synced")
        fsync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        steps.append("replaced")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    first = store.receive(upload, io.BytesIO(b"x" * 10), Promised(3, 10))
    assert steps == ["bytes synced", "folder synced"]
    steps.clear()
    again = store.receive(upload, io.BytesIO(b"x" * 10), Promised(3, 10))
    assert steps == ["bytes synced", "replaced", "folder synced"]
    assert first == again
    assert files(folder) == [f"3-{first.etag}"]
