"""Submitting and withdrawing: the window to the microsecond, the receipt, and pressing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from candidates import services as candidate_services
from candidates.models import Candidacy
from candidates.states import CandidacyState
from certification.kernel.errors import Incomplete, NotAllowed, Refusal, WindowClosed
from certification.kernel.models import AuditEvent, OutboxMessage
from portfolio import sealing, services
from portfolio.models import Entry, Receipt
from portfolio.receipts import manifest_digest
from portfolio.states import EntryState
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


def submit(entry: Entry, now: datetime) -> Receipt:
    return make.submit(entry, now)


def withdraw(entry: Entry, now: datetime) -> Entry:
    return services.withdraw_entry(entry_id=entry.pk, by=entry.candidacy.account, now=now)


def extend(candidacy: Candidacy, closes_at: datetime, now: datetime) -> None:
    candidate_services.extend_deadline(
        candidacy_id=candidacy.pk,
        year=1,
        closes_at=closes_at,
        reason="Illness",
        by=make.a_staff_member(),
        now=now,
    )


# ---- the window ----


def test_the_windows_are_civil_days_of_the_programme_zone(candidacy: Candidacy) -> None:
    windows = [make.window_of(candidacy, year) for year in (1, 2, 3)]

    assert [(window.opens, window.closes) for window in windows] == [
        (datetime(year, 5, 1, 5, tzinfo=UTC), datetime(year, 6, 16, 5, tzinfo=UTC))
        for year in (2027, 2028, 2029)
    ]


def test_before_the_first_instant_submission_is_refused(candidacy: Candidacy) -> None:
    opens = make.window_of(candidacy).opens
    entry = make.a_complete_draft(candidacy, opens - timedelta(days=60))

    with pytest.raises(WindowClosed, match="opens on 1 May 2027, 00:00 CDT"):
        submit(entry, opens - TICK)
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("edge", ["opens", "last"])
def test_at_the_first_and_at_the_last_instant_submission_is_admitted(candidacy: Candidacy, edge: str) -> None:
    window = make.window_of(candidacy)
    at = window.opens if edge == "opens" else window.closes - TICK

    receipt = submit(make.a_complete_draft(candidacy, at), at)

    assert receipt.submitted_at == at


def test_at_the_closing_instant_submission_is_refused_and_nothing_changes(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_complete_draft(candidacy, closes - TICK)
    audited = AuditEvent.objects.count()

    with pytest.raises(WindowClosed, match="closed on 15 June 2027, 23:59 CDT"):
        submit(entry, closes)

    entry.refresh_from_db()
    assert (entry.state, entry.submitted_at) == (EntryState.DRAFT, None)
    assert AuditEvent.objects.count() == audited
    assert not OutboxMessage.objects.exists()


def test_grace_minutes_move_the_end_and_no_further() -> None:
    make.a_small_framework()
    candidacy = make.a_candidate(make.a_cohort(grace_minutes=10))
    general = candidacy.cohort.years.get(number=1).submission_closes_at
    entry = make.a_complete_draft(candidacy, general)

    with pytest.raises(WindowClosed):
        submit(entry, general + timedelta(minutes=10))
    assert submit(entry, general + timedelta(minutes=10) - TICK)


def test_an_extension_granted_before_the_close_holds_to_its_own_last_instant(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_complete_draft(candidacy, closes - timedelta(days=1))
    extend(candidacy, closes + timedelta(days=3), closes - timedelta(hours=1))

    assert sealing.seal_due(closes + timedelta(days=1)) == {"sealed": 0, "unused": 0, "waiting": 0}
    with pytest.raises(WindowClosed):
        submit(entry, closes + timedelta(days=3))
    assert submit(entry, closes + timedelta(days=3) - TICK)


def test_an_extension_granted_after_the_close_opens_the_unused_entry_again(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_complete_draft(candidacy, closes - TICK)
    sealing.seal_due(closes)
    entry.refresh_from_db()
    assert entry.state == EntryState.UNUSED

    extend(candidacy, closes + timedelta(days=3), closes + timedelta(hours=5))
    later = closes + timedelta(days=1)

    again = make.a_draft(candidacy, later)
    assert (again.pk, again.state) == (entry.pk, EntryState.DRAFT)
    make.add(again, later, slot="notes", content=make.a_pdf(note="more"), name="notes.pdf")
    assert submit(again, later)


def test_an_extension_of_one_person_opens_nothing_for_another(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    other = make.a_candidate(candidacy.cohort)
    entry = make.a_complete_draft(other, closes - TICK)
    extend(candidacy, closes + timedelta(days=3), closes - timedelta(hours=1))

    with pytest.raises(WindowClosed):
        submit(entry, closes)


def test_withdrawal_ends_with_the_window(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_submitted_entry(candidacy, closes - timedelta(days=1))

    with pytest.raises(WindowClosed):
        withdraw(entry, closes)
    assert withdraw(entry, closes - TICK).state == EntryState.DRAFT


# ---- what is submitted ----


def test_every_missing_piece_is_named_at_once() -> None:
    make.a_framework()
    candidacy = make.a_candidate()
    now = make.window_of(candidacy).opens
    entry = make.a_draft(candidacy, now)

    with pytest.raises(Incomplete) as refused:
        submit(entry, now)

    assert len(refused.value.details) == 9
    assert "“PEERS goal” is empty." in refused.value.details
    entry.refresh_from_db()
    assert entry.state == EntryState.DRAFT


def test_the_receipt_names_every_live_file_and_its_digest(candidacy: Candidacy) -> None:
    now = make.window_of(candidacy).opens
    entry = make.a_complete_draft(candidacy, now)
    kept = make.add(entry, now, slot="notes", content=make.a_pdf(note="kept"), name="kept.pdf")
    gone = make.add(entry, now, slot="notes", content=make.a_pdf(note="gone"), name="gone.pdf")
    services.remove_evidence(evidence_id=gone.pk, by=candidacy.account, now=now)

    receipt = submit(entry, now)

    assert [row["name"] for row in receipt.manifest] == ["written.pdf", "kept.pdf"]
    assert receipt.manifest[1] == {
        "slot": "Notes",
        "name": "kept.pdf",
        "size": kept.size,
        "sha256": kept.sha256,
        "pages": 1,
        "seconds": None,
        "received_at": "2027-05-01T05:00:00.000000Z",
    }
    assert receipt.digest == manifest_digest(receipt.manifest)
    mail = OutboxMessage.objects.get(kind="submission receipt")
    assert kept.sha256 in mail.body
    assert receipt.number in mail.body


def test_pressing_twice_is_one_submission_with_one_receipt(candidacy: Candidacy) -> None:
    now = make.window_of(candidacy).opens
    entry = make.a_complete_draft(candidacy, now)

    assert submit(entry, now) == submit(entry, now + timedelta(seconds=1))
    assert Receipt.objects.count() == OutboxMessage.objects.count() == 1


def test_a_withdrawn_entry_is_submitted_again_with_a_second_receipt(candidacy: Candidacy) -> None:
    now = make.window_of(candidacy).opens
    entry = make.a_submitted_entry(candidacy, now)
    withdraw(entry, now)
    withdraw(entry, now)
    make.add(entry, now, content=make.a_pdf(2), name="better.pdf")

    second = submit(entry, now + timedelta(hours=1))

    assert [row["name"] for row in second.manifest] == ["better.pdf"]
    assert Receipt.objects.count() == 2


def test_an_ended_candidacy_submits_and_changes_nothing(candidacy: Candidacy) -> None:
    now = make.window_of(candidacy).opens
    entry = make.a_complete_draft(candidacy, now)
    candidate_services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.ENDED, ended_as="incomplete", now=now
    )

    with pytest.raises(NotAllowed, match="candidacy is ended"):
        submit(entry, now)
    with pytest.raises(NotAllowed, match="candidacy is ended"):
        make.add(entry, now, content=make.a_pdf(note="late"))


@pytest.mark.parametrize("act", [submit, withdraw])
def test_an_entry_with_the_scorers_stays_there(candidacy: Candidacy, act: object) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_submitted_entry(candidacy, closes - TICK)
    sealing.seal_due(closes)

    with pytest.raises(Refusal):
        act(entry, closes - TICK)  # type: ignore[operator]
    entry.refresh_from_db()
    assert entry.state == EntryState.SEALED


def test_somebody_elses_entry_is_not_there(candidacy: Candidacy) -> None:
    now = make.window_of(candidacy).opens
    entry = make.a_complete_draft(candidacy, now)
    stranger = make.a_candidate(candidacy.cohort).account

    with pytest.raises(Entry.DoesNotExist):
        services.submit_entry(entry_id=entry.pk, by=stranger, affirmed={}, now=now)
    with pytest.raises(Entry.DoesNotExist):
        services.withdraw_entry(entry_id=entry.pk, by=stranger, now=now)
