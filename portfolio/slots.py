"""A slot's rules in words: the same on the directions and beside the upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .models import Slot
from .states import EvidenceKind
from .uploads.limits import shown_bytes


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What a slot is for and what it takes; `limits` are short phrases, most telling first.

    `formats` are the last of them: what kind of file it may be, and how large.
    """

    key: str
    title: str
    purpose: str
    kind: str
    kind_label: str
    required: bool
    max_bytes: int
    max_files: int
    limits: tuple[str, ...]
    formats: tuple[str, ...] = ()

    @property
    def limits_in_words(self) -> str:
        """The limits as one sentence."""
        return _sentence(self.limits)

    @property
    def amount_in_words(self) -> str:
        """How long it may be and how many files it takes, as one sentence; empty without such a limit."""
        return _sentence(self.limits[: len(self.limits) - len(self.formats)])

    @property
    def formats_in_words(self) -> str:
        """What kind of file it may be and how large, as one sentence."""
        return _sentence(self.formats)


def slot_rules(slot: Slot) -> SlotRules:
    """The slot's rules, for people."""
    return SlotRules(
        key=slot.key,
        title=slot.title,
        purpose=slot.purpose,
        kind=slot.kind,
        kind_label=str(EvidenceKind(slot.kind).label),
        required=slot.required,
        max_bytes=slot.max_bytes,
        max_files=slot.max_files,
        limits=(*_amounts(slot), *_files(slot)),
        formats=tuple(_files(slot)),
    )


def limit_in_words(slot: Slot) -> str:
    """How long a file in the slot may be, in the unit it is measured in; empty without such a limit."""
    if slot.max_minutes is not None:
        return f"at most {_spoken(slot.max_minutes.normalize(), 'minute')}"
    if slot.max_pages is not None:
        return f"at most {_spoken(Decimal(slot.max_pages), 'page')}"
    return ""


def _sentence(phrases: Sequence[str]) -> str:
    sentence = "; ".join(phrases)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def _amounts(slot: Slot) -> list[str]:
    limits = [limit] if (limit := limit_in_words(slot)) else []
    if slot.max_files > 1:
        fewest = slot.min_files if slot.required else 0
        limits.append(
            f"{fewest} to {slot.max_files} files" if fewest > 1 else f"up to {slot.max_files} files"
        )
    return limits


def _files(slot: Slot) -> list[str]:
    limits = []
    if slot.formats:
        limits.append(" or ".join(_formats(slot)))
    limits.append(f"up to {shown_bytes(slot.max_bytes)}{' each' if slot.max_files > 1 else ''}")
    return limits


def _formats(slot: Slot) -> list[str]:
    shown = [
        {"docx": "Word (.docx)", "webm": "WebM"}.get(format_, format_.upper()) for format_ in slot.formats
    ]
    return shown if len(shown) < 3 else [", ".join(shown[:-1]), shown[-1]]


def _spoken(number: Decimal, unit: str) -> str:
    return f"{number:f} {unit}s" if number != 1 else f"1 {unit}"
