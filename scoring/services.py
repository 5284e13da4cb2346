"""What a scorer does with a packet.  These run under the database role of the wall.

Behind the wall only the scorer's own rows exist and only a few columns of an assignment may be
written, so every save names its columns.  Source: the programme's rules, sections 6 and 7; ADR 0002.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from certification.kernel import audit, reconcile
from certification.kernel.errors import BadInput, Incomplete, NotAllowed
from certification.kernel.states import require

from . import locks
from .drafts import Draft
from .models import Assignment, EvidenceShown, Mark, PacketFile, Reading, Scorer
from .rules import combine
from .rules.parsing import parse_rule_set
from .rules.ruleset import RuleSet
from .scorers import enlist_scorer, qualify, scorer_of
from .states import ASSIGNMENT_ALLOWED, OPEN_ASSIGNMENTS, AssignmentState

__all__ = [
    "enlist_scorer",
    "open_assignment",
    "qualify",
    "record_shown",
    "recuse",
    "save_draft",
    "scorer_of",
    "submit_reading",
]

_ONE_SHOWING = timedelta(hours=1)


@transaction.atomic
def open_assignment(*, scorer_id: UUID, assignment_id: UUID, now: datetime) -> None:
    """Note that the scorer began.  Opening it again changes nothing."""
    assignment = locks.assignment(assignment_id, scorer_id=scorer_id)
    if assignment.state != AssignmentState.ASSIGNED:
        return
    assignment.state = AssignmentState.IN_PROGRESS
    assignment.opened_at = now
    assignment.save(update_fields=["state", "opened_at"])


@transaction.atomic
def save_draft(
    *,
    scorer_id: UUID,
    assignment_id: UUID,
    ratings: Mapping[str, Decimal],
    condition: str | None,
    note: str,
    now: datetime,
) -> None:
    """Keep unfinished marks.  A draft may be incomplete, and may hold marks beside a condition.

    Raises:
        BadInput: a mark is off the scale or for no look-for of this entry, or the condition is unknown.
        NotAllowed: the assignment is over.
    """
    assignment = locks.assignment(assignment_id, scorer_id=scorer_id)
    _require_open(assignment)
    rules, entry_key = _rules_of(assignment)
    marks_fit = ratings.keys() <= set(rules.entry(entry_key).look_for_keys)
    marks_fit = marks_fit and all(points in rules.scale.values for points in ratings.values())
    if not marks_fit or (condition and condition not in {known.code for known in rules.conditions}):
        raise BadInput("Not saved: a mark or a reason is not one this entry has. Reload the page.")
    if assignment.state == AssignmentState.ASSIGNED:
        assignment.state = AssignmentState.IN_PROGRESS
        assignment.opened_at = now
    assignment.draft = Draft(dict(ratings), condition or "", note).as_json()
    assignment.saved_at = now
    assignment.save(update_fields=["state", "opened_at", "draft", "saved_at"])


@transaction.atomic
def submit_reading(
    *,
    scorer_id: UUID,
    assignment_id: UUID,
    ratings: Mapping[str, Decimal],
    condition: str | None,
    note: str,
    now: datetime,
) -> Reading:
    """Make the scorer's marks final.  The same marks sent twice are one reading.

    Raises:
        Incomplete: the marks are not exactly the entry's look-fors on the scale; lists every problem.
        NotAllowed: the scorer stepped aside, or submitted other marks before.
    """
    assignment = locks.assignment(assignment_id, scorer_id=scorer_id)
    if assignment.state == AssignmentState.SUBMITTED:
        return _same_reading(assignment, ratings, condition)
    require(ASSIGNMENT_ALLOWED, assignment.state, AssignmentState.SUBMITTED, what="This packet")
    rules, entry_key = _rules_of(assignment)
    judged = _reading(assignment, ratings, condition)
    problems = combine.problems_of(rules, entry_key, judged)
    if problems:
        raise Incomplete("Not submitted: the reading is not complete.", problems)
    score = None if condition else combine.entry_score_of_reading(rules, entry_key, judged)
    # The row-level policy lets marks in only while the assignment is open, so it is closed last.
    reading = Reading.objects.create(
        assignment=assignment,
        condition=condition or "",
        note=note,
        score=score,
        submitted_at=now,
    )
    Mark.objects.bulk_create(
        Mark(reading=reading, look_for=look_for, points=points)
        for look_for, points in sorted(ratings.items())
    )
    assignment.state = AssignmentState.SUBMITTED
    assignment.ended_at = now
    assignment.draft = {}
    assignment.save(update_fields=["state", "ended_at", "draft"])
    reconcile.ring("scoring.close_packets")
    return reading


@transaction.atomic
def recuse(*, scorer_id: UUID, assignment_id: UUID, now: datetime) -> None:
    """Step aside because the scorer recognises somebody.  The packet goes to somebody else, silently.

    Raises:
        NotAllowed: the marks were submitted already.
    """
    assignment = locks.assignment(assignment_id, scorer_id=scorer_id)
    if assignment.state == AssignmentState.RECUSED:
        return
    if assignment.state == AssignmentState.SUBMITTED:
        raise NotAllowed("Your marks are submitted. Tell the programme office whom you recognised.")
    require(ASSIGNMENT_ALLOWED, assignment.state, AssignmentState.RECUSED, what="This packet")
    assignment.state = AssignmentState.RECUSED
    assignment.ended_at = now
    assignment.draft = {}
    assignment.save(update_fields=["state", "ended_at", "draft"])
    audit.record(
        actor=Scorer.objects.only("id", "alias").get(pk=scorer_id),
        action="stepped aside from a packet",
        subject=("scoring.Assignment", str(assignment.pk)),
    )
    reconcile.ring("scoring.close_packets")


def record_shown(
    *, scorer_id: UUID, assignment_id: UUID, file_id: UUID, now: datetime, link: UUID | None = None
) -> None:
    """Put on record that the scorer was shown a file, by the hash of its bytes.

    A player asks for one video in dozens of pieces: what comes through one link is one showing, and without
    a link what comes within an hour.

    Raises:
        NotAllowed: the packet is no longer open to this scorer.
    """
    showing = (
        EvidenceShown.objects.filter(link=link)
        if link
        else EvidenceShown.objects.filter(
            assignment=assignment_id, file_id=file_id, shown_at__gt=now - _ONE_SHOWING
        )
    )
    if showing.exists():
        return
    with transaction.atomic():
        assignment = locks.assignment(assignment_id, scorer_id=scorer_id)
        _require_open(assignment)
        if showing.all().exists():  # the player asked twice at once
            return
        file = PacketFile.objects.only("pk", "sha256").get(pk=file_id, packet_id=assignment.packet_id)
        EvidenceShown.objects.create(
            assignment=assignment, file=file, sha256=file.sha256, link=link, shown_at=now
        )


def _require_open(assignment: Assignment) -> None:
    if assignment.state not in OPEN_ASSIGNMENTS:
        raise NotAllowed("This packet is no longer open to you. Go back to the queue to see what is.")


def _rules_of(assignment: Assignment) -> tuple[RuleSet, str]:
    packet = assignment.packet
    return parse_rule_set(packet.rule_set.data), packet.rubric_entry.key


def _reading(
    assignment: Assignment, ratings: Mapping[str, Decimal], condition: str | None
) -> combine.Reading:
    return combine.Reading(
        scorer=str(assignment.scorer_id),
        role=combine.ReaderRole(assignment.role),
        condition=condition or None,
        ratings=ratings,
    )


def _same_reading(assignment: Assignment, ratings: Mapping[str, Decimal], condition: str | None) -> Reading:
    reading = Reading.objects.get(assignment=assignment)
    stored = dict(reading.marks.values_list("look_for", "points"))
    if stored == dict(ratings) and reading.condition == (condition or ""):
        return reading
    raise NotAllowed("Your marks for this packet were submitted before and stay as they are.")
