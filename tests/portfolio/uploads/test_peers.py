"""The same way of a file against two foreign S3 servers, its parts sent by plain curl, urllib and boto3.

rclone checks signatures (SigV4) as AWS does; moto checks none, so what must be refused is shown by rclone.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certification.kernel import reconcile
from portfolio import services
from portfolio.models import Entry, Evidence, Slot, Upload
from portfolio.services import taking_in
from portfolio.states import UploadState
from portfolio.uploads import parts, storing
from portfolio.uploads.multipart import S3Parts
from portfolio.uploads.parts import FOLDER, key_of
from portfolio.uploads.rules import MIB, BadPart
from tests.factories.uploads import Browser, a_video, an_upload, pieces
from tests.fakes import buckets
from tests.fakes.buckets import BUCKET, Peer

pytestmark = pytest.mark.django_db(transaction=True)

SIZE = 18 * MIB + 12_345


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    etag: str
    body: str


def curl(url: str, body: bytes, folder: Path) -> Answer:
    """Plain curl; moto never ends a request that asks whether to go on, so it is not asked."""
    sent, got = folder / "sent", folder / "got"
    sent.write_bytes(body)
    command = ["curl", "--silent", "--max-time", "60", "--upload-file", str(sent), "--header", "Expect:"]
    command += ["--dump-header", "-", "--output", str(got), url]
    head = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    etag = re.search(r'^etag: "?(\w+)"?\s*$', head, re.IGNORECASE | re.MULTILINE)
    return Answer(int(head.split()[1]), etag[1] if etag else "", got.read_text() if got.exists() else "")


def urllib_(url: str, body: bytes, folder: Path) -> Answer:
    request = urllib.request.Request(url, body, {"Content-Type": "application/octet-stream"}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers["ETag"].strip('"'), "")
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, "", refused.read().decode())


Put = Callable[[str, bytes, Path], Answer]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Peer]]:
    with buckets.rclone(tmp_path_factory.mktemp("rclone")) as rclone, buckets.moto() as moto:
        yield {"rclone": rclone, "moto": moto}


@pytest.fixture(params=["rclone", "moto"])
def peer(
    request: pytest.FixtureRequest, running: dict[str, Peer], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Peer:
    """The site's originals are in this peer's bucket."""
    found = running[request.param]
    found.empty()
    # As the site's own settings do for a provider that is not AWS.
    for direction in ("REQUEST_CHECKSUM_CALCULATION", "RESPONSE_CHECKSUM_VALIDATION"):
        monkeypatch.setenv(f"AWS_{direction}", "when_required")
    settings.STORAGES = {**settings.STORAGES, "identity": found.storage}
    return found


@pytest.fixture
def entry(draft: Entry) -> Entry:
    Slot.objects.create(
        template=draft.template,
        key="lesson",
        title="Lesson",
        purpose="What happened.",
        kind="video",
        required=False,
        min_files=1,
        max_files=1,
        max_minutes=10,
        max_bytes=64 * MIB,
        formats=["mp4"],
        ordinal=20,
    )
    return draft


@pytest.fixture
def browser(entry: Entry) -> Browser:
    return Browser(entry, "lesson")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return a_video(tmp_path_factory.mktemp("video") / "lesson.mp4", size=SIZE).read_bytes()


def address(browser: Browser, upload: Upload, number: int) -> str:
    return str(browser.sign(operation="part", key=str(upload.pk), partNumber=number).json()["url"])


def begin(browser: Browser, content: bytes) -> Upload:
    return Upload.objects.get(pk=browser.create("lesson.mp4", len(content))["key"])


def send(
    browser: Browser, upload: Upload, content: bytes, folder: Path, put: Put = curl
) -> list[tuple[int, str]]:
    """Every part that the bucket lacks, in order."""
    there = dict(browser.list(str(upload.pk)))
    for number, piece in enumerate(pieces(content, upload), 1):
        if number not in there:
            answer = put(address(browser, upload, number), piece, folder)
            assert (answer.status, answer.etag) == (200, hashlib.md5(piece).hexdigest())
            there[number] = answer.etag
    return sorted(there.items())


def arrive(browser: Browser, content: bytes, folder: Path) -> Upload:
    upload = begin(browser, content)
    assert browser.complete(str(upload.pk), send(browser, upload, content, folder)).status_code == 200
    upload.refresh_from_db()
    return upload


def key_in(upload: Upload) -> str:
    return f"{FOLDER}/{key_of(upload.pk, upload.created_at)}"


def require_taken(upload: Upload, content: bytes, peer: Peer) -> Evidence:
    """The evidence is the file to the byte, and nothing else is left in the bucket."""
    upload.refresh_from_db()
    evidence = Evidence.objects.get()
    assert (upload.state, upload.evidence) == (UploadState.TAKEN, evidence)
    assert upload.sha256 == evidence.sha256 == hashlib.sha256(content).hexdigest()
    with storing.originals().open(evidence.storage_key) as kept:
        assert kept.read() == content
    assert (peer.begun(), peer.keys()) == ([], [evidence.storage_key])
    return evidence


@pytest.mark.parametrize("put", [curl, urllib_])
def test_a_file_goes_into_a_foreign_bucket_part_by_part(
    peer: Peer, put: Put, browser: Browser, content: bytes, now: datetime, tmp_path: Path
) -> None:
    upload = begin(browser, content)
    assert isinstance(parts.store(), S3Parts)
    assert browser.list(str(upload.pk)) == []
    assert peer.begun() == [key_in(upload)]
    first = pieces(content, upload)[0]
    assert put(address(browser, upload, 1), first, tmp_path).status == 200

    # Another device: the same name and size go on, and the bucket knows what arrived.
    again = begin(browser, content)
    assert again.pk == upload.pk
    assert browser.list(str(upload.pk)) == [(1, hashlib.md5(first).hexdigest())]
    claimed = send(browser, upload, content, tmp_path, put)
    assert len(claimed) == 3
    assert browser.complete(str(upload.pk), claimed).status_code == 200
    assert browser.complete(str(upload.pk), claimed).status_code == 200

    assert reconcile.run("uploads.take_in", now) == {"taken": 1, "refused": 0}
    require_taken(upload, content, peer)


def test_parts_sent_with_boto3_are_parts_as_well(
    peer: Peer, browser: Browser, content: bytes, now: datetime, tmp_path: Path
) -> None:
    upload = begin(browser, content)
    for number, piece in enumerate(pieces(content, upload), 1):
        peer.client.upload_part(
            Bucket=BUCKET, Key=key_in(upload), UploadId=upload.storage_id, PartNumber=number, Body=piece
        )
    browser.complete(str(upload.pk), browser.list(str(upload.pk)))
    reconcile.run("uploads.take_in", now)
    require_taken(upload, content, peer)


def test_parts_may_come_in_any_order_and_twice(
    peer: Peer, browser: Browser, content: bytes, now: datetime, tmp_path: Path
) -> None:
    upload = begin(browser, content)
    cut = pieces(content, upload)
    for number in (3, 1, 3, 2, 2):
        assert curl(address(browser, upload, number), cut[number - 1], tmp_path).status == 200
    browser.complete(str(upload.pk), browser.list(str(upload.pk)))
    reconcile.run("uploads.take_in", now)
    require_taken(upload, content, peer)


def test_a_part_that_is_not_there_is_not_completed(
    peer: Peer, browser: Browser, content: bytes, tmp_path: Path
) -> None:
    upload = begin(browser, content)
    claimed = [
        (number, hashlib.md5(piece).hexdigest()) for number, piece in enumerate(pieces(content, upload), 1)
    ]
    assert curl(address(browser, upload, 2), pieces(content, upload)[1], tmp_path).status == 200
    refused = browser.complete(str(upload.pk), claimed)
    assert refused.status_code == 400
    assert b"the first of them part 1" in refused.content


@pytest.mark.parametrize("peer", ["moto"], indirect=True)
def test_a_part_of_another_length_is_asked_for_again(
    peer: Peer, browser: Browser, content: bytes, now: datetime, tmp_path: Path
) -> None:
    """An address takes one length only, but moto asks no signature; our part is as long as we say.

    rclone cannot take a part anew in other bytes; there such an upload has to be cancelled.
    """
    upload = begin(browser, content)
    assert curl(address(browser, upload, 2), content[: 5 * MIB], tmp_path).status == 200
    assert browser.list(str(upload.pk)) == []
    claimed = send(browser, upload, content, tmp_path)
    assert browser.complete(str(upload.pk), claimed).status_code == 200
    reconcile.run("uploads.take_in", now)
    require_taken(upload, content, peer)


def test_an_upload_that_the_bucket_gave_up_begins_there_anew(
    peer: Peer, browser: Browser, content: bytes, now: datetime, tmp_path: Path
) -> None:
    """By a lifecycle rule, say; the candidate goes on with the same upload."""
    upload = begin(browser, content)
    assert curl(address(browser, upload, 1), pieces(content, upload)[0], tmp_path).status == 200
    assert len(browser.list(str(upload.pk))) == 1
    peer.client.abort_multipart_upload(Bucket=BUCKET, Key=key_in(upload), UploadId=upload.storage_id)

    assert browser.list(str(upload.pk)) == []
    claimed = send(browser, upload, content, tmp_path)
    assert browser.complete(str(upload.pk), claimed).status_code == 200
    reconcile.run("uploads.take_in", now)
    require_taken(upload, content, peer)


def test_a_worker_killed_after_the_bucket_put_it_together_is_run_again(
    peer: Peer,
    browser: Browser,
    content: bytes,
    now: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = arrive(browser, content, tmp_path)

    def killed(*args: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(taking_in, "_record", killed)
        with pytest.raises(SystemExit):
            reconcile.run("uploads.take_in", now)
    assert key_in(upload) in set(peer.keys())

    assert reconcile.run("uploads.take_in", now) == {"taken": 1, "refused": 0}
    # What it had stored already, no row refers to; a day later it is removed.
    reconcile.run("uploads.sweep", now + timedelta(days=2))
    require_taken(upload, content, peer)


def test_what_was_cancelled_given_up_or_is_unknown_leaves_the_bucket(
    peer: Peer, entry: Entry, browser: Browser, content: bytes, now: datetime, tmp_path: Path
) -> None:
    taken = arrive(browser, content, tmp_path)
    reconcile.run("uploads.take_in", now)
    evidence = require_taken(taken, content, peer)

    cancelled = begin(browser, content[:-1])
    assert curl(address(browser, cancelled, 1), pieces(content, cancelled)[0], tmp_path).status == 200
    services.abort_upload(upload_id=cancelled.pk, by=entry.candidacy.account, now=now)
    assert peer.begun() == []

    silent = begin(browser, content[:-2])
    unknown = f"{FOLDER}/{key_of(Upload().pk, now)}"
    peer.client.create_multipart_upload(Bucket=BUCKET, Key=unknown)
    peer.client.put_object(Bucket=BUCKET, Key=unknown, Body=b"whole")
    unreferred = storing.keep(tmp_path / "sent", now)
    assert set(peer.begun()) == {key_in(silent), unknown}
    assert set(peer.keys()) == {evidence.storage_key, unknown, unreferred}

    reconcile.run("uploads.sweep", now + timedelta(days=2))
    assert (peer.begun(), peer.keys()) == ([key_in(silent)], [evidence.storage_key])
    reconcile.run("uploads.sweep", now + timedelta(days=8))
    assert (peer.begun(), peer.keys()) == ([], [evidence.storage_key])
    silent.refresh_from_db()
    assert silent.state == UploadState.EXPIRED


@pytest.mark.parametrize("peer", ["rclone"], indirect=True)
@pytest.mark.parametrize("put", [curl, urllib_])
def test_an_address_is_good_for_one_part_of_its_length_and_some_time_and_only_as_it_was_signed(
    peer: Peer, put: Put, browser: Browser, content: bytes, tmp_path: Path
) -> None:
    body = content[:1000]
    upload = begin(browser, body)
    right = address(browser, upload, 1)
    other = right.replace("partNumber=1", "partNumber=2")
    forged = right[:-1] + ("0" if right[-1] != "0" else "1")
    longer = right.replace("X-Amz-Expires=900", "X-Amz-Expires=9000")
    elsewhere = right.replace(str(upload.pk), str(Upload().pk))
    short = parts.store().link(upload, 1, 1)
    assert short is not None

    for changed in (other, forged, longer, elsewhere):
        assert changed != right
        answer = put(changed, body, tmp_path)
        assert (answer.status, "SignatureDoesNotMatch" in answer.body) == (403, True)
    for another_length in (content[:999], content[:1001]):
        answer = put(right, another_length, tmp_path)
        assert (answer.status, "SignatureDoesNotMatch" in answer.body) == (403, True)
    time.sleep(2.1)
    late = put(short, body, tmp_path)
    assert (late.status, "AccessDenied" in late.body) == (400, True)
    assert browser.list(str(upload.pk)) == []


@pytest.mark.parametrize("peer", ["rclone"], indirect=True)
def test_a_bucket_that_is_down_loses_nothing(
    peer: Peer, browser: Browser, content: bytes, now: datetime, tmp_path: Path, settings: Any
) -> None:
    upload = arrive(browser, content, tmp_path)
    there = settings.STORAGES
    nowhere = {**peer.storage["OPTIONS"], "endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = {**there, "identity": {**peer.storage, "OPTIONS": nowhere}}
    assert reconcile.run("uploads.take_in", now) == {"taken": 0, "refused": 0}
    settings.STORAGES = there
    assert reconcile.run("uploads.take_in", now) == {"taken": 1, "refused": 0}
    require_taken(upload, content, peer)


def test_the_site_asks_no_more_than_it_may(peer: Peer, entry: Entry, now: datetime) -> None:
    upload = an_upload(entry, now, size=1000)
    with pytest.raises(BadPart):
        services.address_of_part(upload_id=upload.pk, number=2, by=entry.candidacy.account, now=now)
