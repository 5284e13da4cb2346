"""Lay an OpenDocument text out as a PDF that holds its visible content and nothing else.

Insertions are accepted; deletions, comments, hidden passages, headers and footers are left out, as of Word
documents.  Of its formats only what carries meaning is kept: headings, lists, tables, emphasis, page breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from lxml import etree

from certification.kernel.errors import BadInput
from portfolio.blinding.cleaning import layout

_NAMES = {
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
}
_PREFIX = {uri: prefix for prefix, uri in _NAMES.items()}
_LEFT_OUT = frozenset(
    (
        "office:annotation",
        "office:annotation-end",
        "office:forms",
        "office:scripts",
        "text:script",
        "text:tracked-changes",
        "text:sequence-decls",
        "text:variable-decls",
        "text:user-field-decls",
        "text:dde-connection-decls",
        "text:hidden-paragraph",
        "text:hidden-text",
        "table:covered-table-cell",
        "text:index-title-template",
        "draw:object",
        "draw:object-ole",
        "draw:plugin",
        "draw:applet",
    )
)
_BLOCKS = frozenset(("text:section", "text:index-body", "draw:text-box", "draw:custom-shape"))
_MOST_SPACES, _MOST_COLUMNS = 40, 60
_MOST_PICTURE_BYTES = 64 * 1024 * 1024


def lay_out(path: Path, target: Path) -> None:
    """Write the document's visible content to `target`.

    Raises:
        BadInput: the document cannot be read.
    """
    try:
        with ZipFile(path) as package:
            markup = "".join(_Document(package).markup())
        layout.write_pdf(markup, target)
    except (BadZipFile, etree.LxmlError, KeyError, ValueError, OSError, RuntimeError) as error:
        raise unreadable() from error


def unreadable() -> BadInput:
    return BadInput("The OpenDocument text cannot be read. Save it as PDF and upload that.")


def part(package: ZipFile, name: str) -> etree._Element:
    """The root of one XML part; nothing it refers to is loaded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    return etree.fromstring(package.read(name), parser)


def known_as(element: etree._Element) -> str:
    """`text:p` and the like, whatever prefix the file itself uses; empty for what is no element."""
    if not isinstance(element.tag, str):
        return ""
    name = etree.QName(element)
    return f"{_PREFIX.get(name.namespace or '', '?')}:{name.localname}"


def attribute(element: etree._Element, name: str) -> str:
    prefix, _, local = name.partition(":")
    return str(element.get(f"{{{_NAMES[prefix]}}}{local}", ""))


class _Document:
    """One document's body on its way to HTML; footnotes are gathered for the end."""

    def __init__(self, package: ZipFile) -> None:
        self._package = package
        self._content = part(package, "content.xml")
        self._emphasis: dict[str, list[str]] = {}
        self._numbered: set[str] = set()
        self._on_new_page: set[str] = set()
        self._notes: list[str] = []
        self._learn_styles(self._content)
        if "styles.xml" in package.namelist():
            self._learn_styles(part(package, "styles.xml"))

    def markup(self) -> Iterator[str]:
        body = self._content.find("office:body/office:text", _NAMES)
        if body is None:
            raise ValueError("no text document")
        yield self._inside(body)
        for number, note in enumerate(self._notes, start=1):
            yield f"<div>{number}. {note}</div>"

    def _learn_styles(self, root: etree._Element) -> None:
        for style in root.iterfind(".//style:style", _NAMES):
            name = attribute(style, "style:name")
            for properties in style.iterfind("style:text-properties", _NAMES):
                self._emphasis[name] = list(_emphasis(properties))
            for properties in style.iterfind("style:paragraph-properties", _NAMES):
                if attribute(properties, "fo:break-before") == "page":
                    self._on_new_page.add(name)
        for style in root.iterfind(".//text:list-style", _NAMES):
            levels = [known_as(level) for level in style]
            if levels[:1] == ["text:list-level-style-number"]:
                self._numbered.add(attribute(style, "style:name"))

    def _inside(self, element: etree._Element) -> str:
        pieces = [escape(element.text or "")]
        for child in element:
            pieces += [self._element(child), escape(child.tail or "")]
        return "".join(pieces)

    def _element(self, element: etree._Element) -> str:
        name = known_as(element)
        if not name or name in _LEFT_OUT or attribute(element, "text:display") == "none":
            return ""
        own = getattr(self, f"_{name.replace(':', '_').replace('-', '_')}", None)
        if own is not None:
            return str(own(element))
        return f"<div>{self._inside(element)}</div>" if name in _BLOCKS else self._inside(element)

    def _text_p(self, element: etree._Element) -> str:
        style = attribute(element, "text:style-name")
        before = "<hr>" if style in self._on_new_page else ""
        # A paragraph may hold boxes with paragraphs of their own, which a <p> may not.
        return f"{before}<div>{self._marked(element)}</div>"

    def _text_h(self, element: etree._Element) -> str:
        style, level = attribute(element, "text:style-name"), attribute(element, "text:outline-level")
        before = "<hr>" if style in self._on_new_page else ""
        tag = f"h{min(6, max(1, int(level)))}" if level.isdecimal() else "h1"
        return f"{before}<{tag}>{self._inside(element)}</{tag}>"

    def _text_span(self, element: etree._Element) -> str:
        return self._marked(element)

    def _marked(self, element: etree._Element) -> str:
        tags = self._emphasis.get(attribute(element, "text:style-name"), [])
        opened = "".join(f"<{tag}>" for tag in tags)
        closed = "".join(f"</{tag}>" for tag in reversed(tags))
        return f"{opened}{self._inside(element)}{closed}"

    def _text_s(self, element: etree._Element) -> str:
        count = attribute(element, "text:c")
        return "\u00a0" * min(_MOST_SPACES, int(count) if count.isdecimal() else 1)

    def _text_tab(self, element: etree._Element) -> str:
        return "\u00a0\u00a0\u00a0\u00a0 "

    def _text_line_break(self, element: etree._Element) -> str:
        return "<br>"

    def _text_list(self, element: etree._Element) -> str:
        tag = "ol" if attribute(element, "text:style-name") in self._numbered else "ul"
        return f"<{tag}>{self._inside(element)}</{tag}>"

    def _text_list_item(self, element: etree._Element) -> str:
        return f"<li>{self._inside(element)}</li>"

    def _text_note(self, element: etree._Element) -> str:
        for body in element.iterfind("text:note-body", _NAMES):
            self._notes.append(self._inside(body))
        return f"<sup>{len(self._notes)}</sup>"

    def _table_table(self, element: etree._Element) -> str:
        return f"<table>{self._inside(element)}</table>"

    def _table_table_row(self, element: etree._Element) -> str:
        return f"<tr>{self._inside(element)}</tr>"

    def _table_table_cell(self, element: etree._Element) -> str:
        spans = "".join(
            f' {name}="{min(_MOST_COLUMNS, int(count))}"'
            for name, count in (
                ("colspan", attribute(element, "table:number-columns-spanned")),
                ("rowspan", attribute(element, "table:number-rows-spanned")),
            )
            if count.isdecimal() and int(count) > 1
        )
        return f"<td{spans}>{self._inside(element)}</td>"

    def _draw_frame(self, element: etree._Element) -> str:
        """Its words, and of the pictures it offers of the same thing the first that can be drawn."""
        pictures = [self._picture(image) for image in element.iterfind("draw:image", _NAMES)]
        shown = next(filter(None, pictures), "") if pictures else None
        image = "" if shown is None else f'<img src="{shown}">'
        return f"<div>{image}{self._inside(element)}</div>"

    def _draw_image(self, element: etree._Element) -> str:
        return ""

    def _picture(self, element: etree._Element) -> str:
        """A picture of the package, drawn anew; one that lies elsewhere is not asked for."""
        name = attribute(element, "xlink:href").removeprefix("./")
        if name not in self._package.namelist():
            return ""
        if self._package.getinfo(name).file_size > _MOST_PICTURE_BYTES:
            return ""
        return layout.picture(BytesIO(self._package.read(name)))


def _emphasis(properties: etree._Element) -> Iterator[str]:
    if attribute(properties, "fo:font-weight") == "bold":
        yield "strong"
    if attribute(properties, "fo:font-style") == "italic":
        yield "em"
    if attribute(properties, "style:text-underline-style") not in ("", "none"):
        yield "u"
