"""What candidates, staff and other parts of the portfolio may know about preparations, as frozen values.

Nothing here asks whose evidence it is: the caller has done that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet

from ..states import PREPARED, EntryState, PreparationState
from .models import Captions, Preparation, Rendition, RenditionKind, Sighting

_TONES = {PreparationState.REJECTED: "danger", PreparationState.UNSCANNABLE: "warn"}


@dataclass(frozen=True, slots=True)
class File:
    """One rendition, with the words in it; its address is `portfolio.renditions.cards.rendition_url`."""

    id: UUID
    page_number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class SightingCard:
    """An identifier met in the evidence: where, what kind, and with the words around it."""

    where: str
    page_number: int | None
    kind: str
    excerpt: str
    covered: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What scorers will see of one piece, and what its candidate should know about it.

    For a document `pages` and `document`; for a video `video`, `poster` and, if it has some, `captions`
    with the paragraphs of their `transcript`.  All empty while it is not shown.  `captions_name` is of the
    candidate's own file, also while it is being worked in.
    """

    captions_name: str
    pages: tuple[File, ...]
    document: File | None
    video: File | None
    poster: File | None
    captions: File | None
    transcript: tuple[str, ...]
    sightings: tuple[SightingCard, ...]


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many pieces stand in one state, for staff."""

    state: PreparationState
    label: str
    tone: str
    count: int


# An entry that its candidate has given out of hand, and whose scores are not out.
HANDED_IN_ENTRIES = (EntryState.SUBMITTED, EntryState.SEALED)


def unusable_in_handed_in() -> int:
    """How many pieces cannot be used although their entries were handed in: somebody has to act."""
    return (
        _live().filter(state=PreparationState.REJECTED, evidence__entry__state__in=HANDED_IN_ENTRIES).count()
    )


def state_counts() -> tuple[StateCount, ...]:
    """How many pieces stand in each state; every state is there."""
    found = dict(_live().order_by().values_list("state").annotate(Count("pk")))
    return tuple(
        StateCount(state, str(state.label), _TONES.get(state, ""), found.get(state, 0))
        for state in PreparationState
    )


def _live() -> QuerySet[Preparation]:
    return Preparation.objects.filter(evidence__removed_at__isnull=True)


def preview(evidence_id: UUID) -> Preview:
    """One piece as scorers will see it, as far as it has come."""
    row = (
        Preparation.objects.filter(evidence_id=evidence_id)
        .prefetch_related(Prefetch("files", Rendition.objects.order_by("page_number")), "sightings")
        .first()
    )
    captions = Captions.objects.filter(evidence_id=evidence_id).first()
    name = captions.original_name if captions else ""
    if row is None:
        return Preview(name, (), None, None, None, None, (), ())
    shown = list(row.files.all()) if row.state in PREPARED else []
    spoken = _first(shown, RenditionKind.CAPTIONS)
    return Preview(
        captions_name=name,
        pages=tuple(_file(one) for one in shown if one.kind == RenditionKind.PAGE),
        document=_first(shown, RenditionKind.DOCUMENT),
        video=_first(shown, RenditionKind.VIDEO),
        poster=_first(shown, RenditionKind.POSTER),
        captions=spoken,
        transcript=tuple(spoken.text.split("\n\n")) if spoken and spoken.text else (),
        sightings=tuple(_sighting(one) for one in row.sightings.all()),
    )


def _first(rows: Iterable[Rendition], kind: RenditionKind) -> File | None:
    return next((_file(row) for row in rows if row.kind == kind), None)


def _file(row: Rendition) -> File:
    return File(row.pk, row.page_number, row.text)


def _sighting(row: Sighting) -> SightingCard:
    return SightingCard(row.where, row.page_number, row.kind, row.excerpt, row.covered)
