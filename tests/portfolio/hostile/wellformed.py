"""Files as people really send them: from several libraries, cameras and habits, in odd corners of formats."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import docx
import pikepdf
import pypdfium2
import weasyprint
from odfdo import Document as OpenText
from odfdo import Header, List, Paragraph, Table
from PIL import Image

from .cases import Maker, bytes_of
from .filming import Film, box, film, written
from .office_files import odt, word, zipped
from .pdfs import CATALOG, PAGE, pdf, raw
from .videos import FAST, in_container


@dataclass(frozen=True)
class WellFormed:
    """A file that is taken in: as what, and how long it is (pages, or seconds)."""

    label: str
    name: str
    make: Maker
    format: str
    length: float


def _laid_out(pages: int = 1, **how: Any) -> Callable[[], bytes]:
    """A PDF as a browser or a word processor prints it: compressed, with embedded fonts."""
    text = (
        '<p style="break-after: page">Ein Bericht über die Woche – 学校.</p>' * (pages - 1)
        + "<p>The end.</p>"
    )
    return lambda: weasyprint.HTML(string=text).write_pdf(**how) or b""


def _saved(**how: Any) -> Callable[[], bytes]:
    """A PDF as another program saves it."""

    def make() -> bytes:
        out = io.BytesIO()
        with pikepdf.open(io.BytesIO(pdf(pages=3))) as opened:
            opened.save(out, **how)
        return out.getvalue()

    return make


def _scanned(mode: str, dots: int) -> Callable[[], bytes]:
    """Pages from a scanner, one picture each."""

    def make() -> bytes:
        out = io.BytesIO()
        sheets = [Image.new(mode, (int(8.5 * dots), 11 * dots), "white") for _ in range(2)]
        sheets[0].save(out, "PDF", resolution=dots, save_all=True, append_images=sheets[1:])
        return out.getvalue()

    return make


def _rotated() -> bytes:
    def turn(made: pikepdf.Pdf) -> None:
        for number, page in enumerate(made.pages):
            page.Rotate = 90 * number
            page.CropBox = pikepdf.Array([20, 20, 280, 180])

    return pdf(turn, pages=4)


def _from_pdfium() -> bytes:
    out = io.BytesIO()
    document = pypdfium2.PdfDocument.new()
    for _ in range(3):
        document.new_page(612, 792).close()
    document.save(out)
    document.close()
    return out.getvalue()


def _written_in_word(pages: int) -> bytes:
    out = io.BytesIO()
    document = docx.Document()
    document.add_heading("Reflection", level=1)
    for number in range(pages):
        document.add_paragraph("What I would keep, and why. " * 20, style="List Bullet")
        table = document.add_table(rows=2, cols=3, style="Light Grid Accent 1")
        table.rows[0].cells[0].text = "Week"
        photo = io.BytesIO()
        Image.effect_noise((400, 300), 80).save(photo, "JPEG")
        document.add_picture(photo)
        if number < pages - 1:
            document.add_page_break()
    document.sections[0].header.paragraphs[0].text = "A coach"
    document.save(out)
    return out.getvalue()


def _written_in_libreoffice() -> bytes:
    out = io.BytesIO()
    document = OpenText("text")
    document.body.clear()
    document.body.append(Header(1, "Reflection"))
    for number in range(30):
        document.body.append(Paragraph(f"Paragraph {number}. " * 10))
    document.body.append(List(["one", "two"]))
    document.body.append(Table("Weeks", width=3, height=2))
    document.save(out)
    return out.getvalue()


def _with_lists_of_macros() -> bytes:
    """LibreOffice writes the lists of macros though there is none."""
    return odt(parts={"Basic/script-lc.xml": "<a/>", "Basic/Standard/script-lb.xml": "<a/>"})


def _turned(degrees: int) -> bytes:
    """A telephone held upright: the picture lies, and the file says how to turn it."""
    made = bytearray(film(Film(container="mp4", width=160, height=120)))
    at = bytes(made).index(b"tkhd") + 4 + 40
    turns = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    one = 1 << 16
    matrix = (turns[0] * one, turns[1] * one, 0, turns[2] * one, turns[3] * one, 0, 0, 0, 1 << 30)
    made[at : at + 36] = struct.pack(">9i", *matrix)
    return bytes(made)


def _recorded_in_a_browser() -> bytes:
    """What MediaRecorder writes: no length, no index, and a segment that never says where it ends."""
    return film(Film(container="webm", picture="libvpx-vp9", sound="libopus", options=(("live", "1"),)))


def _with_a_sleeve() -> bytes:
    """A video with a cover picture, as shops and editors add it."""
    with written() as path, av.open(path, "w", format="mp4") as target:
        picture: Any = target.add_stream("libx264", rate=10)
        cover: Any = target.add_stream("mjpeg", rate=1)
        picture.width = cover.width = 64
        picture.height = cover.height = 64
        picture.pix_fmt, cover.pix_fmt = "yuv420p", "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        for stream, count in ((picture, 20), (cover, 1)):
            for number in range(count):
                frame = av.VideoFrame(64, 64, stream.pix_fmt)
                for plane in frame.planes:
                    plane.update(bytes(plane.buffer_size))
                frame.pts = number
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        target.close()
        return Path(path).read_bytes()


def _a_day_in_class() -> tuple[int, ...]:
    """A telephone's uneven rhythm: it waits when the light is poor."""
    return tuple(number + number % 3 + number // 7 for number in range(0, 80, 2))


def _film(**of: Any) -> Maker:
    return bytes_of(functools.partial(film, Film(**of)))


def _in(container: str, **of: Any) -> Maker:
    return bytes_of(functools.partial(in_container, container, **of))


def _pdf(label: str, make: Callable[[], bytes], pages: int) -> WellFormed:
    return WellFormed(f"a PDF {label}", "essay.pdf", bytes_of(make), "pdf", pages)


DOCUMENTS = [
    _pdf("laid out from a page", _laid_out(), 1),
    _pdf("of twenty pages", _laid_out(20), 20),
    _pdf("of tagged paragraphs", _laid_out(pdf_variant="pdf/ua-1"), 1),
    _pdf("for archives", _laid_out(pdf_variant="pdf/a-3b"), 1),
    _pdf("without compression", _laid_out(uncompressed_pdf=True), 1),
    _pdf("with forms", _laid_out(pdf_forms=True), 1),
    _pdf("of version 1.4", _laid_out(pdf_version="1.4"), 1),
    _pdf("with its objects in streams", _saved(object_stream_mode=pikepdf.ObjectStreamMode.generate), 3),
    _pdf("for the web", _saved(linearize=True), 3),
    _pdf("in plain letters", _saved(qdf=True), 3),
    _pdf("packed anew", _saved(recompress_flate=True, compress_streams=True), 3),
    _pdf("that forbids printing", _saved(encryption=pikepdf.Encryption(owner="a", user="", R=6)), 3),
    _pdf("that forbids printing, of 2001", _saved(encryption=pikepdf.Encryption(owner="a", user="", R=4)), 3),
    _pdf("with rotated and cropped pages", _rotated, 4),
    _pdf("of another library", _from_pdfium, 3),
    _pdf("from a scanner, in grey", _scanned("L", 150), 2),
    _pdf("from a scanner, in colour", _scanned("RGB", 200), 2),
    _pdf("from a fax", _scanned("1", 300), 2),
    _pdf("with a byte order mark", lambda: b"\xef\xbb\xbf" + pdf(), 1),
    _pdf("with blank lines in front", lambda: b"\r\n\r\n" + pdf(), 1),
    _pdf("with zeros behind", lambda: pdf() + bytes(3000), 1),
    _pdf("written by hand", lambda: raw(CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", PAGE), 1),
    _pdf("whose table is off by a byte", lambda: pdf().replace(b"\n", b"\n\n", 1), 1),
    WellFormed("a PDF without ending", "essay", bytes_of(pdf), "pdf", 1),
    WellFormed("a PDF in capitals", "ESSAY.PDF", bytes_of(pdf), "pdf", 1),
    WellFormed("a Word document", "essay.docx", bytes_of(word), "docx", 1),
    WellFormed("a long Word document", "essay.docx", bytes_of(lambda: _written_in_word(5)), "docx", 5),
    WellFormed(
        "a Word document that is not compressed",
        "essay.docx",
        bytes_of(lambda: _stored(word())),
        "docx",
        1,
    ),
    WellFormed("an OpenDocument", "essay.odt", bytes_of(_written_in_libreoffice), "odt", 1),
    WellFormed("an OpenDocument in short", "essay.odt", bytes_of(odt), "odt", 1),
    WellFormed(
        "an OpenDocument of three pages",
        "essay.odt",
        bytes_of(lambda: odt("<text:soft-page-break/>" * 2)),
        "odt",
        3,
    ),
    WellFormed(
        "an OpenDocument with empty lists of macros", "essay.odt", bytes_of(_with_lists_of_macros), "odt", 1
    ),
]
VIDEOS = [
    WellFormed("an MP4", "clip.mp4", _in("mp4", sound="aac"), "mp4", 2),
    WellFormed("a quick-starting MP4", "clip.mp4", _in("mp4", sound="aac", options=FAST), "mp4", 2),
    WellFormed(
        "an MP4 in fragments",
        "clip.mp4",
        _in("mp4", options=(("movflags", "+frag_keyframe+empty_moov"),)),
        "mp4",
        2,
    ),
    WellFormed("an MP4 of HEVC", "clip.mp4", _film(picture="libx265", options=(("tag", "hvc1"),)), "mp4", 2),
    WellFormed("an MP4 of AV1", "clip.mp4", _film(picture="libsvtav1"), "mp4", 2),
    WellFormed("an MP4 of MPEG-4", "clip.mp4", _film(picture="mpeg4", sound="aac"), "mp4", 2),
    WellFormed("an MP4 with an uneven rhythm", "clip.mp4", _film(ticks=_a_day_in_class()), "mp4", 9.1),
    WellFormed("an MP4 of few pictures", "clip.mp4", _film(rate=1, frames=3), "mp4", 3),
    WellFormed("an MP4 of sixty pictures a second", "clip.mp4", _film(rate=60, frames=120), "mp4", 2),
    WellFormed("an MP4 of an odd size", "clip.mp4", _film(width=102, height=58), "mp4", 2),
    WellFormed("an MP4 in full HD", "clip.mp4", _film(width=1920, height=1080, frames=3), "mp4", 0.3),
    WellFormed("an MP4 in 4K", "clip.mp4", _film(width=3840, height=2160, frames=2), "mp4", 0.2),
    WellFormed("an MP4 in full colour", "clip.mp4", _film(format="yuv444p"), "mp4", 2),
    WellFormed("an upright MP4", "clip.mp4", bytes_of(lambda: _turned(90)), "mp4", 2),
    WellFormed("an MP4 upside down", "clip.mp4", bytes_of(lambda: _turned(180)), "mp4", 2),
    WellFormed("an MP4 upright the other way", "clip.mp4", bytes_of(lambda: _turned(270)), "mp4", 2),
    WellFormed("an MP4 with a sleeve", "clip.mp4", bytes_of(_with_a_sleeve), "mp4", 2),
    WellFormed(
        "an MP4 with a maker's box behind",
        "clip.mp4",
        bytes_of(lambda: in_container("mp4") + box(b"uuid", bytes(64)) + b"SEFT"),
        "mp4",
        2,
    ),
    WellFormed("a MOV", "clip.mov", _in("mov", sound="aac"), "mov", 2),
    WellFormed(
        "a MOV of a camera", "CLIP.MOV", _film(container="mov", picture="mjpeg", format="yuvj422p"), "mov", 2
    ),
    WellFormed(
        "a MOV of an editor",
        "clip.mov",
        _film(container="mov", picture="prores_ks", format="yuv422p10le"),
        "mov",
        2,
    ),
    WellFormed("a MOV called MP4", "clip.mp4", _in("mov"), "mov", 2),
    WellFormed("an M4V", "clip.m4v", _film(container="ipod", sound="aac"), "m4v", 2),
    WellFormed("a 3GP of an old telephone", "clip.3gp", _film(container="3gp", picture="mpeg4"), "mp4", 2),
    WellFormed("a WebM", "clip.webm", _in("webm", sound="libopus"), "webm", 2),
    WellFormed("a WebM of VP8", "clip.webm", _film(container="webm", picture="libvpx"), "webm", 2),
    WellFormed("a WebM recorded in a browser", "clip.webm", bytes_of(_recorded_in_a_browser), "webm", 2),
    WellFormed("a Matroska", "clip.mkv", _in("matroska", sound="aac"), "mkv", 2),
    WellFormed(
        "a Matroska as OBS writes it", "clip.mkv", _in("matroska", options=(("live", "1"),)), "mkv", 2
    ),
    WellFormed("an AVI", "clip.avi", _in("avi", sound="libmp3lame"), "avi", 2),
    WellFormed(
        "an AVI of single JPEGs",
        "clip.avi",
        _film(container="avi", picture="mjpeg", format="yuvj420p"),
        "avi",
        2,
    ),
    WellFormed("a WMV", "clip.wmv", _in("asf", sound="wmav2"), "wmv", 2),
    WellFormed("a WMV called ASF", "clip.asf", _in("asf"), "wmv", 2),
    WellFormed("an MPG", "clip.mpg", _in("mpeg", sound="mp2"), "mpg", 2),
    WellFormed(
        "an MPG of MPEG-1",
        "clip.mpeg",
        _film(container="mpeg", picture="mpeg1video", rate=25, frames=50),
        "mpg",
        2,
    ),
    WellFormed(
        "a transport stream of a camcorder", "clip.mts", _film(container="mpegts", sound="mp2"), "mpg", 2
    ),
    WellFormed(
        "a camcorder's stream with the time in front of each packet",
        "clip.m2ts",
        _film(container="mpegts", options=(("mpegts_m2ts_mode", "1"),)),
        "mpg",
        2,
    ),
]


def _stored(package: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        return zipped({name: opened.read(name) for name in opened.namelist()}, zipfile.ZIP_STORED)


ALL = [*DOCUMENTS, *VIDEOS]
