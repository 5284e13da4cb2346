"""Beginning an entry, and what must hold before anything in it changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from candidates import selectors as candidates
from candidates.states import CandidacyState
from certification.kernel import audit, clock, states
from certification.kernel.errors import NotAllowed
from certification.kernel.windows import Window, WindowState, require_open

from .. import locks, openness
from ..models import Entry, EntryTemplate, Upload
from ..states import ENTRY_ALLOWED, EntryState, UploadState


@transaction.atomic
def start_entry(*, candidacy_id: UUID, entry_key: str, by: User, now: datetime) -> Entry:
    """The candidate's entry of this year, begun if there is none.

    Preparing is allowed from enrolment on, and in later years from the release of the scores before;
    it ends with the submission window.  An entry that was never submitted opens again when staff
    extended the deadline.  Source: the programme's rules, sections 2 and 5.

    Raises:
        EntryTemplate.DoesNotExist: the candidacy is not `by`'s, or its framework has no such entry.
        NotAllowed: the year policy keeps the entry closed; the message says why.
        WindowClosed: this year's window is over.
    """
    now = clock.agreed(now)
    candidacy = candidates.live_candidacy(by)
    if candidacy is None or candidacy.id != candidacy_id:
        raise EntryTemplate.DoesNotExist
    template = EntryTemplate.objects.get(framework__slug=candidacy.framework_slug, key=entry_key)
    year = candidates.year_at(candidacy.id, now)
    opened = openness.open_entries_for(candidacy, now)
    if year is None or entry_key not in opened.entries:
        raise NotAllowed(opened.reasons[entry_key])
    require_not_over(candidates.submission_window(candidacy.id, year), now, template)
    entry, is_new = Entry.objects.get_or_create(
        candidacy_id=candidacy.id,
        template=template,
        year=year,
        defaults={"created_at": now, "is_retake": entry_key in opened.retakes},
    )
    if is_new:
        audit.record(actor=by, action="started entry", subject=entry, detail={"year": year})
        return entry
    entry = locks.entry(entry.pk, owner=by)
    if entry.state == EntryState.UNUSED:
        # Who waited for the lock is judged by when they got it.
        require_not_over(window_of(entry), clock.agreed(now), template)
        reopen(entry)
    return entry


def require_preparable(entry: Entry, now: datetime) -> None:
    """Let the evidence of a locked entry change only while its candidate may prepare it.

    Raises:
        WindowClosed: the window is over.
        NotAllowed: the entry is submitted, being scored or scored; or the candidacy has ended.
    """
    require_live(entry)
    if entry.state == EntryState.SUBMITTED:
        raise NotAllowed(
            f"{entry.template} is submitted, so its files cannot change."
            " Withdraw it first; you may submit it again until the window closes."
        )
    if entry.state in (EntryState.SEALED, EntryState.RELEASED):
        raise NotAllowed(f"{entry.template} is with the scorers, so its files cannot change any more.")
    require_not_over(window_of(entry), now, entry.template)
    if entry.state == EntryState.UNUSED:
        reopen(entry)


def require_live(entry: Entry) -> None:
    """Let an entry change only while its candidacy goes on."""
    if entry.candidacy.state != CandidacyState.ACTIVE:
        state = entry.candidacy.get_state_display().lower()
        raise NotAllowed(f"Your candidacy is {state}, so its entries stay as they are.")


def require_not_over(window: Window, now: datetime, template: EntryTemplate) -> None:
    """Let preparation go on until the window closes, also before it opens."""
    if window.state(now) is WindowState.AFTER:
        require_open(window, now, what=f"The window for {template}", zone=settings.PROGRAMME_ZONE)


def window_of(entry: Entry) -> Window:
    """When this entry may be submitted: its cohort's window with grace and the candidate's extension."""
    return candidates.submission_window(entry.candidacy, entry.year)


def waited_for(closes: Mapping[UUID, datetime]) -> set[UUID]:
    """Which of these entries have a file that had arrived whole at their close and is still being checked."""
    arrived = Upload.objects.filter(entry__in=closes, state=UploadState.COMPLETING)
    rows = arrived.values_list("entry_id", "completed_at")
    return {entry_id for entry_id, arrived_at in rows if arrived_at and arrived_at < closes[entry_id]}


def reopen(entry: Entry) -> None:
    """Bring a locked, unused entry back into preparation: its window is not over for this candidate."""
    move(entry, EntryState.DRAFT)
    audit.record(actor=None, action="reopened entry", subject=entry)


def move(entry: Entry, state: EntryState, **fields: object) -> None:
    """Move a locked entry to `state` and write `fields` with it."""
    states.require(ENTRY_ALLOWED, entry.state, state, what=str(entry.template))
    entry.state = state
    for name, value in fields.items():
        setattr(entry, name, value)
    entry.save(update_fields=["state", *fields])
