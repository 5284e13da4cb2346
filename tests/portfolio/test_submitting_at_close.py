"""Submitted at the close: asked for, taken back, carried out once; and what waits or is missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from candidates import services as candidate_services
from candidates.documents import hashes_to_submit_with, publish_document
from candidates.models import Candidacy
from candidates.states import CandidacyState, SubmissionKind
from certification.kernel.errors import Incomplete, NotAllowed, WindowClosed
from certification.kernel.models import AuditEvent, OutboxMessage
from portfolio import sealing, services
from portfolio.models import Entry, EntryAffirmation, Receipt, Upload
from portfolio.services import submission, taking_in
from portfolio.states import EntryState, UploadState
from tests.factories import portfolio as make
from tests.factories.uploads import a_completed_upload

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)
NOTHING = {"sealed": 0, "unused": 0, "waiting": 0}


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


@pytest.fixture
def closes(candidacy: Candidacy) -> datetime:
    return make.window_of(candidacy).closes


def wish(entry: Entry, now: datetime) -> Entry:
    return services.wish_submission_at_close(
        entry_id=entry.pk, by=entry.candidacy.account, affirmed=hashes_to_submit_with(now), now=now
    )


def take_back(entry: Entry, now: datetime) -> Entry:
    return services.take_back_wish(entry_id=entry.pk, by=entry.candidacy.account, now=now)


def state_of(entry: Entry) -> str:
    return Entry.objects.values_list("state", flat=True).get(pk=entry.pk)


def mails(kind: str) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind=kind))


def test_it_may_be_asked_for_before_the_window_opens_and_twice_is_once(candidacy: Candidacy) -> None:
    before = make.window_of(candidacy).opens - timedelta(days=20)
    entry = make.a_complete_draft(candidacy, before)

    assert wish(entry, before).submit_at_close_since == before
    assert wish(entry, before + TICK).submit_at_close_since == before

    kinds = EntryAffirmation.objects.filter(entry=entry).values_list("kind", flat=True)
    assert sorted(kinds) == sorted(SubmissionKind.values)


def test_it_needs_every_affirmation(candidacy: Candidacy, closes: datetime) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    read = hashes_to_submit_with(closes)
    with pytest.raises(Incomplete) as refused:
        services.wish_submission_at_close(
            entry_id=entry.pk,
            by=candidacy.account,
            affirmed={kind: hashed for kind, hashed in read.items() if kind == SubmissionKind.CONSENT},
            now=closes - TICK,
        )
    assert len(refused.value.details) == 2


def test_what_was_published_anew_since_it_was_read_is_not_affirmed(
    candidacy: Candidacy, closes: datetime
) -> None:
    now = closes - TICK
    entry = make.a_complete_draft(candidacy, now)
    asked: dict[str, Any] = {"entry_id": entry.pk, "by": candidacy.account, "now": now}
    read = hashes_to_submit_with(now)
    publish_document(kind="consent", title="Consent", body="New.", by=make.a_staff_member(), now=now)
    for act in (services.submit_entry, services.wish_submission_at_close):
        with pytest.raises(NotAllowed, match=r"“Consent” was published anew meanwhile. Read it and confirm"):
            act(affirmed=read, **asked)
    assert not EntryAffirmation.objects.exists()
    services.submit_entry(affirmed=hashes_to_submit_with(now), **asked)
    assert EntryAffirmation.objects.get(kind="consent").document.body == "New."


def test_it_is_taken_back_until_the_close_and_not_after(candidacy: Candidacy, closes: datetime) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    wish(entry, closes - TICK)
    with pytest.raises(WindowClosed):
        take_back(entry, closes)

    assert take_back(entry, closes - TICK).submit_at_close_since is None
    assert take_back(entry, closes - TICK).submit_at_close_since is None
    assert sealing.seal_due(closes) == NOTHING | {"unused": 1}


def test_it_is_not_asked_for_after_the_close_nor_of_a_submitted_entry(
    candidacy: Candidacy, closes: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    with pytest.raises(WindowClosed):
        wish(entry, closes)
    make.submit(entry, closes - TICK)
    with pytest.raises(NotAllowed, match="submitted already"):
        wish(entry, closes - TICK)


def test_who_withdraws_an_entry_takes_the_wish_back_with_it(candidacy: Candidacy, closes: datetime) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    wish(entry, closes - TICK)
    make.submit(entry, closes - TICK)

    services.withdraw_entry(entry_id=entry.pk, by=candidacy.account, now=closes - TICK)

    assert sealing.seal_due(closes) == NOTHING | {"unused": 1}


def test_nobody_else_asks_for_it(candidacy: Candidacy, closes: datetime) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    stranger = make.a_candidate(candidacy.cohort).account
    of: dict[str, Any] = {"entry_id": entry.pk, "by": stranger, "now": closes - TICK}
    with pytest.raises(Entry.DoesNotExist):
        services.wish_submission_at_close(affirmed={}, **of)
    with pytest.raises(Entry.DoesNotExist):
        services.take_back_wish(**of)


def test_a_complete_entry_is_submitted_as_of_the_last_admitted_instant(
    candidacy: Candidacy, closes: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, closes - timedelta(days=3))
    wish(entry, closes - timedelta(days=2))

    assert sealing.seal_due(closes - TICK) == NOTHING
    assert sealing.seal_due(closes) == NOTHING | {"sealed": 1}
    assert sealing.seal_due(closes + timedelta(days=1)) == NOTHING

    receipt = Receipt.objects.get()
    assert (receipt.submitted_at, receipt.by_wish) == (closes - TICK, True)
    assert [row["kind"] for row in receipt.affirmations] == SubmissionKind.values
    assert state_of(entry) == EntryState.SEALED
    [mail] = mails("submission receipt")
    assert "as you had asked" in mail.body
    assert receipt.number in mail.body


def test_an_incomplete_entry_is_laid_aside_and_a_mail_says_what_was_missing(
    candidacy: Candidacy, closes: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    make.a_video(entry, closes - TICK)
    wish(entry, closes - TICK)

    assert sealing.seal_due(closes) == NOTHING | {"unused": 1}
    assert sealing.seal_due(closes) == NOTHING

    assert not Receipt.objects.exists()
    [mail] = mails("submission not made")
    assert "“clip.mp4” in “Clip”: say who is seen in it" in mail.body


def test_an_entry_submitted_by_hand_is_sealed_with_its_own_receipt(
    candidacy: Candidacy, closes: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    wish(entry, closes - TICK)
    make.submit(entry, closes - TICK)

    assert sealing.seal_due(closes) == NOTHING | {"sealed": 1}
    assert Receipt.objects.get().by_wish is False


def test_a_file_that_arrived_before_the_close_is_waited_for(candidacy: Candidacy, closes: datetime) -> None:
    last = closes - TICK
    entry = make.a_draft(candidacy, last)
    wish(entry, last)
    a_completed_upload(entry, make.a_pdf(note="in time"), last)

    assert sealing.seal_due(closes) == NOTHING | {"waiting": 1}
    assert sealing.seal_due(closes + timedelta(hours=2)) == NOTHING | {"waiting": 1}
    taking_in.take_in_due(closes + timedelta(hours=2))
    assert sealing.seal_due(closes + timedelta(hours=2)) == NOTHING | {"sealed": 1}

    receipt = Receipt.objects.get()
    assert receipt.submitted_at == last
    assert [row["sha256"] for row in receipt.manifest] == [Upload.objects.get(state=UploadState.TAKEN).sha256]


def test_a_candidacy_that_ended_meanwhile_submits_nothing(candidacy: Candidacy, closes: datetime) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    wish(entry, closes - TICK)
    candidate_services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.ENDED, ended_as="incomplete", now=closes - TICK
    )

    assert sealing.seal_due(closes) == NOTHING | {"unused": 1}
    assert "candidacy is ended" in mails("submission not made")[0].body


def test_one_that_fails_holds_up_no_other_and_is_tried_again(
    candidacy: Candidacy, closes: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        make.a_complete_draft(person, closes - TICK)
        for person in (candidacy, make.a_candidate(candidacy.cohort))
    ]
    for entry in entries:
        wish(entry, closes - TICK)
    issue = submission.receipts.issue

    def broken(entry: Entry, *given: Any, **other: Any) -> Receipt:
        if entry.pk == entries[0].pk:
            raise OSError("the disk is full")
        return issue(entry, *given, **other)

    monkeypatch.setattr(submission.receipts, "issue", broken)
    assert sealing.seal_due(closes) == NOTHING | {"sealed": 1}
    monkeypatch.undo()

    assert state_of(entries[0]) == EntryState.DRAFT
    assert sealing.seal_due(closes + timedelta(hours=1)) == NOTHING | {"sealed": 1}
    assert set(Receipt.objects.values_list("submitted_at", flat=True)) == {closes - TICK}


def extend(candidacy: Candidacy, until: datetime, now: datetime) -> None:
    candidate_services.extend_deadline(
        candidacy_id=candidacy.pk,
        year=1,
        closes_at=until,
        reason="Illness",
        by=make.a_staff_member(),
        now=now,
    )


def test_the_wish_goes_along_with_an_extension_granted_before_the_close(
    candidacy: Candidacy, closes: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, closes - TICK)
    wish(entry, closes - TICK)
    later = closes + timedelta(days=3)
    extend(candidacy, later, closes - TICK)

    assert sealing.seal_due(closes) == NOTHING
    assert sealing.seal_due(later) == NOTHING | {"sealed": 1}
    assert Receipt.objects.get().submitted_at == later - TICK


def test_after_an_extension_granted_after_the_close_the_wish_is_asked_for_anew(
    candidacy: Candidacy, closes: datetime
) -> None:
    entry = make.a_draft(candidacy, closes - TICK)
    wish(entry, closes - TICK)
    sealing.seal_due(closes)
    entry.refresh_from_db()
    assert (entry.state, entry.submit_at_close_since) == (EntryState.UNUSED, None)
    assert AuditEvent.objects.get(action="entry unused").detail["asked_at"] == (closes - TICK).isoformat()
    assert "ended with this close" in mails("submission not made")[0].body
    later = closes + timedelta(days=3)
    extend(candidacy, later, closes + timedelta(hours=1))

    make.add(entry, closes + timedelta(days=1))

    assert state_of(entry) == EntryState.DRAFT
    wish(entry, later - TICK)
    assert sealing.seal_due(later) == NOTHING | {"sealed": 1}
    assert Receipt.objects.get().by_wish is True


def test_a_wish_that_ended_with_the_close_submits_nothing_after_an_extension(
    candidacy: Candidacy, closes: datetime
) -> None:
    entry = make.a_draft(candidacy, closes - TICK)
    wish(entry, closes - TICK)
    sealing.seal_due(closes)
    later = closes + timedelta(days=3)
    extend(candidacy, later, closes + timedelta(hours=1))
    make.add(entry, closes + timedelta(days=1))

    assert sealing.seal_due(later) == NOTHING | {"unused": 1}
    assert not Receipt.objects.exists()
