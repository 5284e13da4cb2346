"""Parts that go straight into the bucket of originals, under addresses presigned for a quarter of an hour."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from storages.backends.s3 import S3Storage

from .inspect import digest_of
from .models import Upload
from .parts import FOLDER, Forgotten, Held, Whole, key_of
from .rules import BadPart, Part, bytes_of_part

logger = logging.getLogger(__name__)

_GONE = {"NoSuchUpload", "NoSuchKey", "404", "NotFound"}
# In one stream.  In ranges it would be quicker, but not every provider's ranges can be trusted: some send
# the digest of the whole with each, and the client takes that for damage.
_AT_ONCE = TransferConfig(multipart_threshold=2**40, use_threads=False)
_LOST = (
    "The file was lost after it had arrived. We are sorry: upload it once more; "
    "if this happens again, write to the programme office."
)


class S3Parts:
    """Parts of multipart uploads in the store of originals, with that store's own client and key."""

    def __init__(self, storage: S3Storage) -> None:
        self._client: Any = storage.connection.meta.client
        self._bucket: str = storage.bucket_name

    def begin(self, upload_id: UUID, created_at: datetime, declared_type: str) -> str:
        begun = self._client.create_multipart_upload(
            Bucket=self._bucket,
            Key=_key(upload_id, created_at),
            # What it is, decoding finds out; until then it is nothing that a browser would show.
            ContentType="application/octet-stream",
        )
        return str(begun["UploadId"])

    def require_room(self, name: str, size: int) -> None:
        """A bucket has room."""

    def received(self, upload: Upload) -> list[Part] | None:
        found: list[Part] = []
        try:
            for page in self._client.get_paginator("list_parts").paginate(**self._names(upload)):
                found += [
                    Part(part["PartNumber"], part["Size"], part["ETag"].strip('"'))
                    for part in page.get("Parts", [])
                ]
        except ClientError as error:
            if _code(error) in _GONE:
                raise Forgotten from None
            raise
        return found

    def link(self, upload: Upload, number: int, seconds: int) -> str | None:
        wanted = {
            **self._names(upload),
            "PartNumber": number,
            # Signed with the rest, so that the address cannot be used to fill the bucket.
            "ContentLength": bytes_of_part(number, size=upload.declared_bytes, part_bytes=upload.part_bytes),
        }
        return str(self._client.generate_presigned_url("upload_part", Params=wanted, ExpiresIn=seconds))

    @contextmanager
    def assembled(self, upload: Upload) -> Iterator[Whole]:
        self._complete(upload)
        with tempfile.TemporaryDirectory(prefix="icg-upload-") as folder:
            path = Path(folder) / "whole"
            key = _key(upload.pk, upload.created_at)
            self._client.download_file(self._bucket, key, str(path), Config=_AT_ONCE)
            if path.stat().st_size != upload.declared_bytes:
                raise BadPart(
                    "InvalidPart",
                    f"The file has {path.stat().st_size:,} bytes and not {upload.declared_bytes:,}."
                    " Upload it again.",
                )
            yield Whole(path, digest_of(path))

    def discard(self, upload_id: UUID, created_at: datetime, storage_id: str) -> None:
        key = _key(upload_id, created_at)
        if storage_id:
            self._abort(key, storage_id)
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def held(self) -> Iterator[Held]:
        """Uploads begun and not completed, then whole files waiting for their check."""
        for row in self._begun():
            yield from _held(row["Key"], row["UploadId"])
        pages = self._client.get_paginator("list_objects_v2").paginate(**self._ours())
        for page in pages:
            for row in page.get("Contents", []):
                yield from _held(row["Key"], "")

    def remove(self, held: Held) -> None:
        key = f"{FOLDER}/{held.day:%Y-%m-%d}/{held.upload_id}"
        if held.handle:
            self._abort(key, held.handle)
        else:
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _begun(self) -> Iterator[dict[str, Any]]:
        try:
            for page in self._client.get_paginator("list_multipart_uploads").paginate(**self._ours()):
                yield from page.get("Uploads", [])
        except ClientError as error:
            if _code(error) not in _GONE:  # which is what some providers say of none at all
                raise

    def _complete(self, upload: Upload) -> None:
        """Put the parts together; after a crash the file may be whole already."""
        rows = upload.parts.order_by("number").values_list("number", "etag")
        try:
            self._client.complete_multipart_upload(
                **self._names(upload),
                MultipartUpload={"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in rows]},
            )
        except ClientError as error:
            if _code(error) == "NoSuchUpload":
                self._require_whole(upload)
            elif _code(error) in ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"):
                raise BadPart(
                    "InvalidPart", "A part of the file is not the one that arrived. Upload the file again."
                ) from None
            else:
                raise

    def _require_whole(self, upload: Upload) -> None:
        """The upload is over in the bucket: an earlier try put it together, or nothing is left of it."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=_key(upload.pk, upload.created_at))
        except ClientError as error:
            if _code(error) not in _GONE:
                raise
            raise BadPart("NoSuchUpload", _LOST) from None

    def _abort(self, key: str, storage_id: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=storage_id)
        except ClientError as error:
            if _code(error) not in _GONE:
                raise

    def _ours(self) -> dict[str, str]:
        return {"Bucket": self._bucket, "Prefix": f"{FOLDER}/"}

    def _names(self, upload: Upload) -> dict[str, str]:
        return {
            "Bucket": self._bucket,
            "Key": _key(upload.pk, upload.created_at),
            "UploadId": upload.storage_id,
        }


def _key(upload_id: UUID, created_at: datetime) -> str:
    return f"{FOLDER}/{key_of(upload_id, created_at)}"


def _held(key: str, storage_id: str) -> Iterator[Held]:
    """What a key says; nothing of one that we did not make, such as a provider's own folder marks."""
    try:
        _, day, upload_id = key.split("/")
        yield Held(UUID(upload_id), date.fromisoformat(day), storage_id)
    except ValueError:
        logger.warning("the bucket holds something under %s/ that is none of ours: %s", FOLDER, key)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
