"""What candidates, staff and other parts of the portfolio may know about preparations, as frozen values.

Nothing here asks whose evidence it is: the caller has done that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet

from ..states import PREPARED, EntryState, PreparationState, Scan
from .models import Captions, Preparation, Rendition, RenditionKind, Sighting

_TONES = {PreparationState.REJECTED: "danger", PreparationState.UNSCANNABLE: "warn"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one piece of evidence has come.  `step` and `problem` are sentences for its candidate."""

    evidence_id: UUID
    state: PreparationState
    step: str
    percent: int
    problem: str
    scan: Scan
    sightings: int
    captions_name: str

    @property
    def is_under_way(self) -> bool:
        return self.state in (PreparationState.RECEIVED, PreparationState.CHECKING)

    @property
    def is_shown(self) -> bool:
        """Whether there is a preview to look at."""
        return self.state in PREPARED

    @property
    def is_rejected(self) -> bool:
        return self.state is PreparationState.REJECTED


@dataclass(frozen=True, slots=True)
class File:
    """One rendition; its address is asked of `portfolio.viewing.links.link_to`."""

    id: UUID
    kind: RenditionKind
    content_type: str
    size: int
    page_number: int | None
    width: int | None
    height: int | None
    seconds: Decimal | None
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
    with the paragraphs of their `transcript`.  All empty while it is not shown.
    """

    standing: Standing
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
        return Preview(_not_begun(evidence_id, name), (), None, None, None, None, (), ())
    standing = _standing(row, name)
    files = [_file(one) for one in row.files.all()] if standing.is_shown else []
    spoken = _first(files, RenditionKind.CAPTIONS)
    return Preview(
        standing=standing,
        pages=tuple(file for file in files if file.kind is RenditionKind.PAGE),
        document=_first(files, RenditionKind.DOCUMENT),
        video=_first(files, RenditionKind.VIDEO),
        poster=_first(files, RenditionKind.POSTER),
        captions=spoken,
        transcript=tuple(spoken.text.split("\n\n")) if spoken and spoken.text else (),
        sightings=tuple(_sighting(one) for one in row.sightings.all()),
    )


def _standing(row: Preparation, captions_name: str) -> Standing:
    return Standing(
        evidence_id=row.evidence_id,
        state=PreparationState(row.state),
        step=row.step,
        percent=row.percent,
        problem=row.problem,
        scan=Scan(row.scan),
        sightings=len(row.sightings.all()),
        captions_name=captions_name,
    )


def _not_begun(evidence_id: UUID, captions_name: str) -> Standing:
    return Standing(evidence_id, PreparationState.RECEIVED, "", 0, "", Scan.NOT_ASKED, 0, captions_name)


def _file(row: Rendition) -> File:
    return File(
        id=row.pk,
        kind=RenditionKind(row.kind),
        content_type=row.content_type,
        size=row.size,
        page_number=row.page_number,
        width=row.width,
        height=row.height,
        seconds=row.seconds,
        text=row.text,
    )


def _first(files: Iterable[File], kind: RenditionKind) -> File | None:
    return next((file for file in files if file.kind is kind), None)


def _sighting(row: Sighting) -> SightingCard:
    return SightingCard(row.where, row.page_number, row.kind, row.excerpt, row.covered)
