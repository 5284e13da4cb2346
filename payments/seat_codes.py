"""Seat codes, as they are drawn, stored, typed and read aloud."""

from __future__ import annotations

from certification.kernel import ids

_LENGTH = 10


def drawn() -> str:
    """A fresh code, of letters and digits that nobody mistakes for one another."""
    return ids.code(_LENGTH)


def normalised(code: str) -> str:
    """A code as it is stored, however it was typed: case, spaces and dashes do not matter."""
    return "".join(letter for letter in code.upper() if letter.isalnum())


def spaced(code: str) -> str:
    """A code as people read it aloud: `ABCDE-FGHJK`."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"
