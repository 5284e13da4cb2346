"""The page of a candidate's own judgement: each look-for, its levels, and where they see themselves.

Only the candidate reads it.  No page, file or mail for anybody else asks for anything here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.models import User
from scoring import api as scoring
from scoring.api import LookForCard

from .models import Entry, SelfAssessment


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a look-for: what evidence at it looks like, and whether it is up to it."""

    number: int
    words: str
    is_reached: bool


@dataclass(frozen=True, slots=True)
class OwnLookFor:
    """A look-for with what its candidate said of it; `level` is None while they have not judged it."""

    key: str
    title: str
    description: str
    levels: tuple[Level, ...]
    level: int | None
    note: str

    @property
    def highest(self) -> int:
        return max((level.number for level in self.levels), default=0)


@dataclass(frozen=True, slots=True)
class SelfAssessmentPage:
    """An entry with its look-fors."""

    entry_id: UUID
    entry_title: str
    year: int
    framework_slug: str
    entry_key: str
    look_fors: tuple[OwnLookFor, ...]

    @property
    def done(self) -> int:
        return sum(look_for.level is not None for look_for in self.look_fors)

    @property
    def total(self) -> int:
        return len(self.look_fors)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many of an entry's look-fors the candidate has judged."""

    done: int
    total: int


def self_assessment_page(entry_id: UUID, *, owner: User) -> SelfAssessmentPage:
    """The look-fors of one entry of this person with their own judgements.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
    """
    entry = Entry.objects.select_related("template__framework").get(pk=entry_id, candidacy__account=owner)
    said = {row.look_for: row for row in entry.self_assessments.all()}
    return SelfAssessmentPage(
        entry_id=entry.pk,
        entry_title=entry.template.title,
        year=entry.year,
        framework_slug=entry.template.framework.slug,
        entry_key=entry.template.key,
        look_fors=tuple(_own(card, said.get(card.key)) for card in _look_fors(entry)),
    )


def standing_of(entry_id: UUID, *, rubric_id: UUID, entry_key: str) -> Standing:
    """How far the self-assessment of an entry is; the caller has asked whose it is."""
    keys = {card.key for card in _look_fors_of(rubric_id, entry_key)}
    judged = SelfAssessment.objects.filter(entry_id=entry_id, level__isnull=False, look_for__in=keys)
    return Standing(done=judged.count() if keys else 0, total=len(keys))


def _look_fors(entry: Entry) -> Sequence[LookForCard]:
    return _look_fors_of(entry.template.framework.rubric_id, entry.template.key)


def _look_fors_of(rubric_id: UUID, entry_key: str) -> Sequence[LookForCard]:
    """None for an entry that staff added and the rubric does not know yet."""
    entries: Iterable[scoring.RubricEntryCard] = scoring.rubric(rubric_id).entries
    return next((entry.look_fors for entry in entries if entry.key == entry_key), ())


def _own(card: LookForCard, said: SelfAssessment | None) -> OwnLookFor:
    level = said.level if said else None
    return OwnLookFor(
        key=card.key,
        title=card.title,
        description=card.description,
        levels=tuple(
            Level(number, words, level is not None and number <= level)
            for number, words in sorted(card.levels.items())
        ),
        level=level,
        note=said.note if said else "",
    )
