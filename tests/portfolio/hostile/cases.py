"""What a hostile or broken file is called, how it is made, and what has to become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from portfolio.uploads.limits import SlotLimits

# Writes the file; the path given is free, in an empty folder.
Maker = Callable[[Path], None]

# What must not be found in anything made of a neutralised file.
PLANTED = b"PLANTED"


@dataclass(frozen=True)
class Refused:
    """Never becomes evidence: the sentence holds `says`, and the name or the slot's title."""

    label: str
    name: str
    make: Maker
    says: str
    slot: SlotLimits | None = None


@dataclass(frozen=True)
class Neutralised:
    """Becomes evidence, and what is made of it for others holds none of what was `planted`."""

    label: str
    name: str
    make: Maker
    planted: tuple[bytes, ...] = (PLANTED,)


Case = Refused | Neutralised


def bytes_of(content: bytes | Callable[[], bytes]) -> Maker:
    """A maker of a file with these bytes, which a function may put together when they are wanted."""
    return lambda path: _written(path, content if isinstance(content, bytes) else content())


def cut(make: Callable[[], bytes], share: float) -> Maker:
    """A maker of the first part of a file, as a stick pulled out too early leaves it."""
    return lambda path: _written(path, (whole := make())[: int(len(whole) * share)])


def _written(path: Path, content: bytes) -> None:
    path.write_bytes(content)
