"""Parts in a bucket: what is asked of S3, and what its answers mean."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from django.core.files.storage import Storage
from storages.backends.s3 import S3Storage

from certification.kernel import reconcile
from portfolio import services
from portfolio.models import Entry, Evidence, Upload
from portfolio.states import UploadState
from portfolio.uploads import parts, storing
from portfolio.uploads.multipart import S3Parts
from portfolio.uploads.parts import FOLDER, Forgotten, Held, key_of
from portfolio.uploads.rules import BadPart, Part
from tests.factories import portfolio as make
from tests.factories.uploads import Browser, an_upload, file_of

pytestmark = pytest.mark.django_db
BUCKET = "originals"


@pytest.fixture
def storage() -> S3Storage:
    return S3Storage(
        bucket_name=BUCKET,
        access_key="key",
        secret_key="secret",
        endpoint_url="https://bucket.example",
        region_name="us-east-1",
        signature_version="s3v4",
    )


@pytest.fixture
def s3(storage: S3Storage) -> Iterator[Stubber]:
    with Stubber(storage.connection.meta.client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def store(storage: S3Storage, s3: Stubber, monkeypatch: pytest.MonkeyPatch) -> S3Parts:
    """The store of parts of a site whose originals are in a bucket; the originals stay on disk here."""
    found = S3Parts(storage)
    monkeypatch.setattr(parts, "store", lambda: found)
    return found


def names(upload: Upload) -> dict[str, Any]:
    key = f"{FOLDER}/{key_of(upload.pk, upload.created_at)}"
    return {"Bucket": BUCKET, "Key": key, "UploadId": "theirs"}


def begun(s3: Stubber, entry: Entry, now: datetime, size: int) -> Upload:
    s3.add_response(
        "create_multipart_upload",
        {"UploadId": "theirs"},
        {"Bucket": BUCKET, "Key": ANY, "ContentType": "application/octet-stream"},
    )
    return an_upload(entry, now, size=size)


def holds(s3: Stubber, upload: Upload, *content: bytes) -> list[tuple[int, str]]:
    """The bucket is asked for its parts, and has these."""
    found = [(number, hashlib.md5(piece).hexdigest()) for number, piece in enumerate(content, 1)]
    rows = [
        {"PartNumber": number, "ETag": f'"{etag}"', "Size": len(content[number - 1])}
        for number, etag in found
    ]
    s3.add_response("list_parts", {"Parts": rows, "IsTruncated": False}, names(upload))
    return found


def test_which_store_it_is_follows_from_where_the_originals_are(
    storage: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def originals() -> Storage:
        return storage

    assert isinstance(parts.store(), parts.LocalParts)
    monkeypatch.setattr(parts, "originals", originals)
    assert isinstance(parts.store(), S3Parts)


def test_a_part_goes_to_the_bucket_under_a_presigned_address(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    upload = begun(s3, draft, now, 1000)

    signed = Browser(draft).sign(operation="part", key=str(upload.pk), partNumber=1).json()

    address = urlsplit(signed["url"])
    query = parse_qs(address.query)
    assert (signed["method"], signed["headers"]) == ("PUT", {})
    assert address.hostname == "bucket.example"
    assert address.path.endswith(f"{FOLDER}/{now:%Y-%m-%d}/{upload.pk}")
    assert (query["uploadId"], query["partNumber"]) == (["theirs"], ["1"])
    assert query["X-Amz-Expires"] == ["900"]
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert not {name for name in query if "checksum" in name.lower()}


def test_the_site_itself_takes_no_part_then(store: S3Parts, s3: Stubber, draft: Entry, now: datetime) -> None:
    upload = begun(s3, draft, now, 4)
    from tests.factories.uploads import send_part

    with pytest.raises(Upload.DoesNotExist):
        send_part(upload, 1, b"aaaa", now)


def test_the_parts_are_learnt_from_the_bucket(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    content = file_of(2)
    upload = begun(s3, draft, now, len(content))
    pieces = (content[: upload.part_bytes], content[upload.part_bytes :])
    holds(s3, upload, pieces[0])
    found = holds(s3, upload, *pieces)

    browser = Browser(draft)
    first, then = browser.list(str(upload.pk)), browser.list(str(upload.pk))

    assert (first, then) == (found[:1], found)


def test_a_bucket_that_forgot_the_upload_says_so_and_one_that_is_away_does_not(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    upload = begun(s3, draft, now, 1000)
    s3.add_client_error("list_parts", "NoSuchUpload")
    with pytest.raises(Forgotten):
        store.received(upload)
    s3.add_client_error("list_parts", "AccessDenied")
    with pytest.raises(ClientError):
        store.received(upload)


def test_a_forgotten_upload_that_was_completed_meanwhile_is_left_alone(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    upload = begun(s3, draft, now, 1000)
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.COMPLETING, completed_at=now)
    s3.add_client_error("list_parts", "NoSuchUpload")
    s3.add_response("create_multipart_upload", {"UploadId": "second"})
    s3.add_response("abort_multipart_upload", {}, {**names(upload), "UploadId": "second"})

    services.uploading.learn_parts(upload, now)

    assert Upload.objects.get().storage_id == "theirs"


def test_a_completed_file_that_the_bucket_lost_is_refused_and_not_waited_for(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    upload = completed(s3, draft, make.a_pdf(), now)
    s3.add_client_error("complete_multipart_upload", "NoSuchUpload")
    s3.add_client_error("head_object", "404", http_status_code=404)
    assert reconcile.run("uploads.take_in", now) == {"taken": 0, "refused": 1}
    upload.refresh_from_db()
    assert "was lost after it had arrived" in upload.problem


def test_what_the_bucket_does_not_hold_is_not_completed(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    content = file_of(2)
    upload = begun(s3, draft, now, len(content))
    (only,) = holds(s3, upload, content[: upload.part_bytes])
    with pytest.raises(BadPart, match="have not arrived"):
        services.complete_upload(upload_id=upload.pk, by=draft.candidacy.account, claimed=[only], now=now)


def completed(s3: Stubber, entry: Entry, content: bytes, now: datetime) -> Upload:
    upload = begun(s3, entry, now, len(content))
    claimed = holds(s3, upload, content)
    return services.complete_upload(upload_id=upload.pk, by=entry.candidacy.account, claimed=claimed, now=now)


def is_downloaded(store: S3Parts, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    def download(bucket: str, key: str, path: str, **how: object) -> None:
        from pathlib import Path

        assert bucket == BUCKET
        Path(path).write_bytes(content)

    monkeypatch.setattr(store._client, "download_file", download)


@pytest.mark.parametrize("was_killed_before", [False, True])
def test_the_bucket_puts_the_file_together_and_the_worker_looks_at_it(
    store: S3Parts,
    s3: Stubber,
    draft: Entry,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    was_killed_before: bool,
) -> None:
    content = make.a_pdf()
    upload = completed(s3, draft, content, now)
    where = {"Bucket": BUCKET, "Key": names(upload)["Key"]}
    if was_killed_before:
        s3.add_client_error("complete_multipart_upload", "NoSuchUpload")
        s3.add_response("head_object", {}, where)
    else:
        named = {"Parts": [{"PartNumber": 1, "ETag": hashlib.md5(content).hexdigest()}]}
        s3.add_response("complete_multipart_upload", {}, {**names(upload), "MultipartUpload": named})
    is_downloaded(store, monkeypatch, content)
    s3.add_client_error("abort_multipart_upload", "NoSuchUpload")
    s3.add_response("delete_object", {}, where)

    with django_capture_on_commit_callbacks(execute=True):
        counts = reconcile.run("uploads.take_in", now)

    assert counts == {"taken": 1, "refused": 0}
    evidence = Evidence.objects.get()
    assert evidence.sha256 == hashlib.sha256(content).hexdigest()
    with storing.originals().open(evidence.storage_key) as kept:
        assert kept.read() == content


def test_a_bucket_that_is_away_leaves_the_upload_waiting(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    upload = completed(s3, draft, make.a_pdf(), now)
    s3.add_client_error("complete_multipart_upload", "SlowDown", http_status_code=503)
    assert reconcile.run("uploads.take_in", now) == {"taken": 0, "refused": 0}
    upload.refresh_from_db()
    assert upload.state == UploadState.COMPLETING


def test_a_file_of_another_length_is_refused(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = completed(s3, draft, make.a_pdf(), now)
    s3.add_response("complete_multipart_upload", {})
    is_downloaded(store, monkeypatch, b"%PDF")
    assert reconcile.run("uploads.take_in", now) == {"taken": 0, "refused": 1}
    upload.refresh_from_db()
    assert "has 4 bytes" in upload.problem


def test_a_row_that_is_refused_leaves_no_upload_in_the_bucket(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*args: object) -> None:
        raise OSError("the database is gone")

    monkeypatch.setattr(services.uploading, "_insert", lost)
    s3.add_response("create_multipart_upload", {"UploadId": "theirs"})
    s3.add_response("abort_multipart_upload", {}, {"Bucket": BUCKET, "Key": ANY, "UploadId": "theirs"})
    s3.add_response("delete_object", {}, {"Bucket": BUCKET, "Key": ANY})
    with pytest.raises(OSError):
        an_upload(draft, now, size=1000)


def test_the_sweep_aborts_and_deletes_what_nobody_knows(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    upload, unknown = begun(s3, draft, now, 1000), Upload().pk
    day = f"{FOLDER}/{now:%Y-%m-%d}"
    prefix = {"Bucket": BUCKET, "Prefix": f"{FOLDER}/"}
    rows = [
        {"Key": f"{day}/{upload.pk}", "UploadId": "theirs"},
        {"Key": f"{day}/{unknown}", "UploadId": "lost"},
    ]
    s3.add_response("list_multipart_uploads", {"Uploads": rows, "IsTruncated": False}, prefix)
    s3.add_response("list_objects_v2", {"Contents": [{"Key": f"{day}/{unknown}"}]}, prefix)
    gone = {"Bucket": BUCKET, "Key": f"{day}/{unknown}"}
    s3.add_response("abort_multipart_upload", {}, {**gone, "UploadId": "lost"})
    s3.add_response("delete_object", {}, gone)

    counts = reconcile.run("uploads.sweep", now + timedelta(days=2))

    assert counts is not None
    assert (counts["expired"], counts["freed"]) == (0, 2)


def test_before_an_upload_is_given_up_the_bucket_is_asked_for_new_parts(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    content = file_of(2)
    upload = begun(s3, draft, now, len(content))
    holds(s3, upload, content[: upload.part_bytes])
    s3.add_response("list_multipart_uploads", {})
    s3.add_response("list_objects_v2", {})

    counts = reconcile.run("uploads.sweep", now + timedelta(days=8))

    assert counts is not None
    assert counts["expired"] == 0
    upload.refresh_from_db()
    assert upload.state == UploadState.OPEN


def test_what_the_bucket_keeps_is_named_by_day_and_upload(store: S3Parts, s3: Stubber) -> None:
    upload_id = Upload().pk
    key = f"{FOLDER}/{key_of(upload_id, datetime(2027, 5, 1, tzinfo=UTC))}"
    s3.add_response("list_multipart_uploads", {"Uploads": [{"Key": key, "UploadId": "x"}]})
    strangers = [{"Key": f"{FOLDER}/"}, {"Key": f"{FOLDER}/2027-05-01/"}]
    s3.add_response("list_objects_v2", {"Contents": [*strangers, {"Key": key}]})
    day = date(2027, 5, 1)
    assert list(store.held()) == [Held(upload_id, day, "x"), Held(upload_id, day, "")]


def test_parts_of_a_bucket_are_parts_like_ours(
    store: S3Parts, s3: Stubber, draft: Entry, now: datetime
) -> None:
    upload = begun(s3, draft, now, 3)
    ((number, etag),) = holds(s3, upload, b"abc")
    assert store.received(upload) == [Part(number, 3, etag)]
