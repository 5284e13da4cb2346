"""Who the played season's people are, and what happens to each of them.

Pure data from a seed: names, employers, fates, and how strong each entry is in each year.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

_GIVEN = (
    "Marisol", "Thaddeus", "Ottilie", "Kwabena", "Ingeborg", "Lorenzo", "Anneliese", "Dashiell", "Philippa",
    "Zebulon", "Clementina", "Rashad", "Wilhelmina", "Octavian", "Saoirse", "Bartholomew", "Xiomara",
    "Leopold", "Guinevere", "Ezekiel", "Rosalind", "Cornelius", "Anastasia", "Demetrius",
)  # fmt: skip
_FAMILY = (
    "Quillfeather", "Vandersloot", "Okonkwo-Hale", "Brightwater", "Castellano", "Hjelmstad", "Farquharson",
    "Delacroix", "Mirzakhani", "Thistlewood", "Abernathy", "Zielinski", "O’Shaughnessy", "Bergstrøm",
    "Calloway", "Ravensworth", "Ibarra-Núñez", "Pemberly", "Szymanski", "Winterbourne", "Kaplinsky",
    "Drummond", "Yevtushenko", "Featherstone",
)  # fmt: skip
_PLACES = (
    "Larkspur", "Tamarack", "Copperfield", "Wrenwood", "Silverthorne", "Foxglove", "Juniper Bluff",
    "Marigold",
)  # fmt: skip


class Fate(StrEnum):
    """What the season sets out to show.  The played outcome must agree with `FATES[fate].ends`."""

    CERTIFIED_AT_ONCE = "certified in year 1"
    CERTIFIED_IN_YEAR_2 = "certified in year 2"
    CERTIFIED_BY_RETAKE = "certified in year 3 by retake"
    ADJUDICATED = "certified in year 1 after adjudication"
    FAILS_A_FLOOR = "fails a floor, and again in the retake"
    MISSES_THRESHOLD = "misses the threshold to the end"
    UNSCORABLE_THEN_RETAKE = "unscorable, then certified by retake"
    UNSCORABLE_RETAKE = "retake unscorable, falls back to the bank"
    SUBMITS_ONE = "submits one entry only"
    NEVER_SUBMITS = "never submits"
    ADVISORY_BY_PURCHASE_ORDER = "65 %, purchase order, certified in year 1"
    UNPAID = "never pays"
    REFUSED = "refused for eligibility"
    REFUSED_TWO_YEARS = "refused for too short employment"


class Paying(StrEnum):
    CARD = "card"
    DECLINED_FIRST = "declined, then another card"
    PENDING_FIRST = "pending, then settled"
    PURCHASE_ORDER = "purchase order"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Work:
    """One entry handed in in one year: how strong it is (a level of the rubric), and its troubles.

    `clear` work gets the same marks from everybody, however severe.
    """

    level: Decimal
    clear: bool = False
    split: bool = False
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A fate in full: what is handed in each year, how it is paid, and how it must end."""

    ends: str
    ends_in_year: int | None
    years: Mapping[int, Mapping[str, Work]] = field(default_factory=dict)
    paying: Paying = Paying.CARD
    percent: Decimal = Decimal(80)
    years_employed: Decimal = Decimal(4)


_STRONG, _FAIR, _WEAK = Decimal(4), Decimal(3), Decimal(2)
# Together they meet the threshold to the hundredth while the second is below the floor.
_PERFECT, _POOR = Decimal("4.25"), Decimal("1.25")
_E1, _E2 = "entry-1", "entry-2"

FATES: Mapping[Fate, Script] = {
    Fate.CERTIFIED_AT_ONCE: Script("certified", 1, {1: {_E1: Work(_STRONG), _E2: Work(_FAIR)}}),
    Fate.CERTIFIED_IN_YEAR_2: Script(
        "certified", 2, {1: {_E1: Work(_FAIR)}, 2: {_E2: Work(_STRONG)}}, paying=Paying.DECLINED_FIRST
    ),
    Fate.CERTIFIED_BY_RETAKE: Script(
        "certified",
        3,
        {1: {_E1: Work(_WEAK)}, 2: {_E2: Work(_FAIR)}, 3: {_E1: Work(_STRONG)}},
        paying=Paying.PENDING_FIRST,
    ),
    Fate.ADJUDICATED: Script("certified", 1, {1: {_E1: Work(_STRONG, split=True), _E2: Work(_STRONG)}}),
    Fate.FAILS_A_FLOOR: Script(
        "years over",
        3,
        {
            1: {_E1: Work(_PERFECT, clear=True), _E2: Work(_POOR, clear=True)},
            3: {_E2: Work(_POOR, clear=True)},
        },
    ),
    Fate.MISSES_THRESHOLD: Script(
        "years over", 3, {2: {_E1: Work(_WEAK), _E2: Work(_WEAK)}, 3: {_E1: Work(_WEAK)}}
    ),
    Fate.UNSCORABLE_THEN_RETAKE: Script(
        "certified",
        3,
        {1: {_E1: Work(_FAIR, condition="no_audio")}, 2: {_E2: Work(_FAIR)}, 3: {_E1: Work(_STRONG)}},
    ),
    Fate.UNSCORABLE_RETAKE: Script(
        "years over",
        3,
        {1: {_E1: Work(_WEAK), _E2: Work(_FAIR)}, 3: {_E1: Work(_STRONG, condition="missing_piece")}},
    ),
    Fate.SUBMITS_ONE: Script("incomplete", 2, {1: {_E1: Work(_STRONG)}}),
    Fate.NEVER_SUBMITS: Script("incomplete", 2, {}),
    Fate.ADVISORY_BY_PURCHASE_ORDER: Script(
        "certified",
        1,
        {1: {_E1: Work(_FAIR), _E2: Work(_FAIR)}},
        paying=Paying.PURCHASE_ORDER,
        percent=Decimal(65),
    ),
    Fate.UNPAID: Script("lapsed", None, paying=Paying.NEVER),
    Fate.REFUSED: Script("refused", None, percent=Decimal(45), paying=Paying.NEVER),
    Fate.REFUSED_TWO_YEARS: Script("refused", None, years_employed=Decimal("1.5"), paying=Paying.NEVER),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One planned candidate.  `alias` is how the report names them: never by name."""

    alias: str
    name: str
    email: str
    school: str
    district: str
    fate: Fate

    @property
    def script(self) -> Script:
        return FATES[self.fate]


@dataclass(frozen=True, slots=True)
class Judge:
    """One planned scorer: where they work, and how much harder or milder than the work they mark.

    `severity` is in steps of the scale, taken off (or added to) every other look-for.
    """

    email: str
    name: str
    employer: str
    district: str
    severity: int
    is_lead: bool = False


def people(count: int, seed: int, fates: tuple[Fate, ...] = tuple(Fate)) -> tuple[Person, ...]:
    """`count` candidates who take the fates in turn, so that every fate occurs when there are enough."""
    dice = random.Random(seed)
    given, family = list(_GIVEN), list(_FAMILY)
    dice.shuffle(given)
    dice.shuffle(family)
    planned = []
    for index in range(count):
        first = given[index % len(given)]
        last = family[(index + index // len(family)) % len(family)]
        place = _PLACES[dice.randrange(len(_PLACES))]
        planned.append(
            Person(
                alias=f"C{index + 1:03d}",
                name=f"{first} {last}",
                email=f"{_ascii(first)}.{_ascii(last)}{index + 1}@{_ascii(place)}-schools.example",
                school=f"{place} Elementary School",
                district=f"{place} Unified District",
                fate=fates[index % len(fates)],
            )
        )
    return tuple(planned)


def judges(entries: int, seed: int) -> tuple[Judge, ...]:
    """Enough scorers for the season's entries, two leads among them, of every severity."""
    dice = random.Random(seed + 1)
    count = max(8, entries // 6)
    severities = [(-1, 0, 0, 1)[index % 4] for index in range(count)]
    dice.shuffle(severities)
    scorers = [
        Judge(
            email=f"scorer{index + 1:02d}@scoring.example",
            name=f"Scorer Number {index + 1}",
            employer=f"{_PLACES[index % len(_PLACES)]} Middle School"
            if index % 4 == 0
            else "Lakeside Academy",
            district=f"{_PLACES[index % len(_PLACES)]} Unified District"
            if index % 4 == 0
            else "Lakeside District",
            severity=severities[index],
        )
        for index in range(count)
    ]
    leads = [
        Judge(
            email=f"lead{index + 1:02d}@scoring.example",
            name=f"Lead Number {index + 1}",
            employer="Programme Office",
            district="Programme Office",
            severity=0,
            is_lead=True,
        )
        for index in range(4)
    ]
    return (*scorers, *leads)


def points_for(
    work: Work, scale: tuple[Decimal, ...], look_fors: tuple[str, ...], *, severity: int, turn: int
) -> dict[str, Decimal]:
    """The marks a scorer of `severity` gives: the work's level, a step lower or higher on every other line.

    Args:
        turn: 0 for the first scorer of a packet, 1 for the second; a `split` work is two levels
            weaker in the second scorer's eyes.
    """
    level = work.level - (2 if work.split and turn == 1 else 0)
    nearest = min(range(len(scale)), key=lambda index: (abs(scale[index] - level), index))
    marks = {}
    for position, key in enumerate(look_fors):
        step = severity if position % 2 == 0 and not work.clear else 0
        marks[key] = scale[max(0, min(len(scale) - 1, nearest + step))]
    return marks


def _ascii(word: str) -> str:
    table = str.maketrans({"ø": "o", "ú": "u", "ñ": "n", "’": "", " ": ""})
    return word.lower().translate(table)
