"""What the office sees of blindings: how many wait for what, and one of them with all its copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from accounts.models import User
from candidates import selectors as candidates
from scoring.api import FileKind

from ..states import BlindingState
from . import services
from .models import Blinding, CleanedFile, Finding

TONES = {
    BlindingState.WAITING: "neutral",
    BlindingState.CLEANED: "warn",
    BlindingState.CHECKED: "info",
    BlindingState.SIGNED_OFF: "success",
    BlindingState.FAILED: "danger",
}


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many blindings are in a state."""

    state: BlindingState
    label: str
    tone: str
    count: int


@dataclass(frozen=True, slots=True)
class PageCard:
    url: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class FindingCard:
    """One place where the original named the candidate.  `anchor` is the page of the copy it was on."""

    id: UUID
    file: str
    where: str
    kind: str
    excerpt: str
    covered: bool
    recorded: bool
    settled_as: str
    anchor: str

    @property
    def needs_work(self) -> bool:
        """Whether it holds up the check."""
        return self.recorded and not self.settled_as


@dataclass(frozen=True, slots=True)
class CopyCard:
    """The cleaned copies of one original: the pages of a document, or a video with what belongs to it."""

    anchor: str
    evidence_id: UUID
    label: str
    pages: tuple[PageCard, ...]
    video_url: str
    poster_url: str
    captions_url: str
    transcript: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlindingPage:
    """Everything the check page shows.  Personal data: whom the checker must not find in the copies."""

    id: UUID
    number: str
    entry: str
    year: int
    state: BlindingState
    tone: str
    problem: str
    sent_back_because: str
    also_cover: tuple[str, ...]
    cleaned_at: datetime | None
    checked_by: str
    checked_by_me: bool
    checked_at: datetime | None
    signed_by: str
    signed_at: datetime | None
    packet_code: str
    look_for: tuple[tuple[str, str], ...]
    copies: tuple[CopyCard, ...]
    findings: tuple[FindingCard, ...]
    digest: str
    next_url: str

    @property
    def waiting(self) -> bool:
        return self.state is BlindingState.WAITING

    @property
    def failed(self) -> bool:
        return self.state is BlindingState.FAILED

    @property
    def to_check(self) -> bool:
        return self.state is BlindingState.CLEANED

    @property
    def to_sign(self) -> bool:
        return self.state is BlindingState.CHECKED

    @property
    def signed_off(self) -> bool:
        return self.state is BlindingState.SIGNED_OFF

    @property
    def recorded(self) -> tuple[FindingCard, ...]:
        return tuple(one for one in self.findings if one.recorded)

    @property
    def to_look_at(self) -> tuple[FindingCard, ...]:
        """What the cleaning could not judge or cover by itself."""
        return tuple(one for one in self.findings if not one.recorded and not one.covered)

    @property
    def covered(self) -> tuple[FindingCard, ...]:
        return tuple(one for one in self.findings if not one.recorded and one.covered)

    @property
    def held_up(self) -> bool:
        """Whether something recorded is not settled yet."""
        return any(one.needs_work for one in self.findings)


def counts() -> dict[BlindingState, int]:
    """How many blindings are in each state; every state is there."""
    found = dict(Blinding.objects.order_by().values_list("state").annotate(Count("pk")))
    return {state: found.get(state, 0) for state in BlindingState}


def state_counts() -> tuple[StateCount, ...]:
    """The same, with words and colours for the list's head."""
    return tuple(
        StateCount(state, str(state.label), TONES[state], count) for state, count in counts().items()
    )


def work_list() -> QuerySet[Blinding]:
    """Blindings with what the list says about each, in one query."""
    return Blinding.objects.select_related("entry__candidacy", "entry__template", "checked_by").annotate(
        open_findings=Count(
            "findings", filter=Q(findings__recorded_by__isnull=False, findings__settled_as="")
        )
    )


def waiting_for(user: User) -> QuerySet[Blinding]:
    """What this person can do now: check, or sign off what a colleague checked.  Oldest entry first."""
    mine = Q(state=BlindingState.CLEANED) | (Q(state=BlindingState.CHECKED) & ~Q(checked_by=user))
    return Blinding.objects.filter(mine).order_by("entry__sealed_at", "pk")


def page(blinding_id: UUID, viewer: User) -> BlindingPage:
    """One blinding with its copies and findings.

    Raises:
        Blinding.DoesNotExist: there is none with this key.
    """
    row = Blinding.objects.select_related(
        "entry__candidacy", "entry__template", "checked_by", "signed_by"
    ).get(pk=blinding_id)
    shown = _copies(row.files.order_by("ordinal"))
    state = BlindingState(row.state)
    following = waiting_for(viewer).exclude(pk=row.pk).values_list("pk", flat=True).first()
    return BlindingPage(
        id=row.pk,
        number=row.entry.candidacy.number,
        entry=row.entry.template.title,
        year=row.entry.year,
        state=state,
        tone=TONES[state],
        problem=row.problem,
        sent_back_because=row.sent_back_because,
        also_cover=tuple(row.also_cover),
        cleaned_at=row.cleaned_at,
        checked_by=str(row.checked_by or ""),
        checked_by_me=row.checked_by_id == viewer.pk,
        checked_at=row.checked_at,
        signed_by=str(row.signed_by or ""),
        signed_at=row.signed_at,
        packet_code=row.packet_code or "",
        look_for=_look_for(row),
        copies=shown,
        findings=_findings(row.findings.select_related("evidence__slot"), shown),
        digest=services.copies_digest(row),
        next_url=url_of(following) if following else "",
    )


def url_of(blinding_id: UUID) -> str:
    """Where staff look at a blinding."""
    return reverse("admin:portfolio_blinding_look", args=[blinding_id])


def files_of(blinding_id: UUID) -> list[tuple[UUID, str]]:
    """The originals a finding may be recorded for: key and neutral name."""
    files = CleanedFile.objects.filter(blinding_id=blinding_id).order_by("ordinal")
    return list(dict(files.values_list("evidence_id", "label")).items())


def open_findings_of(blinding_id: UUID) -> list[tuple[UUID, str]]:
    """What people recorded and nobody settled yet: key and words."""
    recorded = Finding.objects.filter(blinding_id=blinding_id, recorded_by__isnull=False, settled_as="")
    return [(one.pk, f"{one.where}: {one.excerpt}") for one in recorded]


def _look_for(row: Blinding) -> tuple[tuple[str, str], ...]:
    person = candidates.person(row.entry.candidacy_id)
    names = " · ".join(dict.fromkeys((person.name_on_certificate, person.full_name)))
    given = (
        ("Name", names),
        ("E-mail", person.email),
        ("School", person.school),
        ("District", person.district),
        ("Candidate’s number", person.number),
        ("Also", ", ".join(row.also_cover)),
    )
    return tuple((label, value) for label, value in given if value)


def _copies(files: Iterable[CleanedFile]) -> tuple[CopyCard, ...]:
    by_evidence: dict[UUID, list[CleanedFile]] = defaultdict(list)
    for file in files:
        by_evidence[file.evidence_id].append(file)
    return tuple(
        CopyCard(
            anchor=f"copy-{place}",
            evidence_id=evidence_id,
            label=those[0].label,
            pages=tuple(
                PageCard(_file_url(file), file.page_number or 0, file.text)
                for file in those
                if file.kind == FileKind.PAGE
            ),
            video_url=_first(those, FileKind.VIDEO),
            poster_url=_first(those, FileKind.POSTER),
            captions_url=_first(those, FileKind.CAPTIONS),
            transcript=_transcript(those),
        )
        for place, (evidence_id, those) in enumerate(by_evidence.items(), start=1)
    )


def _first(files: Sequence[CleanedFile], kind: FileKind) -> str:
    return next((_file_url(file) for file in files if file.kind == kind), "")


def _transcript(files: Sequence[CleanedFile]) -> tuple[str, ...]:
    spoken = next((file.text for file in files if file.kind == FileKind.CAPTIONS), "")
    return tuple(filter(None, spoken.split("\n\n")))


def _file_url(file: CleanedFile) -> str:
    return reverse("admin:portfolio_blinding_copy", args=[file.pk])


def _findings(rows: Iterable[Finding], shown: Sequence[CopyCard]) -> tuple[FindingCard, ...]:
    by_evidence: dict[Any, CopyCard] = {copy.evidence_id: copy for copy in shown}
    places = {copy.evidence_id: place for place, copy in enumerate(shown)}
    cards = []
    for row in sorted(
        rows, key=lambda one: (places.get(one.evidence_id, 0), one.page_number or 0, one.where)
    ):
        copy = by_evidence.get(row.evidence_id)
        anchor = copy.anchor if copy else ""
        cards.append(
            FindingCard(
                id=row.pk,
                file=copy.label if copy else row.evidence.slot.title,
                where=row.where,
                kind=row.kind,
                excerpt=row.excerpt,
                covered=row.covered,
                recorded=row.recorded_by_id is not None,
                settled_as=row.settled_as,
                anchor=f"{anchor}-{row.page_number}" if row.page_number else anchor,
            )
        )
    return tuple(cards)
