"""Ask a virus scanner about a file: ClamAV's clamd, over TCP or a Unix socket.

A client of our own: clamd's protocol is a few lines, and the libraries for it carry licences that
this project does not want to pass on.  The file is streamed, so a large one costs no memory, and the
scanner needs no access to our disk.

What the scanner did not look into is never reported as clean.  clamd, left to itself, says OK to what
lies beyond its limits; `AlertExceedsMax yes` in its configuration makes it say so, and it is asked with a
file of our own whether it does.
"""

from __future__ import annotations

import gzip
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings

from ..states import Scan

CHUNK_BYTES = 256 * 1024
# clamd counts a file's bytes in 31 bits.
MOST_BYTES = 2**31 - 1
CONNECT_SECONDS = 5
# For each piece it takes, and then for its answer: it stops by itself after MaxScanTime, two minutes.
SEND_SECONDS, ANSWER_SECONDS = 30, 300
_MOST_ANSWER_BYTES = 4096
_CONFIGURATION_HOLDS_SECONDS = 600
# More layers than clamd can be told to unpack.
_LAYERS = 101

_NOT_LOOKED_INTO = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
_MUTE = "the scanner does not tell what it leaves out (AlertExceedsMax is off)"


@dataclass(frozen=True)
class ScanResult:
    """What the scanner said; `detail` names what it found, or why it did not look."""

    scan: Scan
    detail: str = ""


class ScannerSilent(Exception):
    """The scanner is away, busy or broken: nothing is known of the file, so ask again later."""


def scan(path: Path) -> ScanResult:
    """What the scanner set up says of the file; `Scan.NOT_ASKED` when none is.

    Raises:
        ScannerSilent: it did not answer, or not sensibly.
    """
    address: str = settings.CLAMAV_ADDRESS
    if not address:
        return ScanResult(Scan.NOT_ASKED)
    if path.stat().st_size > MOST_BYTES:
        return ScanResult(Scan.SKIPPED, "it is larger than the scanner can read (2 GiB)")
    with path.open("rb") as content:
        result = _meaning(_answer(address, content))
    if result.scan == Scan.CLEAN and not _tells_what_it_skips(address, _period()):
        return ScanResult(Scan.SKIPPED, _MUTE)
    return result


def _meaning(answer: str) -> ScanResult:
    """clamd's answer in our words.

    Raises:
        ScannerSilent: it is an error of the scanner's own.
    """
    if answer == "INSTREAM size limit exceeded. ERROR":
        return ScanResult(Scan.SKIPPED, "it is larger than the scanner accepts (StreamMaxLength)")
    if answer == "stream: OK":
        return ScanResult(Scan.CLEAN)
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        name = answer.removeprefix("stream: ").removesuffix(" FOUND")
        skipped = name.startswith(_NOT_LOOKED_INTO)
        return ScanResult(Scan.SKIPPED if skipped else Scan.INFECTED, name)
    raise ScannerSilent(f"The virus scanner answered {answer[:200]!r}.")


def _answer(address: str, content: IO[bytes]) -> str:
    try:
        with _connected(address) as connection:
            refused = _refused_midway(connection, content)
            connection.settimeout(ANSWER_SECONDS)
            answer = _line(connection)
    except OSError as problem:
        raise ScannerSilent(f"The virus scanner did not answer: {problem}.") from problem
    if not answer:
        raise ScannerSilent(
            f"The virus scanner hung up {'before it had the whole file' if refused else 'without an answer'}."
        )
    return answer


def _connected(address: str) -> socket.socket:
    where = urlsplit(address)
    if where.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_SECONDS)
        try:
            connection.connect(where.path)
        except OSError:
            connection.close()
            raise
        return connection
    return socket.create_connection((where.hostname or "", where.port or 0), CONNECT_SECONDS)


def _refused_midway(connection: socket.socket, content: IO[bytes]) -> bool:
    """Send the file; true when the scanner hung up before its end, as it does on one too large for it."""
    connection.settimeout(SEND_SECONDS)
    try:
        connection.sendall(b"zINSTREAM\0")
        for piece in _pieces(content):
            connection.sendall(struct.pack(">I", len(piece)) + piece)
        connection.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(CHUNK_BYTES):
        yield piece


def _line(connection: socket.socket) -> str:
    received = b""
    while b"\0" not in received and len(received) < _MOST_ANSWER_BYTES:
        try:
            more = connection.recv(_MOST_ANSWER_BYTES)
        except ConnectionResetError:
            break
        if not more:
            break
        received += more
    return received.split(b"\0")[0].decode("utf-8", "replace").strip()


@lru_cache(maxsize=4)
def _tells_what_it_skips(address: str, period: int) -> bool:
    """Whether the scanner owns up to a file packed more often than it unpacks."""
    return _meaning(_answer(address, BytesIO(_packed_too_often()))).scan != Scan.CLEAN


def _period() -> int:
    return int(time.monotonic() // _CONFIGURATION_HOLDS_SECONDS)


@lru_cache(maxsize=1)
def _packed_too_often() -> bytes:
    content = b"A sheet of paper in an envelope, in an envelope."
    for _ in range(_LAYERS):
        content = gzip.compress(content, mtime=0)
    return content
