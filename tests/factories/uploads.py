"""Files sent in parts, as a browser sends them: it asks `sign` where to, and goes there."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import reverse

from accounts.models import User
from certification.kernel import clock
from certification.season.files import make_mp4
from portfolio import services
from portfolio.blinding.identifiers import Identity
from portfolio.models import Entry, Evidence, Upload
from portfolio.services.uploading import NewFile
from portfolio.uploads import rules
from portfolio.uploads.parts import Promised
from portfolio.uploads.rules import Part

COACH = Identity(
    names=("Philomena Oyelaran-Whitcombe",),
    emails=("philomena@brightwater-schools.example",),
    organisations=("Brightwater Elementary School",),
)
_PADDED_AT_ONCE = 16 * rules.MIB


def an_upload(
    entry: Entry,
    now: datetime,
    *,
    size: int,
    slot: str = "written",
    name: str = "written.pdf",
    replaces: Evidence | None = None,
) -> Upload:
    return services.create_upload(
        entry_id=entry.pk,
        slot_key=slot,
        by=entry.candidacy.account,
        file=NewFile(
            name=name,
            declared_type="application/pdf",
            size=size,
            replaces=replaces.pk if replaces else None,
        ),
        now=now,
    )


def pieces(content: bytes, upload: Upload) -> list[bytes]:
    step = upload.part_bytes
    return [content[start : start + step] for start in range(0, len(content), step)]


def send_part(upload: Upload, number: int, content: bytes, now: datetime, *, by: User | None = None) -> Part:
    with clock.fixed(now):
        return services.receive_part(
            upload_id=upload.pk,
            by=by or upload.entry.candidacy.account,
            stream=io.BytesIO(content),
            promised=Promised(number=number, length=len(content)),
        )


def send_all(upload: Upload, content: bytes, now: datetime) -> list[tuple[int, str]]:
    sent = [send_part(upload, number, piece, now) for number, piece in enumerate(pieces(content, upload), 1)]
    return [(part.number, part.etag) for part in sent]


def complete(upload: Upload, claimed: Sequence[tuple[int, str]], now: datetime) -> Upload:
    return services.complete_upload(
        upload_id=upload.pk, by=upload.entry.candidacy.account, claimed=claimed, now=now
    )


def a_completed_upload(entry: Entry, content: bytes, now: datetime, **names: Any) -> Upload:
    """Everything has arrived; the check is due."""
    upload = an_upload(entry, now, size=len(content), **names)
    return complete(upload, send_all(upload, content, now), now)


class Browser:
    """The script of the page, without a page."""

    def __init__(self, entry: Entry, slot: str = "written", *, person: User | None = None) -> None:
        self.client = Client()
        self.client.force_login(person or entry.candidacy.account)
        self.sign_url = reverse("portfolio:sign_upload", args=[entry.pk, slot])

    def sign(self, **asked: Any) -> Any:
        return self.client.post(self.sign_url, json.dumps(asked), content_type="application/json")

    def create(self, name: str, size: int) -> Any:
        return self.sign(operation="create", name=name, type="application/pdf", size=size).json()

    def go(self, signed: dict[str, Any], body: bytes = b"", **headers: str) -> Any:
        return self.client.generic(
            signed["method"], signed["url"], body, content_type="application/octet-stream", headers=headers
        )

    def put(self, key: str, number: int, body: bytes, **headers: str) -> Any:
        return self.go(self.sign(operation="part", key=key, partNumber=number).json(), body, **headers)

    def list(self, key: str) -> list[tuple[int, str]]:
        body = self.go(self.sign(operation="list", key=key).json()).content.decode()
        found = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>&quot;(\w+)&quot;</ETag>", body)
        return [(int(number), etag) for number, etag in found]

    def complete(self, key: str, claimed: Sequence[tuple[int, str]]) -> Any:
        rows = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{etag}"</ETag></Part>' for number, etag in claimed
        )
        body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        return self.go(self.sign(operation="complete", key=key).json(), body)


def file_of(parts: int, last: int = 1000) -> bytes:
    """Bytes that make so many parts, each unlike the others."""
    return b"".join(bytes([number]) * rules.LEAST_PART_BYTES for number in range(1, parts)) + b"z" * last


def told(response: Any) -> tuple[int, bytes]:
    """The answer to the byte, but for the token that every page draws anew."""
    body = re.sub(rb"(X-CSRFToken[^:]*: )[^}]*", rb"\1", response.content)
    body = re.sub(rb'(name="csrfmiddlewaretoken" value=)"[^"]*"', rb"\1", body)
    return response.status_code, re.sub(rb'nonce="[^"]*"', b"", body)


ABSENT = UUID(int=7)


def a_video(path: Path, *, size: int, seed: int = 0) -> Path:
    """A video that plays, made `size` bytes long by a box that players skip."""
    make_mp4(path, identity=COACH, seconds=1, seed=seed)
    left = size - path.stat().st_size
    chance = random.Random(seed)
    with path.open("ab") as file:
        file.write(left.to_bytes(4, "big") + b"free")
        left -= 8
        while left:
            file.write(chance.randbytes(step := min(left, _PADDED_AT_ONCE)))
            left -= step
    return path
