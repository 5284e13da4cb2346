"""A program of its own that opens one uploaded document, within bounds, and says what it is.

A few thousand bytes can unfold to gigabytes or keep a reader busy for hours, and a reader in C can end
its whole process.  Here that ends nothing but this one.  It reads the document from standard input, is
told its bounds, and imports nothing of the site.
"""

from __future__ import annotations

import io
import json
import resource
import sys

import pikepdf
from PIL import Image

_PICTURES = ("PNG", "JPEG")


def main(max_pixels: int, max_memory_bytes: int, max_cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (max_memory_bytes, max_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (max_cpu_seconds, max_cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    found = _pdf(content) if content.startswith(b"%PDF-") else _picture(content, max_pixels)
    sys.stdout.write(json.dumps(found))


def _pdf(content: bytes) -> dict[str, object]:
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            return {"is": "PDF", "encrypted": pdf.is_encrypted, "pages": len(pdf.pages)}
    except pikepdf.PasswordError:
        return {"is": "PDF", "encrypted": True, "pages": 0}


def _picture(content: bytes, max_pixels: int) -> dict[str, object]:
    """Decode every row, which tells a picture cut short; one beyond `max_pixels` is not begun."""
    with Image.open(io.BytesIO(content), formats=_PICTURES) as picture:
        pixels = picture.width * picture.height
        if pixels <= max_pixels:
            picture.load()
        # A telephone's picture may hold a second, smaller one; the first is a JPEG all the same.
        return {"is": "PNG" if picture.format == "PNG" else "JPEG", "pixels": pixels}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
