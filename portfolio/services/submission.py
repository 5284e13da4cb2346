"""Submitting an entry, withdrawing it, and the receipt that proves what was handed in when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from certification.kernel import audit, clock, ids, outbox
from certification.kernel.errors import Incomplete, NotAllowed
from certification.kernel.windows import require_open, spoken

from .. import locks, openness
from ..completeness import missing_pieces
from ..models import Entry, Evidence, Receipt
from ..states import EntryState, UploadState
from .entries import move, reopen, require_live, window_of


@transaction.atomic
def submit_entry(*, entry_id: UUID, by: User, now: datetime) -> Receipt:
    """Close an entry in preparation for scoring and hand back the candidate's receipt.

    The window is checked here, under the entry's lock, because a page opened before the deadline
    must not be able to write after it.  Source: the programme's rules, section 2.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
        WindowClosed: `now` is outside the candidate's (possibly extended) window.
        Incomplete: a required slot is not filled; lists every missing piece, not the first.
        NotAllowed: it is with the scorers, the candidacy has ended, the year policy closed the entry,
            or a file of it is still being checked.
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
    _require_nothing_being_checked(entry)
    _require_open_this_year(entry)
    evidence = _live_evidence(entry)
    _require_complete(entry, evidence)
    move(entry, EntryState.SUBMITTED, submitted_at=now)
    receipt = _receipt(entry, evidence, now)
    audit.record(actor=by, action="submitted entry", subject=entry, detail={"receipt": receipt.number})
    _mail_receipt(entry, receipt, by)
    return receipt


@transaction.atomic
def withdraw_entry(*, entry_id: UUID, by: User, now: datetime) -> Entry:
    """Take a submitted entry back into preparation while the window is open; twice is once.

    The receipt stays on record: it was true when it was given.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
        WindowClosed: `now` is outside the candidate's window.
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
    move(entry, EntryState.DRAFT, submitted_at=None)
    audit.record(actor=by, action="withdrew entry", subject=entry)
    return entry


def manifest_digest(manifest: Sequence[dict[str, Any]]) -> str:
    """SHA-256 of the canonical JSON of a receipt's manifest: sorted keys, no blanks, ASCII."""
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _require_open_this_year(entry: Entry) -> None:
    """Ask the year policy again: since the draft was begun, scores may have come out."""
    candidacy = openness.card_of(entry.candidacy_id)
    opened = openness.open_entries([candidacy], year=entry.year)[candidacy.id]
    if entry.template.key not in opened.entries:
        raise NotAllowed(opened.reasons[entry.template.key])


def _require_nothing_being_checked(entry: Entry) -> None:
    """A file that has arrived belongs to what is handed in, so the receipt waits for it."""
    checked = entry.uploads.filter(state=UploadState.COMPLETING).first()
    if checked is not None:
        raise NotAllowed(
            f"“{checked.name}” is still being checked; wait a moment. {entry.template} was not submitted yet."
        )


def _require_complete(entry: Entry, evidence: Sequence[Evidence]) -> None:
    missing = missing_pieces(entry.template.slots.all(), evidence)
    if missing:
        raise Incomplete(f"{entry.template} cannot be submitted yet: something is missing.", missing)


def _live_evidence(entry: Entry) -> list[Evidence]:
    return list(entry.evidence.filter(removed_at__isnull=True).select_related("slot"))


def _receipt(entry: Entry, evidence: Sequence[Evidence], now: datetime) -> Receipt:
    manifest = [
        {
            "slot": piece.slot.title,
            "name": piece.original_name,
            "size": piece.size,
            "sha256": piece.sha256,
            "pages": piece.pages,
            "seconds": None if piece.seconds is None else str(piece.seconds),
        }
        for piece in evidence
    ]
    return Receipt.objects.create(
        number=f"R-{ids.code(10)}",
        entry=entry,
        submitted_at=now,
        manifest=manifest,
        digest=manifest_digest(manifest),
    )


def _mail_receipt(entry: Entry, receipt: Receipt, by: User) -> None:
    files = "\n".join(
        f"- {piece['slot']}: {piece['name']}\n  {piece['size']:,} bytes, SHA-256 {piece['sha256']}"
        for piece in receipt.manifest
    )
    submitted = spoken(receipt.submitted_at, settings.PROGRAMME_ZONE)
    address = f"{settings.SITE_URL}{reverse('portfolio:receipt', args=[receipt.number])}"
    outbox.queue(
        dedupe_key=f"receipt:{receipt.number}",
        to=by.email,
        kind="submission receipt",
        subject=f"Received: {entry.template}",
        body=(
            f"{entry.template} of year {entry.year} was submitted on {submitted}.\n\n"
            f"Receipt {receipt.number}\n{files}\n\n"
            f"The receipt on the site: {address}\n"
            "Until the window closes you may withdraw the entry, change it and submit it again.\n"
        ),
    )
