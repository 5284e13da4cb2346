"""Decide what an uploaded file is by decoding it; its name is only a claim to be checked.

Everything streams: a 4 GB video costs no more memory than a small one.  What is here opens a stranger's
file in this very process; a site process asks `opening.inspected`, which does so within bounds.  Source:
the programme's rules, section 5 (slot facts) and section 6 (condition codes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from certification.kernel.errors import BadInput

from . import names, office, packages, pdf_facts, video_facts
from .formats import DOCUMENT, EVERY_FORMAT, FAMILIES, KINDS, VIDEO, advice_for, article, kinds_of
from .formats import MAX_PAGES as MAX_PDF_PAGES
from .limits import SlotLimits, check_limits
from .video_facts import opened_video, picture_stream, shown_size

__all__ = [
    "DOCUMENT",
    "FAMILIES",
    "KINDS",
    "MAX_PDF_PAGES",
    "VIDEO",
    "Facts",
    "Inspection",
    "SlotLimits",
    "check_limits",
    "digest_of",
    "facts",
    "inspect",
    "opened_video",
    "picture_stream",
    "shown_size",
    "sniff",
]

_LOOKS_LIKE = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"8BPS", "a Photoshop picture"),
    (b"{\\rtf", "a rich text (RTF) file"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"#!", "a script"),
    (b"ID3", "an MP3 sound file"),
    (b"\xff\xfb", "an MP3 sound file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a FLAC sound file"),
    (b"FLV", "a Flash video"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"!<arch>", "an archive"),
    (b"%!PS", "a PostScript file"),
    (b"#EXTM3U", "a playlist"),
    (b"[playlist]", "a playlist"),
    (b"<?xml", "an XML file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<HTML", "a web page"),
    (b"<svg", "an SVG picture"),
)
_RIFF = {b"AVI ": "avi", b"WAVE": "a WAV sound file", b"WEBP": "a WebP picture"}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_NOT_VIDEO_BRANDS = {
    b"heic": "a HEIC picture",
    b"heix": "a HEIC picture",
    b"hevc": "a HEIC picture",
    b"heim": "a HEIC picture",
    b"mif1": "a HEIF picture",
    b"msf1": "a HEIF picture",
    b"avif": "an AVIF picture",
    b"avis": "an AVIF picture",
    b"crx ": "a Canon raw picture",
    b"M4A ": "a sound file",
    b"M4B ": "a sound file",
    b"M4P ": "a sound file",
}
_MOV_BRANDS = {b"qt  ": "mov", b"M4V ": "m4v", b"M4VH": "m4v", b"M4VP": "m4v"}


@dataclass(frozen=True)
class Facts:
    """What decoding finds out: `pages` of a document; of a video `seconds`, to the millisecond, and the rest.

    The pages of a Word or OpenDocument text are the ones its editor last counted, since only a layout
    knows them.
    """

    kind: str
    format: str
    pages: int | None = None
    seconds: Decimal | None = None
    has_audio: bool = False
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Inspection:
    """What a file is: its bytes, and what decoding found out (see `Facts`)."""

    kind: str
    format: str
    sha256: str
    size: int
    pages: int | None = None
    seconds: Decimal | None = None
    has_audio: bool = False
    width: int | None = None
    height: int | None = None

    @classmethod
    def of(cls, found: Facts, path: Path, sha256: str = "") -> Inspection:
        """The facts together with the digest, taken now unless it is known, and the size of the file."""
        return cls(sha256=sha256 or digest_of(path), size=path.stat().st_size, **vars(found))


def inspect(path: Path, declared_name: str, takes: Collection[str] = EVERY_FORMAT) -> Inspection:
    """What the file at `path` is, having decoded enough of it to be sure, in this process.

    `takes` as for `facts`.

    Raises:
        BadInput: as `facts` does.
    """
    return Inspection.of(facts(path, declared_name, takes), path)


def facts(path: Path, declared_name: str, takes: Collection[str] = EVERY_FORMAT) -> Facts:
    """What the file at `path` is, having decoded enough of it to be sure, in this process.

    `takes` are the formats that are taken where it was sent: a refusal advises no others.  A file of a
    kind that is not taken at all is named by kind and format and not decoded.

    Raises:
        BadInput: empty, not what its name claims, protected, broken, cut short, a bomb, or not accepted.
    """
    name = names.shown(declared_name)
    if path.stat().st_size == 0:
        raise BadInput(f"{name} is empty (0 bytes). Check the file on your computer and upload it again.")
    format_ = sniff(path, declared_name, takes)
    _require_claim(format_, declared_name, takes)
    found: dict[str, object]
    if KINDS[format_] not in kinds_of(takes):
        found = {}
    elif format_ == "pdf":
        found = {**pdf_facts.facts(path, name)}
    elif format_ == "docx":
        found = {"pages": office.word_pages(path, name)}
    elif format_ == "odt":
        found = {"pages": office.open_text_pages(path, name)}
    else:
        found = video_facts.facts(path, name, format_)
    return Facts(kind=KINDS[format_], format=format_, **found)  # type: ignore[arg-type]


def sniff(path: Path, declared_name: str = "", takes: Collection[str] = EVERY_FORMAT) -> str:
    """The format a file's first bytes show: a key of `KINDS`; `takes` as for `facts`.

    Raises:
        BadInput: no accepted format, two in one, an old or protected Office file, or macros.
    """
    name = names.shown(declared_name or path.name)
    advice = advice_for(takes)
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith((*_ZIP, office.OLE)):
        if DOCUMENT not in kinds_of(takes):
            raise BadInput(f"{name} is an Office file or an archive, not a video. {advice}")
        if head.startswith(office.OLE):
            raise office.why_not_ole(path, name)
        return office.package_format(path, name, advice)
    format_ = _pdf_or_video(head, name, advice)
    if format_ is None:
        likeness = next((what for magic, what in _LOOKS_LIKE if head.startswith(magic)), None)
        raise BadInput(f"{name} is {likeness or 'not a document or video we can read'}. {advice}")
    if packages.ends_as_package(path):
        raise packages.two_in_one(name)
    return format_


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pdf_or_video(head: bytes, name: str, advice: str) -> str | None:
    if head[4:8] in video_facts.ISO_BOXES:
        return _iso_format(head, name, advice)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head[:64] else "mkv"
    if head.startswith(_ASF):
        return "wmv"
    if head.startswith(b"\0\0\1\xba") or video_facts.transport_packet(head):
        return "mpg"
    if head.startswith(b"RIFF"):
        what = _RIFF.get(head[8:12])
        if what != "avi":
            raise BadInput(f"{name} is {what or 'not a document or video we can read'}. {advice}")
        return "avi"
    return _pdf(head, name)


def _pdf(head: bytes, name: str) -> str | None:
    """A printer's job control or a few blank lines may come first; another kind of file may not."""
    at = head[:1024].find(b"%PDF-")
    if at < 0:
        return None
    before = head[:at].lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if any(before.startswith(magic) for magic, _ in _LOOKS_LIKE):
        raise packages.two_in_one(name)
    return "pdf"


def _iso_format(head: bytes, name: str, advice: str) -> str:
    brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
    if brand in _NOT_VIDEO_BRANDS:
        raise BadInput(f"{name} is {_NOT_VIDEO_BRANDS[brand]}. {advice}")
    return _MOV_BRANDS.get(brand, "mp4")


def _require_claim(format_: str, declared_name: str, takes: Collection[str]) -> None:
    claimed = names.ending_of(declared_name)
    if claimed and FAMILIES.get(claimed) != FAMILIES[format_]:
        # What is not taken under its right name either would only be refused once more.
        advice = (
            f"Export it again, or give it the ending .{format_}, and upload it once more."
            if format_ in takes
            else advice_for(takes)
        )
        raise BadInput(
            f"{names.shown(declared_name)} is really {article(format_)} {format_.upper()} file, "
            f"not what its ending .{claimed[:12]} says. {advice}"
        )
