"""The certificate's PDF: the same row makes the same bytes, and nothing is loaded from elsewhere."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import segno
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from .errors import CannotPrint
from .models import Certificate
from .typesetting import name_points

_FONT_SCHEME = "site-font:"
_MISSING_GLYPH = ".notdef glyph"
# The engraved rosette: each angle is one ellipse, turned about the same centre.
_ROSETTE = [step * 180 / 36 for step in range(36)]
_ROSETTE_HEART = [step * 180 / 24 for step in range(24)]


def pdf_of(certificate: Certificate, *, verify_url: str) -> bytes:
    """The certificate as an A4 landscape PDF, with a QR code to `verify_url`.

    Raises:
        CannotPrint: a font is not installed, or no font has a character of the name; boxes in place of
            somebody's name are worse than a certificate that comes a day later.
    """
    certified = certificate.certified_at.astimezone(ZoneInfo(settings.PROGRAMME_ZONE))
    page = render_to_string(
        "certificates/certificate_pdf.html",
        {
            "certificate": certificate,
            "name_points": name_points(certificate.name),
            "certified_on": f"{certified.day} {certified:%B %Y}",
            "certified_date": f"{certified:%Y-%m-%d}",
            "verify_url": verify_url,
            "verify_shown": verify_url.partition("://")[2].rstrip("/"),
            "code": segno.make(verify_url, error="m").svg_inline(border=0, dark="#0a3034", omitsize=True),
            "rosette": _ROSETTE,
            "rosette_heart": _ROSETTE_HEART,
        },
    )
    identifier = hashlib.sha256(f"{certificate.number}:{verify_url}".encode()).digest()[:16]
    with _every_glyph_there(certificate.number), _fonts_dated(certificate.certified_at):
        try:
            return HTML(string=page, url_fetcher=_SiteFonts()).write_pdf(
                font_config=FontConfiguration(), pdf_identifier=identifier, pdf_variant="pdf/ua-1"
            )
        except FatalURLFetchingError as error:
            raise CannotPrint(f"Certificate {certificate.number} cannot be printed: {error}") from error


class _SiteFonts(URLFetcher):
    """Serves the site's own fonts and refuses every other address."""

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        name = url.removeprefix(_FONT_SCHEME)
        found = finders.find(f"fonts/{name}") if url.startswith(_FONT_SCHEME) and "/" not in name else None
        if not found:
            raise FatalURLFetchingError(f"{url} is not a font of this site; build the styles first.")
        return URLFetcherResponse(url, Path(found).read_bytes())


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
def _every_glyph_there(number: str) -> Iterator[None]:
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
            f"Certificate {number} cannot be printed: no installed font has the characters"
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
