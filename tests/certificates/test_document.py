"""The PDF: every name fits, on one page, and nothing comes from elsewhere."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pikepdf
import pypdfium2
import pytest
import segno

from certificates import document
from certificates.models import Certificate
from certificates.typesetting import name_points
from certification.kernel.typesetting import CannotPrint

MM = 72 / 25.4
# The column the name stands in: from the text's edge to the rim, between the title and the rule.
LEFT, RIGHT, BOTTOM, TOP = 103 * MM, 278 * MM, 96 * MM, 162 * MM
URL = "https://certification.example.org/verify/ICG-2027-4KQ7XW2M/"

NAMES = [
    "Al",
    "Marisol Okafor-Lindqvist",
    "Wilhelmina Konstantinopoulou-Featherstonehaugh van der Berg",
    "Żółcień Ştefănescu",
    "Екатерина Александровна Преображенская-Воскресенская",
    "Ελευθερία Παπαδημητροπούλου-Οικονομίδου",
    "عبد الرحمن بن محمد آل سعود",
    "W" * 60,
    "i" * 150,
    "W" * 150,
    "Maximiliana Theodora " * 7,
]


def pdf_of(name: str) -> bytes:
    certificate = Certificate(
        number="ICG-2027-4KQ7XW2M",
        name=name,
        cohort_name="Cohort 10",
        certified_at=datetime(2027, 10, 31, 14, tzinfo=UTC),
    )
    return document.pdf_of(certificate, verify_url=URL)


def size_of_ink(image) -> tuple[int, int, int, int] | None:
    """The box around everything that is darker than paper."""
    return image.convert("L").point(lambda shade: 255 if shade < 120 else 0).getbbox()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{name[:12]}, {len(name)}")
def test_a_name_fits_its_place_on_one_page(name: str) -> None:
    with pypdfium2.PdfDocument(pdf_of(name)) as pdf:
        assert len(pdf) == 1
        text = pdf[0].get_textpage()
        boxes = [text.get_charbox(index) for index in range(text.count_chars())]
        page = pdf[0].render(scale=2).to_pil()
    right_of_column = page.crop((round(279 * MM * 2), 40, round(289 * MM * 2), page.height - 40))
    between_name_and_title = page.crop(
        (round(LEFT * 2), round(46 * MM * 2), round(RIGHT * 2), round(52 * MM * 2))
    )
    assert size_of_ink(right_of_column) is None
    assert size_of_ink(between_name_and_title) is None
    assert all(left >= 0 and right <= 297 * MM for left, _, right, _ in boxes)


def test_a_short_name_is_set_larger_than_a_long_one() -> None:
    assert name_points("Al") > name_points(NAMES[2]) > name_points("W" * 150)


def test_a_wide_script_is_measured_as_wide() -> None:
    assert name_points("山" * 14) < name_points("i" * 14)


def test_boxes_in_place_of_a_name_are_refused() -> None:
    with pytest.raises(CannotPrint, match=r"U\+12000"):
        pdf_of("\U00012000")


def test_markup_in_a_name_is_printed_and_not_obeyed() -> None:
    with pypdfium2.PdfDocument(pdf_of('<img src="file:///etc/passwd">')) as pdf:
        assert "<img src=" in pdf[0].get_textpage().get_text_bounded()


def test_metadata_and_link_say_what_the_paper_says() -> None:
    made = pdf_of("Ann")
    with pypdfium2.PdfDocument(made) as pdf:
        assert pdf.get_metadata_dict()["Title"].startswith("Certificate ICG-2027-4KQ7XW2M: Ann")
        assert pdf.get_metadata_dict()["Author"] == "Instructional Coaching Group"
        assert "certification.example.org/verify/" in pdf[0].get_textpage().get_text_bounded()
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert {str(link.A.URI) for link in pdf.pages[0].Annots} == {URL}


def test_the_drawn_code_is_the_address_that_verifies() -> None:
    with pypdfium2.PdfDocument(pdf_of("Ann")) as pdf:
        page = pdf[0].render(scale=6).to_pil().convert("L")
    modules = [bytes(row) for row in segno.make(URL, error="m").matrix]
    module = 22 * MM * 6 / len(modules)
    left, top = 14.5 * MM * 6, 152.5 * MM * 6

    drawn = [
        bytes(
            page.getpixel((int(left + (column + 0.5) * module), int(top + (row + 0.5) * module))) < 128
            for column in range(len(modules))
        )
        for row in range(len(modules))
    ]

    assert drawn == modules


def test_the_same_row_makes_the_same_bytes_a_second_later(monkeypatch) -> None:
    from fontTools.misc import timeTools

    first = pdf_of("Ann Example")
    clock = timeTools.time.time()
    monkeypatch.setattr(timeTools.time, "time", lambda: clock + 90)

    assert pdf_of("Ann Example") == first
    assert io.BytesIO(first).read(5) == b"%PDF-"
