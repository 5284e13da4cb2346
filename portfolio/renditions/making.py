"""Make the files that scorers see of one piece of evidence, in a process of its own.

Plain functions over files, run through `bounded.run_bounded`: neither settings nor the database are there,
and whatever a hostile file does to them hurts nobody else.  Previews and cleaned copies both come from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PosixPath

from PIL import Image

from certification.kernel import bounded
from certification.kernel.bounded import Limits, run_bounded
from certification.kernel.errors import BadInput

from ..blinding import cleaning
from ..blinding.cleaning import pages, paper
from ..blinding.cleaning.results import Box, CleanedDocument, CleanedPage, Finding
from ..blinding.identifiers import Term, find, redact
from . import webvtt

# Loaded before a process for a piece is forked, and not by each of them anew.
Image.preinit()

MIB = 1024 * 1024
DOCUMENT_SECONDS, SECONDS_PER_PAGE = 300, 4
# Below the time limits of the queues that each is done in.
MOST_SECONDS, MOST_DOCUMENT_SECONDS = 5 * 3600, 1500
VIDEO_SECONDS, SECONDS_PER_VIDEO_SECOND = 900, 10
_VIDEO_BYTES_PER_SECOND = 2 * MIB


@dataclass(frozen=True)
class Made:
    """One file on local disk, with everything its row will say; `kind` is that of a `Rendition`."""

    path: Path
    kind: str
    content_type: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    page_number: int | None = None
    seconds: Decimal | None = None
    text: str = ""


@dataclass(frozen=True)
class Drawn:
    """The files made of a piece, and where the original named its candidate."""

    files: tuple[Made, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A piece of evidence on local disk: what was found out about it on arrival, and what to look for.

    `known` are the candidate's own identifiers, `terms` these and whatever leads to anybody.
    """

    path: Path
    format: str
    name: str
    pages: int | None
    seconds: Decimal | None
    known: tuple[Term, ...]
    terms: tuple[Term, ...]


_RESULTS = (Drawn, Made, Finding, Box, Decimal, PosixPath)


def document(piece: Piece, folder: Path, on_progress: Callable[[str, int], None] | None = None) -> Drawn:
    """Its pages as pictures with their words, and a PDF of them.

    Raises:
        BadInput: it cannot be drawn, or a copy still holds an identifier.
        OutOfBounds, Interrupted, Failed: as `run_bounded` says.
    """
    limits = _limits_of_document(piece)
    return run_bounded(draw_document, piece, folder, limits=limits, results=_RESULTS, on_progress=on_progress)


def pages_alone(piece: Piece, folder: Path) -> Drawn:
    """The same pages without the PDF, which scorers are not given.

    Raises:
        BadInput, OutOfBounds, Interrupted, Failed: as of `document`.
    """
    return run_bounded(draw_pages, piece, folder, limits=_limits_of_document(piece), results=_RESULTS)


def video(piece: Piece, folder: Path, on_progress: Callable[[str, int], None] | None = None) -> Drawn:
    """The video as every browser plays it.

    Raises:
        BadInput: it cannot be played, or the copy still holds an identifier.
        OutOfBounds, Interrupted, Failed: as `run_bounded` says.
    """
    seconds = int(piece.seconds or 0)
    limits = Limits(
        memory_bytes=3072 * MIB,
        cpu_seconds=None,
        wall_seconds=min(MOST_SECONDS, VIDEO_SECONDS + SECONDS_PER_VIDEO_SECOND * seconds),
        file_bytes=piece.path.stat().st_size + _VIDEO_BYTES_PER_SECOND * seconds + 256 * MIB,
        nice=10,
    )
    return run_bounded(convert_video, piece, folder, limits=limits, results=_RESULTS, on_progress=on_progress)


def look_again(piece: Piece, finished: Path) -> Drawn:
    """What the original of a converted video says beside its picture, when other terms are looked for.

    The picture and the sound are the same whatever is looked for, so no file is made.

    Raises:
        BadInput: the finished video holds one of the new identifiers, and has to be made anew.
        OutOfBounds, Interrupted, Failed: as `run_bounded` says.
    """
    limits = Limits(memory_bytes=1024 * MIB, cpu_seconds=None, wall_seconds=1200, nice=5)
    return run_bounded(find_again, piece, finished, limits=limits, results=_RESULTS)


def poster(video_path: Path, folder: Path) -> Drawn:
    """A picture from a finished video.

    Raises:
        BadInput: there is none in it.
        OutOfBounds, Interrupted, Failed: as `run_bounded` says.
    """
    limits = Limits(memory_bytes=1024 * MIB, cpu_seconds=None, wall_seconds=300, file_bytes=64 * MIB, nice=5)
    return run_bounded(draw_poster, video_path, folder, limits=limits, results=_RESULTS)


def captions(text: str, known: Sequence[Term], looked_for: Sequence[Term], folder: Path) -> Drawn:
    """Captions as we wrote them, without identifiers, and with them what they say as paragraphs.

    `known` and `looked_for` are what a piece calls `known` and `terms`.

    Raises:
        BadInput: they still hold an identifier.
        OutOfBounds, Interrupted, Failed: as `run_bounded` says.
    """
    limits = Limits(memory_bytes=512 * MIB, cpu_seconds=None, wall_seconds=300, file_bytes=16 * MIB, nice=5)
    given = (text, tuple(known), tuple(looked_for), folder)
    return run_bounded(redact_captions, *given, limits=limits, results=_RESULTS)


# ---- in the bounded process ----


def draw_pages(piece: Piece, folder: Path) -> Drawn:
    """See `pages_alone`."""
    cleaned = _clean_pages(piece, folder)
    files = [_page(page, piece.terms) for page in cleaned.pages]
    _require_clean(files, piece)
    return Drawn(tuple(files), cleaned.findings)


def draw_document(piece: Piece, folder: Path) -> Drawn:
    """See `document`."""
    cleaned = _clean_pages(piece, folder)
    bounded.tell("Writing the clean PDF", 90)
    bound = folder / "document.pdf"
    paper.bind(cleaned.pages, piece.terms, bound, dots_per_inch=pages.DOTS_PER_INCH)
    files = [_page(page, piece.terms) for page in cleaned.pages]
    files.append(Made(bound, "document", "application/pdf", bound.stat().st_size, _sha256(bound)))
    bounded.tell("Looking at the copies once more", 95)
    _require_clean(files, piece)
    return Drawn(tuple(files), cleaned.findings)


def convert_video(piece: Piece, folder: Path) -> Drawn:
    """See `video`.  A copy that still names somebody, in the sound's own tags say, is encoded anew."""
    for number, may_copy in enumerate((True, False)):
        cleaned = cleaning.clean_video(
            piece.path,
            folder / f"video-{number}.mp4",
            terms=piece.terms,
            declared_name=piece.name,
            may_copy=may_copy,
        )
        if not cleaning.leaks_in([cleaned.path], piece.known):
            break
        cleaned.path.unlink()
    else:
        raise _still_named()
    made = Made(
        path=cleaned.path,
        kind="video",
        content_type="video/mp4",
        size=cleaned.size,
        sha256=cleaned.sha256,
        width=cleaned.width,
        height=cleaned.height,
        seconds=cleaned.seconds,
    )
    return Drawn((made,), cleaned.findings)


def find_again(piece: Piece, finished: Path) -> Drawn:
    """See `look_again`."""
    if cleaning.leaks_in([finished], piece.known):
        raise _still_named()
    return Drawn((), cleaning.video_traces(piece.path, piece.format, piece.terms, piece.name))


def draw_poster(video_path: Path, folder: Path) -> Drawn:
    """See `poster`."""
    path = folder / "poster.jpg"
    cleaning.poster(video_path, path)
    with Image.open(path) as image:
        width, height = image.size
    made = Made(path, "poster", "image/jpeg", path.stat().st_size, _sha256(path), width, height)
    return Drawn((made,))


def redact_captions(text: str, known: Sequence[Term], looked_for: Sequence[Term], folder: Path) -> Drawn:
    """See `captions`."""
    shown, findings = webvtt.redacted(webvtt.parsed(text), looked_for)
    path, data = folder / "captions.vtt", webvtt.written(shown).encode()
    path.write_bytes(data)
    made = Made(
        path=path,
        kind="captions",
        content_type=webvtt.CONTENT_TYPE,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        text=webvtt.transcript(shown),
    )
    if cleaning.leaks_in([path], known) or find(made.text, known):
        raise BadInput(
            "The captions made for scorers still hold an identifier. Take names out of the captions and "
            "upload them again; if it happens again, tell the programme office."
        )
    return Drawn((made,), tuple(findings))


def _limits_of_document(piece: Piece) -> Limits:
    wall = min(MOST_DOCUMENT_SECONDS, DOCUMENT_SECONDS + SECONDS_PER_PAGE * (piece.pages or 0))
    return Limits(memory_bytes=2048 * MIB, cpu_seconds=None, wall_seconds=wall, file_bytes=2048 * MIB, nice=5)


def _clean_pages(piece: Piece, folder: Path) -> CleanedDocument:
    return cleaning.clean_document(
        piece.path, piece.format, piece.terms, folder / "pages", declared_name=piece.name
    )


def _page(page: CleanedPage, terms: Sequence[Term]) -> Made:
    return Made(
        path=page.image_path,
        kind="page",
        content_type="image/jpeg",
        size=page.size,
        sha256=page.sha256,
        width=page.width,
        height=page.height,
        page_number=page.number,
        text=redact(page.text, terms),
    )


def _require_clean(files: Sequence[Made], piece: Piece) -> None:
    """Look at the finished copies once more by other means than those that made them."""
    if cleaning.leaks_in([file.path for file in files], piece.known):
        raise _still_named()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _still_named() -> BadInput:
    return BadInput(
        "The copy made for scorers still holds an identifier outside what it shows. "
        "Save the file anew with another program and upload that; "
        "if it happens again, tell the programme office."
    )
