"""The only door into scoring for the apps above it.

Everything that passes is a frozen dataclass, a code or an id: no row of the blind side leaves it,
and nothing that identifies a candidate enters it.  Source: the programme's rules, section 7; ADR 0002.
"""

from .library import (
    LookForCard,
    RubricCard,
    RubricEntryCard,
    RubricEntrySpec,
    load_rubric,
    load_rule_set,
    rubric,
    rule_set,
)
from .outcomes import PacketOutcome, PacketProgress, ReadingCard, outcomes, progress, readings
from .scorers import ScorerCard, enlist_scorer, qualify, scorer_cards
from .staffing import PacketFileSpec, PacketNeed, assign, involved, mint_packet, packets_to_staff
from .states import AssignmentRole, FileKind, PacketState

__all__ = [
    "AssignmentRole",
    "FileKind",
    "LookForCard",
    "PacketFileSpec",
    "PacketNeed",
    "PacketOutcome",
    "PacketProgress",
    "PacketState",
    "ReadingCard",
    "RubricCard",
    "RubricEntryCard",
    "RubricEntrySpec",
    "ScorerCard",
    "assign",
    "enlist_scorer",
    "involved",
    "load_rubric",
    "load_rule_set",
    "mint_packet",
    "outcomes",
    "packets_to_staff",
    "progress",
    "qualify",
    "readings",
    "rubric",
    "rule_set",
    "scorer_cards",
]
