"""The played season as plain data: everything somebody else needs to recompute every decision.

Candidates are aliases, scorers are aliases, scores are decimal strings.  Every value is read from
the database's rows, none from the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from candidates.models import Registration
from candidates.states import RegistrationState
from certificates.models import Certificate
from certification.kernel.exact import exact_text
from portfolio.models import BankedScore, Blinding, Decision, Entry, EntryScore, Framework
from portfolio.states import ATTEMPTED_ENTRIES
from scoring import api as scoring
from scoring.api import ReadingCard
from scoring.rules.numbers import plain
from scoring.rules.ruleset import RuleSet

from .cast import FRAMEWORK, Player
from .play import Season

Json = dict[str, Any]


def record(season: Season) -> Json:
    """The season's JSON; its shape is written down in docs/season.md."""
    rows = _Rows.load()
    return {
        "rule_set": _rule_set(rows.rules),
        "candidates": [_candidate(season, player, rows) for player in season.stage.players],
    }


@dataclass(frozen=True, slots=True)
class _Rows:
    """Every row the record needs, read once."""

    rules: RuleSet
    registrations: Mapping[Any, Registration]
    entries: Sequence[Entry]
    codes: Mapping[Any, str]
    readings: Mapping[str, Sequence[ReadingCard]]
    scores: Mapping[Any, EntryScore]
    banked: Sequence[BankedScore]
    decisions: Mapping[tuple[Any, int], Decision]
    certificates: Mapping[Any, str]

    @classmethod
    def load(cls) -> _Rows:
        minted = Blinding.objects.exclude(packet_code=None)
        codes = {row.entry_id: str(row.packet_code) for row in minted}
        return cls(
            rules=scoring.rule_set(Framework.objects.get(slug=FRAMEWORK).rule_set_id),
            registrations=Registration.objects.in_bulk(),
            entries=list(Entry.objects.filter(state__in=ATTEMPTED_ENTRIES).select_related("template")),
            codes=codes,
            readings=scoring.readings(list(codes.values())),
            scores=EntryScore.objects.in_bulk(field_name="entry_id"),
            banked=list(BankedScore.objects.all()),
            decisions={(row.candidacy_id, row.year): row for row in Decision.objects.all()},
            certificates=dict(Certificate.objects.values_list("candidacy_id", "number")),
        )


def _rule_set(rules: RuleSet) -> Json:
    return {
        "threshold": _decimal(rules.threshold),
        "floor": _decimal(rules.floor),
        "gap": _decimal(rules.gap),
        "resolution": rules.resolution.value,
        "entries": _shares({entry.key: Fraction(entry.weight) for entry in rules.entries}),
        "look_fors": {
            entry.key: {look_for.key: plain(look_for.weight) for look_for in entry.look_fors}
            for entry in rules.entries
        },
    }


def _shares(weights: Mapping[str, Fraction]) -> dict[str, str]:
    """Entry weights as shares of the whole, which is what a mean makes of them."""
    whole = sum(weights.values())
    return {key: exact_text(weight / whole) for key, weight in weights.items()}


def _candidate(season: Season, player: Player, rows: _Rows) -> Json:
    registration = rows.registrations[player.registration_id]
    return {
        "alias": player.person.alias,
        "registered": registration.state == RegistrationState.COMPLETE,
        "refused": " ".join(registration.reasons)
        if registration.state == RegistrationState.REFUSED
        else None,
        "certificate": rows.certificates.get(player.candidacy_id),
        "years": [
            _year(season, player, year, rows)
            for year in range(1, season.options.years + 1)
            if (player.candidacy_id, year) in rows.decisions
        ],
    }


def _year(season: Season, player: Player, year: int, rows: _Rows) -> Json:
    decision = rows.decisions[player.candidacy_id, year]
    entries = [row for row in rows.entries if row.candidacy_id == player.candidacy_id and row.year == year]
    entries.sort(key=lambda row: row.template.ordinal)
    scored = {row.template.key: rows.scores[row.pk] for row in entries}
    return {
        "year": year,
        "open": list(season.open_entries[player.person.alias, year]),
        "submitted": [row.template.key for row in entries],
        "readings": [
            _reading(row.template.key, reading)
            for row in entries
            for reading in rows.readings[rows.codes[row.pk]]
        ],
        "scores": {key: exact_text(row.score) for key, row in scored.items() if row.score is not None},
        "banked": {
            row.entry_key: exact_text(row.score)
            for row in sorted(rows.banked, key=lambda row: row.entry_key)
            if row.candidacy_id == player.candidacy_id and row.year == year
        },
        "overall": None if decision.overall is None else exact_text(decision.overall),
        "outcome": decision.outcome,
        "reasons": list(decision.reasons),
        "open_next_year": list(decision.open_next_year),
    }


def _reading(entry_key: str, reading: ReadingCard) -> Json:
    return {
        "entry": entry_key,
        "scorer": reading.scorer_alias,
        "role": str(reading.role),
        "condition": reading.condition or None,
        "ratings": {key: plain(points) for key, points in reading.ratings.items()},
    }


def _decimal(value: Any) -> str | None:
    return None if value is None else plain(value)
