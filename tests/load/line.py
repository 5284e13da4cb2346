"""A bad line: one part of a file on its way to the site, and what may happen to it there."""

from __future__ import annotations

import base64
import hashlib
import http.client
import random
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

_PATIENCE_SECONDS = 30
_STALL_SECONDS = (0.2, 1.0)


class Fault(StrEnum):
    """What happens to one sending of one part."""

    RESET = "connection_reset"
    STALL_AND_LOSS = "stalled_then_lost"
    STALL = "stalled_then_went_on"
    TRUNCATED = "truncated"
    ANSWER_LOST = "answer_lost"
    FLIPPED = "bit_flipped_with_checksum"
    FLIPPED_UNSEEN = "bit_flipped_without_checksum"
    DOUBLED = "part_sent_again"
    TWICE_AT_ONCE = "part_sent_twice_at_once"


class Broken(Exception):
    """No answer came: nobody here knows what the site has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site said of a part; `etag` is the digest of what it has."""

    status: int
    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Sending:
    """One try to send a part: its own bytes, those on the wire, and where the fault strikes them."""

    content: bytes
    wire: bytes
    cut: int
    fault: Fault | None

    @classmethod
    def of(cls, content: bytes, fault: Fault | None, chance: random.Random) -> Sending:
        cut = chance.randrange(1, len(content)) if len(content) > 1 else 0
        is_flipped = fault in (Fault.FLIPPED, Fault.FLIPPED_UNSEEN)
        return cls(content, _flipped(content, cut) if is_flipped else content, cut, fault)


def put(place: str, path: str, sending: Sending, chance: random.Random) -> Answer:
    """Send a part to `host:port`, as a browser does.

    Raises:
        Broken: the connection ended without an answer.
    """
    fault, sent, cut = sending.fault, sending.wire, sending.cut
    # The digest is of the file's own bytes: what changes on the way, changes after it was taken.
    head = _head(place, path, sending.content, with_digest=fault is not Fault.FLIPPED_UNSEEN)
    host, _, port = place.partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS) as wire:
            wire.sendall(head)
            match fault:
                case Fault.RESET:
                    wire.sendall(sent[:cut])
                    # Close with a reset instead of a goodbye.
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    raise Broken
                case Fault.TRUNCATED:
                    wire.sendall(sent[:cut])
                    wire.shutdown(socket.SHUT_WR)
                case Fault.STALL | Fault.STALL_AND_LOSS:
                    wire.sendall(sent[:cut])
                    time.sleep(chance.uniform(*_STALL_SECONDS))
                    if fault is Fault.STALL_AND_LOSS:
                        raise Broken
                    wire.sendall(sent[cut:])
                case Fault.ANSWER_LOST:
                    wire.sendall(sent)
                    # Not before the site has read it: the loss is the answer's, not the part's.
                    with suppress(TimeoutError):
                        wire.settimeout(chance.uniform(0, 0.2))
                        wire.recv(1, socket.MSG_PEEK)
                    raise Broken
                case _:
                    wire.sendall(sent)
            return _answer(wire)
    except (OSError, http.client.HTTPException, ValueError) as lost:
        raise Broken from lost


def _head(place: str, path: str, content: bytes, *, with_digest: bool) -> bytes:
    lines = [
        f"PUT {path} HTTP/1.1",
        f"Host: {place}",
        f"Content-Length: {len(content)}",
        "Content-Type: application/octet-stream",
        "Connection: close",
    ]
    if with_digest:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        lines.append(f"x-amz-checksum-sha256: {digest}")
    return "\r\n".join([*lines, "", ""]).encode()


def _flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def _answer(wire: socket.socket) -> Answer:
    with http.client.HTTPResponse(wire, method="PUT") as answer:
        answer.begin()
        return Answer(answer.status, (answer.headers["ETag"] or "").strip('"'), answer.read())
