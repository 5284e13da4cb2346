"""How large a name can be set so that it fits its place on the certificate, in any script."""

from __future__ import annotations

import unicodedata

LINE_POINTS = 486
_ONE_LINE = (42, 38, 34, 31, 28)
_MORE_LINES = ((2, 26), (2, 23), (2, 20), (3, 17))
_LEAST = 13
# A line breaks before it is full.
_FILLED = 0.85


def name_points(name: str) -> int:
    """The type size, in points, at which `name` fits: on one line if it can be large, else on more."""
    ems = sum(map(_ems, name))
    for points in _ONE_LINE:
        if ems * points <= LINE_POINTS:
            return points
    for lines, points in _MORE_LINES:
        if ems * points <= LINE_POINTS * lines * _FILLED:
            return points
    return _LEAST


def _ems(character: str) -> float:
    """A generous width of one character, in multiples of the type size."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 1.0
    if character.isspace() or character in ".,'’-":
        return 0.32
    if character in "MWmw" or (character.isupper() and ord(character) > 0x24F):
        return 0.95
    if character.isupper():
        return 0.74
    return 0.54 if ord(character) <= 0x24F else 0.64
