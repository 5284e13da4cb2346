"""Decide what an uploaded file is by decoding it; its name is only a claim to be checked.

Everything streams: a 4 GB video costs no more memory than a small one.  Each decoder is told
which format to read, so a playlist or a script dressed as a video cannot make it open another
file or an address.  Source: the programme's rules, section 5 (slot facts) and section 6
(condition codes).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePath

import av
import pikepdf
import pypdfium2
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from certification.kernel.errors import BadInput
from portfolio.uploads import office, pdfium

MAX_PDF_PAGES = 1_000
MAX_FRAME_PIXELS = 8192 * 4320
# In points, 72 to the inch: the largest sheet Acrobat makes is 200 inches long.
MIN_PAGE_POINTS, MAX_PAGE_POINTS = 3, 14_400

DOCUMENT, VIDEO = "document", "video"
KINDS = {
    "pdf": DOCUMENT,
    "docx": DOCUMENT,
    "mp4": VIDEO,
    "mov": VIDEO,
    "m4v": VIDEO,
    "webm": VIDEO,
    "mkv": VIDEO,
}
# Phones and editors mix these endings up inside a family, and nothing depends on it.
FAMILIES = {
    "pdf": "pdf",
    "docx": "docx",
    "mp4": "iso",
    "mov": "iso",
    "m4v": "iso",
    "webm": "ebml",
    "mkv": "ebml",
}
DEMUXERS = {"iso": "mov", "ebml": "matroska"}
READ_AS = "Upload a PDF or Word (.docx) document, or an MP4, MOV, M4V, WebM or MKV video."

_LOOKS_LIKE = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"{\\rtf", "a rich text (RTF) file"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"#!", "a script"),
    (b"RIFF", "an AVI or WAV file"),
    (b"ID3", "an MP3 sound file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"#EXTM3U", "a playlist"),
)
_ISO_BOXES = {
    b"ftyp",
    b"moov",
    b"mdat",
    b"moof",
    b"free",
    b"skip",
    b"wide",
    b"sidx",
    b"pnot",
    b"uuid",
    b"meta",
    b"mfra",
}
_NOT_VIDEO_BRANDS = {
    b"heic": "a HEIC picture",
    b"heix": "a HEIC picture",
    b"mif1": "a HEIF picture",
    b"avif": "an AVIF picture",
    b"M4A ": "a sound file",
    b"M4B ": "a sound file",
}


@dataclass(frozen=True)
class Inspection:
    """What a file is.  `pages` for documents, `seconds` (to the millisecond) and the rest for videos.

    The pages of a Word document are the ones its editor last counted, since only a layout knows them.
    """

    kind: str
    format: str
    sha256: str
    size: int
    pages: int | None = None
    seconds: Decimal | None = None
    has_audio: bool = False
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class SlotLimits:
    """What a slot accepts; None is no limit and no formats means every format of the kind."""

    title: str
    kind: str
    formats: tuple[str, ...] = ()
    max_pages: int | None = None
    max_minutes: int | Decimal | None = None
    max_bytes: int | None = None


def inspect(path: Path, declared_name: str) -> Inspection:
    """What the file at `path` is, having decoded enough of it to be sure.

    Raises:
        BadInput: empty, not what its name claims, protected, broken, cut short, a bomb, or not accepted.
    """
    name = _shown(declared_name)
    size = path.stat().st_size
    if size == 0:
        raise BadInput(f"{name} is empty (0 bytes). Check the file on your computer and upload it again.")
    format_ = sniff(path, declared_name)
    _require_claim(format_, declared_name)
    found = {"pdf": _pdf, "docx": _docx}.get(format_, _video)(path, name, format_)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Inspection(kind=KINDS[format_], format=format_, sha256=digest, size=size, **found)


def check_limits(inspection: Inspection, *, slot: SlotLimits) -> list[str]:
    """One sentence for each limit of the slot that the file exceeds; none when it fits.

    Parts of a second are not counted: an encoder pads a clip trimmed to 10:00 by a few milliseconds.
    """
    if inspection.kind != slot.kind:
        return [f'"{slot.title}" takes a {slot.kind}; yours is a {inspection.kind}.']
    over = []
    if slot.formats and inspection.format not in slot.formats:
        accepted = ", ".join(format_.upper() for format_ in slot.formats)
        over.append(f'"{slot.title}" accepts {accepted}; yours is {inspection.format.upper()}.')
    if slot.max_pages is not None and (inspection.pages or 0) > slot.max_pages:
        over.append(f'"{slot.title}" allows {_count(slot.max_pages, "page")}; yours has {inspection.pages}.')
    if slot.max_minutes is not None and int(inspection.seconds or 0) > slot.max_minutes * 60:
        allowed = _count(slot.max_minutes, "minute")
        over.append(f'"{slot.title}" allows {allowed}; yours is {_clock_face(inspection.seconds)}.')
    if slot.max_bytes is not None and inspection.size > slot.max_bytes:
        size = _bytes(inspection.size, beside=slot.max_bytes)
        over.append(f'"{slot.title}" allows {_bytes(slot.max_bytes)}; yours is {size}.')
    return over


def sniff(path: Path, declared_name: str = "") -> str:
    """The format a file's first bytes show: a key of `KINDS`.

    Raises:
        BadInput: no accepted format, an old or protected Office file, or a document with macros.
    """
    name = _shown(declared_name or path.name)
    with path.open("rb") as stream:
        head = stream.read(4096)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return office.package_format(path, name, READ_AS)
    if head.startswith(office.OLE):
        raise BadInput(office.why_not_ole(path, name))
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head[:64] else "mkv"
    if head[4:8] in _ISO_BOXES:
        return _iso_format(head, name)
    likeness = next((what for magic, what in _LOOKS_LIKE if head.startswith(magic)), None)
    raise BadInput(f"{name} is {likeness or 'not a document or video we can read'}. {READ_AS}")


@contextmanager
def opened_video(path: Path, format_: str) -> Iterator[InputContainer]:
    """The video at `path`, read as the format it was found to be and as nothing else.

    Raises:
        BadInput: the format is a document's.
    """
    if KINDS[format_] != VIDEO:
        raise BadInput(f"The file is a {format_.upper()} document, not a video. Upload the video itself.")
    demuxer = DEMUXERS[FAMILIES[format_]]
    container = av.open(
        str(path),
        format=demuxer,
        # Opening decodes a first frame already, and a small file can hold one that fills the memory.
        options={"protocol_whitelist": "file", "max_pixels": str(MAX_FRAME_PIXELS)},
        metadata_errors="replace",
    )
    try:
        yield container
    finally:
        container.close()


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first moving picture; cover art is a picture stream too, and is none."""
    real = (
        stream
        for stream in container.streams.video
        if not stream.disposition & stream.disposition.attached_pic
    )
    return next(real, None)


def _require_claim(format_: str, declared_name: str) -> None:
    claimed = PurePath(declared_name.strip()).suffix.lower().lstrip(".")
    if claimed and FAMILIES.get(claimed) != FAMILIES[format_]:
        raise BadInput(
            f"{_shown(declared_name)} is really a {format_.upper()} file, "
            f"not what its ending .{claimed[:12]} says. "
            f"Export it again, or give it the ending .{format_}, and upload it once more."
        )


def _pdf(path: Path, name: str, _format: str) -> dict[str, int]:
    broken = (
        f"{name} is a broken or incomplete PDF. Export it again and check that it opens before you upload it."
    )
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 64 * 1024))
        if b"startxref" not in stream.read():
            raise BadInput(broken)
    try:
        with pdfium.opened(path) as document:
            pages = len(document)
            if 0 < pages <= MAX_PDF_PAGES:
                for index in range(pages):
                    _require_paper_size(document, index, name)
                document[0].render(scale=0.1).close()
    except pypdfium2.PdfiumError:
        raise BadInput(_why_no_pdf(path, name) or broken) from None
    if pages == 0:
        raise BadInput(_no_pages(name))
    if pages > MAX_PDF_PAGES:
        raise BadInput(
            f"{name} has {pages:,} pages; no slot takes more than {MAX_PDF_PAGES:,}. Upload only this piece."
        )
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


def _why_no_pdf(path: Path, name: str) -> str | None:
    """Ask a second reader about a PDF that PDFium will not open: its error codes outlive their file."""
    try:
        with pikepdf.open(path) as pdf:
            return None if pdf.pages else _no_pages(name)
    except pikepdf.PasswordError:
        return (
            f"{name} is protected with a password, so nobody could score it. "
            "Save a copy without the password and upload that."
        )
    except (pikepdf.PdfError, ValueError, RuntimeError):
        return None


def _no_pages(name: str) -> str:
    return f"{name} has no pages. Export it again and upload it once more."


def _docx(path: Path, name: str, _format: str) -> dict[str, int]:
    return {"pages": office.pages(path, name)}


def _iso_format(head: bytes, name: str) -> str:
    brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
    if brand in _NOT_VIDEO_BRANDS:
        raise BadInput(f"{name} is {_NOT_VIDEO_BRANDS[brand]}, not a video. {READ_AS}")
    return {b"qt  ": "mov", b"M4V ": "m4v", b"M4VH": "m4v", b"M4VP": "m4v"}.get(brand, "mp4")


def _video(path: Path, name: str, format_: str) -> dict[str, object]:
    broken = (
        f"{name} is a broken video: it cannot be played. Export it again, play it once, and upload that file."
    )
    cut_short = (
        f"{name} is cut short: its end is missing. "
        "Copy it again from the camera, play it to the end, and upload that."
    )
    if FAMILIES[format_] == "iso" and not _boxes_complete(path):
        raise BadInput(cut_short)
    try:
        with opened_video(path, format_) as container:
            stream = picture_stream(container)
            if not container.streams:
                raise BadInput(broken)
            if stream is None:
                raise BadInput(f"{name} has no picture, only sound or data. Upload the video itself.")
            if stream.codec_context is None:
                raise BadInput(
                    f"{name} holds a picture no browser can play. Export it as MP4 (H.264) and upload that."
                )
            _require_frame_size(stream.codec_context, name)
            stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
            frame = next(container.decode(stream), None)
            if frame is None:
                raise BadInput(broken)
            _require_frame_size(frame, name)
            width, height = shown_size(frame)
            declared = Decimal(container.duration or 0) / av.time_base
            last = _last_instant(container, stream)
            has_audio = bool(container.streams.audio)
    except (av.FFmpegError, ValueError, EOFError):
        raise BadInput(broken) from None
    if last <= 0 or last < declared * Decimal("0.9") - 5:
        raise BadInput(cut_short)
    seconds = max(declared, last).quantize(Decimal("0.001"))
    return {"seconds": seconds, "has_audio": has_audio, "width": width, "height": height}


def _require_frame_size(picture: VideoFrame | VideoCodecContext, name: str) -> None:
    if picture.width * picture.height > MAX_FRAME_PIXELS:
        raise BadInput(f"{name} is {picture.width} x {picture.height} pixels: too large. Export it at 1080p.")


def shown_size(frame: VideoFrame) -> tuple[int, int]:
    """Width and height as a player shows them, a phone held upright included."""
    return (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)


def _last_instant(container: InputContainer, stream: VideoStream) -> Decimal:
    """Seconds from the first to the end of the last picture that is really in the file."""
    if container.duration:
        container.seek(max(0, container.duration - av.time_base), backward=True, any_frame=False)
    else:
        container.seek(0)
    last = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            last = max(last, packet.pts + (packet.duration or 0))
    base = stream.time_base or 0
    return (
        Decimal((last - (stream.start_time or 0)) * base.numerator) / base.denominator if base else Decimal(0)
    )


def _boxes_complete(path: Path) -> bool:
    """Whether the index is present and no top-level box of an ISO file runs past its end."""
    end, at, has_index = path.stat().st_size, 0, False
    with path.open("rb") as stream:
        while at + 8 <= end:
            stream.seek(at)
            length, kind = struct.unpack(">I4s", stream.read(8))
            if kind not in _ISO_BOXES:
                break
            has_index |= kind == b"moov"
            if length == 1:
                wide = stream.read(8)
                length = struct.unpack(">Q", wide)[0] if len(wide) == 8 else 0
            elif length == 0:
                length = end - at
            if length < 8 or at + length > end:
                return False
            at += length
    return has_index


def _shown(declared_name: str) -> str:
    """The name in quotes, fit for a sentence: short, no folders, nothing that does not print."""
    plain = "".join(
        letter for letter in PurePath(declared_name.replace("\\", "/")).name if letter.isprintable()
    )
    return f'"{plain[:80]}"' if plain.strip() else "The file"


def _count(number: int | Decimal, unit: str) -> str:
    shown = f"{Decimal(number).normalize():f}"  # a database gives ten minutes as 10.00
    return f"{shown} {unit}" if number == 1 else f"{shown} {unit}s"


def _clock_face(seconds: Decimal | None) -> str:
    minutes, rest = divmod(int(seconds or 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _bytes(size: int, beside: int = 0) -> str:
    """A size people read; exact bytes when rounding would make it look equal to the limit `beside` it."""
    for unit, step in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if size >= step:
            shown = f"{size / step:.1f}".removesuffix(".0") + f" {unit}"
            return f"{size:,} bytes" if beside and shown == _bytes(beside) else shown
    return f"{size:,} bytes"
