"""The one way a page becomes a PDF: the same page, the same bytes, and nothing loaded from elsewhere."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from django.contrib.staticfiles import finders
from fontTools.ttLib import woff2
from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

_FONT_SCHEME = "site-font:"
_MISSING_GLYPH = ".notdef glyph"
# The writer's log and the variable that dates its fonts belong to the whole process.
_one_at_a_time = threading.Lock()


class CannotPrint(Exception):
    """The PDF would not be right: a font, or a glyph of somebody's name, is not there."""


def pdf_from(page: str, *, what: str, dated: datetime, identifier: bytes) -> bytes:
    """The HTML `page` as a tagged PDF.  The same arguments make the same bytes, whenever and wherever.

    "Wherever" means with the same fonts and the same version of the writer: in one image of the site.

    Args:
        page: may name the site's fonts as `site-font:<file>`, and no other address.
        what: what is printed, for the sentence that says it cannot be.
        dated: the instant its fonts are dated, in place of the clock's.
        identifier: 16 bytes that tell this document from every other.

    Raises:
        CannotPrint: a font is not installed, or no font has a character of the page; boxes in place of
            somebody's name are worse than a document that comes a day later.
    """
    with _one_at_a_time, _every_glyph_there(what), _fonts_dated(dated):
        try:
            made = HTML(string=page, url_fetcher=SiteFonts()).write_pdf(
                font_config=FontConfiguration(), pdf_identifier=identifier, pdf_variant="pdf/ua-1"
            )
        except FatalURLFetchingError as error:
            raise CannotPrint(f"{what} cannot be printed: {error}") from error
    assert isinstance(made, bytes)  # it is written nowhere else
    return made


class SiteFonts(URLFetcher):
    """Serves the site's own fonts and refuses every other address."""

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        name = url.removeprefix(_FONT_SCHEME)
        found = finders.find(f"fonts/{name}") if url.startswith(_FONT_SCHEME) and "/" not in name else None
        if not found:
            raise FatalURLFetchingError(f"{url} is not a font of this site; build the styles first.")
        return URLFetcherResponse(url, _unpacked(Path(found).read_bytes()))


@lru_cache(maxsize=8)
def _unpacked(font: bytes) -> bytes:
    """The font as the writer needs it.  Left to itself it unpacks each anew for each document.

    That is nearly half of what a certificate or a receipt takes.
    """
    if not font.startswith(b"wOF2"):
        return font
    unpacked = BytesIO()
    woff2.decompress(BytesIO(font), unpacked)
    return unpacked.getvalue()


@contextmanager
def _fonts_dated(at: datetime) -> Iterator[None]:
    """Date the fonts inside the PDF `at`: their writer takes the clock unless this variable is set."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(at.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


@contextmanager
def _every_glyph_there(what: str) -> Iterator[None]:
    """Refuse a document in which the PDF writer had to print boxes; it only warns."""
    missing = _MissingGlyphs()
    log = logging.getLogger("weasyprint")
    level = log.level
    log.addFilter(missing)
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeFilter(missing)
    if missing.seen:
        raise CannotPrint(
            f"{what} cannot be printed: no installed font has the characters"
            f" {', '.join(sorted(missing.seen))}. Install a font for this script."
        )


class _MissingGlyphs(logging.Filter):
    """Collects the code points that no font had, and keeps warnings out of the log as they were."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if _MISSING_GLYPH in str(record.msg) and isinstance(record.args, tuple):
            self.seen.add(f"U+{record.args[-1]:04X}")
        return record.levelno >= logging.ERROR
