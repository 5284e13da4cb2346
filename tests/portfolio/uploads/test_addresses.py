"""The addresses a browser sends parts to: what they take, and what they refuse."""

from __future__ import annotations

from datetime import datetime

import pytest

from portfolio.models import Entry, Upload
from portfolio.states import UploadState
from tests.factories.uploads import Browser, file_of

pytestmark = pytest.mark.django_db


def test_a_file_is_sent_in_parts_and_completed(draft: Entry, now: datetime) -> None:
    content = file_of(2)
    browser = Browser(draft)

    made = browser.create("written.pdf", len(content))
    begun = browser.go(made)
    sent = [
        browser.put(made["key"], 1, content[: made["partSize"]]),
        browser.put(made["key"], 2, content[made["partSize"] :]),
    ]
    done = browser.complete(made["key"], browser.list(made["key"]))

    assert f"<UploadId>{made['uploadId']}</UploadId>" in begun.content.decode()
    assert [answer.status_code for answer in sent] == [200, 200]
    assert [(n, sent[n - 1]["ETag"].strip('"')) for n in (1, 2)] == browser.list(made["key"])
    assert done.status_code == 200, done.content
    assert done["Content-Type"] == "application/xml"
    assert "<Location>http://testserver/" in done.content.decode()
    assert Upload.objects.get().state == UploadState.COMPLETING
    assert browser.client.get(made["stateUrl"]).json()["state"] == "completing"
