"""A piece of evidence on its way from received to ready, whatever happens to its worker on the way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.files.storage import FileSystemStorage

from certification.kernel import bounded, reconcile
from certification.kernel.models import AuditEvent, OutboxMessage
from portfolio import services as portfolio_services
from portfolio.blinding.cleaning import leaks_in
from portfolio.blinding.identifiers import search_terms
from portfolio.models import Entry, Preparation, UnclaimedRendition
from portfolio.renditions import locks, making, moves, preparing, selectors, services, stores
from portfolio.states import EntryState, PreparationState, Scan
from portfolio.uploads import scanning
from portfolio.uploads.scanning import ScannerSilent, ScanResult
from tests.factories import blinding as made
from tests.factories import portfolio
from tests.factories import renditions as factory
from tests.kernel.test_reconcile import in_another_connection

pytestmark = pytest.mark.django_db

NOTHING = {"ready": 0, "unscannable": 0, "rejected": 0, "failed": 0}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makers that take no time, and what they were asked for."""
    asked: list[str] = []

    def faked(name: str, kinds: tuple[str, ...]) -> Callable[..., making.Drawn]:
        def make(piece: object, folder: Path, on_progress: object = None) -> making.Drawn:
            asked.append(name)
            return making.Drawn(tuple(_file(folder, kind) for kind in kinds))

        return make

    monkeypatch.setattr(making, "document", faked("document", ("page", "document")))
    monkeypatch.setattr(making, "video", faked("video", ("video",)))
    monkeypatch.setattr(making, "poster", faked("poster", ("poster",)))
    return asked


def _file(folder: Path, kind: str) -> making.Made:
    made_of = making.redact_captions("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n", (), (), folder).files[0]
    path = made_of.path.rename(folder / kind)
    number = 1 if kind == "page" else None
    return making.Made(path, kind, "text/plain", made_of.size, made_of.sha256, page_number=number)


# ---- what becomes of a piece ----


def test_a_document_becomes_pages_and_a_clean_pdf_and_a_second_sweep_changes_nothing(
    originals: FileSystemStorage, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_document(tmp_path, entry, now, pages=2)
    assert factory.prepare_all(now) == NOTHING | {"ready": 1}
    assert factory.prepare_all(now) == NOTHING
    piece.refresh_from_db()
    assert (piece.state, piece.percent, piece.step, piece.problem) == (PreparationState.READY, 100, "", "")
    assert piece.scan == Scan.NOT_ASKED

    shown = selectors.preview(piece.evidence_id)
    assert [page.page_number for page in shown.pages] == [1, 2]
    assert shown.document is not None
    assert factory.stored(originals) == factory.claimed()
    assert not UnclaimedRendition.objects.exists()
    terms = search_terms(made.IDENTITY)
    assert leaks_in([Path(originals.path(key)) for key in factory.claimed()], terms) == []
    assert {"file name", "page 1", "page 2", "metadata:Author"} <= {one.where for one in shown.sightings}


def test_a_video_becomes_one_that_plays_everywhere_with_a_poster(
    originals: FileSystemStorage, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_video(tmp_path, entry, now)
    assert factory.prepare_all(now) == NOTHING | {"ready": 1}
    shown = selectors.preview(piece.evidence_id)
    assert shown.video is not None
    assert shown.poster is not None
    video = piece.files.get(pk=shown.video.id)
    assert (video.content_type, video.seconds) == ("video/mp4", piece.evidence.seconds)
    assert factory.stored(originals) == factory.claimed()


def test_a_document_does_not_wait_behind_a_video(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime
) -> None:
    film = factory.a_video(tmp_path, entry, now)
    paper = factory.a_document(tmp_path, entry, now)
    assert reconcile.run(moves.SHORT, now) == NOTHING | {"ready": 1}
    states = dict(Preparation.objects.values_list("pk", "state"))
    assert states == {film.pk: PreparationState.RECEIVED, paper.pk: PreparationState.READY}
    assert reconcile.run(moves.LONG, now) == NOTHING | {"ready": 1}


def test_each_is_told_to_the_worker_that_does_it(
    tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(reconcile, "ring", rung.append)
    factory.a_video(tmp_path, entry, now)
    factory.a_document(tmp_path, entry, now)
    queues = {job.name: job.queue for job in reconcile.all_reconcilers()}
    assert [queues[bell] for bell in rung] == [reconcile.SLOW, reconcile.QUICK]


def test_what_was_tried_least_comes_first_then_what_came_first(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime, candidacy: Any
) -> None:
    first = factory.a_document(tmp_path, entry, now)
    other = portfolio.a_draft(candidacy, now, key="entry-2")
    second = factory.a_document(tmp_path, other, now + timedelta(minutes=1))
    assert list(services.waiting()) == [first, second]
    Preparation.objects.filter(pk=first.pk).update(tries=1)
    assert list(services.waiting()) == [second, first]


def test_how_far_it_is_can_be_read_meanwhile(
    tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = factory.a_document(tmp_path, entry, now, pages=2)
    seen: list[tuple[str, str, int]] = []
    keep = preparing.stores.keep

    def look(*args: Any) -> Any:
        piece.refresh_from_db()
        seen.append((piece.state, piece.step, piece.percent))
        return keep(*args)

    monkeypatch.setattr(preparing.stores, "keep", look)
    monkeypatch.setattr(preparing, "_BETWEEN_SIGNS_SECONDS", 0)
    told: list[str] = []
    at_once = preparing._Progress.at_once

    def tell(self: preparing._Progress, step: str, percent: int) -> None:
        told.append(step)
        at_once(self, step, percent)

    monkeypatch.setattr(preparing._Progress, "at_once", tell)
    factory.prepare_all(now)
    assert seen == [(PreparationState.CHECKING, "Storing the copies", 96)]
    assert {
        "Fetching the file",
        "Drawing page 1 of 2",
        "Drawing page 2 of 2",
        "Writing the clean PDF",
    } <= set(told)


# ---- killed, and begun again ----


@pytest.mark.parametrize("survives", range(4))
def test_a_worker_killed_anywhere_leaves_nothing_behind_and_another_goes_on(
    survives: int,
    originals: FileSystemStorage,
    tmp_path: Path,
    entry: Entry,
    now: datetime,
    quick: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It dies when it has stored so many files, the last time before it ends the piece."""
    piece = factory.a_video(tmp_path, entry, now)
    factory.a_caption(piece.evidence, now)
    with monkeypatch.context() as patch:
        _kill_after(patch, originals, survives)
        with pytest.raises(SystemExit):
            preparing.prepare(piece.pk, now)
    piece.refresh_from_db()
    assert piece.state == PreparationState.CHECKING
    assert len(factory.stored(originals)) == survives

    assert factory.prepare_all(now)["ready"] == 1
    services.keep_up(now)
    assert factory.stored(originals) == factory.claimed()
    assert sorted(file.kind for file in piece.files.all()) == ["captions", "poster", "video"]
    # What was claimed before it died is not made again.
    assert (
        quick
        == {
            0: ["video", "video", "poster"],
            1: ["video", "poster", "poster"],
            2: ["video", "poster"],
            3: ["video", "poster"],
        }[survives]
    )


def _kill_after(patch: pytest.MonkeyPatch, store: FileSystemStorage, survives: int) -> None:
    save, saved = store.save, 0

    def dying_save(*args: Any) -> str:
        nonlocal saved
        if saved == survives:
            raise SystemExit
        saved += 1
        return save(*args)

    def dying_end(*args: Any, **kwargs: Any) -> None:
        raise SystemExit

    patch.setattr(store, "save", dying_save)
    patch.setattr(moves, "end", dying_end)


def test_a_decoder_killed_from_outside_costs_no_try(
    tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Really: the process that draws is ended by SIGKILL while it draws."""
    piece = factory.a_document(tmp_path, entry, now, pages=3)
    killed: list[int] = []

    def kill(self: object, step: str, percent: int) -> None:
        if not killed and step.startswith("Drawing page"):
            assert bounded._running is not None
            for job in psutil.Process(bounded._running.process.pid).children():
                job.kill()
                killed.append(job.pid)

    with monkeypatch.context() as patch:
        patch.setattr(preparing._Progress, "__call__", kill)
        assert preparing.prepare(piece.pk, now) is None
    assert killed
    piece.refresh_from_db()
    assert (piece.state, piece.tries) == (PreparationState.RECEIVED, 0)
    assert preparing.prepare(piece.pk, now) == PreparationState.READY


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_holds_is_left_to_it(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_document(tmp_path, entry, now)
    with locks.files(piece.pk) as held:
        assert held
        assert in_another_connection(lambda: preparing.prepare(piece.pk, now)) is None
    assert quick == []
    assert preparing.prepare(piece.pk, now) == PreparationState.READY


@pytest.mark.parametrize(
    "problem", [bounded.OutOfBounds("crash"), bounded.Failed("a mistake"), MemoryError()]
)
def test_a_file_that_ends_its_decoder_three_times_is_rejected_with_a_sentence(
    problem: Exception,
    tmp_path: Path,
    entry: Entry,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)

    def fall_over(*args: object) -> None:
        raise problem

    monkeypatch.setattr(making, "document", fall_over)
    piece = factory.a_document(tmp_path, entry, now)
    assert [factory.prepare_all(now) for _ in range(4)] == [
        NOTHING | {"failed": 2},
        NOTHING | {"rejected": 1},
        NOTHING,
        NOTHING,
    ]
    piece.refresh_from_db()
    assert (piece.state, piece.tries) == (PreparationState.REJECTED, 3)
    assert "stopped the program that reads it, 3 times" in piece.problem
    assert piece.evidence.original_name in piece.problem


def test_a_store_that_does_not_answer_costs_no_try(
    originals: FileSystemStorage,
    quick: list[str],
    tmp_path: Path,
    entry: Entry,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    piece = factory.a_document(tmp_path, entry, now)

    def refuse(*args: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(originals, "save", refuse)
        assert factory.prepare_all(now) == NOTHING
    piece.refresh_from_db()
    assert (piece.state, piece.tries) == (PreparationState.RECEIVED, 0)
    assert factory.prepare_all(now)["ready"] == 1
    services.keep_up(now)
    assert factory.stored(originals) == factory.claimed()


def test_an_original_that_is_not_what_was_handed_in_is_rejected_without_blame(
    originals: FileSystemStorage, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_document(tmp_path, entry, now)
    with Path(originals.path(piece.evidence.storage_key)).open("ab") as original:
        original.write(b" ")
    assert factory.prepare_all(now)["rejected"] == 1
    piece.refresh_from_db()
    assert "damaged in our store, which is no fault of yours" in piece.problem


def test_no_temporary_file_is_left(
    tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    factory.a_document(tmp_path, entry, now)
    factory.a_video(tmp_path, entry, now)
    assert factory.prepare_all(now)["ready"] == 2
    assert list(room.iterdir()) == []


# ---- the scanner ----


def _scanner(monkeypatch: pytest.MonkeyPatch, *answers: ScanResult | Exception) -> list[Path]:
    asked: list[Path] = []

    def scan(path: Path) -> ScanResult:
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append(path)
        assert path.read_bytes()
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(scanning, "scan", scan)
    return asked


def test_what_the_scanner_finds_harmful_is_opened_by_nobody(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scanner(monkeypatch, ScanResult(Scan.INFECTED, "Win.Test.EICAR"))
    piece = factory.a_document(tmp_path, entry, now)
    assert factory.prepare_all(now) == NOTHING | {"rejected": 1}
    piece.refresh_from_db()
    assert (piece.scan, piece.state) == (Scan.INFECTED, PreparationState.REJECTED)
    assert "Win.Test.EICAR" in piece.problem
    assert quick == []


def test_what_the_scanner_skipped_is_shown_and_not_called_ready(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scanner(monkeypatch, ScanResult(Scan.SKIPPED, "it is larger than the scanner can read (2 GiB)"))
    piece = factory.a_document(tmp_path, entry, now)
    assert factory.prepare_all(now) == NOTHING | {"unscannable": 1}
    piece.refresh_from_db()
    assert (piece.scan, len(selectors.preview(piece.evidence_id).pages)) == (Scan.SKIPPED, 1)


def test_a_silent_scanner_is_asked_again_later_and_a_clear_answer_not_again(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _scanner(monkeypatch, ScannerSilent("away"), ScanResult(Scan.CLEAN))
    piece = factory.a_document(tmp_path, entry, now)
    assert reconcile.run(moves.SHORT, now) == NOTHING
    piece.refresh_from_db()
    assert (piece.state, piece.tries, quick) == (PreparationState.RECEIVED, 0, [])
    assert reconcile.run(moves.SHORT, now) == NOTHING | {"ready": 1}
    moves.do_again(locks.preparation(piece.pk))
    factory.prepare_all(now)
    piece.refresh_from_db()
    assert (piece.scan, len(asked)) == (Scan.CLEAN, 2)


# ---- kept up with what is known ----


def test_a_stored_file_fetched_twice_to_one_place_stays_whole(
    originals: FileSystemStorage, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_document(tmp_path, entry, now)
    factory.prepare_all(now)
    kept = piece.files.first()
    assert kept is not None
    for _ in range(2):
        assert stores.fetch(kept.storage_key, kept.sha256, tmp_path / "fetched")
    assert originals.size(kept.storage_key) == kept.size


def test_a_new_name_is_covered_and_a_converted_video_is_not_converted_again(
    originals: FileSystemStorage, tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper, film = factory.a_document(tmp_path, entry, now), factory.a_video(tmp_path, entry, now)
    factory.prepare_all(now)
    before = {piece.pk: selectors.preview(piece.evidence_id) for piece in (paper, film)}
    word = next(word for word in before[paper.pk].pages[0].text.split() if word.isalpha() and len(word) > 7)
    account = entry.candidacy.account
    account.full_name = word
    account.save()
    assert services.keep_up(now) == {"begun": 0, "redrawn": 2, "dropped": 0, "swept": 0}
    assert services.keep_up(now)["redrawn"] == 0

    def never(*args: object) -> None:
        raise AssertionError("the video was converted again")

    monkeypatch.setattr(making, "video", never)
    assert factory.prepare_all(now)["ready"] == 2
    after = {piece.pk: selectors.preview(piece.evidence_id) for piece in (paper, film)}
    assert word not in after[paper.pk].pages[0].text
    assert after[film.pk].video == before[film.pk].video
    assert services.keep_up(now)["redrawn"] == 0
    assert factory.stored(originals) == factory.claimed()


def test_evidence_from_before_is_prepared_too(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_document(tmp_path, entry, now)
    piece.delete()
    assert services.keep_up(now)["begun"] == 1
    assert services.keep_up(now)["begun"] == 0
    assert factory.prepare_all(now)["ready"] == 1


def test_what_was_made_of_removed_evidence_goes_a_day_later(
    originals: FileSystemStorage, quick: list[str], tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_document(tmp_path, entry, now)
    factory.prepare_all(now)
    portfolio_services.remove_evidence(evidence_id=piece.evidence_id, by=entry.candidacy.account, now=now)
    assert services.keep_up(now)["dropped"] == 0
    later = now + timedelta(days=1, minutes=1)
    assert services.keep_up(later) == {"begun": 0, "redrawn": 0, "dropped": 1, "swept": 2}
    assert services.keep_up(later) == {"begun": 0, "redrawn": 0, "dropped": 0, "swept": 0}
    assert factory.stored(originals) == set()


def test_evidence_removed_while_it_is_prepared_leaves_nothing(
    originals: FileSystemStorage,
    quick: list[str],
    tmp_path: Path,
    entry: Entry,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    piece = factory.a_document(tmp_path, entry, now)
    keep = preparing.stores.keep

    def remove_first(*args: Any) -> Any:
        portfolio_services.remove_evidence(evidence_id=piece.evidence_id, by=entry.candidacy.account, now=now)
        return keep(*args)

    monkeypatch.setattr(preparing.stores, "keep", remove_first)
    factory.prepare_all(now)
    assert not piece.files.exists()
    services.keep_up(now)
    assert factory.stored(originals) == set()


# ---- when it comes out late ----


def _rejecting(monkeypatch: pytest.MonkeyPatch) -> None:
    _scanner(monkeypatch, ScanResult(Scan.INFECTED, "Win.Test.EICAR"))


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (EntryState.DRAFT, None),
        (EntryState.SUBMITTED, "withdraw the entry, replace the file"),
        (EntryState.SEALED, "The programme office has been told"),
    ],
)
def test_a_candidate_is_told_of_a_piece_that_cannot_be_used_once_its_entry_is_handed_in(
    state: EntryState,
    says: str | None,
    tmp_path: Path,
    entry: Entry,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _rejecting(monkeypatch)
    piece = factory.a_document(tmp_path, entry, now)
    if state != EntryState.DRAFT:
        portfolio.submit(entry, now)
    if state == EntryState.SEALED:
        made.sealing.seal_due(made.instants(entry.candidacy).after)
    OutboxMessage.objects.all().delete()
    factory.prepare_all(now)
    mails = list(OutboxMessage.objects.filter(kind="evidence rejected"))
    assert AuditEvent.objects.filter(action="rejected evidence").count() == 1
    if says is None:
        assert mails == []
    else:
        (mail,) = mails
        assert mail.recipient == entry.candidacy.account.email
        assert says in mail.body
        assert piece.evidence.original_name in mail.body
        assert "Win.Test.EICAR" in mail.body


def test_staff_have_it_tried_again_and_the_scanner_asked_again(
    quick: list[str], tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _scanner(
        monkeypatch, ScanResult(Scan.INFECTED, "a mistake of the scanner"), ScanResult(Scan.CLEAN)
    )
    piece = factory.a_document(tmp_path, entry, now)
    factory.prepare_all(now)
    with pytest.raises(services.NotAllowed, match="Only the programme office"):
        services.try_again(preparation_id=piece.pk, by=entry.candidacy.account, now=now)
    staff = portfolio.a_staff_member()
    services.try_again(preparation_id=piece.pk, by=staff, now=now)
    services.try_again(preparation_id=piece.pk, by=staff, now=now)
    assert AuditEvent.objects.filter(action="tried preparation again").count() == 1
    assert factory.prepare_all(now)["ready"] == 1
    assert len(asked) == 2
