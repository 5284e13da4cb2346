"""Keeping an original: a second name where one disk holds both, a copy elsewhere, and nothing half done."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portfolio.uploads import storing
from portfolio.uploads.storing import keep, originals

NOW = datetime(2028, 5, 10, 12, tzinfo=UTC)


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(b"evidence" * 1000)
    return path


def kept(key: str) -> Path:
    return Path(originals().path(key))


def test_a_file_on_the_same_disk_is_not_copied(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "whole"
    whole.write_bytes(b"evidence")
    key = keep(whole, NOW)
    assert key.startswith("evidence/2028-05-10/")
    assert kept(key).samefile(whole)
    whole.unlink()
    assert kept(key).read_bytes() == b"evidence"


def test_a_file_on_another_disk_is_copied(sent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    key = keep(sent, NOW)
    assert kept(key).read_bytes() == sent.read_bytes()
    assert not kept(key).samefile(sent)


def test_a_copy_that_fails_leaves_nothing(sent: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def half(source: Path, target: Path) -> None:
        target.write_bytes(b"evid")
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "hardlink_to", lambda self, target: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(storing.shutil, "copyfile", half)
    with pytest.raises(OSError, match="No space left"):
        keep(sent, NOW)
    assert [path for path in (folder.parent / "evidence").rglob("*") if path.is_file()] == []


def test_what_is_kept_is_on_disk_with_its_name(sent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut right after the record is written finds the file and the folders that lead to it."""
    synced: list[int] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    path = kept(keep(sent, NOW))
    assert synced == [part.stat().st_ino for part in (path, path.parent, path.parent.parent)]


def test_nobody_else_may_read_what_is_kept(sent: Path) -> None:
    sent.chmod(0o666)
    assert stat.S_IMODE(kept(keep(sent, NOW)).stat().st_mode) == 0o640


@pytest.mark.django_db
def test_the_sweep_keeps_to_the_folders_of_its_own_days(folder: Path) -> None:
    evidence = folder.parent / "evidence"
    left = [evidence / name / "kept" for name in ("20280101", "2028-99-99", "lost+found")]
    old = evidence / "2028-01-01" / "nobodys"
    for path in (*left, old):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    assert storing.sweep(NOW) == {"removed": 1}
    assert [path.exists() for path in (*left, old)] == [True, True, True, False]


@pytest.mark.django_db
@pytest.mark.parametrize(("day", "removed"), [("2028-05-08", 1), ("2028-05-09", 0), ("2028-05-10", 0)])
def test_what_may_still_be_recorded_is_spared(folder: Path, day: str, removed: int) -> None:
    """Noon of the 10th: what was stored on the 9th may be younger than a day."""
    stray = folder.parent / "evidence" / day / "stray"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    assert storing.sweep(NOW) == {"removed": removed}
