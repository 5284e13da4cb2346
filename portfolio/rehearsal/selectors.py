"""What the rehearsal's page shows: frozen values, read in a fixed number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from django.conf import settings

from accounts.models import User
from candidates import selectors as candidates
from candidates.selectors import CandidacyCard
from certification.kernel.windows import Window, WindowState

from .. import openness
from ..models import Entry, Evidence, Slot
from ..states import EntryState, EvidenceKind
from . import rules, telling
from .models import Rehearsal
from .rules import Estimate, Line, ToSend
from .telling import Told

_SHOWN, _READ = 10, 100


class Standing(StrEnum):
    """Why a rehearsal is open, or is not."""

    NOBODY = "nobody"
    EARLY = "early"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class LineCard:
    """The line, newest measurement; `speed` is empty when it broke off before there was any."""

    speed: str
    measured_at: datetime
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class ClipCard:
    """The newest clip: its facts by name, or nothing but why it could not be used."""

    facts: tuple[tuple[str, str], ...]
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class PieceCard:
    """What is still to be sent to one slot, or all documents: how large it will be and how long it takes."""

    title: str
    entry: str
    size: str
    duration: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """How long the real upload will take, and what that rests on."""

    headline: str
    told: Told
    pieces: tuple[PieceCard, ...]
    basis: str


@dataclass(frozen=True, slots=True)
class EarlierCard:
    """A rehearsal on record, in one line."""

    rehearsed_at: datetime
    line: str
    clip: str


@dataclass(frozen=True, slots=True)
class RehearsalPage:
    """The whole page.  `window` is when rehearsing is open: None for whom no submission is to come."""

    standing: Standing
    year: int | None = None
    window: Window | None = None
    line: LineCard | None = None
    clip: ClipCard | None = None
    expectation: Expectation | None = None
    nothing_left: bool = False
    earlier: tuple[EarlierCard, ...] = ()
    steps: tuple[dict[str, str], ...] = ()


def rehearsal_page(account: User, now: datetime) -> RehearsalPage:
    """What this person sees of the rehearsal at `now`."""
    card = candidates.live_candidacy(account)
    year = candidates.year_at(card.id, now) if card else None
    if card is None or year is None:
        return RehearsalPage(Standing.NOBODY)
    window = _window(card.id, year)
    standing = {
        WindowState.BEFORE: Standing.EARLY,
        WindowState.OPEN: Standing.OPEN,
        WindowState.AFTER: Standing.OVER,
    }[window.state(now)]
    rows = list(Rehearsal.objects.filter(candidacy_id=card.id)[:_READ])
    earlier = tuple(_earlier(row) for row in rows[:_SHOWN])
    if standing is not Standing.OPEN:
        return RehearsalPage(standing, year, window, earlier=earlier)
    current = [row for row in rows if row.rehearsed_at >= window.opens]
    to_send = _to_send(card, year, now)
    measured = next((row for row in current if _line_of(row)), None)
    tried = next((row for row in current if row.clip_format or row.problem), None)
    usable = next((row for row in current if row.clip_format), None)
    tried_line = next((row for row in current if row.line_bytes or row.line_breaks), None)
    expectation = _expectation(to_send, _line_of(measured) if measured else None, usable)
    return RehearsalPage(
        standing=standing,
        year=year,
        window=window,
        line=_line_card(tried_line) if tried_line else None,
        clip=_clip_card(tried, to_send) if tried else None,
        expectation=expectation,
        nothing_left=not to_send,
        earlier=earlier,
        steps=_steps(has_line=measured is not None, has_clip=usable is not None),
    )


def is_due(candidacy_id: UUID, submission: Window, now: datetime) -> bool:
    """Whether a rehearsal is open that this candidate has not had in this year."""
    window = rules.rehearsal_window(submission, settings.PROGRAMME_ZONE)
    if not window.contains(now):
        return False
    return not Rehearsal.objects.filter(candidacy_id=candidacy_id, rehearsed_at__gte=window.opens).exists()


def speed_of(row: Rehearsal) -> str:
    """The line of a rehearsal, for people; empty when it was not measured."""
    line = _line_of(row)
    return telling.speed(line) if line else ""


def clip_of(row: Rehearsal) -> str:
    """The clip of a rehearsal in one line; empty when there was none."""
    if row.problem:
        return "could not be used"
    if not row.clip_format:
        return ""
    name, codec = telling.format_name(row.clip_format), telling.codec_name(row.clip_codec)
    return f"{name}, {codec}, {row.clip_width} × {row.clip_height}"


def _window(candidacy_id: UUID, year: int) -> Window:
    return rules.rehearsal_window(candidates.submission_window(candidacy_id, year), settings.PROGRAMME_ZONE)


def _line_of(row: Rehearsal) -> Line | None:
    if row.line_bytes is None or row.line_milliseconds is None:
        return None
    return Line(row.line_bytes, row.line_milliseconds)


def _to_send(card: CandidacyCard, year: int, now: datetime) -> list[ToSend]:
    """The required slots of this year's open entries that still lack files."""
    opened = openness.open_entries_for(card, now).entries
    drafts = Entry.objects.filter(candidacy_id=card.id, year=year)
    done = set(
        drafts.exclude(state__in=[EntryState.DRAFT, EntryState.UNUSED]).values_list("template_id", flat=True)
    )
    present = Counter(
        Evidence.objects.filter(entry__in=drafts, removed_at__isnull=True).values_list("slot_id", flat=True)
    )
    slots = Slot.objects.filter(
        template__framework__slug=card.framework_slug, template__key__in=opened, required=True
    ).select_related("template")
    ordered = slots.order_by("template__ordinal", "ordinal")
    return [
        _slot(slot, lacking)
        for slot in ordered
        if slot.template_id not in done and (lacking := slot.min_files - present[slot.pk]) > 0
    ]


def _slot(slot: Slot, files: int) -> ToSend:
    return ToSend(
        entry=slot.template.title,
        slot=slot.title,
        is_video=slot.kind == EvidenceKind.VIDEO,
        files=files,
        max_minutes=slot.max_minutes,
        max_bytes=slot.max_bytes,
        formats=tuple(slot.formats),
    )


def _line_card(row: Rehearsal) -> LineCard:
    line = _line_of(row)
    told = []
    if line is None:
        told.append(
            Told(
                "danger",
                "The line broke off",
                "Nothing could be measured: the connection broke before anything arrived. Go nearer to the "
                "router or try another network, and measure again.",
            )
        )
    elif row.line_breaks:
        told.append(
            Told(
                "warn",
                "The line broke off for a moment",
                "A real upload goes on by itself after that. If it happens often, try another network.",
            )
        )
    return LineCard(telling.speed(line) if line else "", row.rehearsed_at, tuple(told))


def _clip_card(row: Rehearsal, to_send: Sequence[ToSend]) -> ClipCard:
    if row.problem:
        told = Told("danger", "This clip could not be used", f"{row.problem} {telling.PHONE_SETTING}")
        return ClipCard((), (told,))
    seconds, size = row.clip_seconds or Decimal(1), row.clip_bytes or 0
    facts = (
        ("Format", telling.format_name(row.clip_format)),
        ("Picture", f"{telling.codec_name(row.clip_codec)}, {row.clip_width} × {row.clip_height}"),
        ("Sound", "yes" if row.clip_has_sound else "none"),
        ("Length", f"{telling.length(seconds)}, {telling.size(size)}"),
        ("A minute of it", telling.size(int(size * 60 / seconds))),
    )
    told_of = telling.of_clip(row.clip_codec, row.clip_treatment, bool(row.clip_has_sound), seconds)
    pace = _pace(row)
    limits = telling.of_limits(
        rules.beyond_limit(to_send, pace) if pace else (),
        rules.not_taking(to_send, row.clip_format),
        row.clip_format,
    )
    # What asks for something comes before what is well.
    ordered = sorted([*told_of, *limits], key=lambda one: one.tone != "warn")
    return ClipCard(facts, tuple(ordered))


def _pace(row: Rehearsal | None) -> Fraction | None:
    """Bytes a second of video; None when the clip is too short to tell."""
    if row is None or row.clip_seconds is None or row.clip_bytes is None:
        return None
    if row.clip_seconds < rules.LEAST_JUDGED_SECONDS:
        return None
    return Fraction(row.clip_bytes) / Fraction(row.clip_seconds)


def _expectation(to_send: Sequence[ToSend], line: Line | None, clip: Rehearsal | None) -> Expectation | None:
    pace = _pace(clip) or rules.TYPICAL_PACE
    estimate = rules.estimate(to_send, line, pace) if line else None
    if line is None or estimate is None:
        return None
    lean = rules.estimate(to_send, line, rules.LEAN_PACE) if telling.is_worth_saying(estimate, pace) else None
    quality = "filmed like your clip" if _pace(clip) else "filmed as most phones do, at 1080p"
    return Expectation(
        headline=telling.headline(estimate),
        told=telling.of_time(estimate, lean),
        pieces=tuple(_pieces(estimate)),
        basis=f"For videos of full length, {quality}, on a line of {telling.speed(line)}.",
    )


def _pieces(estimate: Estimate) -> Iterator[PieceCard]:
    """A line for each video, and one for all documents: they hardly matter."""
    for one in estimate.expected:
        if one.slot.is_video:
            each = f", {one.slot.files} of them" if one.slot.files > 1 else ""
            duration = telling.duration(one.seconds_each * one.slot.files)
            yield PieceCard(f"{one.slot.slot}{each}", one.slot.entry, telling.size(one.bytes_each), duration)
    documents = [one for one in estimate.expected if not one.slot.is_video]
    if documents:
        size = sum(one.bytes_each * one.slot.files for one in documents)
        seconds = sum(one.seconds_each * one.slot.files for one in documents)
        title = telling.counted(estimate.documents, "document").capitalize()
        yield PieceCard(title, "", telling.size(size), telling.duration(seconds))


def _earlier(row: Rehearsal) -> EarlierCard:
    line = speed_of(row) or ("broke off" if row.line_breaks else "")
    return EarlierCard(row.rehearsed_at, line, clip_of(row))


def _steps(*, has_line: bool, has_clip: bool) -> tuple[dict[str, str], ...]:
    done = (has_line, has_clip, has_line and has_clip)
    current = done.index(False) if False in done else None
    labels = (("Your line", "#line"), ("Your camera", "#clip"), ("What to expect", "#result"))
    return tuple(
        {
            "label": label,
            "url": url,
            "status": "done" if is_done else "current" if place == current else "todo",
        }
        for place, ((label, url), is_done) in enumerate(zip(labels, done, strict=True))
    )
