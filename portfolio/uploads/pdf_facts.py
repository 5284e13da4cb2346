"""What a PDF is: its pages, and why it may be refused.

PDFium draws it, as it will for scorers; a second reader looks at its streams one by one, because a bomb
may lie on the last page.  Scripts, attachments and actions are no reason to refuse a PDF: nobody is ever
shown the file itself, and what is drawn of it has none of them.
"""

from __future__ import annotations

import io
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image

from certification.kernel.errors import BadInput

from . import pdfium
from .formats import MAX_PAGES
from .office import too_many_pages

# In points, 72 to the inch: the largest sheet Acrobat makes is 200 inches long.
MIN_PAGE_POINTS, MAX_PAGE_POINTS = 3, 14_400
# A sheet of A3, scanned at 600 dots per inch, has 70 million.
MAX_PICTURE_PIXELS = 150_000_000
# What a page says it draws, without its pictures.
MAX_CONTENT_BYTES = 64 * 1024 * 1024
MAX_FILTERS = 4
# For how long pages are drawn, small, to find one that cannot be; the rest is found when all are drawn.
LOOK_SECONDS = 5
_INFLATED_AT_ONCE = 1024 * 1024
_ODD = (pikepdf.PdfError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError)


def facts(path: Path, name: str) -> dict[str, int]:
    """How many pages the PDF has.

    Raises:
        BadInput: broken, protected, without pages, beyond any paper, or holding a bomb.
    """
    broken = BadInput(
        f"{name} is a broken or incomplete PDF. Export it again and check that it opens before you upload it."
    )
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 64 * 1024))
        if b"startxref" not in stream.read():
            raise broken
    try:
        with pdfium.opened(path) as document:
            pages = len(document)
            if pages > MAX_PAGES:
                raise too_many_pages(pages, name)
            # First, because even to ask a page for its size is to read what it draws.
            _require_no_bomb(path, name)
            for index in range(pages):
                _require_paper_size(document, index, name)
            _draw_small(document, name)
    except pypdfium2.PdfiumError:
        raise _why_no_pdf(path, name) or broken from None
    if pages == 0:
        raise _no_pages(name)
    return {"pages": pages}


def _require_paper_size(document: pypdfium2.PdfDocument, index: int, name: str) -> None:
    """Refuse a page no printer knows: a few bytes can claim a sheet whose picture fills the memory."""
    page = document[index]
    sides = page.get_size()
    page.close()
    if not all(MIN_PAGE_POINTS <= side <= MAX_PAGE_POINTS for side in sides):
        width, height = (f"{side / 72:,.4g}" for side in sides)
        raise BadInput(
            f"Page {index + 1} of {name} is {width} x {height} inches, which no paper is. "
            "Export it again on a usual paper size and upload that."
        )


def _draw_small(document: pypdfium2.PdfDocument, name: str) -> None:
    until = time.process_time() + LOOK_SECONDS
    for index in range(len(document)):
        try:
            page = document[index]
            page.render(scale=0.1).close()
            page.close()
        except pypdfium2.PdfiumError:
            raise BadInput(
                f"Page {index + 1} of {name} cannot be drawn. Export it again and upload that."
            ) from None
        if time.process_time() > until:
            return


def _require_no_bomb(path: Path, name: str) -> None:
    """Refuse what only pretends to be a document; what this reader cannot read is left to the other one."""
    try:
        with pikepdf.open(path) as pdf:
            _require_pages_of_its_own(pdf, name)
            for item in pdf.objects:
                # One odd stream must not hide the next.
                with suppress(*_ODD):
                    if isinstance(item, pikepdf.Stream):
                        _require_no_bomb_in(item, name)
    except _ODD:
        return


def _require_pages_of_its_own(pdf: pikepdf.Pdf, name: str) -> None:
    """Refuse a PDF whose only page says "open this in another program"."""
    if pdf.Root.get("/NeedsRendering", False):
        raise BadInput(
            f"{name} is a form that only Adobe's own program can show. "
            "Open it there, print it to a new PDF, and upload that."
        )
    if "/Collection" in pdf.Root:
        raise BadInput(
            f"{name} is a collection of files with a cover page (a PDF portfolio). "
            "Put its pages into one ordinary PDF and upload that."
        )


def _require_no_bomb_in(stream: pikepdf.Stream, name: str) -> None:
    filters = _filters(stream)
    if len(filters) > MAX_FILTERS:
        raise _bomb(name)
    if stream.get("/Subtype") == pikepdf.Name.Image:
        _require_no_flood(stream, filters, name)
    elif "/FlateDecode" in filters and _inflates_beyond(stream, filters):
        raise _bomb(name)


def _filters(stream: pikepdf.Stream) -> list[str]:
    given = stream.get("/Filter")
    if given is None:
        return []
    return [str(each) for each in given] if isinstance(given, pikepdf.Array) else [str(given)]


def _require_no_flood(picture: pikepdf.Stream, filters: list[str], name: str) -> None:
    sizes = [(int(picture.get("/Width", 0)), int(picture.get("/Height", 0)))]
    if filters[-1:] in (["/DCTDecode"], ["/JPXDecode"]) and len(filters) == 1:
        sizes += _size_inside(picture)
    for width, height in sizes:
        if width * height > MAX_PICTURE_PIXELS:
            raise BadInput(
                f"{name} holds a picture of {width:,} x {height:,} pixels, larger than any scan. "
                "Export it again at a lower resolution and upload that."
            )


def _size_inside(picture: pikepdf.Stream) -> list[tuple[int, int]]:
    """What a JPEG says of itself, which need not be what the PDF says of it."""
    try:
        with Image.open(io.BytesIO(picture.read_raw_bytes()), formats=("JPEG", "JPEG2000")) as image:
            return [image.size]
    except Image.DecompressionBombError:
        return [(MAX_PICTURE_PIXELS, 2)]
    except (OSError, ValueError, SyntaxError):
        return []


def _inflates_beyond(stream: pikepdf.Stream, filters: list[str]) -> bool:
    """Whether a stream unpacks to more than any page needs.  Deflate inside deflate is read through."""
    layers = filters.index("/FlateDecode")
    if layers > 0:  # behind another filter, which packs far less
        return False
    pieces = [stream.read_raw_bytes()]
    for each in filters:
        if each != "/FlateDecode":
            break
        unpacked, pieces = _inflated(pieces)
        if unpacked > MAX_CONTENT_BYTES:
            return True
    return False


def _inflated(pieces: list[bytes]) -> tuple[int, list[bytes]]:
    reader, unpacked, out = zlib.decompressobj(), 0, []
    try:
        for piece in pieces:
            while piece and unpacked <= MAX_CONTENT_BYTES:
                out.append(reader.decompress(piece, _INFLATED_AT_ONCE))
                unpacked += len(out[-1])
                piece = reader.unconsumed_tail
    except zlib.error:
        pass  # damaged streams are common, and readers show what came before
    return unpacked, out


def _why_no_pdf(path: Path, name: str) -> BadInput | None:
    """Ask a second reader about a PDF that PDFium will not open: its error codes outlive their file."""
    try:
        with pikepdf.open(path) as pdf:
            return None if pdf.pages else _no_pages(name)
    except pikepdf.PasswordError:
        return BadInput(
            f"{name} is protected with a password, so nobody could score it. "
            "Save a copy without the password and upload that."
        )
    except _ODD:
        return None


def _no_pages(name: str) -> BadInput:
    return BadInput(f"{name} has no pages. Export it again and upload it once more.")


def _bomb(name: str) -> BadInput:
    return BadInput(
        f"{name} unpacks to far more than a document of its size should. "
        "Export it as PDF again and upload that."
    )
