"""What killed processes left in the temporary folder is removed after a day, and nothing else."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings as SettingsFixture

from certification.kernel import reconcile, temporary

DAY = timedelta(days=1).total_seconds()
LATER = datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: SettingsFixture) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings.FILE_UPLOAD_TEMP_DIR = None
    return tmp_path


def left(folder: Path, name: str, *, seconds_ago: float) -> Path:
    """A folder with a file, or a file where the name is that of one."""
    path = folder / name
    if ".upload" in name:
        path.write_bytes(b"x")
    else:
        (path / "inner").mkdir(parents=True)
        (path / "inner" / "whole").write_bytes(b"x")
    then = path.stat().st_mtime - seconds_ago
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "icg-upload-a1",
        "icg-preparing-a1",
        "icg-blinding-a1",
        "icg-form-a1",
        "icg-bounded-a1",
        "tmpa1.upload",
        "tmpa1.upload.mp4",
    ],
)
@pytest.mark.django_db
def test_what_a_killed_process_left_goes_after_a_day(folder: Path, name: str) -> None:
    path = left(folder, name, seconds_ago=DAY - 60)
    # By the clock of the files and not the programme's: what is written just now is not abandoned.
    assert reconcile.run("temporary.sweep", LATER) == {"removed": 0}
    os.utime(path, (0, path.stat().st_mtime - 120))
    assert reconcile.run("temporary.sweep", LATER) == {"removed": 1}
    assert list(folder.iterdir()) == []


def test_djangos_own_folder_is_swept_as_well(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, settings: SettingsFixture
) -> None:
    other = tmp_path_factory.mktemp("arriving")
    settings.FILE_UPLOAD_TEMP_DIR = str(other)
    left(other, "tmpa1.upload.pdf", seconds_ago=2 * DAY)
    left(folder, "icg-form-a1", seconds_ago=2 * DAY)
    assert temporary.sweep() == 2


def test_what_is_called_otherwise_or_only_a_link_stays(folder: Path) -> None:
    kept = left(folder, "icg-runtime-0", seconds_ago=9 * DAY)
    link = folder / "icg-form-a1"
    link.symlink_to(kept)
    os.utime(link, (0, 0), follow_symlinks=False)
    assert temporary.sweep() == 0
    assert (kept / "inner" / "whole").exists()


def test_what_belongs_to_another_account_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left(folder, "icg-form-a1", seconds_ago=9 * DAY)
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    assert temporary.sweep() == 0


def test_one_that_cannot_be_removed_keeps_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("icg-form-a1", "tmpa1.upload"):
        left(folder, name, seconds_ago=9 * DAY)

    def stuck(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(shutil, "rmtree", stuck)
    assert temporary.sweep() == 1
    assert [path.name for path in folder.iterdir()] == ["icg-form-a1"]
