"""Look inside Office files without trusting a single declared size.

A Word document is a ZIP of XML parts: small on disk, it can unpack to anything, carry
programs, or define entities that grow without end.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from certification.kernel.errors import BadInput

MAX_ZIP_MEMBERS = 5_000
MAX_UNZIPPED_BYTES = 512 * 1024 * 1024
MAX_XML_PART_BYTES = 32 * 1024 * 1024
MAX_RATIO = 250
RATIO_MATTERS_FROM_BYTES = 8 * 1024 * 1024
CHUNK = 1024 * 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# What a broken or odd package raises; NotImplementedError is zipfile's word for a compression it lacks.
_UNREADABLE = (BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)
# Office never writes these; both UTF-8 and UTF-16 spell them with at most a zero byte in between.
_ENTITIES = re.compile(rb"<\0?!\0?(?:D\0?O\0?C\0?T\0?Y\0?P\0?E|E\0?N\0?T\0?I\0?T\0?Y)")


def package_format(path: Path, name: str, read_as: str) -> str:
    """'docx' for a Word document without macros; `name` and `read_as` go into the refusal otherwise."""
    try:
        with ZipFile(path) as package:
            members = set(package.namelist())
            if any(member.lower().endswith(("vbaproject.bin", "vbadata.xml")) for member in members):
                raise BadInput(_macros(name))
            if any(member.flag_bits & 0x1 for member in package.infolist()):
                raise BadInput(_locked(name))
            if "[Content_Types].xml" not in members:
                raise BadInput(f"{name} is a ZIP archive, not a document. {read_as}")
            with package.open("[Content_Types].xml") as part:
                types = part.read(CHUNK)
    except _UNREADABLE:
        raise BadInput(_broken_word(name)) from None
    if b"macroEnabled" in types:
        raise BadInput(_macros(name))
    if b"wordprocessingml.document.main+xml" not in types:
        raise BadInput(f"{name} is an Office file, but no Word document. {read_as}")
    return "docx"


def pages(path: Path, name: str) -> int:
    """The pages of a Word document as its editor last counted them, having read every part once.

    Parts are read in pieces, because the sizes a ZIP declares are claims as well.

    Raises:
        BadInput: broken, protected, or unpacking to more than the limits above.
    """
    body = hard_breaks = laid_out_breaks = 0
    declared_pages = unzipped = 0
    try:
        with ZipFile(path) as package:
            members = package.infolist()
            if len(members) > MAX_ZIP_MEMBERS:
                raise BadInput(_bomb(name))
            for member in members:
                is_xml = member.filename.lower().endswith((".xml", ".rels"))
                size, tail = 0, b""
                with package.open(member) as part:
                    while piece := part.read(CHUNK):
                        size += len(piece)
                        unzipped += len(piece)
                        _require_no_bomb(name, size, unzipped, path.stat().st_size, is_xml=is_xml)
                        if is_xml and _ENTITIES.search(tail + piece):
                            raise BadInput(_broken_word(name))
                        if member.filename == "word/document.xml":
                            body += len(piece)
                            hard_breaks += _fresh(rb'w:type="page"', tail, piece)
                            laid_out_breaks += _fresh(rb"<w:lastRenderedPageBreak", tail, piece)
                        if member.filename == "docProps/app.xml" and (
                            said := re.search(rb"<Pages>(\d{1,6})</Pages>", piece)
                        ):
                            declared_pages = int(said[1])
                        tail = piece[-32:]
    except _UNREADABLE:
        raise BadInput(_broken_word(name)) from None
    if not body:
        raise BadInput(_broken_word(name))
    return max(declared_pages, hard_breaks + 1, laid_out_breaks + 1)


def _fresh(needle: bytes, tail: bytes, piece: bytes) -> int:
    """How often `needle` ends inside `piece`, not counting what the tail of the piece before had already."""
    return (tail + piece).count(needle) - tail.count(needle)


def _require_no_bomb(name: str, part: int, total: int, packed: int, *, is_xml: bool) -> None:
    too_dense = total > RATIO_MATTERS_FROM_BYTES and total > packed * MAX_RATIO
    if too_dense or total > MAX_UNZIPPED_BYTES or (is_xml and part > MAX_XML_PART_BYTES):
        raise BadInput(_bomb(name))


def why_not_ole(path: Path, name: str) -> str:
    """The sentence that refuses a file in the container used by old and by protected Office files."""
    with path.open("rb") as stream:
        if "EncryptedPackage".encode("utf-16-le") in stream.read(CHUNK) or _tail_has(
            path, "EncryptedPackage"
        ):
            return _locked(name)
    return f"{name} is in the old Office format of before 2007. Save it as .docx or PDF and upload that."


def _tail_has(path: Path, word: str) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - CHUNK))
        return word.encode("utf-16-le") in stream.read()


def _locked(name: str) -> str:
    return f"{name} is protected with a password. Save a copy without it and upload that."


def _macros(name: str) -> str:
    return (
        f"{name} holds macros (small programs), which we do not accept. "
        "Save it as a plain .docx or PDF and upload that."
    )


def _broken_word(name: str) -> str:
    return (
        f"{name} is a broken Word document. "
        "Open it in your editor, save it again as .docx or PDF, and upload that."
    )


def _bomb(name: str) -> str:
    return f"{name} unpacks to far more than a document of its size should. Save it as PDF and upload that."
