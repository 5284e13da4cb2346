"""Parts on local disk: what is written, what leaves nothing, and how little memory it takes."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tracemalloc
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from certification.kernel.errors import NotAllowed
from portfolio.models import Entry, Upload
from portfolio.services.uploading import recorded_parts
from portfolio.uploads import disk, parts
from portfolio.uploads.parts import LocalParts, Promised
from portfolio.uploads.rules import MIB, BadPart, Part
from tests.factories.uploads import an_upload, complete, file_of, pieces, send_all, send_part

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


def receive(store: LocalParts, upload: Upload, content: bytes, promised: Promised | None = None) -> Part:
    """A part that arrives and is not put on record."""
    promised = promised or Promised(1, len(content))
    with store.receiving(upload, io.BytesIO(content), promised) as part:
        return part


def test_parts_come_to_their_places_in_one_file(
    store: LocalParts, draft: Entry, now: datetime, folder: Path
) -> None:
    content = file_of(3)
    upload = an_upload(draft, now, size=len(content))
    sent = [
        send_part(upload, number, pieces(content, upload)[number - 1], now)
        for number in (3, 1, 2)  # in any order
    ]

    assert [part.etag for part in sent] == [
        hashlib.sha256(pieces(content, upload)[at]).hexdigest() for at in (2, 0, 1)
    ]
    assert files(folder) == ["whole"]
    (whole,) = folder.rglob("whole")
    assert whole.read_bytes() == content
    assert not upload.parts.filter(is_apart=True).exists()


def test_a_part_on_record_is_not_written_over_by_the_same_again(
    store: LocalParts, upload: Upload, folder: Path, now: datetime
) -> None:
    first = send_part(upload, 1, b"x" * 1000, now)
    written = next(folder.rglob("whole")).stat().st_mtime_ns

    again = send_part(upload, 1, b"x" * 1000, now)

    assert again.etag == first.etag
    assert files(folder) == ["whole"]
    assert next(folder.rglob("whole")).stat().st_mtime_ns == written
    assert recorded_parts(upload) == [first]


def test_a_part_on_record_is_not_written_over_by_another_that_is_sent_for_it(
    store: LocalParts, upload: Upload, folder: Path, now: datetime
) -> None:
    """Neither by one that is not as promised, nor by one that then counts: that one comes apart."""
    send_part(upload, 1, b"x" * 1000, now)
    with pytest.raises(BadPart):
        receive(store, upload, b"y" * 500, Promised(1, 1000))
    assert next(folder.rglob("whole")).read_bytes() == b"x" * 1000

    second = send_part(upload, 1, b"y" * 1000, now)
    assert files(folder) == [f"1-{second.etag}", "whole"]
    assert next(folder.rglob("whole")).read_bytes() == b"x" * 1000
    third = send_part(upload, 1, b"z" * 1000, now)
    assert files(folder) == [f"1-{third.etag}", "whole"]

    complete(upload, [(1, third.etag)], now)
    with store.assembled(upload) as whole:
        assert whole.path.read_bytes() == b"z" * 1000
        assert whole.sha256 == third.etag


def test_a_place_in_which_a_part_is_arriving_is_left_to_it(
    store: LocalParts, upload: Upload, folder: Path, now: datetime
) -> None:
    with store.receiving(upload, io.BytesIO(b"x" * 1000), Promised(1, 1000)) as first:
        second = send_part(upload, 1, b"y" * 1000, now)
        assert (first.is_apart, second.is_apart) == (False, True)
        assert next(folder.rglob("whole")).read_bytes() == b"x" * 1000
    assert recorded_parts(upload) == [second]


def test_nobody_writes_into_a_file_whose_parts_are_all_there(
    store: LocalParts, upload: Upload, folder: Path, now: datetime
) -> None:
    """Even where no row says any more that the part was on record: the file may be evidence by now."""
    complete(upload, [(1, send_part(upload, 1, b"x" * 1000, now).etag)], now)
    upload.parts.all().delete()

    assert receive(store, upload, b"y" * 1000).is_apart
    assert next(folder.rglob("whole")).read_bytes() == b"x" * 1000


def test_parts_that_arrived_before_they_came_to_their_places_are_put_there(
    store: LocalParts, draft: Entry, now: datetime, folder: Path
) -> None:
    content = file_of(3)
    upload = an_upload(draft, now, size=len(content))
    first, second, third = pieces(content, upload)
    sent = [(1, send_part(upload, 1, first, now).etag)]
    for number, piece in ((2, second), (3, third)):
        etag = hashlib.sha256(piece).hexdigest()
        (next(folder.rglob("whole")).parent / f"{number}-{etag}").write_bytes(piece)
        upload.parts.create(number=number, bytes=len(piece), etag=etag, received_at=now)
        sent.append((number, etag))
    complete(upload, sent, now)

    with store.assembled(upload) as whole:
        assert whole.path.read_bytes() == content
        assert whole.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_that_got_its_key_in_a_try_that_was_killed_is_not_written_again(
    store: LocalParts, upload: Upload, now: datetime, tmp_path: Path
) -> None:
    send_part(upload, 1, b"x" * 1000, now)
    complete(upload, [(1, send_part(upload, 1, b"y" * 1000, now).etag)], now)
    with store.assembled(upload) as whole:
        path = whole.path
        (tmp_path / "key").hardlink_to(path)
        kept = (tmp_path / "key").stat()
    with store.assembled(upload) as again:
        assert again.path != path
        assert again.sha256 == hashlib.sha256(b"y" * 1000).hexdigest()
    assert (tmp_path / "key").stat().st_mtime_ns == kept.st_mtime_ns


@pytest.mark.parametrize("over", ["discarded", "evidence"])
def test_a_writer_sees_that_its_file_is_over_even_where_locks_are_not_shared(
    store: LocalParts, upload: Upload, folder: Path, tmp_path: Path, over: str
) -> None:
    class Line:
        """Two pieces; before the second one, somebody on another machine ends the upload."""

        left = 2

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            if self.left == 0:
                (whole,) = folder.rglob("whole")
                (tmp_path / "key").hardlink_to(whole)
                if over == "discarded":
                    (tmp_path / "key").unlink()
                    shutil.rmtree(whole.parent)
            return b"x" * size if self.left >= 0 else b""

    promised = Promised(1, 2 * disk.PIECE_BYTES)
    with pytest.raises(BadPart, match="called off or completed"), store.receiving(upload, Line(), promised):
        pass
    if over == "evidence":
        assert (tmp_path / "key").stat().st_size <= disk.PIECE_BYTES


def test_a_store_that_is_not_mounted_is_no_fault_of_the_file(
    store: LocalParts, upload: Upload, folder: Path, now: datetime
) -> None:
    complete(upload, [(1, send_part(upload, 1, b"x" * 1000, now).etag)], now)
    away = folder.rename(folder.with_name("elsewhere"))
    try:
        with pytest.raises(OSError, match="not there"), store.assembled(upload):
            pass
    finally:
        away.rename(folder)


def test_bytes_that_no_row_vouches_for_are_found(store: LocalParts, draft: Entry, now: datetime) -> None:
    content = file_of(2)
    upload = an_upload(draft, now, size=len(content))
    complete(upload, send_all(upload, content, now), now)
    upload.parts.filter(number=1).delete()
    with pytest.raises(BadPart, match="did not stay whole"), store.assembled(upload):
        pass


def test_what_is_missing_to_those_who_look_at_a_file_is_no_damage_of_it(
    store: LocalParts, upload: Upload, now: datetime
) -> None:
    complete(upload, [(1, send_part(upload, 1, b"x" * 1000, now).etag)], now)
    with pytest.raises(FileNotFoundError), store.assembled(upload):
        raise FileNotFoundError("ffprobe")


@pytest.mark.parametrize(
    ("promised", "code"),
    [
        (Promised(1, 11), "IncompleteBody"),
        (Promised(1, 9), "EntityTooLarge"),
        (Promised(1, 10, md5=b"0" * 16), "BadDigest"),
        (Promised(1, 10, sha256=b"0" * 32), "BadDigest"),
    ],
)
def test_a_part_that_is_not_as_promised_leaves_nothing_that_counts(
    store: LocalParts, upload: Upload, folder: Path, promised: Promised, code: str, now: datetime
) -> None:
    with pytest.raises(BadPart) as refused:
        receive(store, upload, b"x" * 10, promised)
    assert refused.value.code == code
    assert files(folder) == ["whole"]
    assert recorded_parts(upload) == []

    upload.parts.create(number=promised.number, bytes=10, etag="of another", received_at=now)
    with pytest.raises(BadPart):
        receive(store, upload, b"x" * 10, promised)
    assert files(folder) == ["whole"]


def test_right_digests_are_accepted(store: LocalParts, upload: Upload) -> None:
    content = b"x" * 10
    receive(
        store,
        upload,
        content,
        Promised(1, 10, md5=hashlib.md5(content).digest(), sha256=hashlib.sha256(content).digest()),
    )


def test_a_big_part_takes_no_more_memory_than_a_small_one(store: LocalParts, upload: Upload) -> None:
    tracemalloc.start()
    try:
        with store.receiving(upload, Wire(64 * MIB), Promised(1, 64 * MIB)):
            pass
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
    (next(folder.rglob("whole")).parent / ".whole-abc").write_bytes(b"left by a worker that was killed")

    with store.assembled(upload) as whole:
        assert whole.path.read_bytes() == content
        assert whole.sha256 == hashlib.sha256(content).hexdigest()
    assert files(folder) == before


def test_a_flipped_bit_on_disk_is_found(store: LocalParts, draft: Entry, now: datetime, folder: Path) -> None:
    content = file_of(2)
    upload = an_upload(draft, now, size=len(content))
    complete(upload, send_all(upload, content, now), now)
    with next(folder.rglob("whole")).open("r+b") as file:
        file.seek(upload.part_bytes)
        file.write(b"\x01")

    with pytest.raises(BadPart, match="did not stay whole"), store.assembled(upload):
        pass


def test_bytes_that_are_no_part_are_found(
    store: LocalParts, upload: Upload, folder: Path, now: datetime
) -> None:
    complete(upload, [(1, send_part(upload, 1, b"x" * 1000, now).etag)], now)
    with next(folder.rglob("whole")).open("ab") as file:
        file.write(b"y")
    with pytest.raises(BadPart, match="did not stay whole"), store.assembled(upload):
        pass


@pytest.mark.parametrize("gone", ["whole", "folder", "a part"])
def test_what_is_gone_is_found(
    store: LocalParts, draft: Entry, now: datetime, folder: Path, gone: str
) -> None:
    content = file_of(2)
    upload = an_upload(draft, now, size=len(content))
    send_part(upload, 2, b"y" * 1000, now)
    sent = send_all(upload, content, now)  # the second comes apart
    complete(upload, sent, now)
    of_upload = next(folder.rglob("whole")).parent
    if gone == "folder":
        shutil.rmtree(of_upload)
    else:
        (of_upload / ("whole" if gone == "whole" else f"2-{sent[1][1]}")).unlink()

    with pytest.raises(BadPart, match="did not stay whole"), store.assembled(upload):
        pass


def test_a_file_that_does_not_fit_on_the_disk_is_refused_before_it_is_sent(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, spare = 100 * MIB, 64 * MIB
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: SimpleNamespace(free=size + spare - 1))
    with pytest.raises(NotAllowed, match=r"no room for “written.pdf” \(100 MB\) on our server at present"):
        an_upload(draft, now, size=size)
    assert not Upload.objects.exists()

    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: SimpleNamespace(free=size + spare))
    begun = an_upload(draft, now, size=size)
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    assert an_upload(draft, now, size=size) == begun

    # A system without locks puts the whole together beside its parts.
    monkeypatch.setattr(disk, "CAN_LOCK", False)
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: SimpleNamespace(free=2 * size + spare - 1))
    with pytest.raises(NotAllowed, match="no room"):
        an_upload(draft, now, size=size, name="another.pdf")


def test_without_locks_every_part_comes_apart_and_the_file_is_put_together(
    store: LocalParts, draft: Entry, now: datetime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "CAN_LOCK", False)
    content = file_of(3)
    upload = an_upload(draft, now, size=len(content))
    complete(upload, send_all(upload, content, now), now)
    assert upload.parts.filter(is_apart=True).count() == 3

    with store.assembled(upload) as whole:
        assert whole.path.read_bytes() == content
        assert whole.sha256 == hashlib.sha256(content).hexdigest()


def test_a_part_is_on_disk_before_it_can_be_put_on_record_or_takes_a_name(
    store: LocalParts, upload: Upload, now: datetime, monkeypatch: pytest.MonkeyPatch
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
    first = receive(store, upload, b"x" * 10)
    assert not first.is_apart
    assert steps == ["folder synced", "folder synced", "bytes synced", "folder synced"]
    steps.clear()
    upload.parts.create(number=1, bytes=10, etag=first.etag, received_at=now)
    again = receive(store, upload, b"x" * 10)
    assert again.is_apart
    assert steps == ["bytes synced", "replaced", "folder synced"]
