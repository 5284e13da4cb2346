"""What may not stand in a person's name, nor be printed."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError

_UNPRINTED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Marks that join letters, which some languages need inside a name.
_JOINERS = {"\u200c", "\u200d"}


def validate_name(name: str) -> None:
    """Refuse what does not print: it could turn the rest of a line around, or break it.

    Raises:
        ValidationError: the name holds a control character or a mark of writing direction.
    """
    if any(_does_not_print(letter) for letter in name):
        raise ValidationError(
            "The name holds a character that cannot be printed. Type it by hand instead of pasting it."
        )


def without_unprinted(text: str) -> str:
    """`text` with a space in place of each character that `validate_name` would refuse."""
    return "".join(" " if _does_not_print(letter) else letter for letter in text)


def _does_not_print(letter: str) -> bool:
    return unicodedata.category(letter) in _UNPRINTED and letter not in _JOINERS
