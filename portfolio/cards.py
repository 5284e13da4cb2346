"""What the portfolio's pages show: frozen values, worked out by the selectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from certification.kernel.windows import Window, WindowState

from .models import Receipt
from .slots import SlotRules
from .states import EntryState
from .uploads.progress import UploadCard


@dataclass(frozen=True, slots=True)
class FileCard:
    """One file of an entry as its owner sees it."""

    id: UUID
    name: str
    size: int
    sha256: str
    pages: int | None
    seconds: Decimal | None
    uploaded_at: datetime
    url: str

    @property
    def measure(self) -> str:
        """How much it is, in the unit its limit is in."""
        if self.seconds is not None:
            minutes, seconds = divmod(int(self.seconds), 60)
            return f"{minutes}:{seconds:02d} minutes"
        return f"{self.pages} page{'' if self.pages == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class SlotCard:
    """A slot with its rules in words, what is in it, and what it lacks (a sentence, or nothing)."""

    rules: SlotRules
    files: tuple[FileCard, ...]
    lacks: str
    takes_more: bool
    replaces: bool
    accept: str
    upload_url: str
    uploads: tuple[UploadCard, ...] = ()

    @property
    def is_filled(self) -> bool:
        return bool(self.files) and not self.lacks


@dataclass(frozen=True, slots=True)
class ReceiptCard:
    """A submission on record."""

    number: str
    submitted_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class AttemptCard:
    """A year's attempt at an entry, for the history beside it."""

    year: int
    state: EntryState
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class EntryOverview:
    """One entry on the dashboard.

    `filled` of `required` slots are complete; `is_open` says that it may be submitted at this instant,
    `may_prepare` that files may be added; `reason` says why, or why not.
    """

    key: str
    title: str
    entry_id: UUID | None
    state: EntryState | None
    state_label: str
    tone: str
    is_retake: bool
    is_open: bool
    may_prepare: bool
    reason: str
    window: Window | None
    filled: int
    required: int
    url: str
    action: str
    receipts: tuple[ReceiptCard, ...]
    earlier: tuple[AttemptCard, ...]

    @property
    def is_complete(self) -> bool:
        return self.entry_id is not None and self.filled == self.required

    @property
    def closes_at(self) -> datetime | None:
        return self.window.closes if self.window else None


@dataclass(frozen=True, slots=True)
class CandidateOverview:
    """All entries of one candidacy in the year it is in; `year` is None once the years are over."""

    candidacy_id: UUID
    number: str
    framework_slug: str
    framework_title: str
    to_be_confirmed: bool
    year: int | None
    window: Window | None
    window_state: WindowState | None
    entries: tuple[EntryOverview, ...]

    @property
    def to_do(self) -> tuple[EntryOverview, ...]:
        """The entries on which the candidate can still act this year and has not finished."""
        return tuple(
            entry for entry in self.entries if entry.may_prepare and entry.state != EntryState.SUBMITTED
        )


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry with its slots, as its owner works on it."""

    id: UUID
    key: str
    title: str
    purpose: str
    year: int
    is_retake: bool
    state: EntryState
    state_label: str
    tone: str
    window: Window
    window_state: WindowState
    framework_slug: str
    to_be_confirmed: bool
    may_prepare: bool
    may_submit: bool
    may_withdraw: bool
    slots: tuple[SlotCard, ...]
    missing: tuple[str, ...]
    receipts: tuple[ReceiptCard, ...]

    @property
    def required(self) -> int:
        return sum(slot.rules.required for slot in self.slots)

    @property
    def filled(self) -> int:
        return sum(slot.rules.required and slot.is_filled for slot in self.slots)

    @property
    def files(self) -> tuple[tuple[str, FileCard], ...]:
        """Every file with its slot's title."""
        return tuple((slot.rules.title, file) for slot in self.slots for file in slot.files)

    def is_current(self, receipt: Receipt) -> bool:
        """Whether this receipt is of the submission that counts."""
        handed_in = self.state in (EntryState.SUBMITTED, EntryState.SEALED, EntryState.RELEASED)
        return handed_in and self.receipts[0].number == receipt.number
