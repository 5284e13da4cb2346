"""Opens one uploaded document and says what it is, in a process of its own: see `kernel.bounded`.

Imports nothing of the site that needs settings.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import pikepdf
from PIL import Image

_PICTURES = ("PNG", "JPEG")


@dataclass(frozen=True, slots=True)
class Look:
    """What a document turned out to be: `PDF`, with its pages, or `PNG` or `JPEG`, with its pixels."""

    format: str
    pages: int = 0
    pixels: int = 0
    encrypted: bool = False


def look(content: bytes, max_pixels: int) -> Look | None:
    """What the document is; None when it is none that we take, or is broken."""
    try:
        return _pdf(content) if content.startswith(b"%PDF-") else _picture(content, max_pixels)
    except (pikepdf.PdfError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _pdf(content: bytes) -> Look:
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            return Look("PDF", pages=len(pdf.pages), encrypted=pdf.is_encrypted)
    except pikepdf.PasswordError:
        return Look("PDF", encrypted=True)


def _picture(content: bytes, max_pixels: int) -> Look:
    """Decode every row, which tells a picture cut short; one beyond `max_pixels` is not begun."""
    with Image.open(io.BytesIO(content), formats=_PICTURES) as picture:
        pixels = picture.width * picture.height
        if pixels <= max_pixels:
            picture.load()
        # A telephone's picture may hold a second, smaller one; the first is a JPEG all the same.
        return Look("PNG" if picture.format == "PNG" else "JPEG", pixels=pixels)
