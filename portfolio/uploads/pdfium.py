"""One door to PDFium, which is not thread-safe while the web server is threaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """The document at `path`, for this thread alone until the block ends.

    Raises:
        pypdfium2.PdfiumError: the file is no PDF, is broken, or needs a password.
    """
    with _ONE_AT_A_TIME:
        document = pypdfium2.PdfDocument(path)
        try:
            yield document
        finally:
            document.close()
