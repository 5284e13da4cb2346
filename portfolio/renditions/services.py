"""Preparing evidence as a sweep, keeping it up with what names the candidate, and what staff may ask for."""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from certification.kernel import audit, reconcile
from certification.kernel.errors import NotAllowed

from ..blinding import terms
from ..models import Evidence
from ..states import PREPARED, PREPARING, EntryState, EvidenceKind, PreparationState, Scan
from ..uploads.storing import SPARED, originals
from . import locks, moves, preparing, stores
from .models import Preparation, Rendition, RenditionKind, UnclaimedRendition

logger = logging.getLogger(__name__)

# What is being scored is prepared too: its candidate may still look at it.
_NOT_SCORED_YET = (EntryState.DRAFT, EntryState.SUBMITTED, EntryState.SEALED)
_MAY_STILL_CHANGE = (EntryState.DRAFT, EntryState.SUBMITTED)


def waiting() -> QuerySet[Preparation]:
    """What is to be prepared: what was tried least first, then what came first.

    So a file that ends its worker each time it is opened comes last, and holds up nobody.
    """
    found = Preparation.objects.filter(state__in=PREPARING, evidence__removed_at__isnull=True)
    return found.order_by("tries", "received_at", "pk")


def waiting_shortly() -> QuerySet[Preparation]:
    """Of these, what takes seconds: all but videos that are still to be converted."""
    converted = Rendition.objects.filter(preparation=OuterRef("pk"), kind=RenditionKind.POSTER)
    return waiting().filter(~Q(evidence__slot__kind=EvidenceKind.VIDEO) | Exists(converted))


def prepare_due(
    now: datetime, due: QuerySet[Preparation], *, bell: str, max_seconds: float
) -> dict[str, int]:
    """Prepare what is due, one piece after another, also what arrives meanwhile.

    No further one is begun after `max_seconds`; the bell is rung for what is left.
    """
    until = time.monotonic() + max_seconds
    counts = Counter(dict.fromkeys(("ready", "unscannable", "rejected", "failed"), 0))
    seen: list[UUID] = []
    while (found := due.exclude(pk__in=seen).values_list("pk", flat=True).first()) is not None:
        if time.monotonic() > until:
            reconcile.ring(bell)
            break
        seen.append(found)
        state = preparing.prepare(found, now)
        if state is not None:
            counts["failed" if state == PreparationState.RECEIVED else state.value] += 1
    return dict(counts)


def keep_up(now: datetime) -> dict[str, int]:
    """Begin with evidence that has no preparation, draw anew what was drawn with other terms, and tidy up."""
    return {
        "begun": _begin_missing(),
        "redrawn": _draw_anew(),
        "dropped": _drop_removed(now),
        "swept": _sweep_unclaimed(),
    }


@transaction.atomic
def try_again(*, preparation_id: UUID, by: User, now: datetime) -> None:
    """Scan and draw once more what ended; one that is under way already goes on.

    Raises:
        Preparation.DoesNotExist: there is none with this key.
        NotAllowed: not a member of staff.
    """
    if not by.is_staff:
        raise NotAllowed("Only the programme office has a file prepared once more.")
    preparation = locks.preparation(preparation_id)
    if preparation.state in PREPARING:
        return
    moves.drop(preparation, RenditionKind)
    preparation.sightings.all().delete()
    moves.do_again(preparation)
    preparation.scan = Scan.NOT_ASKED
    preparation.save(update_fields=["scan"])
    audit.record(
        actor=by,
        action="tried preparation again",
        subject=preparation.evidence,
        detail={"at": now.isoformat()},
    )


def _begin_missing() -> int:
    """Evidence from before there were preparations gets one, unless its entry is scored."""
    lacking = Evidence.objects.filter(
        preparation__isnull=True, removed_at__isnull=True, entry__state__in=_NOT_SCORED_YET
    )
    made = [Preparation(evidence=one, received_at=one.uploaded_at) for one in lacking]
    Preparation.objects.bulk_create(made, ignore_conflicts=True)
    if made:
        reconcile.ring(moves.SHORT)
        reconcile.ring(moves.LONG)
    return len(made)


def _draw_anew() -> int:
    """What names a candidate may change, by a new name or by what staff found: previews follow."""
    shown = Preparation.objects.filter(
        state__in=sorted(PREPARED),
        evidence__removed_at__isnull=True,
        evidence__entry__state__in=_MAY_STILL_CHANGE,
    ).values_list("pk", "terms_sha256", "evidence__entry_id", "evidence__entry__candidacy_id")
    rows = list(shown)
    identities = terms.identities({(entry_id, candidacy_id) for _, _, entry_id, candidacy_id in rows})
    digests = {entry_id: terms.digest(identity) for entry_id, identity in identities.items()}
    changed = [pk for pk, drawn_with, entry_id, _ in rows if drawn_with != digests[entry_id]]
    for preparation_id in changed:
        with transaction.atomic():
            preparation = locks.preparation(preparation_id)
            if preparation.state in PREPARED:
                moves.do_again(preparation)
    return len(changed)


def _drop_removed(now: datetime) -> int:
    """Let go of what was made of evidence that was removed more than a day ago, as of its original."""
    gone = Preparation.objects.filter(evidence__removed_at__lt=now - SPARED)
    still_kept = gone.filter(Exists(Rendition.objects.filter(preparation=OuterRef("pk"))))
    dropped = 0
    for preparation_id in list(still_kept.values_list("pk", flat=True)):
        with transaction.atomic():
            preparation = locks.preparation(preparation_id)
            moves.drop(preparation, RenditionKind)
            preparation.sightings.all().delete()
        dropped += 1
    return dropped


def _sweep_unclaimed() -> int:
    """Remove stored objects that no row claims.  Returns how many keys it settled."""
    removed = 0
    for preparation_id in list(
        UnclaimedRendition.objects.values_list("preparation_id", flat=True).distinct()
    ):
        with locks.files(preparation_id) as mine:
            if mine:
                removed += _sweep_one(preparation_id)
    return removed


def _sweep_one(preparation_id: UUID) -> int:
    removed = 0
    for unclaimed in UnclaimedRendition.objects.filter(preparation_id=preparation_id):
        try:
            with stores.answering():
                originals().delete(unclaimed.storage_key)
        except stores.StoreSilent:
            logger.exception("preparation %s: a file could not be removed; it is tried again", preparation_id)
            continue
        unclaimed.delete()
        removed += 1
    return removed
