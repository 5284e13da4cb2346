"""Two tabs at once: a file is begun once, completed once, and no part on record is lost."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier, Event
from time import sleep
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from certification.kernel import clock
from certification.kernel.errors import Refusal
from portfolio.models import Entry, Evidence, Upload
from portfolio.services import taking_in, uploading
from portfolio.states import UploadState
from portfolio.uploads import parts
from portfolio.uploads.parts import LocalParts, Promised
from portfolio.uploads.rules import BadPart
from portfolio.uploads.storing import originals
from tests.factories import portfolio as make
from tests.factories.uploads import an_upload, complete, send_all, send_part

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(now: datetime, *tabs: Callable[[], Any]) -> list[Any]:
    """What each came to, a refusal included."""

    def run(tab: Callable[[], Any]) -> Any:
        try:
            with clock.fixed(now):
                return tab()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tabs)) as pool:
        return list(pool.map(run, tabs))


def test_two_tabs_begin_the_same_file_once(draft: Entry, now: datetime) -> None:
    both_saw_none = Barrier(2, timeout=30)
    insert = uploading._insert

    def together(*args: Any) -> Upload:
        both_saw_none.wait()
        return insert(*args)

    with patch.object(uploading, "_insert", together):
        first, second = at_once(now, *[lambda: an_upload(draft, now, size=1000)] * 2)

    assert first.pk == second.pk
    assert Upload.objects.count() == 1


def test_two_tabs_complete_the_same_file_once(draft: Entry, now: datetime) -> None:
    content = make.a_pdf()
    upload = an_upload(draft, now, size=len(content))
    claimed = send_all(upload, content, now)
    both_ready = Barrier(2, timeout=30)
    learn = uploading.learn_parts

    def together(*args: Any) -> None:
        both_ready.wait()
        learn(*args)

    with patch.object(uploading, "learn_parts", together):
        done = at_once(now, *[lambda: complete(upload, claimed, now)] * 2)

    assert [one.state for one in done] == [UploadState.COMPLETING] * 2
    assert taking_in.take_in_due(now) == {"taken": 1, "refused": 0}
    assert Evidence.objects.count() == 1


def test_a_part_that_comes_three_times_at_once_is_whole_or_sent_again(draft: Entry, now: datetime) -> None:
    """A, then B for it, then A anew while B throws the first A away; all beside another in their place."""
    upload = an_upload(draft, now, size=4)
    send_part(upload, 1, b"0000", now)
    send_part(upload, 1, b"aaaa", now)
    again_written, thrown_away = Barrier(2, timeout=30), Barrier(2, timeout=30)
    record, forget = uploading._record_part, uploading._forget

    def record_late(store: LocalParts, upload_id: Any, part: Any, *args: Any) -> Any:
        if part.etag == first.etag:
            again_written.wait()
            thrown_away.wait()
        return record(store, upload_id, part, *args)

    def forget_between(*args: Any) -> None:
        if args[2].etag == first.etag and not thrown_away.broken and again_written.n_waiting:
            again_written.wait()
            forget(*args)
            thrown_away.wait()
        else:
            forget(*args)

    first = uploading.recorded_parts(upload)[0]
    with (
        patch.object(uploading, "_record_part", record_late),
        patch.object(uploading, "_forget", forget_between),
    ):
        tabs = [lambda: send_part(upload, 1, b"aaaa", now), lambda: _once_waiting(again_written, upload, now)]
        outcomes = at_once(now, *tabs)

    assert any(isinstance(outcome, BadPart) for outcome in outcomes)
    store = parts.store()
    assert isinstance(store, LocalParts)
    (on_record,) = uploading.recorded_parts(upload)
    assert store.holds(upload, on_record)


def test_a_place_is_not_free_while_the_database_still_puts_its_part_on_record(
    draft: Entry, now: datetime
) -> None:
    """Who sent it was killed, so its lock on the place is gone already."""
    upload = an_upload(draft, now, size=4)
    store = parts.store()
    assert isinstance(store, LocalParts)
    is_committing = Event()

    def killed_while_it_commits() -> None:
        with transaction.atomic():
            Upload.objects.select_for_update().get(pk=upload.pk)
            upload.parts.create(number=1, bytes=4, etag="a digest", is_apart=False, received_at=now)
            is_committing.set()
            sleep(0.5)

    def another() -> bool:
        assert is_committing.wait(30)
        with store.receiving(upload, io.BytesIO(b"bbbb"), Promised(1, 4)) as part:
            return part.is_apart

    _, is_apart = at_once(now, killed_while_it_commits, another)
    assert is_apart


class Stalled:
    """A line on which the second half of a part comes when it is told to."""

    def __init__(self, content: bytes) -> None:
        half = len(content) // 2
        self._pieces = [content[:half], content[half:]]
        self.is_halfway, self.may_go_on = Event(), Event()

    def read(self, size: int, /) -> bytes:
        if len(self._pieces) == 1:
            self.is_halfway.set()
            assert self.may_go_on.wait(30)
        return self._pieces.pop(0) if self._pieces else b""


def test_a_stalled_sender_cannot_write_into_what_became_evidence_meanwhile(
    draft: Entry, now: datetime
) -> None:
    """Its part came again from another tab, and the file was completed, checked and kept."""
    content = make.a_pdf()
    upload = an_upload(draft, now, size=len(content))
    line = Stalled(b"x" * len(content))
    owner = draft.candidacy.account

    def stalled() -> Any:
        promised = Promised(1, len(content))
        return uploading.receive_part(upload_id=upload.pk, by=owner, stream=line, promised=promised)

    def another_tab() -> bytes:
        assert line.is_halfway.wait(30)
        complete(upload, send_all(upload, content, now), now)
        assert taking_in.take_in_due(now) == {"taken": 1, "refused": 0}
        line.may_go_on.set()
        return content

    refused, _ = at_once(now, stalled, another_tab)

    assert isinstance(refused, Refusal)
    with originals().open(Evidence.objects.get().storage_key) as kept:
        assert kept.read() == content


def _once_waiting(barrier: Barrier, upload: Upload, now: datetime) -> Any:
    while not barrier.n_waiting:
        sleep(0.01)
    return send_part(upload, 1, b"bbbb", now)
