"""What happens to entries when their window is over: submitted as asked, sealed, or laid aside.

The window itself is kept by the services, at the moment of writing; this only records the consequence,
so that a late sweep neither holds a window open nor closes one early.
Source: the programme's rules, section 2.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from candidates import selectors as candidates
from certification.kernel import audit, clock

from . import locks
from .models import Entry
from .services import AtClose, carry_out_wish, waited_for
from .services.entries import move
from .states import EntryState

logger = logging.getLogger(__name__)

_BATCH = 200
_WAITING = (EntryState.DRAFT, EntryState.SUBMITTED)


def seal_due(now: datetime) -> dict[str, int]:
    """Hand submitted entries to scoring, and lay unsubmitted ones aside, once their own window is over.

    An entry whose candidate asked for it is submitted first, each in a transaction of its own: one that
    fails is tried again and holds up no other.  `waiting` are those of which a file is still being checked.
    """
    counts = {str(outcome): 0 for outcome in AtClose}
    for year in _years_closing(now):
        for batch in _batches(year):
            with transaction.atomic():
                wished = _seal_batch(batch, year, now, counts)
            for entry_id in wished:
                _carry_out(entry_id, now, counts)
    return counts


def _years_closing(now: datetime) -> set[int]:
    """The years in which some cohort's general window is over; an extension only ever ends later."""
    return {card.year for card in candidates.cohort_years() if card.window.closes <= now}


def _batches(year: int) -> Iterator[list[UUID]]:
    waiting = Entry.objects.filter(year=year, state__in=_WAITING).order_by("pk")
    keys = list(waiting.values_list("pk", flat=True))
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]


def _carry_out(entry_id: UUID, now: datetime, counts: dict[str, int]) -> None:
    try:
        outcome = carry_out_wish(entry_id=entry_id, now=now)
    except SoftTimeLimitExceeded:
        raise  # the worker's trouble, not the entry's
    except Exception:
        logger.exception("entry %s could not be submitted at the close; it is tried again", entry_id)
        return
    if outcome is not None:
        counts[outcome] += 1


def _seal_batch(keys: list[UUID], year: int, now: datetime, counts: dict[str, int]) -> list[UUID]:
    """Seal or lay aside what is due, and return the entries that are to be submitted first.

    The state is read under the lock: a submission that got in first is sealed, not laid aside.
    """
    wished = []
    waiting = Entry.objects.filter(pk__in=keys, state__in=_WAITING)
    entries = locks.entries(waiting.select_related("template"))
    now = clock.agreed(now)
    windows = candidates.submission_windows({entry.candidacy_id for entry in entries}, year)
    due = [entry for entry in entries if windows[entry.candidacy_id].closes <= now]
    # A file that counts once it is checked would open an entry again that had been laid aside.
    checked_still = waited_for({entry.pk: windows[entry.candidacy_id].closes for entry in due})
    for entry in due:
        if entry.state == EntryState.SUBMITTED:
            move(entry, EntryState.SEALED, sealed_at=now)
            counts[AtClose.SEALED] += 1
        elif entry.submit_at_close_since is not None:
            wished.append(entry.pk)
            continue
        elif entry.pk in checked_still:
            counts[AtClose.WAITING] += 1
            continue
        else:
            move(entry, EntryState.UNUSED)
            counts[AtClose.UNUSED] += 1
        audit.record(actor=None, action=f"entry {entry.state}", subject=entry)
    return wished
