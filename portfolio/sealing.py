"""What happens to entries when their window is over.

The window itself is kept by the services, at the moment of writing; this only records the consequence,
so that a late sweep neither holds a window open nor closes one early.
Source: the programme's rules, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from candidates import selectors as candidates
from certification.kernel import audit, clock

from .models import Entry
from .services.entries import move
from .states import EntryState

_BATCH = 200
_WAITING = (EntryState.DRAFT, EntryState.SUBMITTED)


def seal_due(now: datetime) -> dict[str, int]:
    """Hand submitted entries to scoring, and lay unsubmitted ones aside, once their own window is over."""
    counts = {"sealed": 0, "unused": 0}
    for year in _years_closing(now):
        for batch in _batches(year):
            with transaction.atomic():
                _seal_batch(batch, year, now, counts)
    return counts


def _years_closing(now: datetime) -> set[int]:
    """The years in which some cohort's general window is over; an extension only ever ends later."""
    return {card.year for card in candidates.cohort_years() if card.window.closes <= now}


def _batches(year: int) -> Iterator[list[UUID]]:
    waiting = Entry.objects.filter(year=year, state__in=_WAITING).order_by("pk")
    keys = list(waiting.values_list("pk", flat=True))
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]


def _seal_batch(keys: list[UUID], year: int, now: datetime, counts: dict[str, int]) -> None:
    """The state is read under the lock: a submission that got in first is sealed, not laid aside."""
    entries = list(
        Entry.objects.select_for_update(of=("self",))
        .select_related("template")
        .filter(pk__in=keys, state__in=_WAITING)
        .order_by("pk")
    )
    now = clock.agreed(now)
    windows = candidates.submission_windows({entry.candidacy_id for entry in entries}, year)
    for entry in entries:
        if now < windows[entry.candidacy_id].closes:
            continue
        if entry.state == EntryState.SUBMITTED:
            move(entry, EntryState.SEALED, sealed_at=now)
            counts["sealed"] += 1
        else:
            move(entry, EntryState.UNUSED)
            counts["unused"] += 1
        audit.record(actor=None, action=f"entry {entry.state}", subject=entry)
