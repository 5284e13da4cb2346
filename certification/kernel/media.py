"""Hand out a stored file to somebody who may see it, whole or the part a player asks for.

Who may see it, and that it was seen, is the caller's business; a file leaves the site through here
so that no page forgets one of the headers that keep it from being kept, indexed or guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from django.core.files.storage import Storage
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)

CHUNK_BYTES = 256 * 1024
SIGNED_SECONDS = 300
# No file has more bytes than 18 digits can say, and Python refuses to read numbers of thousands.
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `first` to `last` of a file, both included; `asked` says that a range named them."""

    first: int
    last: int
    asked: bool = True

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def serve(
    request: HttpRequest,
    *,
    storage: Storage,
    key: str,
    content_type: str,
    size: int,
    sha256: str,
    disposition: str = "inline",
    seconds: int = SIGNED_SECONDS,
) -> HttpResponseBase:
    """The stored file under `key`, or the one range of it the request asks for.

    A bucket that signs addresses sends it by itself: the answer leads there, for `seconds` at most.
    Neither the key nor any name appears in the answer: shown inline, it has no file name.  It may
    not be cached, because the right to see it ends; and opened by itself it can do nothing, because it
    stands in a sandbox without an origin.

    Args:
        size: of the file in bytes, as recorded when it was stored.
        sha256: of the file; lets a player continue (`If-Range`) only with the same bytes.
        disposition: `inline` for what we made ourselves, `attachment` for anything else.
        seconds: how long a bucket's address may be good, at least one.

    Raises:
        Http404: the store has no such file.
    """
    if request.method != "HEAD" and _sends_by_itself(storage, content_type):
        return _led_to_bucket(storage, key, content_type, disposition, seconds)
    etag = f'"{sha256}"'
    part = _asked_for(request, size, etag)
    if part is None:
        refused = HttpResponse(status=416, content_type=content_type)
        refused["Content-Range"] = f"bytes */{size}"
        return _with_headers(refused, etag, disposition)
    partial = part.asked
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(status=206 if partial else 200, content_type=content_type)
    else:
        response = StreamingHttpResponse(
            _chunks(_opened(storage, key), part), status=206 if partial else 200, content_type=content_type
        )
    response["Content-Length"] = str(part.length)
    if partial:
        response["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    return _with_headers(response, etag, disposition)


def _sends_by_itself(storage: Storage, content_type: str) -> bool:
    """Whether a browser may fetch it there; captions are text, which a player takes from our origin only."""
    return getattr(storage, "querystring_auth", False) and not content_type.startswith("text/")


def _led_to_bucket(
    storage: Any, key: str, content_type: str, disposition: str, seconds: int
) -> HttpResponseRedirect:
    said = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition}
    response = HttpResponseRedirect(storage.url(key, parameters=said, expire=seconds))
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def _asked_for(request: HttpRequest, size: int, etag: str) -> Part | None:
    """The part to send; None when what is asked for lies outside the file.

    Several ranges at once, or other units, may be answered with the whole file.
    """
    whole = Part(0, size - 1, asked=False)
    match = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if match is None or request.headers.get("If-Range", etag) != etag:
        return whole
    first, last = match.groups()
    if not first and not last:
        return whole
    if not first:
        return Part(max(0, size - int(last)), size - 1) if int(last) else None
    if int(first) >= size:
        return None
    if last and int(last) < int(first):
        return whole
    return Part(int(first), min(int(last), size - 1) if last else size - 1)


def _opened(storage: Storage, key: str) -> File:
    try:
        return storage.open(key, "rb")
    except FileNotFoundError:
        raise Http404 from None


def _chunks(file: File, part: Part) -> Iterator[bytes]:
    with file:
        file.seek(part.first)
        left = part.length
        while left and (piece := file.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece


def _with_headers(response: HttpResponseBase, etag: str, disposition: str) -> HttpResponseBase:
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Content-Disposition"] = disposition
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response
