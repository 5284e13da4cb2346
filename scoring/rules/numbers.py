"""Exact numbers: how a mark becomes a fraction, and how a fraction is shown to a person.

Scores are compared unrounded and rounded only for display, so nothing in `scoring.rules` ever
touches a float.  Source: the programme's rules, section 6.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor


def plain(value: Decimal) -> str:
    """The shortest plain spelling of a decimal: no exponent, no trailing zeros, no context rounding."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def shown(value: Fraction, places: int, *, beside: Decimal | None = None) -> str:
    """`value` rounded half up to `places`, for people.

    Shown `beside` a cut, places are added until the text is on the value's own side of it: "2.75,
    below the threshold of 2.75" would be true of 2.746 and believed by nobody.
    """
    text = _rounded(value, places)
    if beside is not None:
        cut = Fraction(beside)
        while (Fraction(text) > cut, Fraction(text) < cut) != (value > cut, value < cut):
            places += 1
            text = _rounded(value, places)
    return text


def shown_cut(value: Decimal, places: int) -> str:
    """A cut with at least `places`, and never with fewer than it was written with."""
    written = plain(value)
    return _rounded(Fraction(value), max(places, len(written.partition(".")[2])))


def _rounded(value: Fraction, places: int) -> str:
    whole = floor(abs(value) * 10**places + Fraction(1, 2))
    sign = "-" if value < 0 and whole else ""
    if not places:
        return f"{sign}{whole}"
    digits = str(whole).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def mean(values: Sequence[Fraction]) -> Fraction:
    """The plain mean of at least one value."""
    return sum(values, Fraction(0)) / len(values)


def weighted_sum(pairs: Iterable[tuple[Decimal, Fraction]]) -> Fraction:
    """The sum of weight x value over (weight, value) pairs."""
    return sum((Fraction(weight) * value for weight, value in pairs), Fraction(0))


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`: the words joined as in a sentence."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
