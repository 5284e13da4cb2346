"""A file that ends its reader is refused; a reader that somebody else ended says nothing about its file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from certification.kernel.bounded import Interrupted
from certification.kernel.errors import BadInput, NotAllowed
from portfolio.models import Slot
from portfolio.uploads import opening, receiving
from portfolio.uploads.inspect import Facts
from tests.portfolio import opening_work as work
from tests.portfolio.hostile.office_files import word
from tests.portfolio.hostile.pdfs import pdf

SLOT = Slot(title="Written pieces", kind="document", formats=["pdf"], max_bytes=1_000_000, max_pages=15)


@pytest.fixture
def essay(tmp_path: Path) -> Path:
    path = tmp_path / "essay"
    path.write_bytes(pdf())
    return path


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("essay.pdf", "Print it to a new PDF"),
        ("essay", "Print it to a new PDF"),
        ("clip.MTS", "Export it as MP4 (H.264)"),
    ],
)
def test_a_file_that_ends_its_reader_is_refused(
    name: str, advice: str, essay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "facts", work.crash)
    with pytest.raises(BadInput) as refusal:
        opening.inspected(essay, name)
    assert str(refusal.value) == (
        f"“{name}” needs more memory or time to open than a file of its size should. "
        f"{advice}, check that it opens, and upload that."
    )


def test_what_ends_its_reader_is_advised_only_what_its_slot_takes(
    essay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "facts", work.crash)
    with pytest.raises(BadInput, match="Print it to a new PDF"):
        opening.inspected(essay, "clip.mp4", takes=["pdf", "docx"])
    with pytest.raises(BadInput, match=r"Export it as MP4 \(H\.264\)"):
        opening.inspected(essay, "clip", takes=["mp4"])
    with pytest.raises(BadInput, match="Print it to a new PDF"):
        receiving.inspected(essay, "clip.mp4", SLOT)


def test_a_reader_that_was_killed_is_no_reason_to_refuse_a_file(
    essay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "facts", work.be_killed)
    with pytest.raises(Interrupted):
        receiving.inspected(essay, "essay.pdf", SLOT)
    with (
        pytest.raises(NotAllowed, match="could not be looked at just now"),
        receiving.received(ContentFile(pdf()), "essay.pdf", SLOT),
    ):
        pytest.fail("it was taken in")


def test_a_failing_disk_is_no_reason_to_refuse_a_file(essay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "facts", work.meet_a_failing_disk)
    essay.write_bytes(word())
    with pytest.raises(Interrupted):
        opening.inspected(essay, "essay.docx")


def test_the_digest_is_taken_outside_the_process_that_opens_the_file(
    essay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "facts", work.lie)
    found = opening.inspected(essay, "essay.pdf")
    assert found.pages != os.getpid(), "decided in another process"
    content = essay.read_bytes()
    assert (found.sha256, found.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_a_long_file_has_time_to_be_read(essay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def note(*args: object, limits: object, **more: object) -> Facts:
        given.append(limits)
        return Facts(kind="video", format="mp4")

    monkeypatch.setattr("certification.kernel.bounded.run_bounded", note)
    monkeypatch.setattr(opening.Inspection, "of", classmethod(lambda cls, found, path, sha256: found))
    opening.inspected(essay, "a.mp4")
    os.truncate(essay, 5 * 1024**3)
    opening.inspected(essay, "a.mp4")
    short, long = given
    assert (short.cpu_seconds, long.cpu_seconds) == (15, 66)  # type: ignore[attr-defined]
    assert long.wall_seconds == 300 + 1024  # type: ignore[attr-defined]
    assert short.memory_bytes == long.memory_bytes  # type: ignore[attr-defined]
