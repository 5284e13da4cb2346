"""The preview's page: one piece of evidence as scorers will see it, and what names its candidate in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from accounts.models import User

from .. import selectors as entries
from ..cards import EntryPage, FileCard
from . import selectors
from .cards import rendition_url
from .selectors import File, Preview, SightingCard

_PLACES = {
    "file name": "The file’s name",
    "annotation": "A comment in the file",
    "comment": "A comment in the file",
    "attachment": "A file attached inside it",
    "bookmark": "A bookmark",
    "header": "The header or footer",
    "footer": "The header or footer",
    "tracked change": "A tracked change",
    "picture": "Data inside a picture",
}
_KINDS = {
    "name": "Your name",
    "initials": "Your surname with initials",
    "name part": "Part of your name",
    "email": "An e-mail address",
    "email domain": "Your school’s or district’s e-mail address",
    "organisation": "Your school or district",
    "username": "A number or name you are known by",
    "place": "A place",
    "link": "A link",
    "metadata": "A note by the camera or program",
    "unread": "No text that a machine can read",
}
_UNREAD = "unread"
_AROUND = re.compile(r"file name|metadata|track |chapter|picture|attachment")


@dataclass(frozen=True, slots=True)
class SightingRow:
    """One place where the evidence names its candidate, or could not be read: `place`, `what`, and the words.

    `anchor` is where the preview shows it, if it does; `is_around` says that it lies in the file's name or
    properties, which its candidate does not write.
    """

    place: str
    what: str
    excerpt: str
    is_covered: bool
    is_unread: bool
    anchor: str
    is_around: bool = False

    @property
    def label(self) -> str:
        if self.is_unread:
            return "Look yourself"
        return "Covered" if self.is_covered else "Not covered"

    @property
    def tone(self) -> str:
        return "success" if self.is_covered else "warn"


@dataclass(frozen=True, slots=True)
class PageImage:
    """One page; `text` has its words, identifiers left out."""

    url: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What scorers will see of one piece, each file under its lasting address; empty until it is ready."""

    pages: tuple[PageImage, ...]
    video_url: str
    poster_url: str
    captions_url: str
    document_url: str
    transcript: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.pages or self.video_url)


@dataclass(frozen=True, slots=True)
class Neighbour:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """One piece of an entry with its rendition; `entry` is the whole entry's page."""

    entry: EntryPage
    slot_title: str
    slot_anchor: str
    file: FileCard
    shown: Shown
    captions_name: str
    sightings: tuple[SightingRow, ...]
    number: int
    of: int
    previous: Neighbour | None
    next: Neighbour | None

    @property
    def exposed(self) -> tuple[SightingRow, ...]:
        return tuple(row for row in self.sightings if not row.is_covered)

    @property
    def covered(self) -> tuple[SightingRow, ...]:
        return tuple(row for row in self.sightings if row.is_covered)

    @property
    def covers_words(self) -> bool:
        """Whether something is covered in what its candidate wrote, so that words may be missing there."""
        return any(not row.is_around for row in self.covered)


def preview_page(evidence_id: UUID, entry: EntryPage) -> PreviewPage:
    """The preview of one piece of `entry`.

    Raises:
        LookupError: the entry has no such piece any more.
    """
    pieces = [(slot, file) for slot in entry.slots for file in slot.files]
    place = next((index for index, (_, file) in enumerate(pieces) if file.id == evidence_id), None)
    if place is None:
        raise LookupError(f"There is no evidence {evidence_id} in entry {entry.id}.")
    slot, file = pieces[place]
    preview = selectors.preview(evidence_id)
    return PreviewPage(
        entry=entry,
        slot_title=slot.rules.title,
        slot_anchor=slot.anchor,
        file=file,
        shown=shown(preview),
        captions_name=preview.captions_name,
        sightings=_rows(preview),
        number=place + 1,
        of=len(pieces),
        previous=_neighbour([file for _, file in pieces], place - 1),
        next=_neighbour([file for _, file in pieces], place + 1),
    )


def shown(preview: Preview) -> Shown:
    """The preview's files with their addresses."""
    return Shown(
        pages=tuple(_page(page, number) for number, page in enumerate(preview.pages, start=1)),
        video_url=_url(preview.video),
        poster_url=_url(preview.poster),
        captions_url=_url(preview.captions),
        document_url=_url(preview.document),
        transcript=preview.transcript,
    )


def entry_of(evidence_id: UUID, *, owner: User) -> UUID:
    """The entry of a piece of this person that is still in its slot.

    Raises:
        Evidence.DoesNotExist: there is none, or it is somebody else's.
    """
    return entries.own_evidence(owner).values_list("entry_id", flat=True).get(pk=evidence_id)


def _page(page: File, number: int) -> PageImage:
    return PageImage(rendition_url(page.id), page.page_number or number, page.text)


def _url(file: File | None) -> str:
    return rendition_url(file.id) if file else ""


def _neighbour(files: Sequence[FileCard], place: int) -> Neighbour | None:
    if not 0 <= place < len(files):
        return None
    return Neighbour(files[place].name, reverse("portfolio:preview", args=[files[place].id]))


def _rows(preview: Preview) -> tuple[SightingRow, ...]:
    """What is not covered first, then by page, then what lies around the pages."""
    pages = {page.page_number for page in preview.pages}
    ordered = sorted(
        preview.sightings, key=lambda one: (one.covered, one.page_number is None, one.page_number or 0)
    )
    return tuple(_row(sighting, pages) for sighting in ordered)


def _row(sighting: SightingCard, pages: set[int | None]) -> SightingRow:
    number = sighting.page_number
    return SightingRow(
        place=place_in_words(sighting.where, number),
        what=_KINDS.get(sighting.kind, sighting.kind.capitalize()),
        excerpt=sighting.excerpt,
        is_covered=sighting.covered,
        is_unread=sighting.kind == _UNREAD,
        anchor=f"page-{number}" if number in pages and number is not None else "",
        is_around=bool(_AROUND.match(sighting.where)),
    )


def place_in_words(where: str, page: int | None = None) -> str:
    """Where the cleaning met something, as its candidate would say it."""
    owner, _, detail = where.partition(":")
    if re.fullmatch(r"page \d+", where):
        return where.capitalize()
    if owner == "metadata" and detail:
        return f"The file’s properties, “{detail}”"
    if owner.startswith(("track ", "chapter")):
        return f"The video’s properties, “{detail}”"
    if owner == "part":
        return "Inside the Word file"
    words = _PLACES.get(owner, f"{where[:1].upper()}{where[1:]}")
    return f"{words}, page {page}" if page else words
