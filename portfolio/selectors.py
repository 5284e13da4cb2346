"""What the pages show of entries: frozen cards, read in a fixed number of queries.

What is shown follows the clock, not the sweeps: an entry whose window is over is shown as what the
sweep will make of it, so that nobody reads "in preparation" after the deadline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse

from accounts.models import User
from candidates import selectors as candidates
from candidates.selectors import CandidacyCard
from candidates.states import CandidacyState
from certification.kernel.windows import Window, WindowState

from . import openness
from .cards import (
    AttemptCard,
    CandidateOverview,
    EntryOverview,
    EntryPage,
    FileCard,
    ReceiptCard,
    SlotCard,
)
from .completeness import what_fails, what_lacks
from .consent import ledger
from .models import Captions, Entry, EntryTemplate, Evidence, Framework, Receipt, Rendition, Slot
from .openness import extended_candidacies, history_of, open_entries, open_entries_for, policy_of
from .renditions.cards import preparation_card, rendition_url
from .renditions.models import RenditionKind
from .slots import limit_in_words, slot_rules
from .states import EntryState, EvidenceKind
from .uploads.progress import UploadCard, cards_of_entry

__all__ = [
    "AttemptCard",
    "CandidateOverview",
    "EntryOverview",
    "EntryPage",
    "FileCard",
    "ReceiptCard",
    "SlotCard",
    "candidate_overview",
    "entry_page",
    "extended_candidacies",
    "history_of",
    "open_entries",
    "open_entries_for",
    "own_entry",
    "own_evidence",
    "own_receipt",
    "page_of",
    "policy_of",
    "with_consent",
    "with_preparation",
]

_CLOSING = "Being submitted"
_TONES = {
    EntryState.DRAFT: "info",
    EntryState.SUBMITTED: "success",
    EntryState.SEALED: "brand",
    EntryState.RELEASED: "brand",
    EntryState.UNUSED: "neutral",
}
_ACCEPTS = {
    "document": ".pdf,.docx,.odt",
    "form": ".pdf,.docx,.odt",
    "video": ".mp4,.mov,.m4v,.webm,.mkv,.avi,.wmv,.mpg",
}


def candidate_overview(candidacy: CandidacyCard | UUID, now: datetime) -> CandidateOverview:
    """Where each entry of the candidacy stands at `now`, and what can be done about it."""
    card = openness.card_of(candidacy)
    framework = Framework.objects.get(slug=card.framework_slug)
    year = candidates.year_at(card.id, now)
    opened = open_entries([card], year=year or policy_of(card).years + 1)[card.id]
    window = candidates.submission_window(card.id, year) if year else None
    attempts = list(
        _with_files(Entry.objects.filter(candidacy_id=card.id)).select_related(
            "template", "score", "candidacy"
        )
    )
    drafts = [attempt for attempt in attempts if attempt.year == year and _may_be_prepared(attempt)]
    open_points = ledger.open_points(drafts)
    return CandidateOverview(
        candidacy_id=card.id,
        number=card.number,
        framework_slug=framework.slug,
        framework_title=framework.title,
        to_be_confirmed=framework.to_be_confirmed,
        year=year,
        window=window,
        window_state=window.state(now) if window else None,
        entries=tuple(
            _overview_of(
                template,
                [attempt for attempt in attempts if attempt.template_id == template.pk],
                opened,
                year=year,
                window=window,
                now=now,
                open_points=open_points,
            )
            for template in framework.entries.prefetch_related("slots")
        ),
    )


def entry_page(entry_id: UUID, *, owner: User, now: datetime) -> EntryPage:
    """One entry of this person with everything the page shows.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
    """
    entry = own_entry(entry_id, owner=owner)
    page = page_of(entry, now)
    return with_consent(page, open_points=len(ledger.gaps_of(entry))) if page.may_prepare else page


def own_entry(entry_id: UUID, *, owner: User) -> Entry:
    """An entry of this person with all that `page_of` shows of it loaded.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
    """
    own = Entry.objects.filter(candidacy__account=owner).select_related("candidacy", "template__framework")
    return _with_files(own).prefetch_related("template__slots").get(pk=entry_id)


def page_of(entry: Entry, now: datetime) -> EntryPage:
    """An entry that `own_entry` loaded, but for what its consent ledger lacks."""
    window = candidates.submission_window(entry.candidacy_id, entry.year)
    state = shown_state(entry, window.state(now))
    closing = is_being_submitted(entry, window.state(now))
    is_live = entry.candidacy.state == CandidacyState.ACTIVE
    may_prepare = is_live and state is EntryState.DRAFT
    uploads = cards_of_entry(entry.pk, now)
    slots = tuple(_slot_card(entry, slot, may_prepare, uploads) for slot in entry.template.slots.all())
    missing = tuple(sentence for slot in slots for sentence in slot.gaps)
    return EntryPage(
        id=entry.pk,
        key=entry.template.key,
        title=entry.template.title,
        purpose=entry.template.purpose,
        year=entry.year,
        is_retake=entry.is_retake,
        state=state,
        state_label=_CLOSING if closing else str(state.label),
        tone="info" if closing else _TONES[state],
        is_being_submitted=closing,
        window=window,
        window_state=window.state(now),
        framework_slug=entry.template.framework.slug,
        rubric_id=entry.template.framework.rubric_id,
        to_be_confirmed=entry.template.framework.to_be_confirmed,
        may_prepare=may_prepare,
        may_submit=may_prepare and not missing and window.contains(now),
        may_withdraw=is_live and state is EntryState.SUBMITTED,
        slots=slots,
        missing=missing,
        receipts=_receipt_cards(entry),
        submit_at_close_since=entry.submit_at_close_since,
    )


def with_consent(page: EntryPage, *, open_points: int) -> EntryPage:
    """The page of an entry in preparation with what its consent ledger lacks."""
    gap = _consent_gap(page.id, open_points)
    return replace(page, consent_gap=gap, may_submit=page.may_submit and gap is None)


def _consent_gap(entry_id: UUID, open_points: int) -> tuple[str, str] | None:
    """Where the consent ledger is kept, and what is open in it, if anything is."""
    if not open_points:
        return None
    points = "1 open point" if open_points == 1 else f"{open_points} open points"
    sentence = f"Say who is seen in your videos, and which release form covers them ({points})."
    return reverse("portfolio:consent", args=[entry_id]), sentence


def own_evidence(owner: User) -> QuerySet[Evidence]:
    """The pieces of this person that are in a slot."""
    return Evidence.objects.filter(entry__candidacy__account=owner, removed_at__isnull=True)


def own_receipt(number: str, *, owner: User) -> Receipt:
    """A receipt of this person.

    Raises:
        Receipt.DoesNotExist: there is none, or it is somebody else's.
    """
    return Receipt.objects.select_related("entry__template").get(
        number=number, entry__candidacy__account=owner
    )


def shown_state(entry: Entry, window: WindowState) -> EntryState:
    """What the entry is by the clock, whether or not a sweep has recorded it."""
    state = EntryState(entry.state)
    if window is WindowState.AFTER:
        return {EntryState.DRAFT: EntryState.UNUSED, EntryState.SUBMITTED: EntryState.SEALED}.get(
            state, state
        )
    return EntryState.DRAFT if state is EntryState.UNUSED else state


def is_being_submitted(entry: Entry, window: WindowState) -> bool:
    """Whether the window is over, and the wish to be submitted at the close is yet to be carried out."""
    return (
        window is WindowState.AFTER
        and entry.state == EntryState.DRAFT
        and entry.submit_at_close_since is not None
    )


def with_preparation(evidence: QuerySet[Evidence]) -> QuerySet[Evidence]:
    """With each piece how far it is prepared, what stands for it in a list, and what was found in it."""
    pictures = Rendition.objects.filter(
        Q(kind=RenditionKind.POSTER) | Q(kind=RenditionKind.PAGE, page_number=1)
    )
    return (
        evidence.select_related("preparation")
        .annotate(
            captioned=Exists(Captions.objects.filter(evidence=OuterRef("pk"))),
            named=Count("preparation__sightings"),
            exposed=Count("preparation__sightings", filter=Q(preparation__sightings__covered=False)),
        )
        .prefetch_related(
            Prefetch(
                "preparation__files",
                queryset=pictures.only("preparation_id", "kind", "page_number"),
                to_attr="pictures",
            )
        )
    )


def _with_files(entries: QuerySet[Entry]) -> QuerySet[Entry]:
    live = with_preparation(Evidence.objects.filter(removed_at__isnull=True)).order_by("place", "uploaded_at")
    return entries.prefetch_related(
        Prefetch("evidence", queryset=live, to_attr="live_evidence"),
        Prefetch("receipts", queryset=Receipt.objects.order_by("-submitted_at"), to_attr="all_receipts"),
    )


def _overview_of(
    template: EntryTemplate,
    attempts: Sequence[Entry],
    opened: openness.OpenEntries,
    *,
    year: int | None,
    window: Window | None,
    now: datetime,
    open_points: Mapping[UUID, int],
) -> EntryOverview:
    window_state = window.state(now) if window else WindowState.AFTER
    current = next((attempt for attempt in attempts if attempt.year == year), None)
    state = shown_state(current, window_state) if current else None
    closing = current is not None and is_being_submitted(current, window_state)
    may_change = template.key in opened.entries and window_state is not WindowState.AFTER
    required = [slot for slot in template.slots.all() if slot.required]
    filled = sum(_is_filled(current, slot) for slot in required) if current else 0
    may_prepare = may_change and state in (None, EntryState.DRAFT)
    consent_gap = (
        _consent_gap(current.pk, open_points.get(current.pk, 0)) if current and may_prepare else None
    )
    url, action = _next_action(
        template.key,
        current,
        state,
        window_state,
        may_prepare=may_prepare,
        has_every_piece=filled == len(required),
        consent_gap=consent_gap,
    )
    return EntryOverview(
        key=template.key,
        title=template.title,
        entry_id=current.pk if current else None,
        state=state,
        state_label=_CLOSING if closing else _state_label(state, may_prepare=may_prepare),
        tone="info" if closing else _TONES[state] if state else "neutral",
        is_retake=template.key in opened.retakes,
        is_open=may_change and window_state is WindowState.OPEN,
        may_prepare=may_prepare,
        reason=_wish(current, closing=closing, may_prepare=may_prepare)
        or _reason(opened.reasons.get(template.key, ""), state, year, window_state),
        window=window if template.key in opened.entries or current else None,
        filled=filled,
        required=len(required),
        url=url,
        action=action,
        receipts=_receipt_cards(current) if current else (),
        earlier=tuple(_attempt_card(attempt) for attempt in attempts if attempt is not current),
        consent_gap=consent_gap,
    )


def _may_be_prepared(attempt: Entry) -> bool:
    """Whether it can be in preparation; an unused one is again, if its window was opened anew."""
    return attempt.state in (EntryState.DRAFT, EntryState.UNUSED)


def _attempt_card(attempt: Entry) -> AttemptCard:
    state = EntryState(attempt.state)
    released = state is EntryState.RELEASED
    label = "Could not be scored" if released and attempt.score.condition else str(state.label)
    page = "portfolio:report" if released else "portfolio:entry"
    url = reverse(page, args=[attempt.pk])
    return AttemptCard(attempt.year, state, label, url, _receipt_cards(attempt))


def _next_action(
    key: str,
    current: Entry | None,
    state: EntryState | None,
    window: WindowState,
    *,
    may_prepare: bool,
    has_every_piece: bool,
    consent_gap: tuple[str, str] | None,
) -> tuple[str, str]:
    """Where the entry is worked on, and what the button says."""
    if current is None:
        return (reverse("portfolio:begin", args=[key]), "Start preparing") if may_prepare else ("", "")
    page = reverse("portfolio:entry", args=[current.pk])
    if state is EntryState.SUBMITTED:
        return page, "See what you submitted"
    if not may_prepare:
        return page, "See the files"
    if not has_every_piece:
        return page, "Add evidence"
    if consent_gap:
        return consent_gap[0], "Say who is seen"
    if window is WindowState.OPEN:
        return reverse("portfolio:submit", args=[current.pk]), "Review and submit"
    return page, "Look it over"


def _wish(current: Entry | None, *, closing: bool, may_prepare: bool) -> str:
    if closing:
        return "The window has closed, and the entry is being submitted as you asked. A mail tells."
    if current is not None and may_prepare and current.submit_at_close_since is not None:
        return "It is submitted when the window closes, as you asked, if it is complete then."
    return ""


def _state_label(state: EntryState | None, *, may_prepare: bool) -> str:
    if state is not None:
        return str(state.label)
    return "Not begun" if may_prepare else "Not open"


def _reason(reason: str, state: EntryState | None, year: int | None, window: WindowState) -> str:
    if state is EntryState.SUBMITTED:
        return "Submitted. Until the window closes you may withdraw it, change it and submit it again."
    if state is EntryState.SEALED:
        return f"Submitted in year {year} and with the scorers. Its score comes out with everybody's."
    if year is not None and window is WindowState.AFTER and state in (None, EntryState.UNUSED):
        return (
            f"The submission window of year {year} is over."
            " What is open next is shown here once this year's scores are out."
        )
    return reason


def _slot_card(entry: Entry, slot: Slot, may_prepare: bool, uploads: Sequence[UploadCard]) -> SlotCard:
    pieces = [piece for piece in _live(entry) if piece.slot_id == slot.pk]
    files = tuple(
        replace(_file_card(piece, slot, number, len(pieces)), also_in=_also_in(entry, piece))
        for number, piece in enumerate(pieces, start=1)
    )
    return SlotCard(
        rules=slot_rules(slot),
        files=files,
        lacks=what_lacks(slot, len(files)),
        takes_more=may_prepare and (len(files) < slot.max_files or slot.max_files == 1),
        replaces=slot.max_files == 1 and bool(files),
        accept=",".join(f".{ending}" for ending in slot.formats) or _ACCEPTS[slot.kind],
        upload_url=reverse("portfolio:upload", args=[entry.pk, slot.key]),
        uploads=tuple(upload for upload in uploads if upload.slot_key == slot.key),
        unusable=tuple(sentence for piece in pieces if (sentence := what_fails(piece))),
    )


def _also_in(entry: Entry, piece: Evidence) -> tuple[str, ...]:
    """The titles of the entry's other slots that hold the same bytes."""
    slots = {other.slot_id for other in _live(entry) if other.sha256 == piece.sha256} - {piece.slot_id}
    return tuple(slot.title for slot in entry.template.slots.all() if slot.pk in slots)


def _file_card(piece: Evidence, slot: Slot, number: int, of: int) -> FileCard:
    """`piece` as `with_preparation` reads it."""
    preparation = getattr(piece, "preparation", None)
    pictures = getattr(preparation, "pictures", [])
    return FileCard(
        id=piece.pk,
        name=piece.original_name,
        size=piece.size,
        sha256=piece.sha256,
        pages=piece.pages,
        seconds=piece.seconds,
        uploaded_at=piece.uploaded_at,
        url=reverse("portfolio:original", args=[piece.pk]),
        preview_url=reverse("portfolio:preview", args=[piece.pk]),
        preparation=preparation_card(preparation),
        limit=limit_in_words(slot),
        picture_url=rendition_url(pictures[0].pk) if pictures else "",
        is_video=slot.kind == EvidenceKind.VIDEO,
        has_captions=getattr(piece, "captioned", False),
        number=number,
        of=of,
        named=getattr(piece, "named", 0),
        exposed=getattr(piece, "exposed", 0),
    )


def _is_filled(entry: Entry, slot: Slot) -> bool:
    pieces = [piece for piece in _live(entry) if piece.slot_id == slot.pk]
    return not what_lacks(slot, len(pieces)) and not any(map(what_fails, pieces))


def _live(entry: Entry) -> list[Evidence]:
    return entry.live_evidence  # type: ignore[attr-defined]


def _receipt_cards(entry: Entry) -> tuple[ReceiptCard, ...]:
    receipts: list[Receipt] = entry.all_receipts  # type: ignore[attr-defined]
    return tuple(
        ReceiptCard(row.number, row.submitted_at, reverse("portfolio:receipt", args=[row.number]))
        for row in receipts
    )
