"""Whether two organisations people typed in are the same place.

Spelling, case, accents, order and the usual abbreviations make no difference, nor do the words every
school and district has in its name: "Springfield Public Schools" is "Springfield School District".
In doubt two places are the same: a scorer too many ruled out costs little, a colleague costs fairness.
"""

from __future__ import annotations

from collections.abc import Iterable

from portfolio.blinding import everyday
from portfolio.blinding.identifiers import words

SHORTEST_DISTINCTIVE = 4
_ABBREVIATED = {
    "acad": "academy",
    "co": "county",
    "dist": "district",
    "el": "elementary",
    "elem": "elementary",
    "hs": "high",
    "isd": "district",
    "ms": "middle",
    "mt": "mount",
    "pub": "public",
    "sch": "school",
    "schs": "schools",
    "univ": "university",
    "usd": "district",
}


def keys(names: Iterable[str]) -> frozenset[str]:
    """What each named place is compared by; places that share a key are taken to be the same."""
    return frozenset(key for name in names if (key := _key(name)))


def _key(name: str) -> str:
    whole = name.replace("'", "").replace("\u2019", "")
    spelled = [_ABBREVIATED.get(word, word) for word in words(whole) if word not in everyday.CONNECTIVES]
    distinctive = [word for word in spelled if word not in everyday.GENERIC]
    tells = any(len(word) >= SHORTEST_DISTINCTIVE and word.isalpha() for word in distinctive)
    return " ".join(sorted(set(distinctive if tells else spelled)))
