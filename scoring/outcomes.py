"""From submitted readings to a packet's result, and what the portfolio may read of both."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, When

from certification.kernel.reconcile import Counts

from . import locks
from .models import Mark, Packet, PacketResult, Reading
from .rules import combine
from .rules.parsing import parse_rule_set
from .rules.ruleset import RuleSet
from .staffing import NEEDED, STAFFED, move_packet
from .states import AssignmentRole, AssignmentState, PacketState

logger = logging.getLogger(__name__)

_READ = Q(assignments__state=AssignmentState.SUBMITTED)
_SCORED = Count("assignments", filter=_READ & Q(assignments__role=AssignmentRole.SCORER))
_ADJUDICATED = Count("assignments", filter=_READ & Q(assignments__role=AssignmentRole.ADJUDICATOR))


@dataclass(frozen=True, slots=True)
class PacketOutcome:
    """What a closed packet came to: a score, or the condition that says why it has none."""

    code: str
    score: Fraction | None
    condition: str | None
    look_fors: Mapping[str, Fraction]
    reasons: tuple[str, ...]
    rule_set_digest: str


@dataclass(frozen=True, slots=True)
class ReadingCard:
    """One submitted reading.  For staff and statistics; scorers and candidates never see whose it is."""

    scorer_alias: str
    role: str
    condition: str | None
    ratings: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class PacketProgress:
    """How far a packet is; an adjudication needs one reading more."""

    state: PacketState
    readings_done: int
    readings_needed: int


def outcomes(codes: Iterable[str]) -> dict[str, PacketOutcome]:
    """The results of those packets that are closed, by code."""
    results = PacketResult.objects.filter(packet__code__in=list(codes)).select_related("packet")
    return {
        result.packet.code: PacketOutcome(
            code=result.packet.code,
            score=result.score,
            condition=result.condition or None,
            look_fors={key: Fraction(text) for key, text in result.look_fors.items()},
            reasons=tuple(result.reasons),
            rule_set_digest=result.rule_set_digest,
        )
        for result in results
    }


def readings(codes: Iterable[str]) -> dict[str, list[ReadingCard]]:
    """Every submitted reading of each packet, scorers first, by alias."""
    cards: dict[str, list[ReadingCard]] = {code: [] for code in codes}
    submitted = (
        Reading.objects.filter(assignment__packet__code__in=list(cards))
        .select_related("assignment__packet", "assignment__scorer")
        .prefetch_related("marks")
        .order_by("-assignment__role", "assignment__scorer__alias")
    )
    for reading in submitted:
        assignment = reading.assignment
        cards[assignment.packet.code].append(
            ReadingCard(
                scorer_alias=assignment.scorer.alias,
                role=assignment.role,
                condition=reading.condition or None,
                ratings={mark.look_for: mark.points for mark in reading.marks.all()},
            )
        )
    return cards


def progress(codes: Iterable[str]) -> dict[str, PacketProgress]:
    """How far each packet is."""
    packets: QuerySet[Any] = with_progress(Packet.objects.filter(code__in=list(codes)))
    return {
        packet.code: PacketProgress(
            PacketState(packet.state), packet.scored + packet.adjudicated, packet.wanted
        )
        for packet in packets
    }


def with_progress(packets: QuerySet[Packet]) -> QuerySet[Packet]:
    """Packets with how many readings they have (`scored`, `adjudicated`) and want (`wanted`)."""
    return packets.annotate(
        needed=NEEDED, staffed=STAFFED, scored=_SCORED, adjudicated=_ADJUDICATED
    ).annotate(
        wanted=Case(
            When(Q(state=PacketState.ADJUDICATION) | Q(adjudicated__gt=0), then=F("needed") + 1),
            default=F("needed"),
            output_field=IntegerField(),
        )
    )


def close_packets(now: datetime) -> Counts:
    """Close what is read completely, pass on what its scorers differ on, reopen what lost a scorer."""
    counts = {"closed": 0, "to_adjudication": 0, "reopened": 0}
    for code in _moving():
        try:
            moved = _settle(code, now)
        except combine.BadReading:
            # One unfit packet must not hold up the rest; it stays and blocks its release by name.
            logger.exception("packet %s has readings that do not fit its rule set", code)
            continue
        if moved:
            counts[moved] += 1
    return counts


def _moving() -> list[str]:
    packets = with_progress(Packet.objects.all()).filter(
        Q(state=PacketState.ASSIGNED, scored__gte=F("needed"))
        | Q(state=PacketState.ASSIGNED, staffed__lt=F("needed"))
        | Q(state=PacketState.ADJUDICATION, adjudicated__gte=1)
    )
    return list(packets.order_by("pk").values_list("code", flat=True))


@transaction.atomic
def _settle(code: str, now: datetime) -> str | None:
    packet = locks.packet(code)
    if packet.state not in (PacketState.ASSIGNED, PacketState.ADJUDICATION):
        return None
    rules = parse_rule_set(packet.rule_set.data)
    status = combine.status(rules, packet.rubric_entry.key, _readings_of(packet))
    if isinstance(status, combine.Awaiting):
        return _reopen_if_short(packet, rules)
    if isinstance(status, combine.Discrepant):
        if packet.state == PacketState.ADJUDICATION:
            return None
        move_packet(packet, PacketState.ADJUDICATION)
        return "to_adjudication"
    _write_result(packet, status, now)
    move_packet(packet, PacketState.CLOSED, closed_at=now)
    return "closed"


def _reopen_if_short(packet: Packet, rules: RuleSet) -> str | None:
    held = packet.assignments.filter(role=AssignmentRole.SCORER).exclude(state=AssignmentState.RECUSED)
    if packet.state != PacketState.ASSIGNED or held.count() >= rules.scorers_per_entry:
        return None
    move_packet(packet, PacketState.READY)
    return "reopened"


def _readings_of(packet: Packet) -> list[combine.Reading]:
    marks: dict[object, dict[str, Decimal]] = defaultdict(dict)
    for mark in Mark.objects.filter(reading__assignment__packet=packet):
        marks[mark.reading_id][mark.look_for] = mark.points
    submitted = Reading.objects.filter(assignment__packet=packet).select_related("assignment__scorer")
    return [
        combine.Reading(
            scorer=reading.assignment.scorer.alias,
            role=combine.ReaderRole(reading.assignment.role),
            condition=reading.condition or None,
            ratings=marks[reading.pk],
        )
        for reading in submitted
    ]


def _write_result(packet: Packet, status: combine.Scored | combine.Unscorable, now: datetime) -> None:
    scored = status if isinstance(status, combine.Scored) else None
    look_fors = scored.look_fors if scored else {}
    PacketResult.objects.create(
        packet=packet,
        score=scored.score if scored else None,
        condition=status.condition if isinstance(status, combine.Unscorable) else "",
        look_fors={key: f"{score.numerator}/{score.denominator}" for key, score in look_fors.items()},
        reasons=list(status.reasons),
        rule_set_digest=packet.rule_set.digest,
        closed_at=now,
    )
