"""Hostile and broken files: each is refused with a sentence that helps, or made harmless.

Each goes through the very door a candidate's upload goes through, in a process of its own.  The count
is in the last test.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from PIL import Image

from certification.kernel import bounded
from certification.kernel.bounded import Limits, run_bounded
from certification.kernel.errors import BadInput
from portfolio.uploads import opening
from portfolio.uploads.formats import EVERY_FORMAT
from portfolio.uploads.inspect import Inspection
from portfolio.uploads.limits import check_limits

from . import drawing, office_files, others, pdfs, videos
from .cases import Case, Neutralised, Refused

HOSTILE: list[Case] = [*others.CASES, *pdfs.CASES, *office_files.CASES, *videos.CASES]

# Far above what any takes, on a machine that does other things besides.
_SECONDS_EACH = 40
_ADVICE = re.compile(r"\b(Upload|upload|Export|Save|Copy|Check|Print|Open|Put|Trim|Shorten)\b")
_DRAWING = Limits(memory_bytes=1 << 30, cpu_seconds=30, wall_seconds=120, file_bytes=1 << 28)


@pytest.fixture(scope="module", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for temporary files that nobody else uses, for this process and those it starts."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("temporary")
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        # What is beyond fifteen seconds is beyond three.
        patch.setattr(opening, "MAX_CPU_SECONDS", 3)
        bounded._forget()
        yield folder
    bounded._forget()


@pytest.fixture(autouse=True)
def _bounded_and_tidy(temporary_files: Path) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < _SECONDS_EACH
    assert list(temporary_files.iterdir()) == []


def _made(case: Case, folder: Path) -> Path:
    (folder / "upload").mkdir()
    path = folder / "upload" / "0001"
    case.make(path)
    return path


def _named(cases: list[Case], kind: type) -> list[object]:
    return [pytest.param(case, id=case.label) for case in cases if isinstance(case, kind)]


@pytest.mark.parametrize("case", _named(HOSTILE, Refused))
def test_it_is_refused_with_a_sentence_that_helps(case: Refused, tmp_path: Path) -> None:
    path = _made(case, tmp_path)
    sentence = _refusal(path, case)
    assert sentence, "it was not refused"
    assert case.says in sentence
    assert f"“{case.name}”" in sentence or (case.slot and f"“{case.slot.title}”" in sentence)
    assert _ADVICE.search(sentence), sentence
    assert sentence.endswith(".")
    assert [left.name for left in path.parent.iterdir()] == ["0001"]


def _refusal(path: Path, case: Refused) -> str:
    """Why it is refused, on opening or beside its slot; empty when it is not."""
    try:
        found = opening.inspected(path, case.name, takes=case.slot.takes if case.slot else EVERY_FORMAT)
    except BadInput as refusal:
        return str(refusal)
    return " ".join(check_limits(found, slot=case.slot)) if case.slot else ""


@pytest.mark.parametrize("case", _named(HOSTILE, Neutralised))
def test_nothing_of_it_reaches_those_who_look(case: Neutralised, tmp_path: Path) -> None:
    path = _made(case, tmp_path)
    found = opening.inspected(path, case.name)
    made = _shown(path, found, case.name, tmp_path / "made")
    assert made
    for file in made:
        content = file.read_bytes()
        for planted in case.planted:
            assert planted not in content
            assert planted.decode().encode("utf-16-le") not in content
    assert [left.name for left in path.parent.iterdir()] == ["0001"]


def _shown(path: Path, found: Inspection, name: str, out: Path) -> list[Path]:
    """What others are shown of the file: pictures of pages with their words, or a video, and nothing else."""
    if found.kind == "video":
        out.mkdir()
        run_bounded(drawing.copy, path, out / "video", name, limits=_DRAWING)
        _require_plain_video(out / "video")
        return list(out.iterdir())
    words = run_bounded(drawing.draw, path, found.format, out, name, limits=_DRAWING)
    for page in out.iterdir():
        with Image.open(page, formats=["JPEG"]) as picture:
            picture.load()
        assert page.read_bytes().endswith(b"\xff\xd9")
    (out / "words").write_text("\n".join(words))
    return list(out.iterdir())


def _require_plain_video(path: Path) -> None:
    """One picture, at most one sound, no other track, no chapter."""
    with av.open(str(path), format="mov") as container:
        kinds = Counter(stream.type for stream in container.streams)
        codecs = {stream.codec_context.name for stream in container.streams}
        assert kinds["video"] == 1
        assert kinds["audio"] <= 1
        assert set(kinds) <= {"video", "audio"}
        assert codecs <= {"h264", "aac"}
        assert not container.chapters()


def test_there_are_more_than_two_hundred() -> None:
    labels = Counter(case.label for case in HOSTILE)
    refused = sum(isinstance(case, Refused) for case in HOSTILE)
    sys.stdout.write(f"{len(HOSTILE)} hostile files: {refused} refused, {len(HOSTILE) - refused} harmless\n")
    assert [label for label, count in labels.items() if count > 1] == []
    assert len(HOSTILE) >= 200
