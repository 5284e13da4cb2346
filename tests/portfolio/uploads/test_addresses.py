"""The addresses a browser sends parts to: what they take, and what they refuse."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from candidates.models import Candidacy
from certification.kernel import clock
from certification.kernel.errors import NotAllowed, WindowClosed
from portfolio import services
from portfolio.models import Entry, Slot, Upload, UploadPart
from portfolio.states import UploadState
from portfolio.uploads import signing
from portfolio.uploads.parts import Promised
from portfolio.uploads.rules import LEAST_PART_BYTES
from tests.factories import portfolio as make
from tests.factories.uploads import ABSENT, Browser, an_upload, file_of, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(draft: Entry) -> Browser:
    return Browser(draft)


@pytest.fixture
def content() -> bytes:
    return file_of(2)


@pytest.fixture
def made(browser: Browser, content: bytes) -> dict[str, Any]:
    return browser.create("written.pdf", len(content))


def part_of(content: bytes, number: int) -> bytes:
    return content[(number - 1) * LEAST_PART_BYTES : number * LEAST_PART_BYTES]


def send_both(browser: Browser, key: str, content: bytes) -> list[tuple[int, str]]:
    for number in (1, 2):
        assert browser.put(key, number, part_of(content, number)).status_code == 200
    return browser.list(key)


def code_of(answer: Any) -> str:
    assert answer["Content-Type"] == "application/xml"
    return answer.content.decode().partition("<Code>")[2].partition("</Code>")[0]


def test_a_file_is_sent_in_parts_and_completed(browser: Browser, made: Any, content: bytes) -> None:
    begun = browser.go(made)
    sent = [browser.put(made["key"], number, part_of(content, number)) for number in (1, 2)]
    listed = browser.list(made["key"])
    done = browser.complete(made["key"], listed)

    assert f"<UploadId>{made['uploadId']}</UploadId>" in begun.content.decode()
    assert [(number, sent[number - 1]["ETag"].strip('"')) for number in (1, 2)] == listed
    assert done.status_code == 200
    assert done["Content-Type"] == "application/xml"
    assert "<Location>http://testserver/" in done.content.decode()
    assert Upload.objects.get().state == UploadState.COMPLETING
    assert browser.client.get(made["stateUrl"]).json()["state"] == "completing"


def test_the_same_file_on_another_device_goes_on(
    browser: Browser, draft: Entry, made: Any, content: bytes
) -> None:
    browser.put(made["key"], 1, part_of(content, 1))
    other = Browser(draft)

    again = other.create("written.pdf", len(content))

    assert (again["key"], again["partSize"]) == (made["key"], made["partSize"])
    assert [number for number, _ in other.list(again["key"])] == [1]
    assert other.client.get(again["stateUrl"]).json()["bytes"] == LEAST_PART_BYTES


def test_another_size_name_or_slot_is_another_upload(
    browser: Browser, draft: Entry, made: Any, content: bytes
) -> None:
    keys = {
        made["key"],
        browser.create("written.pdf", len(content) + 1)["key"],
        browser.create("other.pdf", len(content))["key"],
        Browser(draft, "notes").create("written.pdf", 100)["key"],
    }
    assert len(keys) == 4


def test_a_part_sent_again_replaces_the_first(browser: Browser, made: Any, content: bytes) -> None:
    browser.put(made["key"], 1, b"?" * LEAST_PART_BYTES)
    browser.put(made["key"], 1, part_of(content, 1))
    browser.put(made["key"], 1, part_of(content, 1))

    assert UploadPart.objects.get().etag == hashlib.sha256(part_of(content, 1)).hexdigest()


def test_parts_may_come_in_any_order(browser: Browser, made: Any, content: bytes) -> None:
    for number in (2, 1):
        browser.put(made["key"], number, part_of(content, number))
    assert browser.complete(made["key"], browser.list(made["key"])).status_code == 200


def test_completed_twice_is_completed_once(browser: Browser, made: Any, content: bytes) -> None:
    claimed = send_both(browser, made["key"], content)
    first, second = browser.complete(made["key"], claimed), browser.complete(made["key"], claimed)
    assert (first.status_code, first.content) == (second.status_code, second.content)


def test_cancelled_twice_is_cancelled_once(browser: Browser, made: Any, content: bytes) -> None:
    browser.put(made["key"], 1, part_of(content, 1))
    signed = browser.sign(operation="abort", key=made["key"]).json()

    assert [browser.go(signed).status_code for _ in range(2)] == [204, 204]
    assert Upload.objects.get().state == UploadState.ABORTED
    assert not UploadPart.objects.exists()
    assert browser.sign(operation="part", key=made["key"], partNumber=1).status_code == 409


def test_the_token_of_the_page_is_asked_for(draft: Entry) -> None:
    """Only the signed address of a part does without."""
    upload = an_upload(draft, clock.now(), size=1000)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(draft.candidacy.account)
    url = reverse("portfolio:multipart", args=[upload.pk])

    assert strict.delete(url).status_code == 403
    assert strict.post(reverse("portfolio:sign_upload", args=[draft.pk, "written"])).status_code == 403
    upload.refresh_from_db()
    assert upload.state == UploadState.OPEN


@pytest.mark.parametrize("operation", ["list", "part", "complete", "abort"])
def test_an_upload_of_somebody_else_is_not_there(
    candidacy: Candidacy, now: datetime, draft: Entry, operation: str
) -> None:
    other = make.a_draft(make.a_candidate(candidacy.cohort), now)
    theirs, mine = an_upload(other, now, size=1000), Browser(draft)

    given = mine.sign(operation=operation, key=str(theirs.pk), partNumber=1)
    control = mine.sign(operation=operation, key=str(ABSENT), partNumber=1)

    assert given.status_code == 404
    assert told(given) == told(control)


@pytest.mark.parametrize(("method", "query"), [("GET", ""), ("POST", "uploadId"), ("DELETE", "uploadId")])
def test_somebody_elses_upload_answers_like_none(
    candidacy: Candidacy, now: datetime, draft: Entry, method: str, query: str
) -> None:
    other = make.a_draft(make.a_candidate(candidacy.cohort), now)
    mine = Browser(draft).client
    body = b"<CompleteMultipartUpload/>"

    def ask(key: UUID) -> Any:
        url = reverse("portfolio:multipart", args=[key]) + (f"?{query}={key}" if query else "")
        return mine.generic(method, url, body)

    given, control = ask(an_upload(other, now, size=1000).pk), ask(ABSENT)
    assert given.status_code == 404
    assert told(given) == told(control)


def test_an_entry_or_slot_that_is_not_ones_own_is_not_there(
    candidacy: Candidacy, now: datetime, draft: Entry
) -> None:
    other = make.a_draft(make.a_candidate(candidacy.cohort), now)
    browser = Browser(draft)
    asked = {"operation": "create", "name": "a.pdf", "size": 10}
    answers = []
    for entry_id, slot in ((other.pk, "written"), (ABSENT, "written"), (draft.pk, "nothing")):
        browser.sign_url = reverse("portfolio:sign_upload", args=[entry_id, slot])
        answers.append(browser.sign(**asked))

    assert {answer.status_code for answer in answers} == {404}
    assert len({told(answer) for answer in answers}) == 1


def address(browser: Browser, key: str, number: int = 1) -> str:
    return str(browser.sign(operation="part", key=key, partNumber=number).json()["url"])


def test_the_address_of_a_part_needs_no_session(browser: Browser, made: Any, content: bytes) -> None:
    answer = Client(enforce_csrf_checks=True).put(address(browser, made["key"]), part_of(content, 1))
    assert answer.status_code == 200


def test_an_address_is_good_for_a_quarter_of_an_hour(
    browser: Browser, made: Any, content: bytes, now: datetime
) -> None:
    url = address(browser, made["key"])
    with clock.fixed(now + timedelta(minutes=15)):
        late = browser.client.put(url, part_of(content, 1))
    with clock.fixed(now + timedelta(minutes=14, seconds=59)):
        in_time = browser.client.put(url, part_of(content, 1))

    assert (late.status_code, code_of(late)) == (403, "AccessDenied")
    assert in_time.status_code == 200


@pytest.mark.parametrize("change", ["none", "forged", "other part", "other upload", "other owner", "longer"])
def test_a_signature_opens_one_part_of_one_upload_of_one_person(
    browser: Browser,
    draft: Entry,
    made: Any,
    content: bytes,
    now: datetime,
    candidacy: Candidacy,
    change: str,
) -> None:
    url = address(browser, made["key"])
    token = parse_qs(urlsplit(url).query)["signature"][0]
    owner, expires, signed = token.split(":")
    key, number = UUID(made["key"]), 1
    match change:
        case "none":
            token = ""
        case "forged":
            token = f"{owner}:{expires}:{signed[:-1]}{'A' if signed[-1] != 'A' else 'B'}"
        case "other part":
            number = 2
        case "other upload":
            key = an_upload(draft, now, size=len(content), name="b.pdf").pk
        case "other owner":
            token = f"{make.a_candidate(candidacy.cohort).account_id}:{expires}:{signed}"
        case "longer":
            token = f"{owner}:{int(expires) + 900}:{signed}"
    target = reverse("portfolio:upload_part", args=[key, number])

    answer = browser.client.put(f"{target}?signature={token}", part_of(content, number))

    assert (answer.status_code, code_of(answer)) == (403, "AccessDenied")
    assert not UploadPart.objects.exists()


def test_a_well_signed_address_of_somebody_elses_upload_opens_nothing(
    draft: Entry, made: Any, content: bytes, now: datetime, candidacy: Candidacy
) -> None:
    """Even should such a signature ever be given out."""
    key = UUID(made["key"])
    stranger = make.a_candidate(candidacy.cohort).account_id
    token = signing.signature(key, 1, stranger, now + timedelta(minutes=5))
    url = f"{reverse('portfolio:upload_part', args=[key, 1])}?signature={token}"
    assert Client().put(url, part_of(content, 1)).status_code == 404


def test_an_address_ends_with_its_account(browser: Browser, made: Any, content: bytes, draft: Entry) -> None:
    url = address(browser, made["key"])
    person = draft.candidacy.account
    person.is_active = False
    person.save(update_fields=["is_active"])
    assert Client().put(url, part_of(content, 1)).status_code == 404


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("Content-MD5", b64(b"0" * 16), "BadDigest"),
        ("x-amz-checksum-sha256", b64(b"0" * 32), "BadDigest"),
        ("Content-MD5", "not base64", "InvalidDigest"),
        ("x-amz-checksum-sha256", b64(b"0" * 16), "InvalidDigest"),
    ],
)
def test_a_part_that_changed_on_its_way_is_refused(
    browser: Browser, made: Any, content: bytes, header: str, value: str, code: str
) -> None:
    answer = browser.put(made["key"], 1, part_of(content, 1), **{header: value})
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert not UploadPart.objects.exists()


@pytest.mark.parametrize(
    ("length", "code"), [(10, "EntityTooSmall"), (LEAST_PART_BYTES + 1, "EntityTooLarge")]
)
def test_a_part_of_another_length_is_refused(browser: Browser, made: Any, length: int, code: str) -> None:
    answer = browser.put(made["key"], 1, b"x" * length)
    assert (answer.status_code, code_of(answer)) == (400, code)


def test_a_part_that_breaks_off_is_refused(browser: Browser, made: Any, content: bytes) -> None:
    broken: Any = {"CONTENT_LENGTH": str(LEAST_PART_BYTES), "wsgi.input": io.BytesIO(b"half")}
    answer = browser.client.generic("PUT", address(browser, made["key"]), b"half", **broken)
    assert (answer.status_code, code_of(answer)) == (400, "IncompleteBody")
    assert not UploadPart.objects.exists()


@pytest.mark.parametrize("number", [0, 3, 10_001])
def test_a_part_the_file_does_not_have_gets_no_address(browser: Browser, made: Any, number: int) -> None:
    answer = browser.sign(operation="part", key=made["key"], partNumber=number)
    assert answer.status_code == 400
    assert "parts 1 to 2" in answer.json()["problem"]


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("a.pdf", 0, "is empty (0 bytes)"),
        ("a.pdf", 1024**3 + 1, "yours is larger"),
        ("a.mp4", 100, "yours ends in .mp4"),
        ("noending", 100, "no ending"),
        ("a.pdf", "100", "must be a whole number"),
        ("a.pdf", True, "must be a whole number"),
        ("a.pdf", -1, "must be a whole number"),
        ("", 100, "must be a text"),
        ("a\0.pdf", 100, "must be a text"),
    ],
)
def test_what_cannot_become_evidence_is_refused_before_it_is_sent(
    browser: Browser, name: str, size: Any, said: str
) -> None:
    answer = browser.sign(operation="create", name=name, size=size)
    assert answer.status_code == 422
    assert said in answer.json()["problem"]
    assert not Upload.objects.exists()


def test_five_files_may_be_on_their_way(browser: Browser) -> None:
    keys = [browser.create(f"{number}.pdf", 1000)["key"] for number in range(5)]
    sixth = browser.sign(operation="create", name="6.pdf", size=1000)
    assert sixth.status_code == 409
    assert "cancel one" in sixth.json()["problem"]

    browser.go(browser.sign(operation="abort", key=keys[0]).json())
    assert browser.sign(operation="create", name="6.pdf", size=1000).status_code == 200


def test_a_full_slot_is_refused_before_anything_is_sent(draft: Entry, now: datetime) -> None:
    for note in ("one", "two"):
        make.add(draft, now, slot="notes", content=make.a_pdf(note=note))
    answer = Browser(draft, "notes").sign(operation="create", name="c.pdf", size=100)
    assert answer.status_code == 409
    assert "holds 2 files" in answer.json()["problem"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"operation": "own"}',
        b'{"operation": "list"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"operation": "create", "name": "a.pdf", "size": 10, "type": "\\u0000"}',
        b'{"operation": "create", "name": "a.pdf", "size": 10, "type": "\\ud800"}',
        b'{"operation": "create", "name": "\\ud800.pdf", "size": 10}',
        b'{"operation": "create", "name": "a.pdf", "size": 10, "type": {"a": 1}}',
        b'{"operation": "create", "name": "a.pdf", "size": 10, "type": "a\\nb: c"}',
    ],
    ids=lambda body: repr(body[:80]),
)
def test_a_question_that_makes_no_sense_is_refused(browser: Browser, body: bytes) -> None:
    answer = browser.client.post(browser.sign_url, body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["problem"].endswith(".")


@pytest.fixture
def closes(candidacy: Candidacy) -> datetime:
    return make.window_of(candidacy).closes


def test_nothing_is_begun_once_the_window_is_over(browser: Browser, closes: datetime) -> None:
    with clock.fixed(closes):
        late = browser.sign(operation="create", name="a.pdf", size=100)
    with clock.fixed(closes - timedelta(microseconds=1)):
        in_time = browser.sign(operation="create", name="a.pdf", size=100)
    assert (late.status_code, in_time.status_code) == (409, 200)


def test_no_part_is_taken_once_the_window_is_over(
    browser: Browser, made: Any, content: bytes, closes: datetime
) -> None:
    with clock.fixed(closes - timedelta(minutes=1)):
        url = address(browser, made["key"])
    with clock.fixed(closes):
        unsigned = browser.sign(operation="part", key=made["key"], partNumber=1)
        late = browser.client.put(url, part_of(content, 1))
    assert (unsigned.status_code, late.status_code) == (409, 409)
    assert not UploadPart.objects.exists()


def test_the_window_is_asked_when_a_slow_part_is_in(
    made: Any, content: bytes, draft: Entry, closes: datetime, folder: Path
) -> None:
    body = part_of(content, 1)
    with clock.fixed(closes), pytest.raises(WindowClosed):
        services.receive_part(
            upload_id=UUID(made["key"]),
            by=draft.candidacy.account,
            stream=io.BytesIO(body),
            promised=Promised(1, len(body)),
        )
    assert not UploadPart.objects.exists()
    # Bytes in a place that is not on record, which go with the upload.
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["whole"]


def test_nothing_is_completed_once_the_window_is_over(
    browser: Browser, made: Any, content: bytes, closes: datetime
) -> None:
    claimed = send_both(browser, made["key"], content)
    with clock.fixed(closes):
        late = browser.complete(made["key"], claimed)
    with clock.fixed(closes - timedelta(microseconds=1)):
        in_time = browser.complete(made["key"], claimed)
    assert (late.status_code, in_time.status_code) == (409, 200)
    assert "closed on" in late.content.decode()


def test_a_submitted_entry_takes_no_parts(candidacy: Candidacy, now: datetime) -> None:
    entry = make.a_complete_draft(candidacy, now)
    upload = an_upload(entry, now, size=1000)
    make.submit(entry, now)
    answer = Browser(entry).sign(operation="part", key=str(upload.pk), partNumber=1)
    assert answer.status_code == 409
    assert "Withdraw it first" in answer.json()["problem"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("missing", "InvalidPart"),
        ("wrong etag", "InvalidPart"),
        ("doubled", "InvalidPartOrder"),
        ("reordered", "InvalidPartOrder"),
    ],
)
def test_another_list_than_the_parts_that_arrived_is_refused(
    browser: Browser, made: Any, content: bytes, change: str, code: str
) -> None:
    claimed = send_both(browser, made["key"], content)
    lists = {
        "missing": claimed[:1],
        "wrong etag": [claimed[0], (2, "0" * 32)],
        "doubled": [claimed[0], *claimed],
        "reordered": claimed[::-1],
    }
    answer = browser.complete(made["key"], lists[change])
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert Upload.objects.get().state == UploadState.OPEN


def test_a_file_that_lacks_a_part_is_not_completed(browser: Browser, made: Any, content: bytes) -> None:
    browser.put(made["key"], 1, part_of(content, 1))
    answer = browser.complete(made["key"], browser.list(made["key"]))
    assert code_of(answer) == "InvalidPart"
    assert "have not arrived" in answer.content.decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
        b"<a><Part><PartNumber>x</PartNumber><ETag>y</ETag></Part></a>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;',
    ],
)
def test_a_list_that_is_no_list_is_refused(browser: Browser, made: Any, body: bytes) -> None:
    answer = browser.go(browser.sign(operation="complete", key=made["key"]).json(), body)
    assert (answer.status_code, code_of(answer)) == (400, "MalformedXML")


def test_more_than_the_entry_can_hold_is_not_begun(draft: Entry, now: datetime) -> None:
    room = sum(slot.max_bytes * slot.max_files for slot in Slot.objects.filter(template=draft.template))
    most = Slot.objects.get(template=draft.template, key="written").max_bytes
    assert most < room < 2 * most
    first = an_upload(draft, now, size=most, name="first.pdf")

    with pytest.raises(NotAllowed, match="all its files together take"):
        an_upload(draft, now, size=most, name="second.pdf")
    services.abort_upload(upload_id=first.pk, by=draft.candidacy.account, now=now)
    an_upload(draft, now, size=most, name="second.pdf")


def test_an_entry_is_not_filled_again_and_again_within_a_day(draft: Entry, now: datetime) -> None:
    """Each of them was taken, and replaced the one before it, which is kept for a day."""
    most = Slot.objects.get(template=draft.template, key="written").max_bytes
    for number in range(3):
        upload = an_upload(draft, now, size=most, name=f"{number}.pdf")
        Upload.objects.filter(pk=upload.pk).update(state=UploadState.COMPLETING, completed_at=now)
        Upload.objects.filter(pk=upload.pk).update(state=UploadState.REFUSED, ended_at=now, problem="No.")

    with pytest.raises(NotAllowed, match="Go on tomorrow"):
        an_upload(draft, now, size=most, name="fourth.pdf")
    with clock.fixed(now + timedelta(days=1)):
        an_upload(draft, now + timedelta(days=1), size=most, name="fourth.pdf")


# session, account, the upload twice, and the window in two
QUERIES_TO_SIGN = 6
# session, account, the upload; whether its place is free: the upload's row, and the part on record; then in
# one transaction: its locks in three, the window in two, the part on record, and the part put there.  Two
# transactions, one of them rolled back.
QUERIES_TO_TAKE = 12 + 2 + 3


def test_a_part_asks_the_database_as_little_as_it_can(
    browser: Browser, made: Any, content: bytes, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(QUERIES_TO_SIGN):
        signed = browser.sign(operation="part", key=made["key"], partNumber=1).json()
    with django_assert_num_queries(QUERIES_TO_TAKE):
        assert browser.go(signed, part_of(content, 1)).status_code == 200


@pytest.mark.parametrize("problem", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_said_to_be_full_and_leaves_nothing(
    browser: Browser,
    made: Any,
    content: bytes,
    folder: Path,
    problem: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(*args: object) -> int:
        raise OSError(problem, "No room")

    with monkeypatch.context() as patch:
        patch.setattr("portfolio.uploads.parts.os.write", no_room)
        answer = browser.put(made["key"], 1, part_of(content, 1))
    assert (answer.status_code, code_of(answer)) == (503, "SlowDown")
    assert b"No room" not in answer.content
    assert [path.stat().st_size for path in folder.rglob("*") if path.is_file()] == [0]
    assert browser.put(made["key"], 1, part_of(content, 1)).status_code == 200


def test_a_line_that_went_silent_holds_no_thread_for_ever(
    browser: Browser, made: Any, content: bytes
) -> None:
    """The web server has no such limit for what a request is still sending."""

    class Line:
        patience: float | None = None

        def settimeout(self, seconds: float) -> None:
            self.patience = seconds

    line = Line()
    signed = browser.sign(operation="part", key=made["key"], partNumber=1).json()
    browser.client.defaults["gunicorn.socket"] = line  # type: ignore[assignment]
    assert browser.go(signed, part_of(content, 1)).status_code == 200
    assert line.patience == 90


def test_another_trouble_of_the_disk_is_no_full_disk(
    browser: Browser, made: Any, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> int:
        raise OSError(errno.EIO, "Broken")

    monkeypatch.setattr("portfolio.uploads.parts.os.write", broken)
    with pytest.raises(OSError, match="Broken"):
        browser.put(made["key"], 1, part_of(content, 1))
