"""What a worker makes of a file for others to see, in the form a process of its own can be told to do."""

from __future__ import annotations

from pathlib import Path

# What lays text out takes a second to load: once for all, and not in each process.
from portfolio.blinding.cleaning import clean_document, clean_video, odt, word

assert odt
assert word


def draw(path: Path, format_: str, out: Path, name: str) -> list[str]:
    """Draw a document's pages into `out`; returns the words of each."""
    return [page.text for page in clean_document(path, format_, (), out, declared_name=name).pages]


def copy(path: Path, out: Path, name: str) -> None:
    """Write the copy of a video that others see to `out`."""
    clean_video(path, out, declared_name=name)
