"""A second reckoning of the season's JSON, sharing no code with the rules.

Written from docs/scoring-rules.md alone, plainly and without the database, so that a mistake in the
engine and the same mistake here would have to be made twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

Json = dict[str, Any]

# Numbers whose decimals do not end are printed to twelve places.
_HALF_OF_THE_LAST_PLACE = Fraction(1, 2 * 10**12)
LAST_YEAR = 3


def disagreements(season: Json) -> list[str]:
    """Every place where the record's scores, bank, outcomes or openings differ from this reckoning."""
    rules = season["rule_set"]
    if rules["resolution"] != "adjudicator":
        return [f"this reckoning knows no resolution {rules['resolution']!r}"]
    return [
        f"{candidate['alias']}: {problem}"
        for candidate in season["candidates"]
        for problem in _check_candidate(rules, candidate)
    ]


def _check_candidate(rules: Json, candidate: Json) -> Iterator[str]:
    if candidate["years"] and not candidate["registered"]:
        yield "has years without a complete registration"
    if candidate["registered"] and candidate["refused"] is not None:
        yield "is registered and refused"
    bank: dict[str, Fraction] = {}
    attempted: set[str] = set()
    for expected, year in enumerate(candidate["years"], start=1):
        if year["year"] != expected:
            yield f"year {expected} is missing"
            return
        problems = [*_check_readings(rules, year), *_check_openness(rules, bank, attempted, year)]
        if not problems:
            problems = list(_check_year(rules, bank, attempted, year))
        yield from (f"year {expected} {problem}" for problem in problems)
        if problems:
            return
    certified = any(year["outcome"] == "certified" for year in candidate["years"])
    if certified != (candidate["certificate"] is not None):
        yield f"certified is {certified}, certificate is {candidate['certificate']}"
    if any(year["outcome"] != "continuing" for year in candidate["years"][:-1]):
        yield "goes on after the end"


def _check_readings(rules: Json, year: Json) -> Iterator[str]:
    """Exactly two scorers and at most one adjudicator, all different, each with every mark or a condition."""
    for entry in {*year["submitted"], *(reading["entry"] for reading in year["readings"])}:
        if entry not in year["submitted"]:
            yield f"has readings of {entry}, which was not submitted"
            continue
        readings = [reading for reading in year["readings"] if reading["entry"] == entry]
        roles = sorted(reading["role"] for reading in readings)
        if roles not in (["scorer", "scorer"], ["adjudicator", "scorer", "scorer"]):
            yield f"has {entry} read by {roles}"
        if len({reading["scorer"] for reading in readings}) != len(readings):
            yield f"has {entry} read twice by one scorer"
        for reading in readings:
            wanted = set() if reading["condition"] else set(rules["look_fors"][entry])
            if set(reading["ratings"]) != wanted:
                yield f"has marks for {sorted(reading['ratings'])} of {entry} by {reading['scorer']}"


def _check_openness(
    rules: Json, bank: Mapping[str, Fraction], attempted: set[str], year: Json
) -> Iterator[str]:
    expected = _open(rules, bank, attempted, year["year"])
    if set(year["open"]) != expected:
        yield f"opened {year['open']}, expected {sorted(expected)}"
    elif not set(year["submitted"]) <= expected:
        yield f"took {year['submitted']} though only {sorted(expected)} were open"


def _check_year(rules: Json, bank: dict[str, Fraction], attempted: set[str], year: Json) -> Iterator[str]:
    """Reckon the year, and carry bank and attempts on into the next."""
    scores = {key: score for key in year["submitted"] if (score := _score(rules, key, year)) is not None}
    if not _same(year["scores"], scores):
        yield f"scored {year['scores']}, expected {_shown(scores)}"
    attempted |= set(year["submitted"])
    for key, score in scores.items():
        bank[key] = max(score, bank.get(key, score))
    if not _same(year["banked"], bank):
        yield f"banked {year['banked']}, expected {_shown(bank)}"
    overall = _overall(rules, bank)
    if not _same({"": year["overall"]}, {"": overall}):
        yield f"came to {year['overall']}, expected {overall}"
    outcome = _outcome(rules, bank, attempted, year["year"])
    if year["outcome"] != outcome:
        yield f"ended as {year['outcome']}, expected {outcome}"
    opening = _open(rules, bank, attempted, year["year"] + 1) if outcome == "continuing" else set()
    if set(year["open_next_year"]) != opening:
        yield f"promised {year['open_next_year']}, expected {sorted(opening)}"
    if not year["reasons"]:
        yield "gives no reason"


def _score(rules: Json, entry: str, year: Json) -> Fraction | None:
    """Two scorers' mean; the adjudicator's score when they are too far apart or one could not score."""
    weights = {key: Fraction(weight) for key, weight in rules["look_fors"][entry].items()}

    def total(reading: Json) -> Fraction | None:
        if reading["condition"]:
            return None
        points = (weights[key] * Fraction(mark) for key, mark in reading["ratings"].items())
        return sum(points, Fraction(0)) / sum(weights.values(), Fraction(0))

    of_entry = [reading for reading in year["readings"] if reading["entry"] == entry]
    first, second = (total(reading) for reading in of_entry if reading["role"] == "scorer")
    if first is None and second is None:
        return None
    if first is None or second is None or abs(first - second) > Fraction(rules["gap"]):
        adjudications = [reading for reading in of_entry if reading["role"] == "adjudicator"]
        return total(adjudications[0]) if adjudications else None
    return (first + second) / 2


def _overall(rules: Json, bank: Mapping[str, Fraction]) -> Fraction | None:
    if set(bank) != set(rules["entries"]):
        return None
    return sum((Fraction(weight) * bank[key] for key, weight in rules["entries"].items()), Fraction(0))


def _passes(rules: Json, bank: Mapping[str, Fraction]) -> bool:
    overall = _overall(rules, bank)
    return (
        overall is not None
        and overall >= Fraction(rules["threshold"])
        and all(score >= Fraction(rules["floor"]) for score in bank.values())
    )


def _outcome(rules: Json, bank: Mapping[str, Fraction], attempted: set[str], year: int) -> str:
    if _passes(rules, bank):
        return "certified"
    never = set(rules["entries"]) - attempted
    return "ended" if year >= LAST_YEAR or (year == LAST_YEAR - 1 and never) else "continuing"


def _open(rules: Json, bank: Mapping[str, Fraction], attempted: set[str], year: int) -> set[str]:
    every = set(rules["entries"])
    if year > LAST_YEAR or _passes(rules, bank):
        return set()
    if year < LAST_YEAR:
        return every - attempted
    if every - attempted:
        return set()
    overall = _overall(rules, bank)
    if overall is None or overall < Fraction(rules["threshold"]):
        return every
    return {key for key, score in bank.items() if score < Fraction(rules["floor"])}


def _same(printed: Mapping[str, str | None], reckoned: Mapping[str, Fraction | None]) -> bool:
    if printed.keys() != reckoned.keys():
        return False
    for key, text in printed.items():
        value = reckoned[key]
        if text is None or value is None:
            if text is not None or value is not None:
                return False
        elif abs(Fraction(text) - value) > _HALF_OF_THE_LAST_PLACE:
            return False
    return True


def _shown(scores: Mapping[str, Fraction]) -> dict[str, str]:
    return {key: str(score) for key, score in scores.items()}
