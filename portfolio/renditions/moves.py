"""The moves of a preparation, each inside its caller's transaction and under the row's lock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from certification.kernel import reconcile
from certification.kernel.states import require

from ..states import PREPARATION_ALLOWED, EvidenceKind, PreparationState
from .models import Preparation, Rendition, RenditionKind, UnclaimedRendition

# A video may take an hour of a worker that does nothing else; a document is overtaken by none of them.
LONG, SHORT = "renditions.prepare", "renditions.prepare_shortly"


def ring(preparation: Preparation) -> None:
    """Wake who will do it."""
    reconcile.ring(LONG if is_long(preparation) else SHORT)


def is_long(preparation: Preparation) -> bool:
    """Whether a video is still to be converted."""
    if preparation.evidence.slot.kind != EvidenceKind.VIDEO:
        return False
    return not preparation.files.filter(kind=RenditionKind.POSTER).exists()


def move(preparation: Preparation, state: PreparationState, **fields: object) -> None:
    """Move a locked preparation to `state` and write `fields` with it.

    Raises:
        NotAllowed: the table of moves has no such move.
    """
    require(PREPARATION_ALLOWED, preparation.state, state, what="This preparation")
    preparation.state = state
    for name, value in fields.items():
        setattr(preparation, name, value)
    preparation.save(update_fields=["state", *fields])


def end(preparation: Preparation, state: PreparationState, now: datetime, *, problem: str = "") -> None:
    """End it: nothing is under way any more."""
    percent = 0 if state is PreparationState.REJECTED else 100
    move(preparation, state, problem=problem, step="", percent=percent, ended_at=now)


def do_again(preparation: Preparation) -> None:
    """Have a locked preparation that has ended be done again, as far as something is missing."""
    move(
        preparation,
        PreparationState.RECEIVED,
        problem="",
        step="",
        percent=0,
        tries=0,
        failures=0,
        ended_at=None,
    )
    ring(preparation)


def drop(preparation: Preparation, kinds: Iterable[RenditionKind]) -> None:
    """Let go of files; the stored objects go with the next sweep."""
    gone = Rendition.objects.filter(preparation=preparation, kind__in=list(kinds))
    keys = list(gone.values_list("storage_key", flat=True))
    UnclaimedRendition.objects.bulk_create(
        [UnclaimedRendition(storage_key=key, preparation=preparation) for key in keys], ignore_conflicts=True
    )
    gone.delete()
