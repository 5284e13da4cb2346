"""Look for identifiers in finished files by other means than the cleaning used to remove them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile, is_zipfile

import av
import pikepdf
import pypdfium2
from PIL import Image

from portfolio.blinding.identifiers import Term, find, words
from portfolio.uploads import pdfium

CHUNK = 1024 * 1024
# Shorter runs of letters turn up by chance in compressed data.
SHORTEST_NEEDLE = 6


def leaks_in(paths: Iterable[Path], terms: Sequence[Term]) -> list[str]:
    """The places where a file still holds a term, a sentence for each; an empty list when all are clean.

    Searched are the bytes as they lie (as UTF-8, UTF-16, Latin-1, percent-encoded and base64), the
    file's name, and what a reader of the format makes of its metadata and text.
    """
    needles = _needles(terms)
    leaks = []
    for path in paths:
        leaks += [f"{path.name}: bytes spell {shown!r}" for shown in _in_bytes(path, needles)]
        for where, text in [("file name", path.name), *_decoded(path)]:
            leaks += [f"{path.name}: {where} holds {match.term!r}" for match in find(text, terms)]
    return list(dict.fromkeys(leaks))


def _needles(terms: Sequence[Term]) -> dict[bytes, str]:
    """Encoded spellings to search for; base64 keeps case, so those start with "=" and come in two casings.

    A term with a word that is searched by itself would only be found twice, and is left out.
    """
    tokens_of = {term: words(term.text) for term in terms if not term.capital}
    alone = {tokens[0] for tokens in tokens_of.values() if len(tokens) == 1 and _telling(tokens)}
    found: dict[bytes, str] = {}
    for term, tokens in tokens_of.items():
        if not _telling(tokens) or (len(tokens) > 1 and alone.intersection(tokens)):
            continue
        for spelling in {term.text, *(joint.join(tokens) for joint in ("", " ", "-", "_", ".", "+"))}:
            for encoded in _encodings(spelling):
                found.setdefault(encoded.lower(), term.text)
        for cased in {term.text, term.text.lower()}:
            for encoded in _base64_cores(cased):
                found.setdefault(b"=" + encoded, term.text)
    return found


def _telling(tokens: Sequence[str]) -> bool:
    return len("".join(tokens)) >= SHORTEST_NEEDLE


def _encodings(spelling: str) -> Iterator[bytes]:
    yield spelling.lower().encode()
    yield spelling.lower().encode("utf-16-le")
    yield spelling.lower().encode("utf-16-be")
    yield spelling.lower().encode("latin-1", "ignore")
    yield quote(spelling.lower()).encode()


def _base64_cores(spelling: str) -> Iterator[bytes]:
    """The characters of base64 that depend on the spelling alone, for each of its three alignments."""
    raw = spelling.encode()
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw)
        core = encoded[-(-lead * 8 // 6) : (lead + len(raw)) * 8 // 6]
        if len(core) >= SHORTEST_NEEDLE:
            yield core


def _in_bytes(path: Path, needles: dict[bytes, str]) -> list[str]:
    exact = {needle[1:]: shown for needle, shown in needles.items() if needle.startswith(b"=")}
    folded = {needle: shown for needle, shown in needles.items() if not needle.startswith(b"=")}
    overlap = max(map(len, needles), default=1)
    seen: dict[str, None] = {}
    with path.open("rb") as stream:
        tail = b""
        while piece := stream.read(CHUNK):
            window = tail + piece
            lowered = window.lower()
            seen.update((shown, None) for needle, shown in exact.items() if needle in window)
            seen.update((shown, None) for needle, shown in folded.items() if needle in lowered)
            tail = window[-overlap:]
    return list(seen)


def _decoded(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as stream:
        head = stream.read(16)
    if head.startswith(b"%PDF-"):
        yield from _pdf_texts(path)
    elif head.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        yield from _picture_texts(path)
    elif is_zipfile(path):
        with ZipFile(path) as package:
            for part in package.namelist():
                yield part, package.read(part).decode("utf-8", "replace")
    elif head[4:8] == b"ftyp" or head.startswith(b"\x1a\x45\xdf\xa3"):
        yield from _video_texts(path)
    else:
        yield "text", path.read_bytes().decode("utf-8", "replace")


def _pdf_texts(path: Path) -> Iterator[tuple[str, str]]:
    with pikepdf.open(path) as pdf:
        for key, value in pdf.docinfo.items():
            yield f"metadata {key}", str(value)
        for item in pdf.objects:
            if isinstance(item, pikepdf.Stream):
                is_photo = item.get("/Filter") == pikepdf.Name.DCTDecode
                data = item.read_raw_bytes() if is_photo else item.read_bytes()
                yield "stream", data.decode("utf-8", "replace")
            elif isinstance(item, pikepdf.Dictionary):
                values = [str(value) for value in item.values() if isinstance(value, pikepdf.String)]
                yield "object", "\n".join(values)
    with pdfium.opened(path) as document:
        for index in range(len(document)):
            yield f"page {index + 1}", _page_text(document, index)


def _page_text(document: pypdfium2.PdfDocument, index: int) -> str:
    page = document[index]
    textpage = page.get_textpage()
    text: str = textpage.get_text_range()
    textpage.close()
    page.close()
    return text


def _picture_texts(path: Path) -> Iterator[tuple[str, str]]:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        for key, value in [*image.getexif().items(), *image.info.items()]:
            shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            yield f"metadata {key}", shown


def _video_texts(path: Path) -> Iterator[tuple[str, str]]:
    with av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace") as container:
        tagged = [container.metadata, *(stream.metadata for stream in container.streams)]
        tagged += [chapter["metadata"] for chapter in container.chapters()]
        for tags in tagged:
            for key, value in tags.items():
                yield f"metadata {key}", value
