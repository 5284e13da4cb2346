"""What a slot accepts, and by how much a file is beyond it: plain functions over what was found.

Source: the programme's rules, section 5 (slot facts).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from .formats import KINDS


class Measured(Protocol):
    """What is known of a file once it was opened."""

    @property
    def kind(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def pages(self) -> int | None: ...
    @property
    def seconds(self) -> Decimal | None: ...


@dataclass(frozen=True)
class SlotLimits:
    """What a slot accepts; None is no limit and no formats means every format of the kind."""

    title: str
    kind: str
    formats: tuple[str, ...] = ()
    max_pages: int | None = None
    max_minutes: int | Decimal | None = None
    max_bytes: int | None = None

    @property
    def takes(self) -> tuple[str, ...]:
        """The formats of its kind that fit."""
        of_kind = tuple(format_ for format_, kind in KINDS.items() if kind == self.kind)
        return tuple(format_ for format_ in of_kind if format_ in self.formats) or of_kind


def check_limits(found: Measured, *, slot: SlotLimits) -> list[str]:
    """One sentence for each limit of the slot that the file exceeds, with the overrun; none when it fits.

    Parts of a second are not counted: an encoder pads a clip trimmed to 10:00 by a few milliseconds.
    """
    if found.kind != slot.kind:
        return [f"“{slot.title}” takes a {slot.kind}; yours is a {found.kind}. Upload a {slot.kind} here."]
    over = []
    if slot.formats and found.format not in slot.formats:
        accepted = ", ".join(format_.upper() for format_ in slot.formats)
        over.append(
            f"“{slot.title}” accepts {accepted}; yours is {found.format.upper()}. Export it as one of these."
        )
    if slot.max_pages is not None and (pages := found.pages or 0) > slot.max_pages:
        over.append(
            f"“{slot.title}” allows {_count(slot.max_pages, 'page')}; "
            f"yours has {pages:,}, {pages - slot.max_pages:,} too many. Shorten it and upload it again."
        )
    if slot.max_minutes is not None and (seconds := int(found.seconds or 0)) > slot.max_minutes * 60:
        over.append(
            f"“{slot.title}” allows {_count(slot.max_minutes, 'minute')}; "
            f"yours is {clock_face(seconds)}, {clock_face(seconds - slot.max_minutes * 60)} too long. "
            "Trim it and upload it again."
        )
    if slot.max_bytes is not None and found.size > slot.max_bytes:
        over.append(beyond_bytes(slot.title, slot.max_bytes, found.size))
    return over


def beyond_bytes(title: str, max_bytes: int, size: int | None) -> str:
    """The sentence about a file that has more bytes than the slot takes; `size` when it is known."""
    allows = f"“{title}” allows {shown_bytes(max_bytes)}; yours is"
    advice = "Export it at a lower quality or resolution and upload it again."
    if size is None:
        return f"{allows} larger. {advice}"
    beyond = shown_bytes(size - max_bytes)
    return f"{allows} {shown_bytes(size, beside=max_bytes)}, {beyond} too large. {advice}"


def clock_face(seconds: int | Decimal) -> str:
    """A length as players show it: 11:42, or 4:00:00."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def shown_bytes(size: int, beside: int = 0) -> str:
    """A size people read; exact bytes when rounding would make it look equal to the limit `beside` it."""
    for unit, step in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= step:
            shown = f"{size / step:,.1f}".removesuffix(".0") + f" {unit}"
            return f"{size:,} bytes" if beside and shown == shown_bytes(beside) else shown
    return "1 byte" if size == 1 else f"{size:,} bytes"


def _count(number: int | Decimal, unit: str) -> str:
    shown = f"{Decimal(number).normalize():f}"  # a database gives ten minutes as 10.00
    return f"{shown} {unit}" if number == 1 else f"{shown} {unit}s"
