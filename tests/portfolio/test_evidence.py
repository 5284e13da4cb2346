"""Evidence: what is taken in, what is refused, and that rows and stored objects agree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError

from candidates.models import Candidacy
from certification.kernel import reconcile
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from portfolio import services
from portfolio.models import Entry, Evidence, Slot
from portfolio.services import evidence as evidence_services
from portfolio.uploads import storing
from portfolio.uploads.receiving import plain_name
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> datetime:
    return make.window_of(candidacy).opens


@pytest.fixture
def draft(candidacy: Candidacy, now: datetime) -> Entry:
    return make.a_draft(candidacy, now)


@pytest.fixture(autouse=True)
def _empty_store() -> None:
    for key in stored():
        storing.originals().delete(key)


def stored() -> set[str]:
    """The key of every object in the store of originals."""
    folder = storing.FOLDER
    return {key for day in storing._days(folder) for key in storing._keys(folder, day)}


def recorded() -> set[str]:
    return set(Evidence.objects.filter(removed_at__isnull=True).values_list("storage_key", flat=True))


def test_a_file_is_kept_byte_for_byte_under_a_key_that_says_nothing(draft: Entry, now: datetime) -> None:
    content = make.a_pdf(3)

    added = make.add(draft, now, content=content, name="C:\\papers\\Coach Miller.pdf")

    assert (added.pages, added.format, added.size) == (3, "pdf", len(content))
    assert added.sha256 == hashlib.sha256(content).hexdigest()
    assert added.original_name == "Coach Miller.pdf"
    assert "Miller" not in added.storage_key
    with storing.originals().open(added.storage_key) as kept:
        assert kept.read() == content
    assert stored() == recorded()


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "empty.pdf", "is empty"),
        (b"MZ this is a program", "tool.pdf", "a Windows program"),
        (b"%PDF-1.7 and nothing more", "cut.pdf", "broken or incomplete PDF"),
    ],
)
def test_a_file_that_is_not_what_it_claims_leaves_nothing(
    draft: Entry, now: datetime, content: bytes, name: str, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        services.add_evidence(
            entry_id=draft.pk,
            slot_key="written",
            by=draft.candidacy.account,
            file=ContentFile(content),
            name=name,
            now=now,
        )
    assert not Evidence.objects.exists()
    assert stored() == set()


def test_too_many_pages_are_refused_with_both_numbers(draft: Entry, now: datetime) -> None:
    with pytest.raises(BadInput, match=r"“Written pieces” allows 15 pages; yours has 16, 1 too many\."):
        make.add(draft, now, content=make.a_pdf(16))


def test_reading_stops_at_the_limit_whatever_size_is_declared(draft: Entry, now: datetime) -> None:
    Slot.objects.filter(template=draft.template, key="written").update(max_bytes=1000)
    read = 0

    class Endless(ContentFile):
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            nonlocal read
            while True:
                read += 600
                yield b"x" * 600

    with pytest.raises(BadInput, match="yours is larger"):
        services.add_evidence(
            entry_id=draft.pk,
            slot_key="written",
            by=draft.candidacy.account,
            file=Endless(b"small"),
            name="endless.pdf",
            now=now,
        )
    assert read == 1200
    assert stored() == set()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\x00b\n.pdf", "ab.pdf"),
        ("", "file"),
        ("x" * 300 + ".docx", "x" * 250 + ".docx"),
        ("y" * 300, "y" * 255),
    ],
)
def test_names_are_kept_plain(given: str, kept: str) -> None:
    assert plain_name(given) == kept


def test_a_slot_for_one_file_takes_the_new_one_in_place_of_the_old(draft: Entry, now: datetime) -> None:
    old = make.add(draft, now)
    new = make.add(draft, now, content=make.a_pdf(2))

    old.refresh_from_db()
    assert old.removed_at == now
    assert recorded() == {new.storage_key}


def test_the_same_file_again_is_the_evidence_that_is_there(draft: Entry, now: datetime) -> None:
    first = make.add(draft, now)

    assert make.add(draft, now) == first
    assert stored() == recorded() == {first.storage_key}


def test_a_full_slot_takes_no_more(draft: Entry, now: datetime) -> None:
    for note in ("one", "two"):
        make.add(draft, now, slot="notes", content=make.a_pdf(note=note))

    with pytest.raises(NotAllowed, match="holds 2 files, as many as it takes"):
        make.add(draft, now, slot="notes", content=make.a_pdf(note="three"))
    assert stored() == recorded()


def test_preparing_begins_at_enrolment_and_ends_with_the_window(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    draft = make.a_draft(candidacy, candidacy.enrolled_at)
    make.add(draft, candidacy.enrolled_at)

    with pytest.raises(WindowClosed):
        make.add(draft, closes, content=make.a_pdf(2))
    assert make.add(draft, closes - timedelta(microseconds=1), content=make.a_pdf(2))


def test_a_submitted_entry_takes_no_file_until_it_is_withdrawn(candidacy: Candidacy, now: datetime) -> None:
    entry = make.a_submitted_entry(candidacy, now)

    with pytest.raises(NotAllowed, match="Withdraw it first"):
        make.add(entry, now, content=make.a_pdf(2))
    with pytest.raises(NotAllowed, match="Withdraw it first"):
        services.remove_evidence(evidence_id=entry.evidence.get().pk, by=candidacy.account, now=now)


def test_nobody_touches_somebody_elses_evidence(draft: Entry, now: datetime) -> None:
    piece = make.add(draft, now)
    stranger = make.a_candidate(draft.candidacy.cohort).account

    with pytest.raises(Evidence.DoesNotExist):
        services.remove_evidence(evidence_id=piece.pk, by=stranger, now=now)
    with pytest.raises(Evidence.DoesNotExist):
        services.open_original(evidence_id=piece.pk, by=stranger)
    with pytest.raises(Entry.DoesNotExist):
        services.add_evidence(
            entry_id=draft.pk,
            slot_key="written",
            by=stranger,
            file=ContentFile(make.a_pdf(2)),
            name="theirs.pdf",
            now=now,
        )
    assert stored() == recorded() == {piece.storage_key}


@pytest.mark.parametrize("error", [OperationalError("the server is gone"), KeyboardInterrupt()])
def test_a_database_lost_halfway_leaves_an_object_that_the_sweep_removes(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(evidence_services, "record_evidence", fail)
    with pytest.raises(type(error)):
        make.add(draft, now)
    assert len(stored()) == 1
    removed_by_sweep(now + timedelta(days=3))
    assert stored() == set()


def test_a_connection_lost_after_the_commit_costs_no_byte(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell a commit that failed from one whose answer was lost."""
    recorded_for_good = evidence_services._recorded

    def lose_the_answer(*args: Any) -> None:
        recorded_for_good(*args)
        raise OperationalError("the connection was lost")

    monkeypatch.setattr(evidence_services, "_recorded", lose_the_answer)
    with pytest.raises(OperationalError):
        make.add(draft, now)
    assert stored() == {Evidence.objects.get().storage_key}


def test_a_refused_row_leaves_no_object(draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        assert len(stored()) == 1
        raise NotAllowed("The window closed meanwhile.")

    monkeypatch.setattr(evidence_services, "record_evidence", refuse)
    with pytest.raises(NotAllowed):
        make.add(draft, now)
    assert stored() == set()


def test_a_store_that_fails_leaves_no_row(
    draft: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(storing, "keep", fail)

    with pytest.raises(OSError, match="disk full"):
        make.add(draft, now)
    assert not Evidence.objects.exists()


def removed_by_sweep(now: datetime) -> int:
    counts = reconcile.run("uploads.sweep", now)
    assert counts is not None
    return counts["removed"]


def test_the_sweep_removes_what_nobody_refers_to_after_a_day(draft: Entry, now: datetime) -> None:
    orphan = storing.originals().save(
        f"{storing.FOLDER}/{now:%Y-%m-%d}/{'0' * 40}", ContentFile(b"left by a process that died")
    )
    live = make.add(draft, now)
    old = make.add(draft, now, slot="notes", content=make.a_pdf(note="old"))
    services.remove_evidence(evidence_id=old.pk, by=draft.candidacy.account, now=now)

    assert removed_by_sweep(now + timedelta(hours=23)) == 0
    assert {orphan, live.storage_key, old.storage_key} == stored()

    assert removed_by_sweep(now + timedelta(days=2)) == 2
    assert stored() == {live.storage_key}
    assert removed_by_sweep(now + timedelta(days=2)) == 0


def test_the_sweep_spares_an_old_file_that_was_removed_just_now(draft: Entry, now: datetime) -> None:
    piece = make.add(draft, now)
    removed_at = now + timedelta(days=20)
    services.remove_evidence(evidence_id=piece.pk, by=draft.candidacy.account, now=removed_at)

    assert removed_by_sweep(removed_at + timedelta(hours=1)) == 0
    assert removed_by_sweep(removed_at + timedelta(days=1, hours=1)) == 1
