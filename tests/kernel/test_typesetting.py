"""Pages become PDFs without a word to the outside, and the same page becomes the same bytes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from weasyprint.urls import FatalURLFetchingError

from certification.kernel import typesetting
from certification.kernel.typesetting import CannotPrint

AT = datetime(2027, 10, 31, 14, tzinfo=UTC)
FONT = '@font-face { font-family: "Newsreader"; src: url("site-font:newsreader-latin-wght-normal.woff2"); }'
PAGE = f'<html lang="en"><title>A page</title><style>{FONT} p {{ font-family: Newsreader }}</style><p>%s</p>'


def pdf_from(words: str, *, dated: datetime = AT) -> bytes:
    return typesetting.pdf_from(PAGE % words, what="The page", dated=dated, identifier=b"0123456789abcdef")


@pytest.mark.parametrize(
    "url",
    ["https://example.org/a.css", "file:///etc/passwd", "site-font:../../secret", "site-font:missing.woff2"],
)
def test_the_pdf_writer_reaches_for_nothing_but_the_sites_fonts(url: str) -> None:
    with pytest.raises(FatalURLFetchingError):
        typesetting.SiteFonts().fetch(url)


@pytest.mark.parametrize(
    "reach", ['<img src="file:///etc/hostname">', '<link rel="stylesheet" href="https://a/">']
)
def test_a_page_that_reaches_outside_is_not_printed(reach: str) -> None:
    with pytest.raises(CannotPrint, match="The page cannot be printed"):
        pdf_from(reach)


def test_a_missing_glyph_is_named() -> None:
    with pytest.raises(CannotPrint, match=r"U\+12000"):
        pdf_from("\U00012000")


def test_a_font_is_unpacked_once_for_all_pages() -> None:
    typesetting._unpacked.cache_clear()
    first, second = pdf_from("Ann"), pdf_from("Ann", dated=AT.replace(day=30))
    assert typesetting._unpacked.cache_info().misses == 1
    assert first != second
    # A page that finds it unpacked is the page of a process that has just begun.
    typesetting._unpacked.cache_clear()
    assert pdf_from("Ann", dated=AT.replace(day=30)) == second


def test_pages_printed_at_once_keep_their_own_dates_and_their_own_missing_glyphs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The date and the warnings go through the process; without one at a time they would mix."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    days = [AT.replace(day=day) for day in range(1, 9)]
    alone = [pdf_from("Ann", dated=day) for day in days]
    assert len(set(alone)) == len(days)

    def printed(day: datetime) -> bytes | str:
        try:
            return pdf_from("\U00012000" if day.day == 4 else "Ann", dated=day)
        except CannotPrint:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(printed, days))

    assert together == [*alone[:3], "refused", *alone[4:]]
    assert "SOURCE_DATE_EPOCH" not in os.environ
