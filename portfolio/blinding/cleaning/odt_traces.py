"""Where an OpenDocument text names the candidate besides its visible text."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from lxml import etree

from portfolio.blinding.cleaning import odt
from portfolio.blinding.cleaning.results import Finding, dropped
from portfolio.blinding.cleaning.word_traces import picture_texts
from portfolio.blinding.identifiers import Term

_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".bmp", ".webp")
_PARAGRAPHS = frozenset({"text:p", "text:h"})
_LEFT_OUT_OF_PAGES = {
    "office:annotation": "comment",
    "text:tracked-changes": "tracked change",
    "text:hidden-paragraph": "hidden text",
    "text:hidden-text": "hidden text",
}
_BESIDE_PAGES = {
    "header": "header",
    "header-left": "header",
    "header-first": "header",
    "footer": "footer",
    "footer-left": "footer",
    "footer-first": "footer",
}


def traces(path: Path, terms: Sequence[Term]) -> list[Finding]:
    """Findings in properties, comments, changes, headers, footers, pictures and other parts; all left out.

    Raises:
        BadInput: a part cannot be read.
    """
    try:
        with ZipFile(path) as package:
            return [
                finding
                for name in package.namelist()
                for where, text in _texts(package, name)
                for finding in dropped(where, text, terms)
            ]
    except (BadZipFile, etree.LxmlError, OSError, RuntimeError, ValueError):
        raise odt.unreadable() from None


def _texts(package: ZipFile, name: str) -> Iterator[tuple[str, str]]:
    if name.lower().endswith(_PICTURES):
        yield from picture_texts(package, name)
    if not name.endswith((".xml", ".rdf")):
        return
    try:
        root = odt.part(package, name)
    except etree.LxmlError:
        # Editors leave empty parts beside the content, which alone has to be read.
        if name == "content.xml":
            raise
        yield f"part:{posixpath.basename(name)}", package.read(name).decode("utf-8", "replace")
        return
    match name:
        case "content.xml":
            yield from _left_out_of_pages(root)
        case "meta.xml":
            for element in root.iter(etree.Element):
                own = element.get("{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}name")
                yield f"metadata:{own or etree.QName(element).localname}", element.text or ""
        case "styles.xml":
            for element in root.iter(etree.Element):
                if where := _BESIDE_PAGES.get(etree.QName(element).localname):
                    yield where, "\n".join(_paragraphs(element))
        case _:
            values = [value for element in root.iter(etree.Element) for value in element.attrib.values()]
            yield f"part:{posixpath.basename(name)}", "\n".join([*values, *root.itertext()])


def _left_out_of_pages(root: etree._Element) -> Iterator[tuple[str, str]]:
    for element in root.iter(etree.Element):
        if where := _LEFT_OUT_OF_PAGES.get(odt.known_as(element)):
            yield where, "\n".join(element.itertext())
        for value in element.attrib.values():
            yield "attribute", value


def _paragraphs(element: etree._Element) -> Iterator[str]:
    """Each paragraph whole, since an editor cuts names into spans."""
    for one in element.iter(etree.Element):
        if odt.known_as(one) in _PARAGRAPHS:
            yield "".join(one.itertext())
