"""A stored file leaves whole or in the part asked for, and says nothing about where it lay."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.http import Http404, HttpResponseBase
from django.test import RequestFactory

from certification.kernel.media import serve

BODY = bytes(range(200)) * 3000
SHA256 = hashlib.sha256(BODY).hexdigest()
KEY = "ab/secretkey"


@pytest.fixture
def storage() -> InMemoryStorage:
    store = InMemoryStorage()
    store.save(KEY, ContentFile(BODY))
    return store


def _get(storage: InMemoryStorage, method: str = "get", key: str = KEY, **headers: str) -> HttpResponseBase:
    request = getattr(RequestFactory(), method)("/media/1", headers=headers)
    return serve(request, storage=storage, key=key, content_type="video/mp4", size=len(BODY), sha256=SHA256)


def _body(response: HttpResponseBase) -> bytes:
    return b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]


def test_the_whole_file_is_sent_without_a_range(storage: InMemoryStorage) -> None:
    response = _get(storage)
    assert response.status_code == 200
    assert _body(response) == BODY
    assert response["Content-Length"] == str(len(BODY))
    assert response["Cache-Control"] == "private, no-store"
    assert "secretkey" not in str(response.headers)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=300000-", 300_000, len(BODY) - 1),
        ("bytes=0-", 0, len(BODY) - 1),
        ("bytes=0-99999999", 0, len(BODY) - 1),
        ("bytes=-5", len(BODY) - 5, len(BODY) - 1),
        ("bytes=-99999999", 0, len(BODY) - 1),
    ],
)
def test_one_range_is_sent_exactly(storage: InMemoryStorage, asked: str, first: int, last: int) -> None:
    response = _get(storage, Range=asked)
    assert _body(response) == BODY[first : last + 1]
    assert response["Content-Length"] == str(last - first + 1)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(BODY)}"


@pytest.mark.parametrize("asked", ["bytes=600000-", "bytes=-0"])
def test_a_range_outside_the_file_is_refused_with_its_size(storage: InMemoryStorage, asked: str) -> None:
    response = _get(storage, Range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(BODY)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=9-3", "bytes=-", "nonsense", f"bytes=0-{'9' * 5000}"]
)
def test_a_range_not_understood_gets_the_whole_file(storage: InMemoryStorage, asked: str) -> None:
    response = _get(storage, Range=asked)
    assert response.status_code == 200
    assert _body(response) == BODY


def test_a_player_goes_on_only_with_the_same_bytes(storage: InMemoryStorage) -> None:
    same = _get(storage, **{"Range": "bytes=5-9", "If-Range": f'"{SHA256}"'})
    other = _get(storage, **{"Range": "bytes=5-9", "If-Range": '"of another file"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_head_says_the_size_and_sends_nothing(storage: InMemoryStorage) -> None:
    response = _get(storage, "head")
    assert _body(response) == b""
    assert response["Content-Length"] == str(len(BODY))


def test_a_file_the_store_lost_is_not_found(storage: InMemoryStorage) -> None:
    with pytest.raises(Http404):
        _get(storage, key="ab/gone")
