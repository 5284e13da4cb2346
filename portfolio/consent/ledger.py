"""The consent ledger of an entry as it stands: its live videos, who is seen in each, and what is lacking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from candidates import selectors as candidates
from certification.kernel.errors import NotAllowed

from ..completeness import Gap, GapKind
from ..models import Entry, Evidence, PersonSeen, ReleaseForm
from ..states import EvidenceKind
from . import rules
from .rules import Seen, Video


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody in a video; `lacks` says in a few words what is not covered, or nothing."""

    id: UUID
    seen: Seen
    form_id: UUID | None
    lacks: str

    @property
    def form_url(self) -> str:
        """Where its candidate downloads the form; empty when there is none."""
        return reverse("portfolio:release_form", args=[self.form_id]) if self.form_id else ""

    @property
    def uses(self) -> str:
        """What the form allows, in words."""
        allowed = [
            word
            for word, is_allowed in (
                ("scoring", self.seen.for_scoring),
                ("training", self.seen.for_training),
                ("research", self.seen.for_research),
            )
            if is_allowed
        ]
        return ", ".join(allowed) if allowed else "nothing"


@dataclass(frozen=True, slots=True)
class Source:
    """Another clip whose people may be taken over."""

    evidence_id: UUID
    label: str


@dataclass(frozen=True, slots=True)
class VideoLine:
    """One video with its people; `problems` are whole sentences."""

    id: UUID
    slot: str
    name: str
    nobody: bool
    people: tuple[PersonLine, ...]
    problems: tuple[str, ...]
    sources: tuple[Source, ...]

    @property
    def is_covered(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class FormLine:
    """A release form of the candidate; `covers` says how many lines of live videos refer to it."""

    id: UUID
    title: str
    name: str
    size: int
    covers: int
    url: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The consent of one entry's videos."""

    videos: tuple[VideoLine, ...]
    forms: tuple[FormLine, ...]
    released_on: date

    @property
    def covered(self) -> int:
        return sum(video.is_covered for video in self.videos)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(sentence for video in self.videos for sentence in video.problems)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The same, and of which video each is."""
        return tuple(
            Gap(GapKind.VIDEO, str(video.id), sentence)
            for video in self.videos
            for sentence in video.problems
        )


def ledger_of(entry: Entry) -> Ledger:
    """The whole ledger, for the page that shows it."""
    videos = videos_of(entry)
    released_on = release_day(entry)
    sources = _sources(entry)
    return Ledger(
        videos=tuple(_line(video, videos, sources, released_on) for video in videos),
        forms=_forms(entry),
        released_on=released_on,
    )


def gaps_of(entry: Entry) -> list[Gap]:
    """What the consent of the entry's videos lacks, for those who need no more of the ledger."""
    videos = videos_of(entry)
    if not videos:
        return []
    try:
        released_on = release_day(entry)
    except NotAllowed as refusal:  # one more thing that is lacking: what asks at the close goes on
        return [Gap(GapKind.ENTRY, str(entry.pk), str(refusal))]
    return [
        Gap(GapKind.VIDEO, str(video.pk), sentence)
        for video in videos
        for sentence in rules.lacking([_video(video)], released_on=released_on)
    ]


def open_points(entries: Sequence[Entry]) -> dict[UUID, int]:
    """How many points are open in the ledger of each of these, which are of one candidacy and year.

    Those without any are left out.  It takes three queries at most, with their candidacies loaded.
    """
    videos: dict[UUID, list[Video]] = {}
    for video in _videos(Evidence.objects.filter(entry__in=entries)):
        videos.setdefault(video.entry_id, []).append(_video(video))
    if not videos:
        return {}
    try:
        released_on = release_day(entries[0])
    except NotAllowed:
        return dict.fromkeys(videos, 1)
    counted = {entry_id: len(rules.lacking(own, released_on=released_on)) for entry_id, own in videos.items()}
    return {entry_id: points for entry_id, points in counted.items() if points}


def snapshot(entry: Entry) -> list[dict[str, Any]]:
    """The ledger as a receipt keeps it: one object per video, in the order of the entry."""
    return [
        {
            "slot": video.slot.title,
            "name": video.original_name,
            "sha256": video.sha256,
            "nobody_seen": not people_of(video) and hasattr(video, "nobody_seen"),
            "people": [
                {
                    "who": person.who,
                    "minors": person.minors,
                    "form": form.title if (form := live_form(person)) else "",
                    "form_sha256": form.sha256 if form else "",
                    "for_scoring": person.for_scoring,
                    "for_training": person.for_training,
                    "for_research": person.for_research,
                    "until_on": person.until_on.isoformat() if person.until_on else None,
                }
                for person in people_of(video)
            ],
        }
        for video in videos_of(entry)
    ]


def videos_of(entry: Entry) -> list[Evidence]:
    """The entry's live videos with their people and forms loaded: two queries."""
    return _videos(entry.evidence.all())


def _videos(evidence: QuerySet[Evidence]) -> list[Evidence]:
    people = PersonSeen.objects.select_related("release_form").order_by("added_at", "pk")
    return list(
        evidence.filter(removed_at__isnull=True, slot__kind=EvidenceKind.VIDEO)
        .select_related("slot", "nobody_seen")
        .prefetch_related(Prefetch("people_seen", queryset=people))
    )


def people_of(video: Evidence) -> Sequence[PersonSeen]:
    """Who was recorded in a video that `videos_of` loaded."""
    return list(video.people_seen.all())


def live_form(person: PersonSeen) -> ReleaseForm | None:
    """The form that covers somebody, unless it was taken away."""
    form = person.release_form
    return form if form is not None and form.removed_at is None else None


def release_day(entry: Entry) -> date:
    """The programme's day on which the scores of the entry's year come out.

    Raises:
        NotAllowed: nobody has planned the year yet.
    """
    years = (
        card.release_at
        for card in candidates.cohort_years()
        if card.cohort_id == entry.candidacy.cohort_id and card.year == entry.year
    )
    release_at = next(years, None)
    if release_at is None:
        raise NotAllowed(
            f"Year {entry.year} of your cohort has no dates yet, so nobody can say how long a consent"
            " must last. Write to the programme office."
        )
    return release_at.astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).date()


def _video(video: Evidence) -> Video:
    return Video(
        name=video.original_name,
        slot=video.slot.title,
        people=tuple(_seen(person) for person in people_of(video)),
        nobody=hasattr(video, "nobody_seen"),
    )


def _seen(person: PersonSeen) -> Seen:
    form = live_form(person)
    return Seen(
        who=person.who,
        minors=person.minors,
        form=form.title if form else "",
        for_scoring=person.for_scoring,
        for_training=person.for_training,
        for_research=person.for_research,
        until_on=person.until_on,
    )


def _line(
    video: Evidence, videos: Sequence[Evidence], sources: Sequence[Source], released_on: date
) -> VideoLine:
    stated = _video(video)
    return VideoLine(
        id=video.pk,
        slot=video.slot.title,
        name=video.original_name,
        nobody=stated.nobody and not stated.people,
        people=tuple(
            PersonLine(
                id=person.pk,
                seen=seen,
                form_id=form.pk if (form := live_form(person)) else None,
                lacks=rules.what_lacks(seen, released_on=released_on),
            )
            for person, seen in zip(people_of(video), stated.people, strict=True)
        ),
        problems=tuple(rules.lacking([stated], released_on=released_on)),
        sources=tuple(source for source in sources if source.evidence_id != video.pk),
    )


def _sources(entry: Entry) -> list[Source]:
    """Clips with people recorded: of this entry, also replaced ones, and of the candidate's other entries."""
    clips = (
        Evidence.objects.filter(entry__candidacy_id=entry.candidacy_id, people_seen__isnull=False)
        .select_related("slot", "entry__template")
        .order_by("-entry__year", "slot__ordinal", "-uploaded_at")
        .distinct()
    )
    own = [clip for clip in clips if clip.entry_id == entry.pk]
    others = [clip for clip in clips if clip.entry_id != entry.pk and clip.removed_at is None]
    return [
        Source(
            clip.pk,
            f"{clip.original_name} ({clip.slot.title}{', no longer there' if clip.removed_at else ''})",
        )
        for clip in own
    ] + [Source(clip.pk, f"{clip.original_name} ({clip.entry})") for clip in others]


def _forms(entry: Entry) -> tuple[FormLine, ...]:
    forms = ReleaseForm.objects.filter(candidacy_id=entry.candidacy_id, removed_at__isnull=True)
    covering = PersonSeen.objects.filter(evidence__removed_at__isnull=True)
    return tuple(
        FormLine(
            id=form.pk,
            title=form.title,
            name=form.original_name,
            size=form.size,
            covers=len(form.covers.all()),
            url=reverse("portfolio:release_form", args=[form.pk]),
        )
        for form in forms.prefetch_related(Prefetch("covers", queryset=covering))
    )
