"""One door to PDFium.

It is not thread-safe, and needs no lock: files are opened in bounded processes, which have one thread each.
Source: ADR 0016.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2


@contextmanager
def opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """The document at `path`, until the block ends.

    Raises:
        pypdfium2.PdfiumError: the file is no PDF, is broken, or needs a password.
    """
    document = pypdfium2.PdfDocument(path)
    try:
        yield document
    finally:
        document.close()
