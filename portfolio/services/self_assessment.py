"""A candidate's own judgement of an entry against the look-fors, kept for them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from certification.kernel import clock

from .. import locks
from ..models import Entry, SelfAssessment


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where the candidate sees one look-for: a level of the rubric, or none yet, and a note."""

    look_for: str
    level: int | None = None
    note: str = ""


@transaction.atomic
def keep_self_assessment(
    *, entry_id: UUID, by: User, judgements: Sequence[Judgement], now: datetime
) -> Entry:
    """Keep what the candidate says of some look-fors, in place of what they said before.

    It belongs to nobody else and decides nothing, so no window closes it.  Look-fors that are not named
    stay as they are: two tabs do not undo each other.  Source: the programme's rules, section 5.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
    """
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    kept = {row.look_for: row for row in entry.self_assessments.all()}
    for judgement in judgements:
        row = kept.get(judgement.look_for) or SelfAssessment(entry=entry, look_for=judgement.look_for)
        if (row.level, row.note) == (judgement.level, judgement.note):
            continue
        row.level, row.note, row.changed_at = judgement.level, judgement.note, now
        row.save()
    return entry
