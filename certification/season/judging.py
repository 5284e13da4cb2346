"""The season's summer: the office checks and signs off, scorers look at every file and mark."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.files.storage import storages

from certification.kernel.blindwall import blinded
from certification.kernel.errors import Refusal
from portfolio.blinding import services as blinding
from portfolio.models import Blinding
from portfolio.states import BlindingState
from scoring import api as scoring
from scoring import selectors
from scoring import services as scorers
from scoring.models import Assignment, PacketFile
from scoring.states import AssignmentRole, AssignmentState

from . import cast, plan


def check_and_sign_off(stage: cast.Stage, now: datetime) -> Iterator[bool]:
    """Check and sign off every cleaned entry.  Yields whether a checker's own signature was refused."""
    first, second = stage.staff
    for row in Blinding.objects.filter(state=BlindingState.CLEANED).order_by("entry__candidacy", "entry"):
        blinding.check_blinding(blinding_id=row.pk, by=first, now=now)
        try:
            blinding.sign_off_blinding(blinding_id=row.pk, by=first, now=now)
        except Refusal:
            yield True
        else:
            yield False
        blinding.sign_off_blinding(blinding_id=row.pk, by=second, now=now)


def score(stage: cast.Stage, role: AssignmentRole, now: datetime) -> Iterator[bool]:
    """Let everybody who was given a packet in `role` look at all of it and submit their marks.

    Yields, for each file looked at, whether its bytes are those that were signed off.
    """
    players = {player.candidacy_id: player for player in stage.players}
    entries = {
        row.packet_code: row.entry
        for row in Blinding.objects.exclude(packet_code=None).select_related("entry__template")
    }
    waiting = Assignment.objects.filter(role=role, state=AssignmentState.ASSIGNED).select_related("packet")
    turns: dict[str, int] = {}
    for assignment in waiting.order_by("packet__code", "scorer__alias"):
        code = assignment.packet.code
        entry = entries[code]
        work = players[entry.candidacy_id].person.script.years[entry.year][entry.template.key]
        turn = turns[code] = turns.get(code, -1) + 1
        yield from _read(stage, assignment, work, turn if role == AssignmentRole.SCORER else 0, now)


def _read(stage: cast.Stage, assignment: Assignment, work: plan.Work, turn: int, now: datetime) -> list[bool]:
    rules = scoring.rule_set(assignment.packet.rule_set_id)
    key = assignment.packet.rubric_entry.key
    judge = stage.judges[assignment.scorer_id]
    ratings = (
        {}
        if work.condition
        else plan.points_for(
            work, rules.scale.values, rules.entry(key).look_for_keys, severity=judge.severity, turn=turn
        )
    )
    of: dict[str, Any] = {"scorer_id": assignment.scorer_id, "assignment_id": assignment.pk, "now": now}
    with blinded(assignment.scorer_id):
        scorers.open_assignment(**of)
        shown = list(_look_at_everything(assignment, now))
        scorers.submit_reading(ratings=ratings, condition=work.condition or "", note="", **of)
    return shown


def _look_at_everything(assignment: Assignment, now: datetime) -> Iterator[bool]:
    """Fetch each file as the scorer's page does, to its last byte, and have it put on record."""
    files = PacketFile.objects.filter(packet_id=assignment.packet_id)
    for file_id in files.values_list("pk", flat=True):
        evidence = selectors.evidence_file(assignment.scorer_id, assignment.packet.code, file_id)
        assert evidence is not None  # the packet is in this scorer's hands
        with storages["blind"].open(evidence.storage_key) as stored:
            digest = hashlib.file_digest(stored, "sha256")
        scorers.record_shown(
            scorer_id=assignment.scorer_id, assignment_id=evidence.assignment_id, file_id=file_id, now=now
        )
        yield digest.hexdigest() == evidence.sha256
