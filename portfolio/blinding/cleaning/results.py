"""What cleaning hands back.  Findings name the candidate and are for staff alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from portfolio.blinding.identifiers import Term, find

EXCERPT_AROUND = 30


@dataclass(frozen=True)
class Box:
    """A covered rectangle in pixels of the page image; right and bottom lie just outside it."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Line:
    """One line of a page's redacted text, and where it stands in the image, if it shows at all."""

    text: str
    box: Box | None


@dataclass(frozen=True)
class Finding:
    """One place where the upload named the candidate, or could not be read by a machine.

    `covered` is true when the cleaned copy no longer shows it.  A page without a text layer is
    reported with kind 'unread', no term and `covered` false: somebody must look at it.
    Personal data: `term` and `excerpt`.
    """

    where: str
    kind: str
    term: str = ""
    page: int | None = None
    excerpt: str = ""
    box: Box | None = None
    covered: bool = True


@dataclass(frozen=True)
class CleanedPage:
    """One page as a JPEG with identifiers covered, and its text with them removed."""

    number: int
    image_path: Path
    width: int
    height: int
    text: str
    sha256: str
    size: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class CleanedDocument:
    pages: tuple[CleanedPage, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class CleanedVideo:
    """An MP4 (H.264, AAC) that any browser plays and that holds no metadata."""

    path: Path
    sha256: str
    size: int
    seconds: Decimal
    width: int
    height: int
    findings: tuple[Finding, ...]


def dropped(where: str, text: str, terms: Sequence[Term], page: int | None = None) -> Iterator[Finding]:
    """A finding per identifier in a piece of the upload that the cleaned copy leaves out altogether."""
    for match in find(text, terms):
        yield Finding(where, match.kind, match.term, page, excerpt(text, match.start, match.end))


def excerpt(text: str, start: int, end: int) -> str:
    """The match with a few words around it, on one line and printable: metadata may be bytes read as text."""
    around = text[max(0, start - EXCERPT_AROUND) : end + EXCERPT_AROUND]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in around).split())


def once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Each place and term once: a property that repeats a name ten times is one thing to know."""
    seen: set[tuple[str, int | None, str, str]] = set()
    for finding in findings:
        key = (finding.where, finding.page, finding.term, finding.kind)
        if key not in seen:
            seen.add(key)
            yield finding
