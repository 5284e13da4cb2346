"""An OpenDocument text comes out with what it shows, and without what it says besides."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import odfdo
import pytest
from PIL import Image

from certification.kernel.errors import BadInput
from portfolio.blinding.cleaning import Finding, clean_document, leaks_in
from portfolio.blinding.identifiers import REMOVED, Identity, find, search_terms

DANA = Identity(
    names=("Dana Whitfield",),
    emails=("dana.whitfield@lincoln.k12.ne.us",),
    organisations=("Lincoln Public Schools",),
)
TERMS = search_terms(DANA)
_MIME = "application/vnd.oasis.opendocument.text"
_SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"'
)
_STYLES = (
    '<style:style style:name="B"><style:text-properties fo:font-weight="bold"/></style:style>'
    '<style:style style:name="New"><style:paragraph-properties fo:break-before="page"/></style:style>'
    '<text:list-style style:name="N"><text:list-level-style-number text:level="1"/></text:list-style>'
)
_CHANGES = (
    '<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><office:change-info>'
    "<dc:creator>Dana Whitfield</dc:creator></office:change-info><text:p>A draft of Dana Whitfield</text:p>"
    "</text:deletion></text:changed-region></text:tracked-changes>"
)
_BODY = (
    f"{_CHANGES}"
    '<text:h text:outline-level="1">Reflection</text:h>'
    '<text:p>My name is <text:span text:style-name="B">Dana</text:span><text:s/>'
    "Whit<text:span>field</text:span>"
    ", and <text:change-start text:change-id='c2'/>I coach<text:change-end text:change-id='c2'/>."
    "<office:annotation><dc:creator>Dana Whitfield</dc:creator><text:p>shorten this</text:p>"
    "</office:annotation></text:p>"
    '<text:list text:style-name="N"><text:list-item><text:p>First step</text:p></text:list-item></text:list>'
    "<text:p>A claim<text:note><text:note-citation>1</text:note-citation><text:note-body>"
    "<text:p>See the data.</text:p></text:note-body></text:note></text:p>"
    '<table:table><table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>Coach</text:p>'
    "</table:table-cell><table:covered-table-cell/></table:table-row></table:table>"
    '<text:section text:display="none"><text:p>invisible words</text:p></text:section>'
    '<text:p><draw:frame draw:name="Photo of Dana Whitfield"><draw:image xlink:href="Pictures/1.jpg"/>'
    '<draw:image xlink:href="http://192.0.2.1/pixel.png"/></draw:frame></text:p>'
    '<text:p text:style-name="New">On the second page</text:p>'
)


def _photo() -> bytes:
    exif = Image.Exif()
    exif[0x013B] = "Dana Whitfield"
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def _odt(path: Path, body: str = _BODY, **parts: bytes) -> Path:
    def document(root: str, inside: str) -> str:
        return f'<?xml version="1.0"?><office:{root} {_SPACES} office:version="1.3">{inside}</office:{root}>'

    content = (
        f"<office:automatic-styles>{_STYLES}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body>"
    )
    meta = (
        "<office:meta><meta:initial-creator>Dana Whitfield</meta:initial-creator>"
        '<meta:user-defined meta:name="School">Lincoln Public Schools</meta:user-defined></office:meta>'
    )
    head = (
        "<office:master-styles><style:master-page><style:header><text:p>Dana "
        "<text:span>Whitfield</text:span></text:p></style:header></style:master-page></office:master-styles>"
    )
    with ZipFile(path, "w", ZIP_DEFLATED) as package:
        package.writestr("mimetype", _MIME, ZIP_STORED)
        package.writestr("content.xml", parts.get("content") or document("document-content", content))
        package.writestr("meta.xml", document("document-meta", meta))
        package.writestr("styles.xml", document("document-styles", head))
        package.writestr("settings.xml", document("document-settings", "<a>Printer of Dana Whitfield</a>"))
        package.writestr("Pictures/1.jpg", _photo())
    return path


def _wheres(findings: Sequence[Finding]) -> set[str]:
    return {finding.where for finding in findings}


def test_what_the_document_shows_is_drawn_and_what_names_somebody_is_covered(tmp_path: Path) -> None:
    cleaned = clean_document(_odt(tmp_path / "Dana Whitfield.odt"), "odt", TERMS, tmp_path / "out")
    first, second = (" ".join(page.text.split()) for page in cleaned.pages)
    assert f"Reflection My name is {REMOVED}, and I coach. First step A claim1 Coach" in first
    assert "On the second page" in second
    assert "1. See the data." in second
    for gone in ("draft of", "shorten this", "invisible", "cannot be shown"):
        assert gone not in first + second
    assert find(first + second, TERMS) == []
    assert leaks_in([page.image_path for page in cleaned.pages], TERMS) == []
    with Image.open(cleaned.pages[0].image_path) as page:
        colours = page.convert("RGB").getcolors(page.width * page.height) or []
    assert any(red > 200 and green < 80 and blue < 80 for _, (red, green, blue) in colours)  # type: ignore[misc]


def test_what_it_says_besides_is_found(tmp_path: Path) -> None:
    cleaned = clean_document(_odt(tmp_path / "a.odt"), "odt", TERMS, tmp_path / "out")
    assert {
        "metadata:initial-creator",
        "metadata:School",
        "comment",
        "tracked change",
        "header",
        "picture",
        "attribute",
        "part:settings.xml",
        "page 1",
    } <= _wheres(cleaned.findings)
    assert all(finding.covered for finding in cleaned.findings)


def test_the_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    source = _odt(tmp_path / "a.odt")
    first, second = (clean_document(source, "odt", TERMS, tmp_path / str(number)) for number in (1, 2))
    assert [page.sha256 for page in first.pages] == [page.sha256 for page in second.pages]


def test_nothing_outside_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    body = '<text:p><draw:frame><draw:image xlink:href="http://192.0.2.1/pixel.png"/></draw:frame></text:p>'
    cleaned = clean_document(_odt(tmp_path / "a.odt", body), "odt", TERMS, tmp_path / "out")
    assert "a picture in a format that cannot be shown" in " ".join(cleaned.pages[0].text.split())


def test_a_document_of_another_writer_is_read(tmp_path: Path) -> None:
    """`odfdo` writes documents as a program would, with parts and styles that nobody above thought of."""
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "A plan"))
    document.body.append(odfdo.Paragraph("Three   blanks and\ta tab, by Dana Whitfield."))
    document.body.append(odfdo.List(["one", "two"]))
    table = odfdo.Table("Data", width=2, height=2)
    table.set_value((0, 0), "ninety")
    document.body.append(table)
    document.save(str(tmp_path / "a.odt"))
    cleaned = clean_document(tmp_path / "a.odt", "odt", TERMS, tmp_path / "out")
    text = " ".join(cleaned.pages[0].text.split())
    assert "A plan" in text
    assert f"blanks and a tab, by {REMOVED}." in text
    assert all(word in text for word in ("one", "two", "ninety"))


@pytest.mark.parametrize(
    "content",
    [
        b"<not closed",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
        b"<a>" * 400 + b"</a>" * 400,
    ],
)
def test_a_broken_or_hostile_document_shows_nothing_of_this_machine(content: bytes, tmp_path: Path) -> None:
    source = _odt(tmp_path / "a.odt", content=content)
    with pytest.raises(BadInput, match="OpenDocument text cannot be read"):
        clean_document(source, "odt", TERMS, tmp_path / "out")
    assert not (tmp_path / "out").exists()
