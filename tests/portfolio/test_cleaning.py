"""Planted names never survive cleaning, not in bytes, metadata, text or pixels; and the search finds them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import pikepdf
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image

from certification.kernel.errors import BadInput
from certification.season.files import make_docx, make_pdf, named
from portfolio.blinding.cleaning import (
    CleanedDocument,
    Finding,
    clean_document,
    layout,
    leaks_in,
    pages,
)
from portfolio.blinding.cleaning.pages import COVER, MAX_PAGE_PIXELS
from portfolio.blinding.cleaning.results import excerpt
from portfolio.blinding.identifiers import REMOVED, Identity, find, search_terms
from portfolio.blinding.terms import ADDRESSES

DANA = Identity(
    names=("Dana Whitfield-Núñez",),
    emails=("dana.whitfield@lincoln.k12.ne.us",),
    organisations=("Lincoln Public Schools",),
    usernames=("dwhit88",),
)
TERMS = search_terms(DANA)


def _pdf(path: Path, content: bytes, *, rotate: int = 0, **page_entries: pikepdf.Object) -> Path:
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(612, 792))
        page = pdf.pages[0]
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(font)))
        page.Contents = pdf.make_stream(content)
        page.Rotate = rotate
        for key, value in page_entries.items():
            page[f"/{key}"] = pdf.make_indirect(value)
        pdf.save(path, deterministic_id=True)
    return path


@pytest.fixture(autouse=True)
def _faithful_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coarse JPEG blurs the edge between a cover and text beside it; here the cover is judged."""
    monkeypatch.setattr(pages, "JPEG_QUALITY", 100)


def _images(cleaned: CleanedDocument) -> list[Path]:
    return [page.image_path for page in cleaned.pages]


def _require_hidden(cleaned: CleanedDocument) -> None:
    """Every box is one colour inside, and nothing of the terms is in the text or the bytes."""
    assert leaks_in(_images(cleaned), TERMS) == []
    for page in cleaned.pages:
        assert find(page.text, TERMS) == []
        with Image.open(page.image_path) as image:
            assert image.format == "JPEG"
            assert not image.getexif()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
            for box in page.boxes:
                edge = min(2, (box.right - box.left) // 4, (box.bottom - box.top) // 4)
                inside = (box.left + edge, box.top + edge, box.right - edge, box.bottom - edge)
                for low, high in _extremes(image.crop(inside)):
                    assert high - low <= 12
                    assert abs(low - COVER[0]) <= 12


def _extremes(image: Image.Image) -> list[tuple[int, int]]:
    levels = [band.histogram() for band in image.split()]
    present = [[level for level, count in enumerate(band) if count] for band in levels]
    return [(min(band), max(band)) for band in present]


def _wheres(findings: Sequence[Finding]) -> set[str]:
    return {finding.where for finding in findings}


def test_a_planted_pdf_comes_out_clean(tmp_path: Path) -> None:
    source = make_pdf(named(tmp_path, identity=DANA, label="essay", extension="pdf"), identity=DANA, pages=3)
    cleaned = clean_document(source, "pdf", TERMS, tmp_path / "out")
    _require_hidden(cleaned)
    assert [page.number for page in cleaned.pages] == [1, 2, 3]
    assert all(page.boxes and REMOVED in page.text for page in cleaned.pages)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "page-001.jpg",
        "page-002.jpg",
        "page-003.jpg",
    ]
    expected = {
        "file name",
        "metadata:Author",
        "metadata:Company",
        "metadata:XMP",
        "annotation",
        "attachment",
    }
    assert expected | {"bookmark", "page 1", "page 2", "page 3"} <= _wheres(cleaned.findings)
    assert all(finding.covered for finding in cleaned.findings)


def test_a_planted_word_document_comes_out_clean(tmp_path: Path) -> None:
    source = make_docx(
        named(tmp_path, identity=DANA, label="essay", extension="docx"), identity=DANA, pages=2
    )
    cleaned = clean_document(source, "docx", TERMS, tmp_path / "out")
    _require_hidden(cleaned)
    text = "".join(page.text for page in cleaned.pages)
    assert f"Written by {REMOVED}" in text
    assert "Draft of" not in text
    assert "shorten this" not in text
    assert {
        "header",
        "footer",
        "comment",
        "tracked change",
        "picture",
        "metadata:creator",
        "file name",
    } <= _wheres(cleaned.findings)


def test_the_words_around_a_name_stay_readable(tmp_path: Path) -> None:
    content = b"BT /F1 12 Tf 72 700 Td (Written by Dana Whitfield last May) Tj ET"
    cleaned = clean_document(_pdf(tmp_path / "a.pdf", content), "pdf", TERMS, tmp_path / "out")
    (page,) = cleaned.pages
    assert page.text.strip() == f"Written by {REMOVED} last May"
    (finding,) = [finding for finding in cleaned.findings if finding.page == 1]
    assert (finding.where, finding.page, finding.box) == ("page 1", 1, page.boxes[0])
    assert finding.excerpt == "Written by Dana Whitfield last May"


def test_a_page_of_very_many_letters_is_read_in_seconds(tmp_path: Path) -> None:
    """Thousands of addresses, then a word without an end."""
    rows = [b"BT /F1 1 Tf 36 %d Td (%s) Tj ET" % (780 - at, b"a@b.org " * 100) for at in range(40)]
    rows.append(b"BT /F1 0.1 Tf 36 20 Td (%s) Tj ET" % (b"a" * 40_000))
    begun = time.perf_counter()
    cleaned = clean_document(
        _pdf(tmp_path / "a.pdf", b"\n".join(rows)), "pdf", (*TERMS, *ADDRESSES), tmp_path / "out"
    )
    assert time.perf_counter() - begun < 30
    assert "b.org" not in cleaned.pages[0].text
    assert cleaned.pages[0].text.count(REMOVED) == 4000


def test_a_page_without_names_is_left_alone(tmp_path: Path) -> None:
    content = b"BT /F1 12 Tf 72 700 Td (A public school on a hill) Tj ET"
    cleaned = clean_document(_pdf(tmp_path / "a.pdf", content), "pdf", TERMS, tmp_path / "out")
    assert (cleaned.findings, cleaned.pages[0].boxes) == ((), ())


HIDING_PLACES = {
    "letter by letter": b"BT /F1 12 Tf 72 700 Td (W) Tj 12 0 Td (h) Tj 9 0 Td (i) Tj 4 0 Td (t) Tj "
    b"5 0 Td (f) Tj 5 0 Td (i) Tj 4 0 Td (e) Tj 8 0 Td (l) Tj 4 0 Td (d) Tj ET",
    "halves in reverse order": b"BT /F1 12 Tf 93.4 700 Td (tfield said) Tj ET "
    b"BT /F1 12 Tf 72 700 Td (Whi) Tj ET",
    "set wide": b"BT /F1 12 Tf 9 Tc 72 700 Td (WHITFIELD) Tj ET",
    "invisible": b"BT 3 Tr /F1 12 Tf 72 700 Td (Whitfield) Tj ET",
    "white on white": b"BT 1 g /F1 12 Tf 72 700 Td (Whitfield) Tj ET",
    "across a line end": b"BT /F1 12 Tf 500 700 Td (Whit-) Tj -428 -14 Td (field) Tj ET",
    "upside down": b"BT /F1 12 Tf -1 0 0 -1 300 400 Tm (Whitfield) Tj ET",
    "climbing": b"BT /F1 12 Tf 0 1 -1 0 300 400 Tm (Whitfield) Tj ET",
    "slanting": b"BT /F1 12 Tf 0.8 0.6 -0.6 0.8 300 400 Tm (Whitfield) Tj ET",
    "tiny": b"BT /F1 1 Tf 72 700 Td (Whitfield) Tj ET",
    "huge": b"BT /F1 90 Tf 72 600 Td (Whitfield) Tj ET",
    "nearly off the page": b"BT /F1 12 Tf 580 700 Td (Whitfield) Tj ET",
    "twice for boldness": b"BT /F1 12 Tf 72 700 Td (Whitfield) Tj 0.3 0 Td (Whitfield) Tj ET",
    "octal letters": rb"BT /F1 12 Tf 72 700 Td (\127\150\151\164\146\151\145\154\144) Tj ET",
}


# Words that stand beside a name and stay, drawn alone where they stand.
BESIDE = {HIDING_PLACES["halves in reverse order"]: b"BT /F1 12 Tf 122.08 700 Td (said) Tj ET"}


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("content", HIDING_PLACES.values(), ids=HIDING_PLACES.keys())
def test_a_name_is_covered_however_it_is_set(content: bytes, rotate: int, tmp_path: Path) -> None:
    source = _pdf(tmp_path / "a.pdf", content, rotate=rotate)
    cleaned = clean_document(source, "pdf", TERMS, tmp_path / "out")
    _require_hidden(cleaned)
    (page,) = cleaned.pages
    assert page.boxes
    assert REMOVED in page.text
    outside = _ink(page.image_path)
    for box in page.boxes:
        outside.paste(0, (box.left - 1, box.top - 1, box.right + 1, box.bottom + 1))
    if content in BESIDE:
        alone = _pdf(tmp_path / "b.pdf", BESIDE[content], rotate=rotate)
        (beside,) = clean_document(alone, "pdf", TERMS, tmp_path / "beside").pages
        known = _ink(beside.image_path).getbbox()
        assert known
        assert outside.crop(known).getbbox(), "what is no name was covered too"
        outside.paste(0, (known[0] - 1, known[1] - 1, known[2] + 1, known[3] + 1))
    assert outside.getbbox() is None


def _ink(path: Path) -> Image.Image:
    """White where the page is dark."""
    with Image.open(path) as image:
        return image.convert("L").point(lambda level: 255 if level < 110 else 0)


def test_a_cropped_page_is_covered_where_it_shows(tmp_path: Path) -> None:
    content = b"BT /F1 12 Tf 200 500 Td (Whitfield) Tj ET"
    source = _pdf(tmp_path / "a.pdf", content, CropBox=pikepdf.Array([150, 450, 400, 600]))
    cleaned = clean_document(source, "pdf", TERMS, tmp_path / "out")
    _require_hidden(cleaned)
    (box,) = cleaned.pages[0].boxes
    assert box.left == pytest.approx(50 * 130 / 72, abs=6)


def test_names_in_notes_and_form_fields_drawn_on_the_page_are_covered(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(612, 792))
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        look = pdf.make_stream(
            b"BT /F1 12 Tf 2 5 Td (Whitfield) Tj ET",
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Form,
            BBox=[0, 0, 100, 20],
            Resources=pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font)),
        )
        notes = [
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=subtype,
                F=4,
                Rect=[72, top, 172, top + 20],
                AP=pikepdf.Dictionary(N=look),
            )
            for subtype, top in ((pikepdf.Name.FreeText, 700), (pikepdf.Name.Stamp, 600))
        ]
        pdf.pages[0].Annots = pikepdf.Array([pdf.make_indirect(note) for note in notes])
        pdf.save(tmp_path / "a.pdf")
    cleaned = clean_document(tmp_path / "a.pdf", "pdf", TERMS, tmp_path / "out")
    _require_hidden(cleaned)
    assert len(cleaned.pages[0].boxes) == 2


def test_a_scanned_page_is_reported_for_somebody_to_look_at(tmp_path: Path) -> None:
    scan = Image.new("RGB", (60, 40), "grey")
    scan.save(tmp_path / "scan.pdf", "PDF")
    cleaned = clean_document(tmp_path / "scan.pdf", "pdf", TERMS, tmp_path / "out")
    assert cleaned.findings == (Finding("page 1", "unread", page=1, covered=False),)


def test_an_enormous_page_is_drawn_small(tmp_path: Path) -> None:
    source = _pdf(tmp_path / "a.pdf", b"", MediaBox=pikepdf.Array([0, 0, 14400, 14400]))
    (page,) = clean_document(source, "pdf", TERMS, tmp_path / "out").pages
    assert page.width * page.height <= MAX_PAGE_PIXELS * 1.01


def test_the_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    for make, format_ in ((make_pdf, "pdf"), (make_docx, "docx")):
        source = make(tmp_path / f"a.{format_}", identity=DANA)
        first, second = (clean_document(source, format_, TERMS, tmp_path / f"{format_}{n}") for n in (1, 2))
        assert [page.sha256 for page in first.pages] == [page.sha256 for page in second.pages]


def test_a_word_document_reaches_nothing_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("A plain sentence.")
    document.add_comment(paragraph.runs, text="secret comment", author="x")
    outside = document.part.relate_to(
        "http://192.0.2.1/pixel.png",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image",
        is_external=True,
    )
    drawing = (
        f"<w:r {nsdecls('w', 'wp', 'a', 'pic', 'r')}><w:drawing><wp:inline><a:graphic><a:graphicData "
        'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:blipFill>'
        f'<a:blip r:link="{outside}"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline>'
        "</w:drawing></w:r>"
    )
    paragraph._p.append(parse_xml(drawing))
    document.save(str(tmp_path / "a.docx"))

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    cleaned = clean_document(tmp_path / "a.docx", "docx", TERMS, tmp_path / "out")
    text = cleaned.pages[0].text
    assert "A plain sentence." in text
    assert "a picture in a format that cannot be shown" in text
    assert "secret comment" not in text


@pytest.mark.parametrize("address", ["http://192.0.2.1/a.png", "file:///etc/hostname", "data:text/html,x"])
def test_the_layout_refuses_every_address(address: str) -> None:
    with pytest.raises(ValueError, match="may not load anything from outside"):
        layout._NothingOutside().fetch(address)


def test_markup_in_a_word_document_is_text_or_nothing() -> None:
    kept = layout.sanitised(
        '<p onclick="x" style="background:url(http://a)">one<a href="javascript:x">two</a></p>'
        '<script>three</script><img src="http://a/b.png" alt="Dana"><td colspan="2" class="c">four</td>'
    )
    assert not any(part in kept for part in ("onclick", "style", "href", "<script", "http", "alt", "class"))
    assert 'colspan="2"' in kept


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("format_", "content"),
    [("pdf", b"%PDF-1.7 nothing"), ("docx", b"PK\x03\x04 nothing"), ("docx", b""), ("pdf", b"")],
)
def test_a_document_that_cannot_be_cleaned_leaves_nothing(
    format_: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BadInput):
        clean_document(tmp_path / "a", format_, TERMS, tmp_path / "out")
    assert _left(tmp_path) == ["a"]


def test_a_failure_on_a_later_page_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_pdf(tmp_path / "a.pdf", identity=DANA, pages=3)
    saved = Image.Image.save

    def fail_late(image: Image.Image, target: Any, *args: Any, **kwargs: Any) -> None:
        if any((folder / "page-002.jpg").exists() for folder in tmp_path.iterdir()):
            raise OSError("disk full")
        saved(image, target, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "save", fail_late)
    with pytest.raises(OSError, match="disk full"):
        clean_document(source, "pdf", TERMS, tmp_path / "out")
    assert _left(tmp_path) == ["a.pdf"]


def test_a_cleaned_copy_never_mixes_with_other_files(tmp_path: Path) -> None:
    source = make_pdf(tmp_path / "a.pdf", identity=DANA)
    clean_document(source, "pdf", TERMS, tmp_path / "out")
    with pytest.raises(FileExistsError):
        clean_document(source, "pdf", TERMS, tmp_path / "out")


def test_an_excerpt_of_metadata_read_as_text_holds_nothing_a_database_refuses() -> None:
    around = "\x00\x19\x00Lorenzo\x00 Okonkwo\ufffd\x1b\n(c)"
    assert excerpt(around, 3, 10) == "Lorenzo Okonkwo\ufffd (c)"
