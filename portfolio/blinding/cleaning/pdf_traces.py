"""Where a PDF names the candidate besides its pages: properties, XMP, comments, bookmarks, attachments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pikepdf

from portfolio.blinding.cleaning.results import Finding, dropped
from portfolio.blinding.identifiers import Term

MAX_ATTACHMENT_BYTES = 1024 * 1024


def traces(path: Path, terms: Sequence[Term]) -> list[Finding]:
    """Findings outside the pages; none of it reaches the page images, so each is covered.

    A file too damaged for this reader still has its pages drawn and covered by the other one.
    """
    try:
        with pikepdf.open(path) as pdf:
            return [
                finding for where, text, page in _texts(pdf) for finding in dropped(where, text, terms, page)
            ]
    except (pikepdf.PdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _texts(pdf: pikepdf.Pdf) -> Iterator[tuple[str, str, int | None]]:
    for key, value in pdf.docinfo.items():
        yield f"metadata:{str(key).lstrip('/')}", str(value), None
    if (xmp := pdf.Root.get("/Metadata")) is not None:
        yield "metadata:XMP", re.sub(r"<[^>]*>", "\n", xmp.read_bytes().decode("utf-8", "replace")), None
    for number, page in enumerate(pdf.pages, start=1):
        for annotation in page.get("/Annots", ()):
            for key in ("/T", "/Contents", "/Subj", "/RC"):
                if isinstance(written := annotation.get(key), pikepdf.String):
                    yield "annotation", str(written), number
    for name, attached in pdf.attachments.items():
        yield "attachment", f"{name}\n{attached.filename}\n{attached.description}", None
        content = attached.get_file().read_bytes()[:MAX_ATTACHMENT_BYTES]
        yield "attachment", content.decode("utf-8", "replace"), None
    with pdf.open_outline() as outline:
        yield from (("bookmark", title, None) for title in _titles(outline.root))


def _titles(items: Sequence[pikepdf.OutlineItem]) -> Iterator[str]:
    for item in items:
        yield item.title
        yield from _titles(item.children)
