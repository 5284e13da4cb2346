"""From a sealed entry to its packet: cleaned, checked by one person, signed off by another."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, storages
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from candidates.models import Candidacy
from certification.kernel import bounded, reconcile
from certification.kernel.errors import BadInput, Incomplete, NotAllowed
from certification.kernel.locks import lock_number
from certification.kernel.models import AuditEvent
from portfolio.blinding import copies, services, terms
from portfolio.blinding.cleaning import leaks_in
from portfolio.blinding.identifiers import Identity, find, redact, search_terms
from portfolio.blinding.models import CleanedFile, Finding, UnclaimedCopy
from portfolio.models import Blinding, Evidence
from portfolio.renditions.stores import StoreSilent
from portfolio.states import BlindingState
from scoring.models import Packet, PacketFile
from tests.factories import blinding as made
from tests.factories import portfolio
from tests.factories import scoring as scoring_made

pytestmark = pytest.mark.django_db


@pytest.fixture
def blind(tmp_path: Path) -> Iterator[FileSystemStorage]:
    """An empty blind store of this test's own."""
    mine = FileSystemStorage(location=tmp_path / "blind-store")
    before = storages["blind"]
    storages._storages["blind"] = mine  # type: ignore[attr-defined]
    yield mine
    storages._storages["blind"] = before  # type: ignore[attr-defined]


@pytest.fixture
def candidacy() -> Candidacy:
    made.a_framework_with_video()
    return made.a_named_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> datetime:
    return made.instants(candidacy).after


@pytest.fixture
def first() -> User:
    return portfolio.a_staff_member()


@pytest.fixture
def second() -> User:
    return portfolio.a_staff_member()


@pytest.fixture
def cleaned(blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, now: datetime) -> Blinding:
    return made.a_cleaned_blinding(made.a_sealed_entry(tmp_path, candidacy), now)


def _stored(store: FileSystemStorage) -> set[str]:
    root = Path(store.location)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_each_sealed_entry_gets_one_blinding_however_often_it_is_prepared(
    tmp_path: Path, candidacy: Candidacy, now: datetime
) -> None:
    entry = made.a_sealed_entry(tmp_path, candidacy)
    draft = portfolio.a_draft(
        made.a_named_candidate(email="other@example.org"), made.instants(candidacy).inside
    )
    assert reconcile.run("blinding.prepare", now) == {"made": 1}
    assert reconcile.run("blinding.prepare", now) == {"made": 0}
    assert Blinding.objects.get().entry == entry
    assert not Blinding.objects.filter(entry=draft).exists()


def test_cleaning_stores_neutral_copies_and_a_second_sweep_changes_nothing(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, now: datetime
) -> None:
    blinding = made.a_blinding(made.a_sealed_entry(tmp_path, candidacy, video=True, pages=2))
    assert reconcile.run("blinding.clean", now) == {"cleaned": 1, "failed": 0, "swept": 0}
    assert reconcile.run("blinding.clean", now) == {"cleaned": 0, "failed": 0, "swept": 0}

    blinding.refresh_from_db()
    files = list(blinding.files.all())
    assert blinding.state == BlindingState.CLEANED
    assert [(file.kind, file.label, file.page_number) for file in files] == [
        ("page", "Written pieces", 1),
        ("page", "Written pieces", 2),
        ("video", "Identify conversation", None),
        ("poster", "Identify conversation", None),
        ("captions", "Identify conversation", None),
    ]
    assert _stored(blind) == {file.storage_key for file in files}
    assert not UnclaimedCopy.objects.exists()
    for file in files:
        with blind.open(file.storage_key) as stream:
            data = stream.read()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)


def test_nothing_in_the_blind_store_names_the_candidate(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, now: datetime
) -> None:
    entry = made.a_sealed_entry(tmp_path, candidacy, video=True)
    blinding = made.a_cleaned_blinding(entry, now)
    terms = search_terms(made.IDENTITY)
    paths = [Path(blind.path(key)) for key in _stored(blind)]
    assert leaks_in(paths, terms) == []
    text = " ".join(blinding.files.values_list("text", flat=True)).lower()
    assert "reflection" in text
    assert not [canary for canary in made.CANARIES if canary in text]
    # The same look finds the name in the original, so it would have found it in a copy.
    for key in Evidence.objects.filter(entry=entry).values_list("storage_key", flat=True):
        assert leaks_in([Path(storages["identity"].path(key))], terms)


def test_findings_say_where_the_original_named_the_candidate(cleaned: Blinding) -> None:
    findings = list(cleaned.findings.all())
    assert {"file name", "page 1"} <= {finding.where for finding in findings}
    assert all(finding.covered for finding in findings)


def test_addresses_and_links_go_whoever_they_belong_to() -> None:
    text = "Write to jo.x+1@district9.example.org or see https://video.example/ch/9 and www.district9.org/us."
    assert redact(text, terms.ADDRESSES) == "Write to [removed] or see [removed] and [removed]"
    assert redact("She scored 3@4, and so on.", terms.ADDRESSES) == "She scored 3@4, and so on."


@pytest.mark.parametrize(
    "page",
    [
        "a" * 1_000_000,
        "a@" * 500_000,
        "a." * 500_000,
        "a@b.c+" * 170_000,
        "d" + "\n" * 100_000,
        "www." * 250_000,
    ],
    ids=lambda page: repr(page[:6]),
)
def test_a_page_of_a_million_letters_is_read_through_once(page: str) -> None:
    looked_for = (*search_terms(Identity(names=("Dorothea Lindqvist",))), *terms.ADDRESSES)
    begun = time.perf_counter()
    find(page, looked_for)
    assert time.perf_counter() - begun < 20


def test_words_staff_add_are_covered_at_the_next_cleaning(
    cleaned: Blinding, first: User, now: datetime
) -> None:
    before = cleaned.files.get(ordinal=1)
    word = next(word for word in before.text.split() if word.isalpha() and len(word) > 5)
    services.send_back_blinding(
        blinding_id=cleaned.pk, by=first, reason="A nickname shows.", also_cover=[word], now=now
    )
    copies.clean(cleaned.pk, now)
    after = cleaned.files.get(ordinal=1)
    assert word not in after.text
    assert after.sha256 != before.sha256


@pytest.mark.parametrize("survives", range(4))
def test_a_cleaning_killed_anywhere_leaves_nothing_behind_and_is_done_again(
    survives: int,
    blind: FileSystemStorage,
    tmp_path: Path,
    candidacy: Candidacy,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blinding = made.a_blinding(made.a_sealed_entry(tmp_path, candidacy, pages=3))
    with monkeypatch.context() as patch:
        _kill_after(patch, survives)
        with pytest.raises(SystemExit):
            copies.clean(blinding.pk, now)
    blinding.refresh_from_db()
    assert blinding.state == BlindingState.WAITING
    assert len(_stored(blind)) == survives

    counts = reconcile.run("blinding.clean", now)
    assert counts == {"cleaned": 1, "failed": 0, "swept": 3}
    assert _stored(blind) == set(CleanedFile.objects.values_list("storage_key", flat=True))
    assert CleanedFile.objects.count() == 3


def _kill_after(patch: pytest.MonkeyPatch, survives: int) -> None:
    """The process dies when it has stored so many copies; after the last, before its rows are written."""
    store = copies.blind_store()
    save = store.save
    saved = 0

    def dying_save(*args: object) -> str:
        nonlocal saved
        if saved == survives:
            raise SystemExit
        saved += 1
        return save(*args)  # type: ignore[arg-type]

    def dying_claim(*args: object) -> None:
        raise SystemExit

    patch.setattr(store, "save", dying_save)
    patch.setattr(copies, "_claim", dying_claim)


def test_a_silent_store_leaves_the_blinding_waiting(
    blind: FileSystemStorage,
    tmp_path: Path,
    candidacy: Candidacy,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blinding = made.a_blinding(made.a_sealed_entry(tmp_path, candidacy))

    def refuse(*args: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(blind, "save", refuse)
        assert reconcile.run("blinding.clean", now) == {"cleaned": 0, "failed": 0, "swept": 0}
    blinding.refresh_from_db()
    assert blinding.state == BlindingState.WAITING
    assert copies.clean(blinding.pk, now) == BlindingState.CLEANED


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (StoreSilent(), "a store did not answer"),
        (bounded.Interrupted("killed"), "the cleaning was interrupted"),
    ],
)
def test_what_will_be_tried_again_is_logged_with_what_kept_it(
    tmp_path: Path,
    candidacy: Candidacy,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ending: Exception,
    said: str,
) -> None:
    blinding = made.a_blinding(made.a_sealed_entry(tmp_path, candidacy))

    def end(*args: object) -> None:
        raise ending

    monkeypatch.setattr(copies, "_cleaned", end)

    assert copies.clean(blinding.pk, now) is None
    blinding.refresh_from_db()
    assert blinding.state == BlindingState.WAITING
    assert [record.getMessage() for record in caplog.records] == [
        f"blinding {blinding.pk}: {said}; it is tried again"
    ]


def test_an_original_whose_bytes_changed_fails_with_a_sentence_and_can_be_tried_again(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, now: datetime, first: User
) -> None:
    entry = made.a_sealed_entry(tmp_path, candidacy)
    blinding = made.a_blinding(entry)
    original = Path(storages["identity"].path(Evidence.objects.get(entry=entry).storage_key))
    intact = original.read_bytes()
    original.write_bytes(intact + b" ")
    assert reconcile.run("blinding.clean", now) == {"cleaned": 0, "failed": 1, "swept": 0}
    blinding.refresh_from_db()
    assert blinding.state == BlindingState.FAILED
    assert "Written pieces" in blinding.problem

    original.write_bytes(intact)
    services.try_again(blinding_id=blinding.pk, by=first, now=now)
    services.try_again(blinding_id=blinding.pk, by=first, now=now)
    assert copies.clean(blinding.pk, now) == BlindingState.CLEANED


def test_one_file_that_stops_the_cleaning_does_not_stop_the_others(
    blind: FileSystemStorage,
    tmp_path: Path,
    candidacy: Candidacy,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = made.a_blinding(made.a_sealed_entry(tmp_path, candidacy))
    good = made.a_blinding(made.a_sealed_entry(tmp_path, candidacy, key="entry-2"))
    real = copies.making.pages_alone

    def stumbling(*args: object) -> object:
        if not CleanedFile.objects.exists() and not Blinding.objects.filter(state="failed").exists():
            raise RuntimeError
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(copies.making, "pages_alone", stumbling)
    assert reconcile.run("blinding.clean", now) == {"cleaned": 1, "failed": 1, "swept": 0}
    assert {bad.pk, good.pk} == set(Blinding.objects.values_list("pk", flat=True))


def test_evidence_the_candidate_took_back_is_not_cleaned(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, now: datetime
) -> None:
    at = made.instants(candidacy)
    entry = portfolio.a_draft(candidacy, at.inside)
    portfolio.add(entry, at.inside, content=portfolio.a_pdf(2), name="first.pdf")
    kept = portfolio.add(entry, at.inside, content=portfolio.a_pdf(1, note="second"), name="second.pdf")
    portfolio.submit(entry, at.inside)
    made.sealing.seal_due(at.after)
    blinding = made.a_cleaned_blinding(entry, now)
    assert set(blinding.files.values_list("evidence", flat=True)) == {kept.pk}


def test_two_people_make_a_packet_of_exactly_the_checked_copies(
    cleaned: Blinding, first: User, second: User, now: datetime
) -> None:
    seen = services.copies_digest(cleaned)
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now, seen=seen)
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now, seen=seen)
    code = services.sign_off_blinding(blinding_id=cleaned.pk, by=second, now=now, seen=seen)
    assert services.sign_off_blinding(blinding_id=cleaned.pk, by=second, now=now) == code
    assert Packet.objects.get().code == code
    assert list(PacketFile.objects.values_list("storage_key", "sha256")) == list(
        cleaned.files.values_list("storage_key", "sha256")
    )
    assert AuditEvent.objects.filter(subject_id=str(cleaned.pk)).count() == 2


def test_whoever_checked_cannot_sign_off(cleaned: Blinding, first: User, now: datetime) -> None:
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)
    with pytest.raises(NotAllowed, match="second person"):
        services.sign_off_blinding(blinding_id=cleaned.pk, by=first, now=now)
    assert not Packet.objects.exists()


def test_the_database_refuses_one_person_twice_whatever_the_code_says(
    cleaned: Blinding, first: User, now: datetime
) -> None:
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        Blinding.objects.filter(pk=cleaned.pk).update(
            state=BlindingState.SIGNED_OFF, signed_by=first, signed_at=now, packet_code="X"
        )


def test_nobody_signs_off_what_nobody_checked(cleaned: Blinding, second: User, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        services.sign_off_blinding(blinding_id=cleaned.pk, by=second, now=now)


def test_a_packet_that_cannot_be_minted_leaves_the_blinding_unsigned(
    cleaned: Blinding, first: User, second: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)

    def refuse(**kwargs: object) -> str:
        raise BadInput("no")

    monkeypatch.setattr(services.scoring, "mint_packet", refuse)
    with pytest.raises(BadInput):
        services.sign_off_blinding(blinding_id=cleaned.pk, by=second, now=now)
    cleaned.refresh_from_db()
    assert (cleaned.state, cleaned.packet_code) == (BlindingState.CHECKED, None)


def test_a_check_counts_only_for_the_copies_that_were_on_the_page(
    cleaned: Blinding, first: User, now: datetime
) -> None:
    seen = services.copies_digest(cleaned)
    services.send_back_blinding(blinding_id=cleaned.pk, by=first, reason="Page 1 shows a badge.", now=now)
    copies.clean(cleaned.pk, now)
    with pytest.raises(NotAllowed, match="made anew"):
        services.check_blinding(blinding_id=cleaned.pk, by=first, now=now, seen=seen)


def test_sending_back_undoes_the_check_and_sweeps_the_old_copies(
    blind: FileSystemStorage, cleaned: Blinding, first: User, second: User, now: datetime
) -> None:
    old = _stored(blind)
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)
    services.send_back_blinding(blinding_id=cleaned.pk, by=second, reason="Page 1 shows a badge.", now=now)
    cleaned.refresh_from_db()
    assert (cleaned.state, cleaned.checked_by) == (BlindingState.WAITING, None)
    assert cleaned.sent_back_because == "Page 1 shows a badge."
    assert reconcile.run("blinding.clean", now) == {"cleaned": 1, "failed": 0, "swept": len(old)}
    assert not old & _stored(blind)


def test_sending_back_needs_a_reason_and_words_long_enough_to_search(
    cleaned: Blinding, first: User, now: datetime
) -> None:
    with pytest.raises(BadInput, match="why"):
        services.send_back_blinding(blinding_id=cleaned.pk, by=first, reason=" ", now=now)
    with pytest.raises(BadInput, match="too short"):
        services.send_back_blinding(
            blinding_id=cleaned.pk, by=first, reason="More.", also_cover=["Jo"], now=now
        )


def test_what_cannot_be_covered_holds_up_check_and_signature_until_it_is_settled(
    cleaned: Blinding, first: User, second: User, now: datetime
) -> None:
    evidence = Evidence.objects.get(entry=cleaned.entry)
    finding = services.record_finding(
        blinding_id=cleaned.pk,
        evidence_id=evidence.pk,
        by=first,
        where="0:42",
        what="The teacher says a name.",
    )
    with pytest.raises(Incomplete) as held:
        services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)
    assert held.value.details == ("0:42: The teacher says a name.",)

    services.send_back_blinding(blinding_id=cleaned.pk, by=first, reason="Try once more.", now=now)
    copies.clean(cleaned.pk, now)
    assert Finding.objects.filter(pk=finding.pk, covered=False).exists()

    services.settle_finding(finding_id=finding.pk, by=second, how="Listened again: it is a street.")
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)
    again = services.record_finding(
        blinding_id=cleaned.pk, evidence_id=evidence.pk, by=second, where="1:10", what="A badge."
    )
    assert again.covered is False
    with pytest.raises(Incomplete):
        services.sign_off_blinding(blinding_id=cleaned.pk, by=second, now=now)


def test_a_signed_blinding_changes_no_more(
    cleaned: Blinding, first: User, second: User, now: datetime
) -> None:
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)
    services.sign_off_blinding(blinding_id=cleaned.pk, by=second, now=now)
    evidence = Evidence.objects.get(entry=cleaned.entry)
    with pytest.raises(NotAllowed):
        services.send_back_blinding(blinding_id=cleaned.pk, by=first, reason="Too late.", now=now)
    with pytest.raises(NotAllowed):
        services.record_finding(
            blinding_id=cleaned.pk, evidence_id=evidence.pk, by=first, where="page 1", what="A name."
        )


def test_only_the_office_decides(cleaned: Blinding, now: datetime) -> None:
    scorer = scoring_made.account()
    for act in (services.check_blinding, services.sign_off_blinding, services.try_again):
        with pytest.raises(NotAllowed):
            act(blinding_id=cleaned.pk, by=scorer, now=now)


def test_two_workers_do_not_clean_one_entry_at_once(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, now: datetime
) -> None:
    blinding = made.a_blinding(made.a_sealed_entry(tmp_path, candidacy))
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [lock_number(f"blinding:{blinding.pk}")])
        assert copies.clean(blinding.pk, now) is None
        # The server may notice a closed connection late, so the lock is given back by hand.
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_number(f"blinding:{blinding.pk}")])
    finally:
        other.close()
    assert copies.clean(blinding.pk, now) == BlindingState.CLEANED
