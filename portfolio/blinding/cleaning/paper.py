"""Bind cleaned pages into a PDF of our own making: each page its picture, under it the redacted words.

Written from nothing, so that no object of the original comes along, and page by page, so that a thousand
pages cost no more memory than one.  The words are invisible and lie where they stand in the picture: the
document can be searched, read aloud and copied from, without what was covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from portfolio.blinding.cleaning.results import Box, CleanedPage, Line
from portfolio.blinding.identifiers import Term, find, redact

_POINTS_PER_INCH = 72
# Half as wide as high: what a line is then stretched by is near one.
_LETTER_WIDTH = 500
_SMALLEST, _LARGEST = 1, 200
_FONT = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /Unseen /Encoding /Identity-H"
    b" /DescendantFonts [4 0 R] /ToUnicode 5 0 R >>"
)
_LETTERS = (
    b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Unseen /DW %d /CIDToGIDMap /Identity"
    b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    b" /FontDescriptor 6 0 R >>" % _LETTER_WIDTH
)
# Every code of two bytes is the letter of that number.
_TO_UNICODE = (
    b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap"
    b" /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def"
    b" /CMapName /Adobe-Identity-UCS def /CMapType 2 def"
    b" 1 begincodespacerange <0000> <FFFF> endcodespacerange"
    b" 1 beginbfrange <0000> <FFFF> <0000> endbfrange"
    b" endcmap CMapName currentdict /CMap defineresource pop end end"
)
_DESCRIPTOR = (
    b"<< /Type /FontDescriptor /FontName /Unseen /Flags 5 /FontBBox [0 0 500 1000] /ItalicAngle 0"
    b" /Ascent 1000 /Descent 0 /CapHeight 1000 /StemV 80 >>"
)
_FIRST_PAGE_OBJECT = 7
_OBJECTS_PER_PAGE = 3


def bind(pages: Sequence[CleanedPage], terms: Sequence[Term], out: Path, *, dots_per_inch: int) -> None:
    """Write the pages to `out` as a PDF.  The same pages give the same bytes."""
    with out.open("wb") as target:
        writer = _Writer(target)
        page_objects = [_FIRST_PAGE_OBJECT + _OBJECTS_PER_PAGE * index for index in range(len(pages))]
        kids = b" ".join(b"%d 0 R" % number for number in page_objects)
        writer.object(1, b"<< /Type /Catalog /Pages 2 0 R >>")
        writer.object(2, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), kids))
        writer.object(3, _FONT)
        writer.object(4, _LETTERS)
        writer.stream(5, b"", _TO_UNICODE)
        writer.object(6, _DESCRIPTOR)
        for number, page in zip(page_objects, pages, strict=True):
            _write_page(writer, number, page, terms, _POINTS_PER_INCH / dots_per_inch)
        writer.finish()


def _write_page(
    writer: _Writer, number: int, page: CleanedPage, terms: Sequence[Term], points: float
) -> None:
    width, height = page.width * points, page.height * points
    writer.object(
        number,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s %s] /Contents %d 0 R"
        b" /Resources << /Font << /F 3 0 R >> /XObject << /P %d 0 R >> >> >>"
        % (_number(width), _number(height), number + 1, number + 2),
    )
    drawn = [b"q %s 0 0 %s 0 0 cm /P Do Q" % (_number(width), _number(height)), b"BT 3 Tr"]
    drawn += [_line(line, page.height, points) for line in _words(page, terms)]
    writer.stream(number + 1, b"", b"\n".join([*drawn, b"ET"]))
    picture = (
        b" /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB"
        b" /BitsPerComponent 8 /Filter /DCTDecode" % (page.width, page.height)
    )
    writer.stream(number + 2, picture, page.image_path.read_bytes())


def _words(page: CleanedPage, terms: Sequence[Term]) -> Sequence[Line]:
    """The lines, once more without identifiers; in one piece where only lines together would spell one."""
    lines = [Line(redact(line.text, terms), line.box) for line in page.lines]
    if find("\n".join(line.text for line in lines), terms):
        whole = Box(0, 0, page.width, page.height)
        return [Line(" ".join(redact(page.text, terms).split()), whole)]
    return lines


def _line(line: Line, page_height: int, points: float) -> bytes:
    codes = [letter if ord(letter) < 0x10000 else "\ufffd" for letter in line.text]
    box = line.box or Box(0, 0, page_height, 1)
    size = min(_LARGEST, max(_SMALLEST, (box.bottom - box.top) * points))
    natural = len(codes) * size * _LETTER_WIDTH / 1000
    stretch = max(1.0, 100 * (box.right - box.left) * points / natural)
    encoded = "".join(codes).encode("utf-16-be", "replace").hex().encode("ascii")
    return b"/F %s Tf %s Tz 1 0 0 1 %s %s Tm <%s> Tj" % (
        _number(size),
        _number(stretch),
        _number(box.left * points),
        _number((page_height - box.bottom) * points),
        encoded,
    )


def _number(value: float) -> bytes:
    return f"{value:.3f}".rstrip("0").rstrip(".").encode("ascii")


class _Writer:
    """Objects one after another, and at the end the table of where each begins."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._offsets: dict[int, int] = {}
        target.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def object(self, number: int, content: bytes) -> None:
        self._offsets[number] = self._target.tell()
        self._target.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))

    def stream(self, number: int, entries: bytes, content: bytes) -> None:
        head = b"<< /Length %d%s >>\nstream\n" % (len(content), entries)
        self.object(number, head + content + b"\nendstream")

    def finish(self) -> None:
        at = self._target.tell()
        count = len(self._offsets) + 1
        self._target.write(b"xref\n0 %d\n0000000000 65535 f \n" % count)
        for number in range(1, count):
            self._target.write(b"%010d 00000 n \n" % self._offsets[number])
        self._target.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, at))
