"""What a new version of a text changes, line by line: shown to staff before publishing, and to readers."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Change:
    """Neighbouring lines that were taken out, and what stands there instead."""

    removed: tuple[str, ...]
    added: tuple[str, ...]


def changes(old: str, new: str) -> tuple[Change, ...]:
    """Every place at which the texts differ, in order; lines that are empty count for nothing."""
    before, after = _lines(old), _lines(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return tuple(
        Change(tuple(before[start:end]), tuple(after[new_start:new_end]))
        for tag, start, end, new_start, new_end in matcher.get_opcodes()
        if tag != "equal"
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
