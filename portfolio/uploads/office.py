"""What a Word or OpenDocument text is, how many pages it has, and why it may be refused."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZipFile

from certification.kernel.errors import BadInput

from . import packages
from .formats import MAX_PAGES
from .packages import CHUNK, Sentences, fresh

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ODT = b"application/vnd.oasis.opendocument.text"
_ODF = b"application/vnd.oasis.opendocument."
_WORD_BODY = "word/document.xml"
_EMBEDDED_WITH_MACROS = (".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".pptm", ".ppsm")
_WITH_MACROS = (*_EMBEDDED_WITH_MACROS, "vbaproject.bin", "vbadata.xml")
# An editor writes the bare lists of libraries into documents that hold no macro.
_LISTS_OF_LIBRARIES = ("script-lc.xml", "script-lb.xml", "dialog-lc.xml", "dialog-lb.xml")


def package_format(path: Path, name: str, advice: str) -> str:
    """'docx' or 'odt' for a text without macros; `advice` says what to upload instead of what is no text.

    Raises:
        BadInput: broken, protected, with macros, two files in one, or another kind of package.
    """
    say = _open_text(name) if name.lower().endswith(".odt”") else _word(name)
    with packages.opened(path, say) as package:
        members = set(package.namelist())
        is_open_document = "mimetype" in members and packages.head(package, "mimetype").startswith(_ODF)
        if is_open_document and "[Content_Types].xml" in members:
            raise packages.two_in_one(name)
        if is_open_document:
            _require_open_text(package, members, name, advice)
            return "odt"
        if "[Content_Types].xml" not in members:
            raise BadInput(f"{name} is a ZIP archive, not a document. {advice}")
        _require_word(package, members, say, advice)
        return "docx"


def word_pages(path: Path, name: str) -> int:
    """The pages of a Word document as its editor last counted them, having read every part once.

    Raises:
        BadInput: broken, protected, or unpacking to more than a document does.
    """
    say = _word(name)
    declared = breaks = laid_out_breaks = 0
    outline, has_body = packages.Outline(), False
    with packages.opened(path, say) as package:
        for part, tail, piece in packages.read_all(package, path, say):
            if part == _WORD_BODY:
                has_body = True
                outline.read(piece)
                breaks += fresh(rb'w:type="page"', tail, piece)
                laid_out_breaks += fresh(rb"<w:lastRenderedPageBreak", tail, piece)
            elif part == "docProps/app.xml" and (said := re.search(rb"<Pages>(\d{1,6})</Pages>", piece)):
                declared = int(said[1])
        if not has_body:
            raise say.broken
        outline.end()
    return _sane(max(declared, breaks + 1, laid_out_breaks + 1), name)


def open_text_pages(path: Path, name: str) -> int:
    """The pages of an OpenDocument text as its editor last counted them, having read every part once.

    Raises:
        BadInput: broken, protected, or unpacking to more than a document does.
    """
    say = _open_text(name)
    declared = laid_out_breaks = 0
    outline, has_body = packages.Outline(), False
    with packages.opened(path, say) as package:
        for part, tail, piece in packages.read_all(package, path, say):
            if part == "content.xml":
                has_body = True
                outline.read(piece)
                laid_out_breaks += fresh(rb"<text:soft-page-break", tail, piece)
            elif part == "meta.xml" and (said := re.search(rb'meta:page-count="(\d{1,6})"', piece)):
                declared = int(said[1])
        if not has_body:
            raise say.broken
        outline.end()
    return _sane(max(declared, laid_out_breaks + 1), name)


def why_not_ole(path: Path, name: str) -> BadInput:
    """The refusal of a file in the container used by old and by protected Office files."""
    with path.open("rb") as stream:
        if "EncryptedPackage".encode("utf-16-le") in stream.read(CHUNK) or _tail_has(
            path, "EncryptedPackage"
        ):
            return _word(name).locked
    return BadInput(
        f"{name} is in the old Office format of before 2007. Save it as .docx or PDF and upload that."
    )


def _require_word(package: ZipFile, members: set[str], say: Sentences, advice: str) -> None:
    if any(member.lower().endswith(_WITH_MACROS) for member in members):
        raise say.macros
    types = packages.head(package, "[Content_Types].xml")
    if b"macroEnabled" in types or b"vbaProject" in types:
        raise say.macros
    if b"wordprocessingml.document.main+xml" not in types:
        raise BadInput(f"{say.name} is an Office file, but no Word document. {advice}")


def _require_open_text(package: ZipFile, members: set[str], name: str, advice: str) -> None:
    say = _open_text(name)
    if packages.head(package, "mimetype", 100).strip() != _ODT:
        raise BadInput(f"{name} is an OpenDocument file, but no text document. {advice}")
    manifest = (
        packages.head(package, "META-INF/manifest.xml", packages.MAX_XML_PART_BYTES)
        if "META-INF/manifest.xml" in members
        else b""
    )
    if b"encryption-data" in manifest or "encrypted-package" in members:
        raise say.locked
    if any(_is_program(member) for member in members):
        raise say.macros


def _is_program(member: str) -> bool:
    folder, _, inside = member.partition("/")
    if folder not in {"Basic", "Scripts", "Dialogs"} or not inside or member.endswith("/"):
        return False
    return not member.endswith(_LISTS_OF_LIBRARIES)


def _sane(pages: int, name: str) -> int:
    if pages > MAX_PAGES:
        raise too_many_pages(pages, name)
    return pages


def too_many_pages(pages: int, name: str) -> BadInput:
    """The refusal of a document longer than any slot takes."""
    return BadInput(
        f"{name} has {pages:,} pages; no slot takes more than {MAX_PAGES:,}. Upload only this piece."
    )


def _tail_has(path: Path, word: str) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - CHUNK))
        return word.encode("utf-16-le") in stream.read()


def _word(name: str) -> Sentences:
    return Sentences(name, "Word document", ".docx")


def _open_text(name: str) -> Sentences:
    return Sentences(name, "OpenDocument text", ".odt")
