"""Turn a document into covered page images and a redacted text layer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from certification.kernel import bounded
from portfolio.blinding.cleaning import odt, odt_traces, pages, pdf_traces, staging, word, word_traces
from portfolio.blinding.cleaning.results import CleanedDocument, Finding, dropped, once
from portfolio.blinding.identifiers import Term


def clean_document(
    path: Path,
    format: str,  # noqa: A002 - the domain's word for it
    terms: Sequence[Term],
    out_dir: Path,
    *,
    declared_name: str | None = None,
) -> CleanedDocument:
    """Cleaned pages of the PDF, Word or OpenDocument text at `path`, written to `out_dir` all or not at all.

    `out_dir` must be absent or empty.  `declared_name` is the name the candidate gave the file.
    Only page images and text leave: properties, comments, revisions and attachments are reported
    where they name the candidate, and left out.

    Raises:
        BadInput: the document cannot be laid out or drawn.
    """
    findings: list[Finding] = list(dropped("file name", declared_name or path.name, terms))
    with staging.folder(out_dir) as work:
        if format in ("docx", "odt"):
            findings += (word_traces if format == "docx" else odt_traces).traces(path, terms)
            with tempfile.TemporaryDirectory() as between:
                laid_out = Path(between) / "laid-out.pdf"
                _lay_out(path, format, laid_out)
                cleaned, seen = pages.clean(laid_out, terms, work, out_dir)
        else:
            findings += pdf_traces.traces(path, terms)
            cleaned, seen = pages.clean(path, terms, work, out_dir)
    return CleanedDocument(tuple(cleaned), (*once(findings), *seen))


def _lay_out(path: Path, format_: str, laid_out: Path) -> None:
    bounded.tell("Laying the document out", 5)
    (word if format_ == "docx" else odt).lay_out(path, laid_out)
