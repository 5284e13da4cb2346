"""Where a Word document names the candidate besides its visible text."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from lxml import etree
from PIL import Image

from certification.kernel.errors import BadInput
from portfolio.blinding.cleaning.results import Finding, dropped
from portfolio.blinding.identifiers import Term

MAX_PICTURE_BYTES = 32 * 1024 * 1024
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_REVISIONS = frozenset(
    {f"{_W}ins", f"{_W}del", f"{_W}moveFrom", f"{_W}moveTo", f"{_W}rPrChange", f"{_W}pPrChange"}
)
# The words of the body and its notes reach the pages, where they are covered and reported.
_SHOWN = frozenset({"word/document.xml", "word/footnotes.xml", "word/endnotes.xml"})


def traces(path: Path, terms: Sequence[Term]) -> list[Finding]:
    """Findings in properties, comments, revisions, headers, footers, pictures and other parts; all left out.

    Raises:
        BadInput: a part cannot be read.
    """
    try:
        with ZipFile(path) as package:
            return [
                finding
                for part in package.namelist()
                for where, text in _texts(package, part)
                for finding in dropped(where, text, terms)
            ]
    except (BadZipFile, etree.XMLSyntaxError, OSError, RuntimeError, ValueError):
        raise BadInput("The Word document cannot be read. Save it as PDF and upload that.") from None


def _texts(package: ZipFile, part: str) -> Iterator[tuple[str, str]]:
    if part.startswith("word/media/"):
        yield from picture_texts(package, part)
    if not part.endswith((".xml", ".rels")):
        return
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(package.read(part), parser)
    if part in _SHOWN:
        yield from _revisions(root)
    elif part.startswith("docProps/"):
        for element in root.iter(etree.Element):
            yield f"metadata:{_property(element)}", element.text or ""
    else:
        yield _where(part), "\n".join(_words_and_attributes(root))


def _words_and_attributes(root: etree._Element) -> Iterator[str]:
    """Each paragraph whole, since an editor cuts names into runs; then every attribute and loose text."""
    paragraphs = list(root.iter(f"{_W}p"))
    for paragraph in paragraphs:
        yield "".join(paragraph.itertext())
    for element in root.iter(etree.Element):
        yield from element.attrib.values()
        if not paragraphs and element.text:
            yield element.text


def _revisions(root: etree._Element) -> Iterator[tuple[str, str]]:
    for element in root.iter(*_REVISIONS):
        yield "tracked change", element.get(f"{_W}author", "")
        if element.tag in {f"{_W}del", f"{_W}moveFrom"}:
            yield "tracked change", "".join(element.itertext())


def picture_texts(package: ZipFile, part: str) -> Iterator[tuple[str, str]]:
    """What a picture in a package says beside its pixels: EXIF, comments, titles."""
    if package.getinfo(part).file_size > MAX_PICTURE_BYTES:
        return
    try:
        with Image.open(io.BytesIO(package.read(part))) as image:
            values = [*image.getexif().values(), *image.info.values()]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return
    for value in values:
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str):
            yield "picture", value


def _property(element: etree._Element) -> str:
    parent = element.getparent()
    named = element.get("name") or (parent.get("name") if parent is not None else None)
    return named or etree.QName(element).localname


def _where(part: str) -> str:
    stem = posixpath.basename(part).split(".")[0].rstrip("0123456789")
    known = {"header": "header", "footer": "footer", "comments": "comment", "people": "comment"}
    return known.get(stem, f"part:{part}")
