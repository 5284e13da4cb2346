"""Clients that send one large file: as the site's own script does, and as a client of tus does."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from .people import Visitor

# Python's own 8 KiB would make the sender what is measured.
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """How long it took: `sign` is of each question where to send a part, `put` of each part."""

    key: str
    seconds: float
    sign: list[float] = field(default_factory=list)
    put: list[float] = field(default_factory=list)


def digests_of(path: Path, part_bytes: int) -> list[str]:
    """What a browser says of each part beside its bytes, in base64."""
    found = []
    with path.open("rb") as file:
        while piece := file.read(part_bytes):
            found.append(base64.b64encode(hashlib.sha256(piece).digest()).decode())
    return found


class Sender:
    """One browser that sends a file into a slot, one part after another, on lines that stay open."""

    def __init__(self, visitor: Visitor, sign_path: str) -> None:
        self._visitor, self._sign_path = visitor, sign_path
        self._line = http.client.HTTPConnection(
            urlsplit(visitor.address).netloc, timeout=120, blocksize=_BLOCK_BYTES
        )

    def send(self, path: Path, digests: list[str]) -> Sent:
        """Begin, send every part, and complete; the digests were taken beforehand."""
        size, sign, put = path.stat().st_size, [], []
        began = time.perf_counter()
        made = self.begin(path.name, size)
        key, part_bytes = made["key"], made["partSize"]
        etags = []
        with path.open("rb") as file:
            for number, digest in enumerate(digests, 1):
                asked = time.perf_counter()
                signed = self._ask(operation="part", key=key, partNumber=number)
                signed_at = time.perf_counter()
                length = min(part_bytes, size - (number - 1) * part_bytes)
                etags.append(self._put(signed["url"], file, length, digest))
                sign.append(signed_at - asked)
                put.append(time.perf_counter() - signed_at)
        listed = self._go(self._ask(operation="list", key=key))
        if len(re.findall("<PartNumber>", listed)) != len(etags):
            raise RuntimeError(f"Not every part is on record: {listed[:300]}")
        rows = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
            for number, etag in enumerate(etags, 1)
        )
        self._go(
            self._ask(operation="complete", key=key),
            f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode(),
        )
        return Sent(key, time.perf_counter() - began, sign, put)

    def begin(self, name: str, size: int) -> Any:
        """What the site says of a new upload: its key, and how large its parts are."""
        return self._ask(operation="create", name=name, type="video/mp4", size=size)

    def sign_part(self, key: str, number: int) -> float:
        """The seconds in which the site says where a part goes."""
        began = time.perf_counter()
        self._ask(operation="part", key=key, partNumber=number)
        return time.perf_counter() - began

    def nothing(self) -> float:
        """The seconds of a request that does nothing."""
        began = time.perf_counter()
        self._request("GET", "/empty/", b"", "text/plain")
        return time.perf_counter() - began

    def _put(self, url: str, file: BinaryIO, length: int, digest: str) -> str:
        headers = {"Content-Length": str(length), "x-amz-checksum-sha256": digest}
        self._line.request("PUT", url, _Piece(file, length), headers)
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"A part was answered {answer.status}: {said[:300]!r}")
        return answer.headers["ETag"]

    def _ask(self, **question: Any) -> Any:
        return json.loads(
            self._request("POST", self._sign_path, json.dumps(question).encode(), "application/json")
        )

    def _go(self, signed: dict[str, Any], body: bytes = b"") -> str:
        return self._request(signed["method"], signed["url"], body, "application/xml").decode()

    def _request(self, method: str, path: str, body: bytes, content_type: str) -> bytes:
        headers = {
            "Cookie": self._visitor.cookies,
            "X-CSRFToken": self._visitor.token,
            "Content-Type": content_type,
        }
        self._line.request(method, path, body, headers)
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {said[:300]!r}")
        return said


def send_by_tus(address: str, path: Path) -> Sent:
    """Create a file at a tus server and send all of it in one request, which is how tus is quickest."""
    line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=600, blocksize=_BLOCK_BYTES)
    size = path.stat().st_size
    version = {"Tus-Resumable": "1.0.0"}
    began = time.perf_counter()
    line.request("POST", "/files", b"", {**version, "Upload-Length": str(size)})
    answer = line.getresponse()
    answer.read()
    place = urlsplit(answer.headers["Location"]).path
    headers = {
        **version,
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(size),
    }
    with path.open("rb") as file:
        line.request("PATCH", place, file, headers)
        answer = line.getresponse()
        answer.read()
    seconds = time.perf_counter() - began
    if answer.headers["Upload-Offset"] != str(size):
        raise RuntimeError(f"tus has {answer.headers['Upload-Offset']} of {size} bytes.")
    return Sent(place.rpartition("/")[2], seconds)


class _Piece:
    """The next so many bytes of a file, as something that can be read."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(piece)
        return piece
