"""Who scores which packet: a pure function over what is known of packets and scorers.

The rule.  A packet goes to as many scorers as it lacks, all different, each qualified for its kind of
entry.  Never to somebody who works where the candidate works or declared a conflict with that place,
who had this packet in hand before (also when they stepped aside), or who scored an earlier attempt at
the same entry.  An adjudicator is a lead scorer on top of that.  Among those who remain, whoever has
the fewest open packets comes first; leads score only when nobody else can, because a lead who scored a
packet cannot adjudicate it.  Packets with the smallest choice are served first; ties are broken by a
hash of code and scorer, so the same facts give the same matching.
Source: the programme's rules, sections 6 and 7.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from scoring.api import AssignmentRole, PacketNeed, ScorerCard

from . import organisations


@dataclass(frozen=True, slots=True)
class PacketFacts:
    """What only the portfolio knows of a packet.

    `places`: the candidate's school and district.  `scored_before`: who had an earlier year's attempt.
    """

    places: tuple[str, ...] = ()
    scored_before: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """Give this packet to this scorer."""

    code: str
    scorer_id: UUID
    role: AssignmentRole


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A packet that still lacks somebody, and why each qualified scorer is ruled out, in sentences."""

    code: str
    role: AssignmentRole
    missing: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    assignments: tuple[Match, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()


@dataclass(frozen=True, slots=True)
class _Choice:
    """A need with those who may have it and the count of those who may not, by reason."""

    need: PacketNeed
    able: tuple[ScorerCard, ...]
    refused: Mapping[str, int] = field(default_factory=dict)


NOT_LEAD = "no lead scorer"
HAD_IT = "had this packet already"
SCORED_EARLIER = "scored an earlier attempt at this entry"
SAME_PLACE = "in the candidate's school or district, or declared a conflict with it"


def match(
    needs: Sequence[PacketNeed],
    cards: Mapping[UUID, Sequence[ScorerCard]],
    facts: Mapping[str, PacketFacts],
) -> Matching:
    """Match packets to scorers.

    Args:
        needs: packets that lack scorers or an adjudicator.
        cards: the active, qualified scorers of each kind of entry.
        facts: by packet code.  A packet without facts is left unmatched: conflicts cannot be ruled out.
    """
    choices = [_choice(need, cards.get(need.rubric_entry_id, ()), facts) for need in needs]
    load = {card.id: card.open_assignments for those in cards.values() for card in those}
    given: list[Match] = []
    lacking: list[Unmatched] = []
    for choice in sorted(choices, key=lambda one: (len(one.able) - one.need.missing, _tie(one.need.code))):
        need = choice.need
        chosen = sorted(choice.able, key=lambda card: _preference(card, need, load))[: need.missing]
        for card in chosen:
            load[card.id] += 1
            given.append(Match(need.code, card.id, need.role))
        if len(chosen) < need.missing:
            lacking.append(
                Unmatched(need.code, need.role, need.missing - len(chosen), _reasons(choice, chosen, facts))
            )
    return Matching(
        tuple(sorted(given, key=lambda one: (one.code, str(one.scorer_id)))),
        tuple(sorted(lacking, key=lambda one: one.code)),
    )


def _choice(need: PacketNeed, cards: Sequence[ScorerCard], facts: Mapping[str, PacketFacts]) -> _Choice:
    known = facts.get(need.code)
    if known is None:
        return _Choice(need, ())
    places = organisations.keys(known.places)
    able: list[ScorerCard] = []
    refused: Counter[str] = Counter()
    for card in cards:
        why = _why_not(card, need, known, places)
        if why is None:
            able.append(card)
        else:
            refused[why] += 1
    return _Choice(need, tuple(able), refused)


def _why_not(card: ScorerCard, need: PacketNeed, known: PacketFacts, places: frozenset[str]) -> str | None:
    if need.role == AssignmentRole.ADJUDICATOR and not card.is_lead:
        return NOT_LEAD
    if card.id in need.involved:
        return HAD_IT
    if card.id in known.scored_before:
        return SCORED_EARLIER
    if places & organisations.keys((card.employer, card.district, *card.conflicts)):
        return SAME_PLACE
    return None


def _preference(card: ScorerCard, need: PacketNeed, load: Mapping[UUID, int]) -> tuple[bool, int, str]:
    kept_free = card.is_lead and need.role == AssignmentRole.SCORER
    return kept_free, load[card.id], _tie(f"{need.code} {card.id}")


def _reasons(
    choice: _Choice, chosen: Sequence[ScorerCard], facts: Mapping[str, PacketFacts]
) -> tuple[str, ...]:
    if choice.need.code not in facts:
        return ("No entry is known for this packet, so conflicts cannot be ruled out.",)
    if not choice.able and not choice.refused:
        return ("Nobody is qualified for this kind of entry.",)
    counted = [f"{count} {why}" for why, count in sorted(choice.refused.items())]
    qualified = len(choice.able) + sum(choice.refused.values())
    reasons = [f"Qualified for this kind of entry: {qualified}."]
    if counted:
        reasons.append(f"Ruled out: {'; '.join(counted)}.")
    if chosen:
        reasons.append(f"Could be given it: {len(chosen)}.")
    return tuple(reasons)


def _tie(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
