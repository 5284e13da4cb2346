"""Find what names a candidate in a text: pure functions over strings.

The rule.  Searched are the full name (in either order), each part of it of three letters or
more, initials with the surname, each e-mail address, its local part and its domain, usernames
and places whole, and each organisation whole, by its distinctive words and by its acronym.
Case, accents, hyphens, apostrophes and ligatures make no difference; a line break, a hyphen at
the end of a line, or letters set wide apart hide nothing; a term must stand as a word of its own.

To stay readable, words that are everybody's ("school", "county", "van", "PhD") are never
searched alone; a name that is also an everyday word ("Grace", "Hill") counts only with a capital
letter; acronyms count only in capitals; addresses at public mail providers do not make the
provider a term.  What the rule must choose between, it covers: a covered word too many costs a
scorer little, a name left standing costs the blinding.  Source: the programme's rules, section 7.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from portfolio.blinding import everyday

REMOVED = "[removed]"
SHORTEST_PART = 3
SHORTEST_ORGANISATION_WORD = 4


@dataclass(frozen=True)
class Identity:
    """What is known to name one candidate.  Personal data: all of it."""

    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Term:
    """One thing to search for; `capital` demands a capital first letter, `shouted` all capitals."""

    text: str
    kind: str
    pattern: re.Pattern[str]
    capital: bool = False
    shouted: bool = False


@dataclass(frozen=True)
class Match:
    """`text[start:end]` shows the term; offsets are of the text as given."""

    start: int
    end: int
    term: str
    kind: str


def search_terms(identity: Identity) -> tuple[Term, ...]:
    """The terms for one identity, longest first and each once."""
    found: dict[tuple[str, ...], Term] = {}
    for text, kind, flags in _wanted(identity):
        tokens = tuple(words(text))
        if tokens and tokens not in found:
            found[tokens] = Term(text, kind, _pattern(tokens, kind), **flags)
    return tuple(sorted(found.values(), key=lambda term: (-len(term.text), term.text)))


def find(text: str, terms: Sequence[Term]) -> list[Match]:
    """Every place where a term stands in `text`, in order; where two overlap, the longer counts."""
    folded = fold(text)
    hits = [(term, hit) for term in terms for hit in term.pattern.finditer(folded)]
    # Most of what is searched names nobody, and then no letter has to be followed back.
    origin = _origin(text) if hits else []
    matches = []
    for term, hit in hits:
        start, end = origin[hit.start()], _past_accents(text, origin[hit.end() - 1] + 1)
        shown = text[start:end]
        if term.capital and not shown[:1].isupper():
            continue
        if term.shouted and shown != shown.upper():
            continue
        matches.append(Match(start, end, term.text, term.kind))
    return _without_overlaps(matches)


def redact(text: str, terms: Sequence[Term]) -> str:
    """`text` with each identifier replaced by `REMOVED`."""
    pieces, at = [], 0
    for match in find(text, terms):
        pieces += [text[at : match.start], REMOVED]
        at = match.end
    return "".join(pieces) + text[at:]


def words(text: str) -> list[str]:
    """The folded runs of letters and digits in `text`."""
    return re.findall(r"[^\W_]+", fold(text))


def fold(text: str) -> str:
    """`text` without case, accents, ligatures and invisible characters."""
    return "".join(map(_folded, text))


def _origin(text: str) -> list[int]:
    """For each letter of the folded text, where it came from."""
    return [index for index, letter in enumerate(text) for _ in _folded(letter)]


# PDFium reports a hyphen that ends a line as U+0002 or U+FFFE.
_LINE_END_HYPHENS = "\u0002\ufffe"
_UNDECOMPOSED = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "\u0131": "i",
    "ħ": "h",
}


@lru_cache(maxsize=4096)
def _folded(letter: str) -> str:
    if letter in _LINE_END_HYPHENS or unicodedata.category(letter) == "Pd":
        return "-"
    if letter == "\n" or letter == "\r":
        return "\n"
    plain = []
    for part in unicodedata.normalize("NFKD", letter):
        if unicodedata.category(part) in {"Mn", "Me", "Cf", "Cc", "Lm"}:
            continue
        plain.append(_UNDECOMPOSED.get(part.casefold(), part.casefold()))
    return "".join(plain)


def _past_accents(text: str, end: int) -> int:
    """The end of the last letter when its accents are characters of their own."""
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


def _wanted(identity: Identity) -> Iterator[tuple[str, str, dict[str, bool]]]:
    for name in identity.names:
        yield from _of_name(name)
    for email in identity.emails:
        yield from _of_email(email)
    for organisation in identity.organisations:
        yield from _of_organisation(organisation)
    for username in identity.usernames:
        if len(username) >= SHORTEST_PART:
            yield username, "username", {}
    for place in identity.places:
        if len(words(place)) > 1 or (
            len(place) >= SHORTEST_PART and place.casefold() not in everyday.GENERIC
        ):
            yield place, "place", _caution(place)


def _of_name(name: str) -> Iterator[tuple[str, str, dict[str, bool]]]:
    parts = [
        part
        for part in re.split(r"[\s,]+", name)
        if words(part) and part.strip(".").casefold() not in everyday.TITLES
    ]
    if not parts:
        return
    if len(parts) > 1:
        yield " ".join(parts), "name", {}
        *given, surname = parts
        yield f"{surname}, {' '.join(given)}", "name", {}
        yield f"{parts[0]} {surname}", "name", {}
        initials = [words(part)[0][0] for part in given]
        for written in (initials[:1], initials):
            yield f"{' '.join(written)} {surname}", "initials", {"capital": True}
            yield f"{surname}, {' '.join(written)}", "initials", {"capital": True}
    for part in parts:
        for piece in dict.fromkeys([part, *re.split(r"[-\u2010-\u2013]", part), *re.split(r"\W+", part)]):
            if len("".join(words(piece))) >= SHORTEST_PART and piece.casefold() not in everyday.PARTICLES:
                yield piece, "name part", _caution(piece)


def _of_email(email: str) -> Iterator[tuple[str, str, dict[str, bool]]]:
    local, _, domain = email.strip().partition("@")
    yield email.strip(), "email", {}
    local = local.partition("+")[0]
    if len(local) >= SHORTEST_PART and local.casefold() not in everyday.GENERIC:
        yield local, "email", _caution(local)
    if "." in domain and domain.casefold() not in everyday.PUBLIC_MAIL:
        yield domain, "email domain", {}


def _of_organisation(organisation: str) -> Iterator[tuple[str, str, dict[str, bool]]]:
    parts = [part for part in re.split(r"[^\w'\u2019.]+", organisation) if words(part)]
    if len(parts) > 1 or (parts and parts[0].casefold() not in everyday.GENERIC):
        yield organisation, "organisation", {} if len(parts) > 1 else _caution(organisation)
    for part in parts:
        long_enough = len(part) >= SHORTEST_ORGANISATION_WORD and not part.isdigit()
        if long_enough and part.casefold() not in everyday.GENERIC:
            yield part, "organisation", _caution(part)
    acronym = "".join(part[0] for part in parts if part.casefold() not in everyday.CONNECTIVES).upper()
    if len(acronym) >= SHORTEST_PART and acronym not in everyday.TRADE_ACRONYMS:
        yield acronym, "organisation", {"shouted": True}


def _caution(word: str) -> dict[str, bool]:
    return {"capital": True} if word.casefold() in everyday.ALSO_WORDS else {}


def _pattern(tokens: Sequence[str], kind: str) -> re.Pattern[str]:
    """Tokens in order with anything but letters between them, none of them cut out of a longer word."""
    plural = "(?:s|es)?" if kind == "name part" else ""
    between = r"(?:[.\s]{1,3}|,\s*+)" if kind == "initials" else r"[\W_]{0,4}"
    first = re.escape(tokens[0][0])
    rest = between.join(map(_token, tokens)).removeprefix(first)
    # A letter to begin with: the search skips to it, and only there asks what stands before it.
    return re.compile(rf"{first}(?<![^\W\d_]{first}){rest}{plural}(?![^\W\d_])")


def _token(token: str) -> str:
    first, *others = map(re.escape, token)
    broken = r"(?:-\s*+|[^\S\n]*+\n\s*+)?" if len(token) >= 5 else r"(?:-\s*+)?"
    whole = "".join(broken + letter for letter in others)
    if len(token) < SHORTEST_PART:
        return first + whole
    spaced = "".join(r"[\s.·*_-]{1,2}" + letter for letter in others)
    return f"{first}(?:{whole}|{spaced})"


def _without_overlaps(matches: list[Match]) -> list[Match]:
    """In order of place; matches that overlap become one, as wide as all and named for the longest."""
    kept: list[Match] = []
    for match in sorted(matches, key=lambda match: (match.start, -match.end)):
        if kept and match.start < kept[-1].end:
            last = kept[-1]
            longer = max(last, match, key=lambda one: one.end - one.start)
            kept[-1] = Match(last.start, max(last.end, match.end), longer.term, longer.kind)
        else:
            kept.append(match)
    return kept
