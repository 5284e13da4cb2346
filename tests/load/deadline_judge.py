"""Judging answers at a deadline: each against the one written rule, and against the rows it left.

The rule (ADR 0015): a change counts at the instant of the database's clock once the entry is locked, and is
admitted if and only if that instant lies within the window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from certification.kernel.models import AuditEvent
from portfolio import sealing
from portfolio.models import Entry, Evidence, Receipt
from portfolio.states import EntryState

from .deadline_people import Target

_ACCEPTED = 302
_REFUSED = {409, 422}
# What an entry must be after the seal, by what was asked and whether it was admitted.
_FINALLY = {
    ("submit", True): EntryState.SEALED,
    ("submit", False): EntryState.UNUSED,
    ("replace", True): EntryState.UNUSED,
    ("replace", False): EntryState.UNUSED,
    ("withdraw", True): EntryState.UNUSED,
    ("withdraw", False): EntryState.SEALED,
}


@dataclass(slots=True)
class Judgement:
    """What a volley came to; everything but the first two must be zero."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    late_accepted: int = 0
    early_refused: int = 0
    unanswered: int = 0
    unjudged: int = 0
    odd_answers: int = 0
    accepted_without_record: int = 0
    recorded_without_acceptance: int = 0
    record_of_another_instant: int = 0
    wrong_state: int = 0
    sealed_twice: int = 0

    @property
    def faults(self) -> int:
        return sum(value for name, value in self.counts().items() if isinstance(value, int))

    def counts(self) -> dict[str, Any]:
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name in self.__slots__
            for value in [getattr(self, name)]
        }


def judge(
    targets: Sequence[Target], answers: Mapping[str, Mapping[str, Any]], *, closes: datetime
) -> Judgement:
    """Compare every answer with the rule and with the rows it left; then let the seal run, twice."""
    found = Judgement()
    admitted: dict[UUID, bool] = {}
    for target in targets:
        answer = answers.get(str(target.entry_id))
        if answer is None:
            found.unanswered += 1
        elif not answer["judged_at"]:
            found.unjudged += 1
        elif answer["status"] != _ACCEPTED and (
            answer["status"] not in _REFUSED or not answer["says_closed"]
        ):
            found.odd_answers += 1
        else:
            admitted[target.entry_id] = _judge_one(target, answer, closes, found)
    sealing.seal_due(closes)
    again = sealing.seal_due(closes)
    found.sealed_twice = sum(again.values())
    states = dict(Entry.objects.values_list("pk", "state"))
    kinds = {target.entry_id: target.kind for target in targets}
    found.wrong_state = sum(
        states[entry_id] != _FINALLY[kinds[entry_id], is_admitted]
        for entry_id, is_admitted in admitted.items()
    )
    return found


def _judge_one(target: Target, answer: Mapping[str, Any], closes: datetime, found: Judgement) -> bool:
    instant = datetime.fromisoformat(answer["judged_at"])
    is_accepted, in_time = answer["status"] == _ACCEPTED, instant < closes
    (found.accepted if is_accepted else found.refused)[target.kind] += 1
    found.late_accepted += is_accepted and not in_time
    found.early_refused += in_time and not is_accepted
    recorded = _recorded_at(target)
    found.accepted_without_record += is_accepted and recorded is None
    found.recorded_without_acceptance += recorded is not None and not is_accepted
    found.record_of_another_instant += is_accepted and recorded is not None and recorded != instant
    return is_accepted


def _recorded_at(target: Target) -> datetime | None:
    """When the database has what was asked on record as done; None if it was not done."""
    if target.kind == "submit":
        receipt = Receipt.objects.filter(entry_id=target.entry_id).first()
        return receipt.submitted_at if receipt else None
    if target.kind == "replace":
        piece = Evidence.objects.filter(entry_id=target.entry_id, sha256=target.replacement).first()
        return piece.uploaded_at if piece else None
    event = AuditEvent.objects.filter(action="withdrew entry", subject_id=str(target.entry_id)).first()
    return datetime.fromisoformat(event.detail["at"]) if event else None
