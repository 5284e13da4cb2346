"""What becomes of files that have arrived whole, and what the sweep gives up and frees."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.test import TestCase

from candidates.models import Candidacy
from certification.kernel import bounded, clock, locks, reconcile
from certification.kernel.errors import Incomplete
from portfolio import sealing, services
from portfolio.models import Entry, Evidence, Slot, Upload
from portfolio.services import taking_in
from portfolio.states import EntryState, UploadState
from portfolio.uploads import parts, storing
from tests.factories import portfolio as make
from tests.factories.uploads import a_completed_upload, an_upload, complete, file_of, send_all, send_part

pytestmark = pytest.mark.django_db


def take_in(now: datetime) -> dict[str, int]:
    with TestCase.captureOnCommitCallbacks(execute=True):
        counts = reconcile.run("uploads.take_in", now)
    assert counts is not None
    return counts


def sweep(now: datetime) -> dict[str, int]:
    with TestCase.captureOnCommitCallbacks(execute=True):
        counts = reconcile.run("uploads.sweep", now)
    assert counts is not None
    return counts


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def stored() -> set[str]:
    folder = storing.FOLDER
    return {key for day in storing._days(folder) for key in storing._keys(folder, day)}


def test_a_file_that_arrived_becomes_evidence_as_of_when_it_was_complete(
    draft: Entry, now: datetime, folder: Path
) -> None:
    content = make.a_pdf(3)
    upload = a_completed_upload(draft, content, now)

    assert take_in(now + timedelta(minutes=3)) == {"taken": 1, "refused": 0}

    upload.refresh_from_db()
    evidence = Evidence.objects.get()
    assert (upload.state, upload.evidence) == (UploadState.TAKEN, evidence)
    assert upload.sha256 == evidence.sha256 == hashlib.sha256(content).hexdigest()
    assert (evidence.pages, evidence.uploaded_at) == (3, now)
    with storing.originals().open(evidence.storage_key) as kept:
        assert kept.read() == content
    assert files(folder) == []
    assert take_in(now + timedelta(minutes=4)) == {"taken": 0, "refused": 0}


def test_a_file_in_several_parts_is_the_same_file(draft: Entry, now: datetime) -> None:
    """Padding behind a PDF is still that PDF, and makes it large."""
    content = make.a_pdf() + b"\n" * (9 * 1024 * 1024) + make.a_pdf()
    upload = a_completed_upload(draft, content, now)
    assert upload.parts.count() == 2

    take_in(now)

    assert Evidence.objects.get().sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "said"),
    [(file_of(1), "not a document or video"), (make.a_pdf(60), "yours has 60"), (b"MZ", "a Windows program")],
)
def test_what_cannot_be_evidence_is_refused_with_the_reason(
    draft: Entry, now: datetime, folder: Path, content: bytes, said: str
) -> None:
    from portfolio.models import Slot

    Slot.objects.filter(key="written").update(max_pages=50)
    upload = a_completed_upload(draft, content, now)

    assert take_in(now) == {"taken": 0, "refused": 1}

    upload.refresh_from_db()
    assert upload.state == UploadState.REFUSED
    assert said in upload.problem
    assert not Evidence.objects.exists()
    assert (files(folder), stored()) == ([], set())
    assert take_in(now) == {"taken": 0, "refused": 0}


def test_a_part_that_went_bad_on_disk_is_refused_and_not_believed(
    draft: Entry, now: datetime, folder: Path
) -> None:
    upload = a_completed_upload(draft, make.a_pdf(), now)
    (part,) = files(folder)
    part.write_bytes(part.read_bytes()[:-1] + b"?")

    assert take_in(now) == {"taken": 0, "refused": 1}
    upload.refresh_from_db()
    assert "did not stay whole" in upload.problem


def test_one_file_that_cannot_be_looked_at_holds_up_no_other(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = a_completed_upload(draft, make.a_pdf(note="stuck"), now)
    a_completed_upload(draft, make.a_pdf(note="fine"), now + timedelta(seconds=1), slot="notes")
    inspected = taking_in.receiving.inspected

    def fail_once(path: Path, name: str, slot: Any, sha256: str) -> Any:
        if slot.key == "written":
            raise OSError("the disk is full")
        return inspected(path, name, slot, sha256)

    with monkeypatch.context() as patched:
        patched.setattr(taking_in.receiving, "inspected", fail_once)
        assert take_in(now) == {"taken": 1, "refused": 0}
    stuck.refresh_from_db()
    assert stuck.state == UploadState.COMPLETING

    assert take_in(now) == {"taken": 1, "refused": 0}


def test_a_connection_lost_after_the_commit_costs_no_byte(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell a commit that failed from one whose answer was lost."""
    a_completed_upload(draft, make.a_pdf(), now)
    record = taking_in._record

    def lose_the_answer(*args: Any) -> None:
        record(*args)
        raise OperationalError("the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(taking_in, "_record", lose_the_answer)
        assert take_in(now) == {"taken": 0, "refused": 0}
    assert stored() == {Evidence.objects.get().storage_key}
    assert take_in(now) == {"taken": 0, "refused": 0}


def test_documents_are_looked_at_before_videos(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_completed_upload(draft, make.a_pdf(note="first"), now, slot="notes")
    a_completed_upload(draft, make.a_pdf(), now + timedelta(seconds=1))
    Slot.objects.filter(key="notes").update(kind="video")
    order: list[str] = []
    monkeypatch.setattr(taking_in, "_tried", lambda upload, now: order.append(upload.slot.key))
    take_in(now)
    assert order == ["written", "notes"]


@contextmanager
def held_elsewhere(name: str) -> Iterator[None]:
    """Another process holds the advisory lock."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with locks.try_advisory(name):
                taken.set()
                done.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(20)
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_file_in_another_workers_hand_is_left_to_it(draft: Entry, now: datetime) -> None:
    upload = a_completed_upload(draft, make.a_pdf(), now)
    with held_elsewhere(f"uploads.take_in:{upload.pk}"):
        assert take_in(now) == {"taken": 0, "refused": 0}
    assert take_in(now) == {"taken": 1, "refused": 0}


def test_one_large_file_is_taken_in_at_a_time(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_completed_upload(draft, make.a_pdf(), now)
    with held_elsewhere("uploads.take_in:large"):
        with monkeypatch.context() as patched:
            patched.setattr(taking_in, "_LARGE_BYTES", 10)
            assert take_in(now) == {"taken": 0, "refused": 0}
        assert take_in(now) == {"taken": 1, "refused": 0}


def test_a_file_that_makes_its_reader_fail_three_times_is_refused(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = a_completed_upload(draft, make.a_pdf(), now)

    def fail(*args: Any) -> None:
        raise bounded.Failed("a mistake of ours")

    monkeypatch.setattr(taking_in.receiving, "inspected", fail)
    assert [take_in(now)["refused"] for _ in range(4)] == [0, 0, 1, 0]
    upload.refresh_from_db()
    assert (upload.state, upload.failures) == (UploadState.REFUSED, 3)
    assert "another program" in upload.problem


def test_the_workers_own_time_limit_is_not_the_files_fault(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_completed_upload(draft, make.a_pdf(), now)

    def be_late(*args: Any) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(taking_in.receiving, "inspected", be_late)
    with pytest.raises(SoftTimeLimitExceeded):
        take_in(now)
    assert Upload.objects.get().state == UploadState.COMPLETING


class Killed(BaseException):
    """A process that is no more."""


@pytest.mark.parametrize("when", ["after assembling", "after keeping", "after recording"])
def test_a_worker_killed_half_way_is_run_again_and_takes_the_file_once(
    draft: Entry, now: datetime, folder: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    content = make.a_pdf()
    upload = a_completed_upload(draft, content, now)

    def die(*args: object, **names: object) -> None:
        raise Killed

    victim, name = {
        "after assembling": (taking_in.receiving, "inspected"),
        "after keeping": (taking_in, "record_evidence"),
        "after recording": (taking_in, "end"),
    }[when]
    with monkeypatch.context() as patched:
        patched.setattr(victim, name, die)
        patched.setattr(storing, "discard", lambda key: None)  # a killed process tidies nothing up
        with pytest.raises(Killed):
            take_in(now)
    assert (Upload.objects.get().state, Evidence.objects.count()) == (UploadState.COMPLETING, 0)

    assert take_in(now) == {"taken": 1, "refused": 0}
    assert take_in(now) == {"taken": 0, "refused": 0}

    upload.refresh_from_db()
    assert Evidence.objects.get() == upload.evidence
    sweep(now + timedelta(days=3))
    assert stored() == {Evidence.objects.get().storage_key}
    assert files(folder) == []


def test_a_worker_that_finds_it_done_keeps_nothing(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = a_completed_upload(draft, make.a_pdf(), now)
    keep = storing.keep

    def while_another_decides(path: Path, at: datetime) -> str:
        taking_in._refuse(upload.pk, draft.candidacy.account, "Another worker was quicker.", at)
        return keep(path, at)

    monkeypatch.setattr(storing, "keep", while_another_decides)
    assert take_in(now) == {"taken": 0, "refused": 0}
    assert not Evidence.objects.exists()
    assert stored() == set()


def test_the_same_file_again_is_the_evidence_that_is_there(draft: Entry, now: datetime) -> None:
    for _ in range(2):
        a_completed_upload(draft, make.a_pdf(), now)
        take_in(now)
    assert Evidence.objects.count() == 1
    assert stored() == {Evidence.objects.get().storage_key}
    assert Upload.objects.filter(state=UploadState.TAKEN).count() == 2


def test_complete_in_time_counts_however_late_it_is_checked(
    draft: Entry, now: datetime, candidacy: Candidacy
) -> None:
    closes = make.window_of(candidacy).closes
    last = closes - timedelta(seconds=1)
    with clock.fixed(last):
        a_completed_upload(draft, make.a_pdf(), last)
    # Laid aside, it would be opened again after the close by the file that counts.
    assert sealing.seal_due(closes) == {"sealed": 0, "unused": 0, "waiting": 1}

    assert take_in(closes + timedelta(hours=1)) == {"taken": 1, "refused": 0}
    assert sealing.seal_due(closes + timedelta(hours=1)) == {"sealed": 0, "unused": 1, "waiting": 0}

    assert Evidence.objects.get().uploaded_at == last
    draft.refresh_from_db()
    assert draft.state == EntryState.UNUSED


def test_an_entry_waits_for_the_files_that_have_arrived(draft: Entry, now: datetime) -> None:
    make.add(draft, now)
    a_completed_upload(draft, make.a_pdf(note="new"), now)

    with pytest.raises(Incomplete) as refused:
        make.submit(draft, now)
    assert "“written.pdf” is still being checked. Wait a moment." in refused.value.details
    take_in(now)

    receipt = make.submit(draft, now)
    assert [piece["sha256"] for piece in receipt.manifest] == [Upload.objects.get().sha256]


def test_a_file_that_is_still_being_sent_does_not_hold_up_submitting(draft: Entry, now: datetime) -> None:
    make.add(draft, now)
    an_upload(draft, now, size=1000)
    make.submit(draft, now)


def test_an_upload_without_a_new_part_for_a_week_is_given_up(
    draft: Entry, now: datetime, folder: Path
) -> None:
    content = file_of(2)
    upload = an_upload(draft, now, size=len(content))
    later = now + timedelta(days=5)
    with clock.fixed(later):
        send_part(upload, 1, content[: upload.part_bytes], later)

    assert sweep(later + timedelta(days=6, hours=23))["expired"] == 0
    assert len(files(folder)) == 1
    assert sweep(later + timedelta(days=7))["expired"] == 1

    upload.refresh_from_db()
    assert upload.state == UploadState.EXPIRED
    assert files(folder) == []
    assert sweep(later + timedelta(days=7))["expired"] == 0


def test_an_upload_of_which_nothing_came_is_given_up_too(draft: Entry, now: datetime) -> None:
    an_upload(draft, now, size=1000)
    assert sweep(now + timedelta(days=7))["expired"] == 1


@contextmanager
def no_tidying() -> Iterator[None]:
    """The process ends before its parts are removed: what waits for the commit never happens."""
    with TestCase.captureOnCommitCallbacks(execute=False):
        yield


def test_the_sweep_frees_what_ended_uploads_left_and_spares_what_is_under_way(
    draft: Entry, now: datetime, folder: Path
) -> None:
    content = file_of(1)
    kept = an_upload(draft, now, size=len(content), name="kept.pdf")
    gone = an_upload(draft, now, size=len(content), name="gone.pdf")
    checked = an_upload(draft, now, size=len(content), name="checked.pdf")
    for upload in (kept, gone):
        send_part(upload, 1, content, now)
    complete(checked, send_all(checked, content, now), now)
    with no_tidying():
        services.abort_upload(upload_id=gone.pk, by=draft.candidacy.account, now=now)
    assert len(files(folder)) == 3

    assert sweep(now + timedelta(hours=20))["freed"] == 0
    assert sweep(now + timedelta(days=2))["freed"] == 1
    assert {path.parent.name for path in files(folder)} == {str(kept.pk), str(checked.pk)}


def test_the_sweep_removes_what_nobody_ever_heard_of_after_a_day(now: datetime, folder: Path) -> None:
    orphan = folder / parts.key_of(Upload().pk, now)
    orphan.mkdir(parents=True)
    (orphan / "1-abc").write_bytes(b"x")

    assert sweep(now + timedelta(hours=1))["freed"] == 0
    assert sweep(now + timedelta(days=2))["freed"] == 1
    assert files(folder) == []
