"""A second reckoning of the season's JSON, sharing no code with the rules.

Written from docs/scoring-rules.md alone, plainly and without the database, so that a mistake in the
engine and the same mistake here would have to be made twice.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Json = dict[str, Any]


def disagreements(season: Json) -> list[str]:
    """Every place where the record's scores, bank, outcomes or openings differ from this reckoning."""
    return [
        f"{candidate['alias']}: {problem}"
        for candidate in season["candidates"]
        for problem in _check_candidate(season["rule_set"], candidate)
    ]


def _check_candidate(rules: Json, candidate: Json) -> list[str]:
    problems = []
    bank: dict[str, Fraction] = {}
    attempted: set[str] = set()
    for year in candidate["years"]:
        number = year["year"]
        expected_open = _open(rules, bank, attempted, number)
        if set(year["open"]) != expected_open:
            problems.append(f"year {number} opened {year['open']}, expected {sorted(expected_open)}")
        if not set(year["submitted"]) <= expected_open:
            problems.append(
                f"year {number} took {year['submitted']} though only {sorted(expected_open)} were open"
            )
        scores = {key: score for key in year["submitted"] if (score := _score(rules, key, year)) is not None}
        if {key: Fraction(text) for key, text in year["scores"].items()} != scores:
            problems.append(f"year {number} scored {year['scores']}, expected {scores}")
        attempted |= set(year["submitted"])
        for key, score in scores.items():
            bank[key] = max(score, bank.get(key, score))
        if {key: Fraction(text) for key, text in year["banked"].items()} != bank:
            problems.append(f"year {number} banked {year['banked']}, expected {bank}")
        overall = _overall(rules, bank)
        if (None if year["overall"] is None else Fraction(year["overall"])) != overall:
            problems.append(f"year {number} came to {year['overall']}, expected {overall}")
        outcome = _outcome(rules, bank, attempted, number)
        if year["outcome"] != outcome:
            problems.append(f"year {number} ended as {year['outcome']}, expected {outcome}")
        opening = _open(rules, bank, attempted, number + 1) if outcome == "continuing" else set()
        if set(year["open_next_year"]) != opening:
            problems.append(f"year {number} promised {year['open_next_year']}, expected {sorted(opening)}")
    certified = any(year["outcome"] == "certified" for year in candidate["years"])
    if certified != (candidate["certificate"] is not None):
        problems.append(f"certified is {certified}, certificate is {candidate['certificate']}")
    return problems


def _score(rules: Json, entry: str, year: Json) -> Fraction | None:
    """Two scorers' mean; the adjudicator's score when they are too far apart or one could not score."""
    weights = {key: Fraction(weight) for key, weight in rules["look_fors"][entry].items()}

    def total(reading: Json) -> Fraction | None:
        if reading["condition"]:
            return None
        marks = reading["ratings"].items()
        points = sum((weights[key] * Fraction(mark) for key, mark in marks), Fraction(0))
        return points / sum(weights.values(), Fraction(0))

    of_entry = [reading for reading in year["readings"] if reading["entry"] == entry]
    first, second = (total(reading) for reading in of_entry if reading["role"] == "scorer")
    if first is None and second is None:
        return None
    if first is None or second is None or abs(first - second) > Fraction(rules["gap"]):
        (adjudication,) = (reading for reading in of_entry if reading["role"] == "adjudicator")
        return total(adjudication)
    return (first + second) / 2


def _overall(rules: Json, bank: dict[str, Fraction]) -> Fraction | None:
    if set(bank) != set(rules["entries"]):
        return None
    return sum((Fraction(weight) * bank[key] for key, weight in rules["entries"].items()), Fraction(0))


def _passes(rules: Json, bank: dict[str, Fraction]) -> bool:
    overall = _overall(rules, bank)
    return (
        overall is not None
        and overall >= Fraction(rules["threshold"])
        and all(score >= Fraction(rules["floor"]) for score in bank.values())
    )


def _outcome(rules: Json, bank: dict[str, Fraction], attempted: set[str], year: int) -> str:
    if _passes(rules, bank):
        return "certified"
    never = set(rules["entries"]) - attempted
    return "ended" if year >= 3 or (year == 2 and never) else "continuing"


def _open(rules: Json, bank: dict[str, Fraction], attempted: set[str], year: int) -> set[str]:
    every = set(rules["entries"])
    if year > 3 or _passes(rules, bank):
        return set()
    if year < 3:
        return every - attempted
    if every - attempted:
        return set()
    overall = _overall(rules, bank)
    if overall is None or overall < Fraction(rules["threshold"]):
        return every
    return {key for key, score in bank.items() if score < Fraction(rules["floor"])}
