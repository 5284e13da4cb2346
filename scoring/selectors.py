"""What scorers see, as frozen values.  Read under the database role of the wall.

Each query names the scorer although the row-level policies do so too: two locks on one door.
Nothing here carries a date, another scorer or another mark.  Source: the programme's rules, section 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from django.db.models import Count, QuerySet
from django.urls import reverse

from .drafts import Draft
from .library import LookForCard, look_for_card
from .models import Assignment, PacketFile, Reading
from .rules.numbers import plain
from .rules.parsing import parse_rule_set
from .rules.ruleset import Point, RuleSet
from .states import OPEN_ASSIGNMENTS, AssignmentRole, AssignmentState, FileKind


@dataclass(frozen=True, slots=True)
class AssignmentCard:
    """A packet in the scorer's hands."""

    id: UUID
    code: str
    entry_title: str
    state: AssignmentState
    is_adjudication: bool

    @property
    def url(self) -> str:
        return reverse("scoring:packet", args=[self.code])

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_ASSIGNMENTS


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A packet in the queue: `marked` of its `look_fors` have a mark in the draft."""

    packet: AssignmentCard
    marked: int
    look_fors: int
    cannot_be_scored: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """A scorer's packets by what is left to do with them, each part by code."""

    to_do: tuple[QueueRow, ...]
    in_progress: tuple[QueueRow, ...]
    done: tuple[QueueRow, ...]

    @property
    def total(self) -> int:
        return len(self.to_do) + len(self.in_progress) + len(self.done)

    @property
    def next_packet(self) -> AssignmentCard | None:
        """What to go on with: what was begun first, then what was not."""
        return next((row.packet for row in (*self.in_progress, *self.to_do)), None)


@dataclass(frozen=True, slots=True)
class PageImage:
    """One page of a document; `text` is what it says, identifiers removed."""

    number: int
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    title: str
    pages: tuple[PageImage, ...]

    is_video = False


@dataclass(frozen=True, slots=True)
class Video:
    id: str
    title: str
    url: str
    content_type: str
    poster: str
    captions: str
    transcript: tuple[str, ...]
    length: str

    is_video = True


@dataclass(frozen=True, slots=True)
class EvidenceSlot:
    """One slot of the entry with what was handed in for it, in order."""

    id: str
    title: str
    parts: tuple[Document | Video, ...]

    @property
    def is_one_part(self) -> bool:
        """Whether the slot's only part says the slot's own title already."""
        return [part.title for part in self.parts] == [self.title]

    @property
    def summary(self) -> str:
        """`8 pages`, `1 video`, or both."""
        pages = sum(len(part.pages) for part in self.parts if isinstance(part, Document))
        videos = sum(1 for part in self.parts if isinstance(part, Video))
        counted = ((pages, "page"), (videos, "video"))
        return ", ".join(f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counted if count)


@dataclass(frozen=True, slots=True)
class ScoringPage:
    """Everything a scorer needs to judge one packet."""

    packet: AssignmentCard
    evidence: tuple[EvidenceSlot, ...]
    look_fors: tuple[LookForCard, ...]
    rules: RuleSet
    draft: Draft


@dataclass(frozen=True, slots=True)
class MarkLine:
    title: str
    points: str
    level: str


@dataclass(frozen=True, slots=True)
class SubmittedPage:
    """The scorer's own marks, final."""

    packet: AssignmentCard
    condition: str
    note: str
    lines: tuple[MarkLine, ...]


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file the scorer may be shown now."""

    id: UUID
    assignment_id: UUID
    storage_key: str
    content_type: str
    size: int
    sha256: str


def queue(scorer_id: UUID | None) -> Queue:
    """The scorer's packets; those stepped aside from are gone."""
    rows = [
        _queue_row(assignment, Draft.from_json(assignment.draft))
        for assignment in _mine(scorer_id)
        .annotate(look_fors=Count("packet__rubric_entry__look_fors"))
        .order_by("packet__code")
    ]
    return Queue(
        to_do=tuple(row for row in rows if row.packet.state == AssignmentState.ASSIGNED),
        in_progress=tuple(row for row in rows if row.packet.state == AssignmentState.IN_PROGRESS),
        done=tuple(row for row in rows if row.packet.state == AssignmentState.SUBMITTED),
    )


def _queue_row(assignment: Assignment, draft: Draft) -> QueueRow:
    return QueueRow(
        packet=_card(assignment),
        marked=len(draft.ratings),
        look_fors=assignment.look_fors,  # type: ignore[attr-defined]
        cannot_be_scored=bool(draft.condition),
    )


def assignment_card(scorer_id: UUID | None, code: str) -> AssignmentCard | None:
    """The scorer's own packet of that code; None when there is none, or they stepped aside."""
    assignment = _mine(scorer_id).filter(packet__code=code).first()
    return _card(assignment) if assignment else None


def scoring_page(scorer_id: UUID | None, code: str) -> ScoringPage:
    """Evidence, look-fors and draft of a packet that `assignment_card` found."""
    assignment = _mine(scorer_id).select_related("packet__rule_set").get(packet__code=code)
    packet = assignment.packet
    files = packet.files.defer("sha256", "storage_key")
    return ScoringPage(
        packet=_card(assignment),
        evidence=_slots(packet.code, files),
        look_fors=tuple(look_for_card(look_for) for look_for in packet.rubric_entry.look_fors.all()),
        rules=parse_rule_set(packet.rule_set.data),
        draft=Draft.from_json(assignment.draft),
    )


def submitted_page(scorer_id: UUID | None, code: str) -> SubmittedPage:
    """The scorer's own submitted marks of a packet that `assignment_card` found."""
    assignment = _mine(scorer_id).select_related("packet__rule_set").get(packet__code=code)
    reading = Reading.objects.prefetch_related("marks").get(assignment=assignment)
    rules = parse_rule_set(assignment.packet.rule_set.data)
    points = {point.value: point for point in rules.scale.points}
    marks = {mark.look_for: points[mark.points] for mark in reading.marks.all()}
    look_fors = [look_for_card(look_for) for look_for in assignment.packet.rubric_entry.look_fors.all()]
    return SubmittedPage(
        packet=_card(assignment),
        condition=rules.condition_label(reading.condition) if reading.condition else "",
        note=reading.note,
        lines=tuple(
            MarkLine(
                title=look_for.title,
                points=point_label(marks[look_for.key]),
                level=level_text(rules, look_for, marks[look_for.key].level),
            )
            for look_for in look_fors
            if look_for.key in marks
        ),
    )


def evidence_file(scorer_id: UUID | None, code: str, file_id: UUID) -> EvidenceFile | None:
    """A file of a packet the scorer is still judging; None otherwise, so that no link outlives the work."""
    assignment = _mine(scorer_id).filter(packet__code=code, state__in=OPEN_ASSIGNMENTS).first()
    if assignment is None:
        return None
    file = PacketFile.objects.filter(pk=file_id, packet_id=assignment.packet_id).first()
    if file is None:
        return None
    return EvidenceFile(
        id=file.pk,
        assignment_id=assignment.pk,
        storage_key=file.storage_key,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
    )


def point_label(point: Point) -> str:
    """A mark as scorers read it: its label, and its value where the label is another word."""
    value = plain(point.value)
    return value if point.label in ("", value) else f"{point.label} ({value})"


def level_text(rules: RuleSet, look_for: LookForCard, level: int) -> str:
    """What evidence at a level looks like: for this look-for, or for every one."""
    general = {known.level: known.description for known in rules.scale.levels}
    words = look_for.levels.get(level) or general.get(level, "")
    return f"{level} · {words}" if words else str(level)


def _mine(scorer_id: UUID | None) -> QuerySet[Assignment]:
    if scorer_id is None:
        return Assignment.objects.none()
    return (
        Assignment.objects.filter(scorer_id=scorer_id)
        .exclude(state=AssignmentState.RECUSED)
        .select_related("packet__rubric_entry")
    )


def _card(assignment: Assignment) -> AssignmentCard:
    return AssignmentCard(
        id=assignment.pk,
        code=assignment.packet.code,
        entry_title=assignment.packet.rubric_entry.title,
        state=AssignmentState(assignment.state),
        is_adjudication=assignment.role == AssignmentRole.ADJUDICATOR,
    )


def _slots(code: str, files: Iterable[PacketFile]) -> tuple[EvidenceSlot, ...]:
    slots = []
    for place, (title, slot_files) in enumerate(groupby(files, key=lambda file: file.slot_title), start=1):
        parts = [
            _part(code, f"evidence-{place}-{number}", label, list(part))
            for number, (label, part) in enumerate(groupby(slot_files, key=lambda file: file.label), start=1)
        ]
        slots.append(EvidenceSlot(f"evidence-{place}", title, tuple(parts)))
    return tuple(slots)


def _part(code: str, part_id: str, label: str, files: list[PacketFile]) -> Document | Video:
    def url(file: PacketFile) -> str:
        return reverse("scoring:file", args=[code, file.pk])

    video = next((file for file in files if file.kind == FileKind.VIDEO), None)
    if video is not None:
        poster = next((url(file) for file in files if file.kind == FileKind.POSTER), "")
        spoken = next((file for file in files if file.kind == FileKind.CAPTIONS), None)
        minutes, seconds = divmod(round(video.seconds or 0), 60)
        return Video(
            id=part_id,
            title=label,
            url=url(video),
            content_type=video.content_type,
            poster=poster,
            captions=url(spoken) if spoken else "",
            transcript=tuple(filter(None, spoken.text.split("\n\n"))) if spoken else (),
            length=f"{minutes}:{seconds:02d}" if video.seconds else "",
        )
    pages = (
        PageImage(file.page_number or number, url(file), file.text)
        for number, file in enumerate(files, start=1)
    )
    return Document(part_id, label, tuple(pages))
