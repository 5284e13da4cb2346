"""Give packets to scorers, and say which packets nobody can score.

Matching stands on this side of the wall because it must know where a candidate works; scoring is told
nothing but "this packet to this scorer".  Source: the programme's rules, sections 6 and 7.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from candidates import selectors as candidates
from certification.kernel.errors import NotAllowed
from scoring import api as scoring

from ..blinding.models import Blinding
from .rules import Matching, PacketFacts, Unmatched, match

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnmatchedPacket:
    """A packet nobody can score, for staff: whose it is, who is missing, and why."""

    code: str
    candidate_number: str
    entry: str
    year: int | None
    role: str
    missing: int
    reasons: tuple[str, ...]


def assign_waiting(now: datetime) -> dict[str, int]:
    """Give every packet that lacks somebody to those who may have it.

    Each assignment stands alone: one that has become impossible meanwhile is left to the next sweep.
    """
    assigned = 0
    for one in _matching().assignments:
        try:
            with transaction.atomic():
                scoring.assign(code=one.code, scorer_id=one.scorer_id, role=one.role, now=now)
        except NotAllowed as refusal:
            logger.info("packet %s was not assigned: %s", one.code, refusal.message)
            continue
        assigned += 1
    return {"assigned": assigned}


def unmatched(now: datetime) -> list[UnmatchedPacket]:
    """The packets that lack somebody nobody can stand in for, by code.  Source of the staff's list."""
    lacking = _matching().unmatched
    blindings = _blindings([one.code for one in lacking])
    return [_shown(one, blindings.get(one.code)) for one in lacking]


def _matching() -> Matching:
    needs = scoring.packets_to_staff()
    kinds = {need.rubric_entry_id for need in needs}
    return match(
        needs,
        {kind: scoring.scorer_cards(kind) for kind in sorted(kinds)},
        _facts([need.code for need in needs]),
    )


def _facts(codes: Collection[str]) -> dict[str, PacketFacts]:
    blindings = _blindings(codes)
    persons = candidates.persons({blinding.entry.candidacy_id for blinding in blindings.values()})
    earlier = _earlier_codes(blindings.values())
    seen = scoring.involved({code for those in earlier.values() for code in those})
    facts = {}
    for code, blinding in blindings.items():
        person = persons[blinding.entry.candidacy_id]
        facts[code] = PacketFacts(
            places=tuple(filter(None, (person.school, person.district))),
            scored_before=frozenset().union(*(seen[old] for old in earlier[code])),
        )
    return facts


def _earlier_codes(blindings: Collection[Blinding]) -> dict[str, list[str]]:
    """By packet, those of the person's other attempts at the same entry, earlier candidacies too."""
    accounts = {blinding.entry.candidacy.account_id for blinding in blindings}
    minted = Blinding.objects.filter(
        entry__candidacy__account__in=accounts, packet_code__isnull=False
    ).values_list("entry__candidacy__account", "entry__template__key", "packet_code")
    attempts: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    for account_id, key, code in minted:
        attempts[account_id, key].append(str(code))
    return {
        str(blinding.packet_code): [
            code
            for code in attempts[blinding.entry.candidacy.account_id, blinding.entry.template.key]
            if code != blinding.packet_code
        ]
        for blinding in blindings
    }


def _blindings(codes: Collection[str]) -> dict[str, Blinding]:
    found = Blinding.objects.filter(packet_code__in=list(codes)).select_related(
        "entry__candidacy", "entry__template"
    )
    return {str(blinding.packet_code): blinding for blinding in found}


def _shown(lacking: Unmatched, blinding: Blinding | None) -> UnmatchedPacket:
    return UnmatchedPacket(
        code=lacking.code,
        candidate_number=blinding.entry.candidacy.number if blinding else "",
        entry=blinding.entry.template.title if blinding else "",
        year=blinding.entry.year if blinding else None,
        role=lacking.role.label,
        missing=lacking.missing,
        reasons=lacking.reasons,
    )
