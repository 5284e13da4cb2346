"""Draw the pages of a PDF, cover identifiers in the picture, and redact the text layer."""

from __future__ import annotations

import hashlib
import io
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
from PIL import Image, ImageDraw
from pypdfium2 import raw as pdfium_c

from certification.kernel import bounded
from certification.kernel.errors import BadInput
from portfolio.blinding.cleaning.results import Box, CleanedPage, Finding, Line, excerpt
from portfolio.blinding.identifiers import REMOVED, Match, Term, find
from portfolio.uploads import pdfium
from portfolio.uploads.inspect import MAX_PDF_PAGES

DOTS_PER_INCH = 130
MAX_PAGE_PIXELS = 4_000_000
JPEG_QUALITY = 80
COVER = (38, 38, 38)
PADDING = 2
# A gap wider than this part of a letter's height parts two words.
WORD_GAP = 0.25

# Left, top, right, bottom.
Rectangle = tuple[float, float, float, float]
# A page may be read upright, upside down, or with the head on either side.
_TURNS: tuple[Callable[[Rectangle], Rectangle], ...] = (
    lambda box: box,
    lambda box: (-box[2], -box[3], -box[0], -box[1]),
    lambda box: (box[1], -box[2], box[3], -box[0]),
    lambda box: (-box[3], box[0], -box[1], box[2]),
)


@dataclass(frozen=True)
class _Letter:
    """One character PDFium found on the page, with the pixels it may touch (none when it drew nothing)."""

    shown: str
    box: Rectangle | None


def clean(
    path: Path, terms: Sequence[Term], work: Path, final: Path
) -> tuple[list[CleanedPage], list[Finding]]:
    """Write `page-001.jpg` and so on into `work`; the results already name their place in `final`."""
    cleaned, findings = [], []
    try:
        with pdfium.opened(path) as document:
            if not 0 < len(document) <= MAX_PDF_PAGES:
                raise BadInput(
                    f"The document has {len(document)} pages; it must have 1 to {MAX_PDF_PAGES:,}."
                )
            for index in range(len(document)):
                bounded.tell(f"Drawing page {index + 1} of {len(document)}", 10 + 80 * index // len(document))
                page, seen = _clean_page(document, index, terms, work, final)
                cleaned.append(page)
                findings += seen
    except pypdfium2.PdfiumError:
        raise BadInput(
            f"Page {len(cleaned) + 1} of the document cannot be drawn. Export it again and upload that."
        ) from None
    return cleaned, findings


def _clean_page(
    document: pypdfium2.PdfDocument, index: int, terms: Sequence[Term], work: Path, final: Path
) -> tuple[CleanedPage, list[Finding]]:
    number = index + 1
    page = _flattened(document, index)
    try:
        bitmap = page.render(scale=_scale(page), may_draw_forms=False, draw_annots=False)
        image = bitmap.to_pil().convert("RGB")
        letters = list(_letters(page, bitmap, image.size))
        text = "".join(letter.shown for letter in letters)
        boxes, hidden, findings = _cover(letters, text, terms, number, image)
        if not text.strip() and _has_pictures(page):
            findings.append(Finding(f"page {number}", "unread", page=number, covered=False))
        bitmap.close()
    finally:
        page.close()
    name = f"page-{number:03d}.jpg"
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    data = encoded.getvalue()
    (work / name).write_bytes(data)
    cleaned = CleanedPage(
        number=number,
        image_path=final / name,
        width=image.width,
        height=image.height,
        text=_redacted(text, hidden),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        boxes=tuple(boxes),
        lines=tuple(_lines(letters, text, hidden)),
    )
    return cleaned, findings


def _flattened(document: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
    """The page with annotations and form fields made part of it: only then does their text have letters."""
    page = document[index]
    pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
    page.close()
    return document[index]


def _scale(page: pypdfium2.PdfPage) -> float:
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        raise BadInput("The document has a page without a size. Export it again and upload that.")
    smallest = max(1 / width, 1 / height)
    return max(smallest, min(DOTS_PER_INCH / 72, math.sqrt(MAX_PAGE_PIXELS / (width * height))))


def _letters(
    page: pypdfium2.PdfPage, bitmap: pypdfium2.PdfBitmap, size: tuple[int, int]
) -> Iterator[_Letter]:
    to_pixels = bitmap.get_posconv(page)
    textpage = page.get_textpage()
    try:
        for index in range(textpage.count_chars()):
            code = pdfium_c.FPDFText_GetUnicode(textpage, index)
            drawn = pdfium_c.FPDFText_IsGenerated(textpage, index) != 1
            box = _letter_box(textpage, index, to_pixels, size) if drawn else None
            yield _Letter(chr(code) if 0 < code < 0x110000 else " ", box)
    finally:
        textpage.close()


def _letter_box(
    textpage: pypdfium2.PdfTextPage, index: int, to_pixels: pypdfium2.PdfPosConv, size: tuple[int, int]
) -> Rectangle | None:
    """Both of PDFium's boxes together: the loose one misses swashes, the tight one the rest of the line."""
    corners: list[tuple[int, int]] = []
    for loose in (True, False):
        try:
            left, bottom, right, top = textpage.get_charbox(index, loose=loose)
        except pypdfium2.PdfiumError:
            continue
        corners += [to_pixels.to_bitmap(left, bottom), to_pixels.to_bitmap(right, top)]
    if not corners:
        return None
    across, down = [corner[0] for corner in corners], [corner[1] for corner in corners]
    box = (max(0, min(across)), max(0, min(down)), min(size[0], max(across)), min(size[1], max(down)))
    return box if box[0] < size[0] and box[1] < size[1] and box[2] > 0 and box[3] > 0 else None


def _cover(
    letters: list[_Letter], text: str, terms: Sequence[Term], number: int, image: Image.Image
) -> tuple[list[Box], set[int], list[Finding]]:
    """Paint over every identifier; returns the boxes, the indexes of hidden letters, and the findings."""
    draw = ImageDraw.Draw(image)
    boxes: list[Box] = []
    hidden: set[int] = set()
    findings = []
    for match, indexes in _matches(letters, text, terms):
        if hidden.issuperset(indexes):
            continue
        hidden.update(indexes)
        visible = [box for index in indexes if (box := letters[index].box) is not None]
        covers = [_padded(run, image.size) for run in _runs(visible)]
        for cover in covers:
            draw.rectangle((cover.left, cover.top, cover.right - 1, cover.bottom - 1), fill=COVER)
        boxes += covers
        around = excerpt(text, min(indexes), max(indexes) + 1)
        first = covers[0] if covers else None
        where = f"page {number}"
        findings.append(Finding(where, match.kind, match.term, number, around, first, covered=bool(covers)))
    return boxes, hidden, findings


def _matches(letters: list[_Letter], text: str, terms: Sequence[Term]) -> Iterator[tuple[Match, list[int]]]:
    """Matches in the order the file stores its text, then in the order an eye reads it.

    A file may store "field" before "Whit"; what counts is what the page shows.
    """
    for match in find(text, terms):
        yield match, list(range(match.start, match.end))
    for turn in _TURNS:
        as_read, origin = _as_read(letters, turn)
        for match in find(as_read, terms):
            yield match, sorted(index for index in origin[match.start : match.end] if index >= 0)


def _as_read(letters: list[_Letter], turn: Callable[[Rectangle], Rectangle]) -> tuple[str, list[int]]:
    """The page's text as the eye reads it, and each character's index in `letters` (-1 for a gap)."""
    placed = [
        (turn(letter.box), index)
        for index, letter in enumerate(letters)
        if letter.box and not letter.shown.isspace()
    ]
    placed.sort(key=lambda one: (one[0][1] + one[0][3], one[0][0]))
    lines: list[list[tuple[Rectangle, int]]] = []
    for box, index in placed:
        middle = (box[1] + box[3]) / 2
        if lines and lines[-1][0][0][1] <= middle <= lines[-1][0][0][3]:
            lines[-1].append((box, index))
        else:
            lines.append([(box, index)])
    shown, origin = [], []
    for line in lines:
        line.sort(key=lambda one: one[0][0])
        edge = line[0][0][0]
        for box, index in line:
            if box[0] - edge > WORD_GAP * (box[3] - box[1]):
                shown.append(" ")
                origin.append(-1)
            shown.append(letters[index].shown)
            origin.append(index)
            edge = max(edge, box[2])
        shown.append("\n")
        origin.append(-1)
    return "".join(shown), origin


def _runs(boxes: list[Rectangle]) -> Iterator[Rectangle]:
    """Letters side by side become one cover; a new line starts another."""
    run: Rectangle | None = None
    for box in boxes:
        if run is None:
            run = box
            continue
        shared = min(run[3], box[3]) - max(run[1], box[1])
        near = box[0] - run[2] < 2 * (run[3] - run[1]) and run[0] - box[2] < 2 * (run[3] - run[1])
        if near and shared * 2 > min(run[3] - run[1], box[3] - box[1]):
            run = (min(run[0], box[0]), min(run[1], box[1]), max(run[2], box[2]), max(run[3], box[3]))
        else:
            yield run
            run = box
    if run is not None:
        yield run


def _padded(box: Rectangle, size: tuple[int, int]) -> Box:
    return Box(
        left=max(0, math.floor(box[0]) - PADDING),
        top=max(0, math.floor(box[1]) - PADDING),
        right=min(size[0], math.ceil(box[2]) + PADDING),
        bottom=min(size[1], math.ceil(box[3]) + PADDING),
    )


def _has_pictures(page: pypdfium2.PdfPage) -> bool:
    return next(iter(page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3)), None) is not None


def _lines(letters: list[_Letter], text: str, hidden: set[int]) -> Iterator[Line]:
    """The redacted text line by line in the file's order, each with the rectangle around its letters."""
    ordered, start = sorted(hidden), 0
    for end in [index for index, letter in enumerate(text) if letter == "\n"] + [len(text)]:
        within = ordered[bisect_left(ordered, start) : bisect_left(ordered, end)]
        inside = {index - start for index in within}
        shown = " ".join(_redacted(text[start:end], inside).split())
        boxes = [box for letter in letters[start:end] if (box := letter.box) is not None]
        if shown:
            yield Line(shown, _around(boxes) if boxes else None)
        start = end + 1


def _around(boxes: list[Rectangle]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(math.floor(min(lefts)), math.floor(min(tops)), math.ceil(max(rights)), math.ceil(max(bottoms)))


def _redacted(text: str, hidden: set[int]) -> str:
    """The text with each hidden run replaced, one kind of line end, and nothing a database refuses."""
    kept: list[str] = []
    for index, letter in enumerate(text):
        if index in hidden:
            if index - 1 not in hidden:
                kept.append(REMOVED)
        elif letter in "\u0002\ufffe":
            kept.append("-")
        elif letter == "\n" or (letter.isprintable() and not 0xD800 <= ord(letter) < 0xE000):
            kept.append(letter)
        elif letter == "\t":
            kept.append(" ")
    return "".join(kept)
