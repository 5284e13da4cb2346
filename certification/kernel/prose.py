"""Texts that staff write: a little structure, read into values that a template draws.

Blank lines separate.  `## ` and `### ` begin a part and a smaller one; `- ` and `1. ` list; lines between
bars are a table whose first row is its head; `**words**` stand out; `[words](address)` is a link to a page
of the site, to https, or to a mail address.  Anything else is plain text: nothing a person types becomes
markup, so a text needs no sanitising.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.text import slugify

_INLINE = re.compile(r"\*\*([^*\n]+)\*\*|\[([^\[\]\n]+)\]\(([^()\s]+)\)")
_NUMBERED = re.compile(r"\d{1,3}[.)] ")
_RULE = re.compile(r"\|[\s|:-]+\|")
# Printable, no backslash (browsers read it as a slash), and no second slash, which would name another host.
_ADDRESS = re.compile(r"(?:https://[^\s\\]+|mailto:[^\s\\]+|/(?![/\\])[^\s\\]*)")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a line: plain, strong, or a link."""

    text: str
    strong: bool = False
    href: str = ""


Line = tuple[Span, ...]


class BlockKind(StrEnum):
    PARAGRAPH = "paragraph"
    LIST = "list"
    NUMBERED = "numbered"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (one line), a list (its items), or a table (rows of cells, the first its head)."""

    kind: BlockKind
    lines: tuple[Line, ...] = ()
    rows: tuple[tuple[Line, ...], ...] = ()

    @property
    def head(self) -> tuple[Line, ...]:
        return self.rows[0]

    @property
    def body(self) -> tuple[tuple[tuple[str, Line], ...], ...]:
        """The rows below the head, each cell with what its column is called."""
        names = ["".join(span.text for span in cell) for cell in self.head]
        return tuple(tuple(zip([*names, *[""] * len(row)], row, strict=False)) for row in self.rows[1:])


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with what stands under it; `anchor` is unique within its text."""

    heading: str
    anchor: str
    blocks: tuple[Block, ...]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Prose:
    """A whole text: what stands before the first heading, and the parts."""

    blocks: tuple[Block, ...]
    parts: tuple[Part, ...]


def parse(body: str) -> Prose:
    """A text as it is drawn.  Every text can be parsed; what is no structure is a paragraph."""
    drafts = [_Draft("", 1)]
    for raw in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        level = 3 if raw.startswith("### ") else 2 if raw.startswith("## ") else 0
        if level:
            drafts.append(_Draft(raw[level:].strip(), level))
        else:
            drafts[-1].lines.append(raw)
    anchors: set[str] = set()
    parts: list[Part] = []
    for draft in drafts[1:]:
        part = Part(draft.heading, _anchor(draft.heading, anchors), tuple(_blocks(draft.lines)))
        if draft.level == 3 and parts:
            parent = parts[-1]
            parts[-1] = Part(parent.heading, parent.anchor, parent.blocks, (*parent.parts, part))
        else:
            # A smaller heading that comes first is drawn as a larger one: no page skips a level.
            parts.append(part)
    return Prose(tuple(_blocks(drafts[0].lines)), tuple(parts))


def refused_addresses(body: str) -> list[str]:
    """The addresses of links that would not be drawn as links, in the order in which they stand."""
    return [found[3] for found in _INLINE.finditer(body) if found[3] and not _ADDRESS.fullmatch(found[3])]


@dataclass
class _Draft:
    heading: str
    level: int
    lines: list[str] = field(default_factory=list)


def _anchor(heading: str, taken: set[str]) -> str:
    stem = slugify(heading) or "part"
    anchor = stem
    number = 2
    while anchor in taken:
        anchor = f"{stem}-{number}"
        number += 1
    taken.add(anchor)
    return anchor


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Neighbouring lines of one kind are one block; a blank line always ends it."""
    kind: BlockKind | None = None
    gathered: list[str] = []
    for raw in [*lines, ""]:
        line = raw.strip()
        found = _kind_of(line)
        if found is BlockKind.PARAGRAPH and raw[:1].isspace() and kind in _LISTS:
            gathered[-1] += f" {line}"  # an indented line goes on with its item
            continue
        if found is not kind and kind is not None:
            yield _block(kind, gathered)
            gathered = []
        kind = found
        if found is not None:
            gathered.append(line)


_LISTS = {BlockKind.LIST, BlockKind.NUMBERED}


def _kind_of(line: str) -> BlockKind | None:
    if not line:
        return None
    if line.startswith("- "):
        return BlockKind.LIST
    if _NUMBERED.match(line):
        return BlockKind.NUMBERED
    if len(line) > 1 and line.startswith("|") and line.endswith("|"):
        return BlockKind.TABLE
    return BlockKind.PARAGRAPH


def _block(kind: BlockKind, lines: list[str]) -> Block:
    match kind:
        case BlockKind.TABLE:
            rows = [line for line in lines if not _RULE.fullmatch(line)] or lines
            return Block(kind, rows=tuple(_cells(row) for row in rows))
        case BlockKind.LIST:
            return Block(kind, tuple(_spans(line.removeprefix("- ")) for line in lines))
        case BlockKind.NUMBERED:
            return Block(kind, tuple(_spans(_NUMBERED.sub("", line, count=1)) for line in lines))
        case BlockKind.PARAGRAPH:
            return Block(kind, (_spans(" ".join(lines)),))


def _cells(row: str) -> tuple[Line, ...]:
    return tuple(_spans(cell.strip()) for cell in row[1:-1].split("|"))


def _spans(text: str) -> Line:
    spans: list[Span] = []
    end = 0
    for found in _INLINE.finditer(text):
        strong, words, address = found.groups()
        if address is not None and not _ADDRESS.fullmatch(address):
            continue
        if found.start() > end:
            spans.append(Span(text[end : found.start()]))
        spans.append(Span(strong, strong=True) if strong is not None else Span(words, href=address))
        end = found.end()
    if end < len(text):
        spans.append(Span(text[end:]))
    return tuple(spans)
