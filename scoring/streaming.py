"""Bytes of the blind store over HTTP, whole or in the ranges a video player asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from django.core.files.storage import storages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from .selectors import EvidenceFile

_CHUNK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `first` to `last`, both included."""

    first: int
    last: int


class Unsatisfiable(ValueError):
    """The range begins behind the end of the file."""


def byte_range(header: str, size: int) -> ByteRange | None:
    """The one range a `Range` header asks for; None means the whole file.

    A header of another form, or with several ranges, may be answered with everything (RFC 9110, 14.2).

    Raises:
        Unsatisfiable: no byte of the file is in the range.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        asked = ByteRange(max(0, size - int(last)), size - 1)
    elif last and int(last) < int(first):
        return None
    else:
        asked = ByteRange(int(first), min(int(last), size - 1) if last else size - 1)
    if asked.first > asked.last:
        raise Unsatisfiable
    return asked


def stream(file: EvidenceFile, *, range_header: str) -> HttpResponseBase:
    """The file's bytes with headers that keep it out of every cache and under a name that says nothing.

    Raises:
        FileNotFoundError: the store does not have it.
    """
    try:
        part = byte_range(range_header, file.size)
    except Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    shown = part or ByteRange(0, file.size - 1)
    response = StreamingHttpResponse(
        _chunks(storages["blind"].open(file.storage_key), shown),
        status=206 if part else 200,
        content_type=file.content_type,
        headers={
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'inline; filename="{file.filename}"',
            "Content-Length": str(shown.last - shown.first + 1),
            "X-Content-Type-Options": "nosniff",
        },
    )
    if part:
        response["Content-Range"] = f"bytes {part.first}-{part.last}/{file.size}"
    return response


def _chunks(opened: IO[bytes], part: ByteRange) -> Iterator[bytes]:
    with opened:
        opened.seek(part.first)
        left = part.last - part.first + 1
        while left > 0 and (chunk := opened.read(min(_CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
