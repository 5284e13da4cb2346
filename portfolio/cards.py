"""What the portfolio's pages show: frozen values, worked out by the selectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from certification.kernel.windows import Window, WindowState

from .models import Receipt
from .renditions.cards import PreparationCard
from .slots import SlotRules
from .states import EntryState, EvidenceKind
from .uploads.limits import shown_bytes
from .uploads.progress import UploadCard
from .uploads.rules import LEAST_PART_BYTES


@dataclass(frozen=True, slots=True)
class FileCard:
    """One file of an entry as its owner sees it.

    `number` of `of` says where it stands in its slot; `named` identifiers were found in it, of which
    `exposed` are not covered; `picture_url` is its first page or poster, once there is one; `also_in` are
    the other slots of the entry that hold the same bytes.
    """

    id: UUID
    name: str
    size: int
    sha256: str
    pages: int | None
    seconds: Decimal | None
    uploaded_at: datetime
    url: str
    preview_url: str
    preparation: PreparationCard
    limit: str = ""
    picture_url: str = ""
    is_video: bool = False
    has_captions: bool = False
    number: int = 1
    of: int = 1
    named: int = 0
    exposed: int = 0
    also_in: tuple[str, ...] = ()

    @property
    def twin(self) -> str:
        """A sentence about the other slots with the same file; empty when there are none."""
        titles = " and ".join(f"“{title}”" for title in self.also_in)
        return f"The same file is also in {titles}." if titles else ""

    @property
    def measure(self) -> str:
        """How much it is, in the unit its limit is in, and against it."""
        if self.seconds is not None:
            minutes, seconds = divmod(int(self.seconds), 60)
            amount, unit = f"{minutes}:{seconds:02d}", "minutes"
        else:
            amount, unit = f"{self.pages}", "page" if self.pages == 1 else "pages"
        return f"{amount} of {self.limit}" if self.limit else f"{amount} {unit}"

    @property
    def is_first(self) -> bool:
        return self.number == 1

    @property
    def is_last(self) -> bool:
        return self.number == self.of


@dataclass(frozen=True, slots=True)
class SlotCard:
    """A slot with its rules in words, what is in it, and what it lacks (a sentence, or nothing).

    `unusable` has a sentence for each file in it that cannot be used.
    """

    rules: SlotRules
    files: tuple[FileCard, ...]
    lacks: str
    takes_more: bool
    replaces: bool
    accept: str
    upload_url: str
    uploads: tuple[UploadCard, ...] = ()
    unusable: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Where it stands on the entry's page."""
        return f"slot-{self.rules.key}"

    @property
    def one_part_bytes(self) -> int:
        """How large a file may be that is sent in one piece; what is larger comes in parts."""
        return LEAST_PART_BYTES

    @property
    def one_part_in_words(self) -> str:
        return shown_bytes(self.one_part_bytes)

    @property
    def is_filled(self) -> bool:
        return bool(self.files) and not self.gaps

    @property
    def gaps(self) -> tuple[str, ...]:
        """A sentence for everything that keeps the slot from being complete."""
        return (self.lacks, *self.unusable) if self.lacks else self.unusable


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
    receipts: tuple[ReceiptCard, ...]


@dataclass(frozen=True, slots=True)
class EntryOverview:
    """One entry on the dashboard.

    `filled` of `required` slots are complete; `is_open` says that it may be submitted at this instant,
    `may_prepare` that files may be added; `reason` says why, or why not.  `consent_gap` has where the
    consent ledger is kept and what is open in it, if anything is.
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
    consent_gap: tuple[str, str] | None = None

    @property
    def has_every_piece(self) -> bool:
        return self.entry_id is not None and self.filled == self.required

    @property
    def is_complete(self) -> bool:
        """Whether nothing holds its submission up but the clock and the affirmations."""
        return self.has_every_piece and self.consent_gap is None

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
    def is_concerned(self) -> bool:
        """Whether this year's window concerns the candidate: an entry is open to them, or was begun."""
        return any(entry.window is not None for entry in self.entries)

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
    is_being_submitted: bool
    window: Window
    window_state: WindowState
    framework_slug: str
    rubric_id: UUID
    to_be_confirmed: bool
    may_prepare: bool
    may_submit: bool
    may_withdraw: bool
    slots: tuple[SlotCard, ...]
    missing: tuple[str, ...]
    receipts: tuple[ReceiptCard, ...]
    submit_at_close_since: datetime | None = None
    consent_gap: tuple[str, str] | None = None

    @property
    def has_videos(self) -> bool:
        """Whether a video belongs into it, so that somebody may be seen."""
        return any(slot.rules.kind == EvidenceKind.VIDEO for slot in self.slots)

    @property
    def required(self) -> int:
        return sum(slot.rules.required for slot in self.slots)

    @property
    def filled(self) -> int:
        return sum(slot.rules.required and slot.is_filled for slot in self.slots)

    @property
    def gaps(self) -> tuple[tuple[str, str], ...]:
        """Where something is missing or cannot be used, and the sentence that says what."""
        own = tuple((f"#{slot.anchor}", sentence) for slot in self.slots for sentence in slot.gaps)
        return (*own, self.consent_gap) if self.consent_gap else own

    @property
    def percent(self) -> int:
        """How much of what is required is there, in whole percent."""
        return 100 * self.filled // self.required if self.required else 100

    @property
    def is_running(self) -> bool:
        """Whether a file of it is still being prepared."""
        return any(file.preparation.is_running for _, file in self.files)

    @property
    def exposed(self) -> tuple[FileCard, ...]:
        """The files in which something names the candidate and is not covered."""
        return tuple(file for _, file in self.files if file.exposed)

    @property
    def files(self) -> tuple[tuple[str, FileCard], ...]:
        """Every file with its slot's title."""
        return tuple((slot.rules.title, file) for slot in self.slots for file in slot.files)

    def is_current(self, receipt: Receipt) -> bool:
        """Whether this receipt is of the submission that counts."""
        handed_in = self.state in (EntryState.SUBMITTED, EntryState.SEALED, EntryState.RELEASED)
        return handed_in and self.receipts[0].number == receipt.number
