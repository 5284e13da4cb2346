"""What an entry still lacks: plain counting, the same for the page and for the submission."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from certification.kernel.errors import Incomplete

from .models import Evidence, Slot
from .states import PreparationState


class GapKind(StrEnum):
    """Where what is missing is mended: in a slot, at a video's consent, in a box, or with the whole entry."""

    SLOT = "slot"
    VIDEO = "video"
    AFFIRMATION = "affirmation"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that keeps an entry from being submitted.

    Attributes:
        subject: which one of its kind: the slot's key, the id of the video or the entry, the text's kind.
        sentence: what is missing, for the candidate.
    """

    kind: GapKind
    subject: str
    sentence: str


class StillMissing(Incomplete):
    """An entry cannot be submitted; `gaps` says the same as `details`, and where each is mended."""

    def __init__(self, message: str, gaps: Sequence[Gap]) -> None:
        super().__init__(message, [gap.sentence for gap in gaps])
        self.gaps = tuple(gaps)


def missing_pieces(slots: Iterable[Slot], evidence: Sequence[Evidence]) -> list[Gap]:
    """One gap for each slot that has too few or too many files; none when the entry is complete."""
    counts = Counter(piece.slot_id for piece in evidence)
    return [
        Gap(GapKind.SLOT, slot.key, sentence)
        for slot in slots
        if (sentence := what_lacks(slot, counts[slot.pk]))
    ]


def unusable_pieces(evidence: Iterable[Evidence]) -> list[Gap]:
    """One gap for each file that cannot be used."""
    return [
        Gap(GapKind.SLOT, piece.slot.key, sentence) for piece in evidence if (sentence := what_fails(piece))
    ]


def what_fails(piece: Evidence) -> str:
    """Why a file cannot be used, or nothing; what is still being prepared holds nothing up."""
    preparation = getattr(piece, "preparation", None)
    if preparation is None or preparation.state != PreparationState.REJECTED:
        return ""
    return f"“{piece.original_name}” cannot be used: {preparation.problem} Replace or remove it."


def being_checked(name: str) -> str:
    """What is said of a file that has arrived and is not evidence yet."""
    return f"“{name}” is still being checked. Wait a moment."


def what_lacks(slot: Slot, files: int) -> str:
    """What the slot lacks with so many files in it, or nothing.

    An optional slot may be empty; once begun, it too needs its fewest files.
    """
    if files > slot.max_files:
        return f"“{slot.title}” takes {_files(slot.max_files)}; it has {files}. Remove what is too much."
    if files >= slot.min_files or (files == 0 and not slot.required):
        return ""
    if files == 0 and slot.min_files == 1:
        return f"“{slot.title}” is empty."
    return f"“{slot.title}” needs at least {_files(slot.min_files)}; it has {files}."


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"
