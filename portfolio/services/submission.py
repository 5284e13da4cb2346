"""Submitting an entry, withdrawing it, and asking that it be submitted at the close.

Everything here is decided at one instant: the one the database's clock gives once the entry is locked.
It is admitted if it lies within the candidate's window, `[opens, closes)`.  Source: ADR 0015.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from candidates import documents
from candidates.models import PolicyDocument
from candidates.states import SubmissionKind
from certification.kernel import audit, clock
from certification.kernel.errors import NotAllowed, Refusal
from certification.kernel.windows import require_open

from .. import locks, openness, receipts
from ..completeness import Gap, GapKind, StillMissing, being_checked, missing_pieces, unusable_pieces
from ..consent import ledger
from ..consent.ledger import Ledger
from ..models import Entry, EntryAffirmation, Evidence, Receipt
from ..receipts import mails
from ..states import EntryState, UploadState
from .entries import move, reopen, require_live, require_not_over, waited_for, window_of

_INSTANT = timedelta(microseconds=1)


class AtClose(StrEnum):
    """What the close made of an entry: handed in, laid aside, or waiting for a file that is being checked."""

    SEALED = "sealed"
    UNUSED = "unused"
    WAITING = "waiting"


@transaction.atomic
def submit_entry(
    *, entry_id: UUID, by: User, affirmed: Mapping[SubmissionKind, str], now: datetime
) -> Receipt:
    """Close an entry in preparation for scoring and hand back the candidate's receipt.

    The window is checked here, under the entry's lock, because a page opened before the deadline
    must not be able to write after it.  What is being made of a file for its preview holds nothing up:
    the file itself was checked when it arrived.  Source: the programme's rules, section 2.

    Args:
        affirmed: the texts the candidate agreed to on submitting, each with the SHA-256 of the version that
            they were shown.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
        WindowClosed: it is outside the candidate's (possibly extended) window.
        StillMissing: something is missing; lists every missing piece, not the first.
        NotAllowed: it is with the scorers, the candidacy has ended, the year policy closed the entry, or a
            text was published anew since it was shown.
    """
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    if entry.state == EntryState.SUBMITTED:  # pressed twice: same receipt
        return entry.receipts.latest("submitted_at")
    if entry.state in (EntryState.SEALED, EntryState.RELEASED):
        raise NotAllowed(f"{entry.template} was submitted before and is with the scorers.")
    require_live(entry)
    window = window_of(entry)
    require_open(window, now, what=f"Submission of {entry.template}", zone=settings.PROGRAMME_ZONE)
    if entry.state == EntryState.UNUSED:
        reopen(entry)
    _require_open_this_year(entry)
    texts = _texts_as_shown(affirmed, now)
    evidence = _live_evidence(entry)
    consent = ledger.gaps_of(entry)
    _require_nothing_missing(entry, [*_gaps(entry, evidence, consent), *_not_affirmed(affirmed)])
    return _submit(entry, evidence, _affirm(entry, texts, by, now), by, now)


@transaction.atomic
def withdraw_entry(*, entry_id: UUID, by: User, now: datetime) -> Entry:
    """Take a submitted entry back into preparation while the window is open; twice is once.

    The receipt stays on record: it was true when it was given.  Who withdraws an entry does not want it
    scored as it is, so a wish to have it submitted at the close ends with it.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
        WindowClosed: it is outside the candidate's window.
        NotAllowed: it is with the scorers already.
    """
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    if entry.state == EntryState.DRAFT:
        return entry
    if entry.state != EntryState.SUBMITTED:
        raise NotAllowed(
            f"{entry.template} cannot be withdrawn: it is {entry.get_state_display().lower()} now."
        )
    require_live(entry)
    window = window_of(entry)
    require_open(window, now, what=f"Withdrawal of {entry.template}", zone=settings.PROGRAMME_ZONE)
    move(entry, EntryState.DRAFT, submitted_at=None, submit_at_close_since=None)
    audit.record(actor=by, action="withdrew entry", subject=entry, detail={"at": now.isoformat()})
    return entry


@transaction.atomic
def wish_submission_at_close(
    *, entry_id: UUID, by: User, affirmed: Mapping[SubmissionKind, str], now: datetime
) -> Entry:
    """Ask that the entry be submitted when its window closes, if it is complete then; twice is once.

    It may be asked for before the window opens, and stands until it is taken back, the entry is
    withdrawn, or the window closes.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
        WindowClosed: the window is over.
        StillMissing: not everything is affirmed.
        NotAllowed: it is submitted already, the candidacy has ended, the year policy closed the entry, or a
            text was published anew since it was shown.
    """
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    require_live(entry)
    if entry.state not in (EntryState.DRAFT, EntryState.UNUSED):
        raise NotAllowed(
            f"{entry.template} is submitted already, so there is nothing left to do at the close."
        )
    require_not_over(window_of(entry), now, entry.template)
    if entry.submit_at_close_since is not None and entry.state == EntryState.DRAFT:
        return entry
    if entry.state == EntryState.UNUSED:
        reopen(entry)
    _require_open_this_year(entry)
    texts = _texts_as_shown(affirmed, now)
    if not_affirmed := _not_affirmed(affirmed):
        raise StillMissing("Affirm these first; they are affirmed with every entry.", not_affirmed)
    _affirm(entry, texts, by, now)
    entry.submit_at_close_since = now
    entry.save(update_fields=["submit_at_close_since"])
    audit.record(actor=by, action="asked for submission at the close", subject=entry)
    return entry


@transaction.atomic
def take_back_wish(*, entry_id: UUID, by: User, now: datetime) -> Entry:
    """No longer have the entry submitted at the close; twice is once.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
        WindowClosed: the window is over, so the wish holds.
    """
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    if entry.submit_at_close_since is None:
        return entry
    require_not_over(window_of(entry), now, entry.template)
    entry.submit_at_close_since = None
    entry.save(update_fields=["submit_at_close_since"])
    audit.record(actor=by, action="took back submission at the close", subject=entry)
    return entry


@transaction.atomic
def carry_out_wish(*, entry_id: UUID, now: datetime) -> AtClose | None:
    """Submit an entry at the close as its candidate asked, or lay it aside and say what was missing.

    It counts as of the last admitted instant.  A file that had arrived whole by then is waited for,
    however long its check takes.

    Returns:
        What became of it, or None if there is nothing to do: the window goes on, or somebody was quicker.
    """
    entry = locks.entry_of_anybody(entry_id)
    now = clock.agreed(now)
    window = window_of(entry)
    if entry.state != EntryState.DRAFT or entry.submit_at_close_since is None or now < window.closes:
        return None
    if waited_for({entry.pk: window.closes}):
        return AtClose.WAITING
    by = entry.candidacy.account
    evidence = _live_evidence(entry)
    problems = _problems_at_close(entry, evidence)
    if problems:
        detail = {"missing": problems, "asked_at": entry.submit_at_close_since.isoformat()}
        # The wish was for this close: after an extension it is asked for, and affirmed, anew.
        move(entry, EntryState.UNUSED, submit_at_close_since=None)
        audit.record(actor=None, action=f"entry {entry.state}", subject=entry, detail=detail)
        mails.not_submitted(entry, window.closes, problems, by)
        return AtClose.UNUSED
    affirmations = list(
        entry.affirmations.filter(affirmed_at__gte=entry.submit_at_close_since).select_related("document")
    )
    _submit(entry, evidence, affirmations, by, window.closes - _INSTANT, by_wish=True)
    move(entry, EntryState.SEALED, sealed_at=now)
    audit.record(actor=None, action=f"entry {entry.state}", subject=entry)
    return AtClose.SEALED


def what_is_missing(entry: Entry, recorded: Ledger) -> list[Gap]:
    """Everything that keeps the entry from being submitted at this moment, but for the affirmations.

    Args:
        recorded: the entry's consent ledger, which the page that asks shows too.
    """
    return _gaps(entry, _live_evidence(entry), recorded.gaps)


def _submit(
    entry: Entry,
    evidence: Sequence[Evidence],
    affirmations: Sequence[EntryAffirmation],
    by: User,
    at: datetime,
    *,
    by_wish: bool = False,
) -> Receipt:
    move(entry, EntryState.SUBMITTED, submitted_at=at)
    receipt = receipts.issue(entry, evidence, affirmations, at=at, by_wish=by_wish)
    audit.record(
        actor=None if by_wish else by,
        action="submitted entry",
        subject=entry,
        detail={"receipt": receipt.number, "at": at.isoformat()},
    )
    mails.received(entry, receipt, by)
    return receipt


def _require_open_this_year(entry: Entry) -> None:
    """Ask the year policy again: since the draft was begun, scores may have come out."""
    candidacy = openness.card_of(entry.candidacy_id)
    opened = openness.open_entries([candidacy], year=entry.year)[candidacy.id]
    if entry.template.key not in opened.entries:
        raise NotAllowed(opened.reasons[entry.template.key])


def _require_nothing_missing(entry: Entry, gaps: Sequence[Gap]) -> None:
    if gaps:
        raise StillMissing(f"{entry.template} cannot be submitted yet: something is missing.", gaps)


def _gaps(entry: Entry, evidence: Sequence[Evidence], consent: Sequence[Gap]) -> list[Gap]:
    return [
        *missing_pieces(entry.template.slots.all(), evidence),
        *_being_checked(entry),
        *unusable_pieces(evidence),
        *consent,
    ]


def _problems_at_close(entry: Entry, evidence: Sequence[Evidence]) -> list[str]:
    """The same, and what else would have refused a submission in the last admitted instant."""
    try:
        require_live(entry)
        _require_open_this_year(entry)
    except Refusal as refusal:
        return [refusal.message]
    return [gap.sentence for gap in _gaps(entry, evidence, ledger.gaps_of(entry))]


def _being_checked(entry: Entry) -> list[Gap]:
    """A file that has arrived belongs to what is handed in, so the receipt waits for it."""
    waiting = entry.uploads.filter(state=UploadState.COMPLETING).select_related("slot").order_by("created_at")
    return [Gap(GapKind.SLOT, upload.slot.key, being_checked(upload.name)) for upload in waiting]


def _not_affirmed(affirmed: Collection[SubmissionKind]) -> list[Gap]:
    return [
        Gap(GapKind.AFFIRMATION, kind, f"Not affirmed: “{kind.label}”")
        for kind in SubmissionKind
        if kind not in affirmed
    ]


def _texts_as_shown(affirmed: Mapping[SubmissionKind, str], now: datetime) -> Mapping[str, PolicyDocument]:
    """The texts in force, if those affirmed are what the candidate read: nobody agrees to unread words."""
    texts = documents.texts_to_submit_with(now)
    for kind, sha256 in affirmed.items():
        if texts[kind].sha256 != sha256:
            raise NotAllowed(
                f"The text “{texts[kind].title}” was published anew meanwhile. Read it and confirm again."
            )
    return texts


def _affirm(
    entry: Entry, texts: Mapping[str, PolicyDocument], by: User, now: datetime
) -> list[EntryAffirmation]:
    """One row for each text, with the version in force."""
    return [
        EntryAffirmation.objects.create(
            entry=entry, document=text, kind=kind, sha256=text.sha256, account=by, affirmed_at=now
        )
        for kind, text in texts.items()
    ]


def _live_evidence(entry: Entry) -> list[Evidence]:
    return list(entry.evidence.filter(removed_at__isnull=True).select_related("slot", "preparation"))
