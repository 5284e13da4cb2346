"""Look inside a document that is a ZIP of XML parts without trusting a single thing it declares.

Small on disk, it can unpack to anything, list a part twice so that two readers see two documents, hold
another file before or behind itself, carry programs, or define XML entities that grow without end.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from certification.kernel import bounded
from certification.kernel.errors import BadInput

MAX_MEMBERS = 5_000
MAX_UNZIPPED_BYTES = 512 * 1024 * 1024
MAX_XML_PART_BYTES = 32 * 1024 * 1024
MAX_RATIO = 250
RATIO_MATTERS_FROM_BYTES = 8 * 1024 * 1024
# What reads XML further on gives up at 256 levels; no editor nests half as deep.
MAX_XML_DEPTH = 250
CHUNK = 1024 * 1024

_END_RECORD = struct.Struct("<4s4H2LH")
_LOCAL_HEADER_BYTES = 30
_MOST_END_BYTES = _END_RECORD.size + 0xFFFF
# What a broken or odd package raises; NotImplementedError is zipfile's word for a compression it lacks.
_UNREADABLE = (
    BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, struct.error,
    expat.ExpatError,
)  # fmt: skip
# Editors never write these; both UTF-8 and UTF-16 spell them with at most a zero byte in between.
_ENTITIES = re.compile(rb"<\0?!\0?(?:D\0?O\0?C\0?T\0?Y\0?P\0?E|E\0?N\0?T\0?I\0?T\0?Y)")


@dataclass(frozen=True)
class Sentences:
    """The refusals of one kind of document: `name` is the file's as shown, `what` the kind's."""

    name: str
    what: str
    plain: str

    @property
    def broken(self) -> BadInput:
        return BadInput(
            f"{self.name} is a broken {self.what}. "
            f"Open it in your editor, save it again as {self.plain} or PDF, and upload that."
        )

    @property
    def bomb(self) -> BadInput:
        return BadInput(
            f"{self.name} unpacks to far more than a document of its size should. "
            "Save it as PDF and upload that."
        )

    @property
    def locked(self) -> BadInput:
        return BadInput(f"{self.name} is protected with a password. Save a copy without it and upload that.")

    @property
    def macros(self) -> BadInput:
        return BadInput(
            f"{self.name} holds macros (small programs), which we do not accept. "
            f"Save it as a plain {self.plain} or PDF and upload that."
        )


def two_in_one(name: str) -> BadInput:
    """The refusal of a file that one program reads as this and another one as that."""
    return BadInput(
        f"{name} is two kinds of file in one, which no camera or editor makes. "
        "Export it again and upload that."
    )


@contextmanager
def opened(path: Path, say: Sentences) -> Iterator[ZipFile]:
    """The package, sound as a whole; what goes wrong with it inside the block is a broken document.

    Raises:
        BadInput: broken, protected, two files in one, or more parts than any document has.
    """
    try:
        with ZipFile(path) as package:
            members = package.infolist()
            if len(members) > MAX_MEMBERS:
                raise say.bomb
            if any(member.flag_bits & 0x1 for member in members):
                raise say.locked
            _require_one_package(path, members, package.start_dir, say)
            yield package
    except _UNREADABLE as problem:
        if bounded.is_the_machines(problem):
            raise
        raise say.broken from None


def _require_one_package(path: Path, members: list[ZipInfo], directory_at: int, say: Sentences) -> None:
    """Each part once, one behind the other from the first byte on, under a name that stays inside."""
    if not ends_as_package(path):
        raise two_in_one(say.name)
    names = [member.filename for member in members]
    folded = {name.lower() for name in names}
    if len(folded) < len(names) or not all(_stays_inside(name) for name in names):
        raise say.broken
    if any(member.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for member in members):
        raise say.broken
    at = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < at:
            raise say.bomb  # parts that share their bytes: a few thousand unpack to gigabytes
        if at == 0 and member.header_offset > 0:
            raise two_in_one(say.name)
        at = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size
    if at > directory_at:
        raise say.bomb


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    odd = any(letter in "\\:\0" or ord(letter) < 32 for letter in name)
    return not odd and not name.startswith("/") and ".." not in parts


def ends_as_package(path: Path) -> bool:
    """Whether the last bytes of a file are the end of a ZIP, which another program would then open."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - _MOST_END_BYTES))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if len(tail) - at >= _END_RECORD.size:
            comment = _END_RECORD.unpack_from(tail, at)[-1]
            if at + _END_RECORD.size + comment == len(tail):
                return True
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return False


def read_all(package: ZipFile, path: Path, say: Sentences) -> Iterator[tuple[str, bytes, bytes]]:
    """Every part once, in pieces: its name, the end of the piece before, and the piece.

    The sizes a ZIP declares are claims as well, so what counts is what comes out.

    Raises:
        BadInput: it unpacks to more than the limits above, or defines entities.
    """
    packed, unzipped = path.stat().st_size, 0
    for member in package.infolist():
        is_xml = member.filename.lower().endswith((".xml", ".rels"))
        size, tail = 0, b""
        with package.open(member) as part:
            while piece := part.read(CHUNK):
                size += len(piece)
                unzipped += len(piece)
                too_dense = unzipped > RATIO_MATTERS_FROM_BYTES and unzipped > packed * MAX_RATIO
                if too_dense or unzipped > MAX_UNZIPPED_BYTES or (is_xml and size > MAX_XML_PART_BYTES):
                    raise say.bomb
                if is_xml and _ENTITIES.search(tail + piece):
                    raise say.broken
                yield member.filename, tail, piece
                tail = piece[-32:]


def head(package: ZipFile, name: str, most: int = CHUNK) -> bytes:
    """The first bytes of a part."""
    with package.open(name) as part:
        return part.read(most)


class Outline:
    """Reads an XML part piece by piece and keeps nothing: is it XML at all, and how deep?

    Raises:
        ExpatError, ValueError: it is not, or is nested deeper than any editor does.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._enter
        self._parser.EndElementHandler = self._leave

    def read(self, piece: bytes) -> None:
        self._parser.Parse(piece)

    def end(self) -> None:
        self._parser.Parse(b"", True)  # noqa: FBT003 - expat's own

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_XML_DEPTH:
            raise ValueError("nested too deep")

    def _leave(self, name: str) -> None:
        self._depth -= 1


def fresh(needle: bytes, tail: bytes, piece: bytes) -> int:
    """How often `needle` ends inside `piece`, not counting what the tail of the piece before had already."""
    return (tail + piece).count(needle) - tail.count(needle)
