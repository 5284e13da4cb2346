"""Opens one release form and says what it is.  Run it through `kernel.bounded`: it opens strangers' files.

Imports nothing of the site that needs settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pikepdf
from PIL import Image

from certification.kernel.errors import BadInput

MAX_PAGES = 50
MAX_PIXELS = 40_000_000
_WANTED = "Send a PDF, or a scan or photo as JPEG or PNG, of at most 20 MB."
# How each ends; cameras write a little behind it.
_ENDS = {"png": b"IEND", "jpeg": b"\xff\xd9"}
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Look:
    """What a release form turned out to be: `pdf`, `jpeg` or `png`."""

    format: str
    pages: int


def look(path: Path, name: str) -> Look:
    """What the file is, decoded whole.

    Raises:
        BadInput: it is no PDF, PNG or JPEG, broken, protected, or larger than any form.
    """
    with path.open("rb") as stream:
        head = stream.read(5)
    return _pdf(path, name) if head == b"%PDF-" else _picture(path, name)


def unreadable(name: str) -> BadInput:
    """The refusal of a file that could not be opened within bounds."""
    return BadInput(f"“{name}” is not a form we can open. {_WANTED}")


def _pdf(path: Path, name: str) -> Look:
    try:
        with pikepdf.open(path) as pdf:
            if pdf.is_encrypted:
                raise _protected(name)
            pages = len(pdf.pages)
    except pikepdf.PasswordError:
        raise _protected(name) from None
    except pikepdf.PdfError:
        raise BadInput(f"“{name}” is a broken PDF. Export it again, and check that it opens.") from None
    if pages == 0:
        raise BadInput(f"“{name}” has no pages. Export it again.")
    if pages > MAX_PAGES:
        raise BadInput(
            f"“{name}” has {pages:,} pages, and we take {MAX_PAGES}. Send the form's own pages only."
        )
    return Look("pdf", pages)


def _picture(path: Path, name: str) -> Look:
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise BadInput(f"“{name}” is larger than any scan. Scan it at a lower resolution.")
            # A telephone's picture may hold a second, smaller one; the first is a JPEG all the same.
            format_ = "png" if picture.format == "PNG" else "jpeg"
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise unreadable(name) from None
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        if _ENDS[format_] not in stream.read():
            raise BadInput(f"“{name}” is cut short: its end is missing. Copy it again and send that.")
    return Look(format_, 1)


def _protected(name: str) -> BadInput:
    return BadInput(f"“{name}” is protected, so it cannot be kept. Save a copy without protection.")
