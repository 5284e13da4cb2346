"""Submitting an entry, having it submitted at the close, withdrawing it, and its receipts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.forms import BoundField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import require_role
from accounts.models import Role, User
from candidates import documents
from candidates.models import PolicyDocument
from certification.kernel import clock
from certification.kernel.errors import NotAllowed, Refusal
from certification.kernel.prose import Prose, parse
from certification.kernel.typesetting import CannotPrint
from certification.kernel.windows import WindowState

from . import selectors, services
from .completeness import Gap, GapKind, StillMissing
from .consent import ledger
from .consent.ledger import Ledger
from .receipts import canonical
from .receipts.pages import ReceiptPage, receipt_page
from .receipts.pdf import pdf_of
from .selectors import EntryPage
from .states import EntryState
from .submission_forms import AffirmForm

logger = logging.getLogger(__name__)

CONFLICT = 409
UNPROCESSABLE = 422
_ASKED_BEFORE_THE_CLOSE = "Affirm this now: nobody asks you again at the close."


@dataclass(frozen=True, slots=True)
class AffirmationLine:
    """One text to affirm: its box, its hidden version, and the text itself to be opened."""

    document: PolicyDocument
    prose: Prose
    box: BoundField
    version: BoundField


@dataclass(frozen=True, slots=True)
class LinkedSentence:
    """What is missing, and the address where it is mended, if there is one."""

    sentence: str
    url: str


@dataclass(frozen=True, slots=True)
class SubmitPage:
    """The last look: what will be handed in, what was found in it, who is covered, what is missing.

    `refused` has the details of a refusal.
    """

    page: EntryPage
    ledger: Ledger
    missing: tuple[LinkedSentence, ...]
    affirmations: tuple[AffirmationLine, ...]
    refused: tuple[LinkedSentence, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.page.may_prepare and self.page.window_state is WindowState.OPEN

    @property
    def may_submit(self) -> bool:
        return self.is_open and not self.missing

    @property
    def named(self) -> int:
        return sum(file.named for _, file in self.page.files)

    @property
    def exposed(self) -> int:
        return sum(file.exposed for _, file in self.page.files)

    @property
    def is_waiting_for_a_check(self) -> bool:
        """Whether a file has arrived that is not evidence yet."""
        return any(upload.state == "completing" for slot in self.page.slots for upload in slot.uploads)


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def submit(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """The last look at an entry; POST submits it and leads to the receipt.

    The page is drawn only when it is shown: on the last evening nobody waits for it before they are in time.
    """
    form = _affirm_form(request)
    refusal: Refusal | None = None
    if request.method == "POST":
        form.is_valid()
        try:
            receipt = services.submit_entry(
                entry_id=entry_id, by=_user(request), affirmed=form.affirmed, now=clock.now()
            )
            return redirect("portfolio:receipt", receipt.number)
        except ObjectDoesNotExist:
            raise Http404 from None
        except Refusal as raised:
            refusal, form = raised, _read_again(request)
    return _submit_page(request, entry_id, form, refusal, _status(form, refusal))


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def submit_at_close(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Ask that an entry be submitted at the close, with the same affirmations; or take that back."""
    page = _own(request, entry_id)
    form = _affirm_form(request, asked=_ASKED_BEFORE_THE_CLOSE)
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            if "take_back" in request.POST:
                services.take_back_wish(entry_id=page.id, by=_user(request), now=clock.now())
                messages.success(request, f"{page.title} is submitted only when you submit it.")
                return redirect("portfolio:entry", page.id)
            form.is_valid()
            services.wish_submission_at_close(
                entry_id=page.id, by=_user(request), affirmed=form.affirmed, now=clock.now()
            )
        except Refusal as raised:
            refusal, form = raised, _read_again(request, asked=_ASKED_BEFORE_THE_CLOSE)
            page = _own(request, entry_id)
        else:
            messages.success(request, f"{page.title} is submitted at the close if it is complete then.")
            return redirect("portfolio:entry", page.id)
    context = {"page": page, "form": form, "lines": _lines(form), "refusal": refusal}
    status = _status(form, refusal)
    return render(request, "portfolio/submit_at_close.html", context, status=status)


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Take a submitted entry back while the window is open."""
    if request.method != "POST":
        return redirect("portfolio:entry", _own(request, entry_id).id)
    try:
        entry = services.withdraw_entry(entry_id=entry_id, by=_user(request), now=clock.now())
    except ObjectDoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        return _submit_page(request, entry_id, _affirm_form(request), refusal, CONFLICT)
    messages.success(
        request, f"{entry.template} is back in preparation. Submit it again before the window closes."
    )
    return redirect("portfolio:entry", entry.pk)


@require_role(Role.CANDIDATE)
@require_GET
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """A receipt: each file's name, size and digest, and the instant."""
    found, page = _own_receipt(request, number)
    context = {"receipt": found, "page": page, "is_current": page.is_current(found.receipt)}
    return render(request, "portfolio/receipt.html", context)


@require_role(Role.CANDIDATE)
@require_GET
def receipt_as_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt as a PDF, drawn from the stored receipt alone."""
    found, _ = _own_receipt(request, number)
    try:
        made = pdf_of(found)
    except CannotPrint as missing:
        logger.error("portfolio: %s", missing)
        raise NotAllowed(
            f"Receipt {number} cannot be printed yet: this site lacks a font for one of its letters. "
            "The receipt itself is complete; its page and its mail say the same."
        ) from missing
    return _download(made, f"{number}.pdf", "application/pdf")


@require_role(Role.CANDIDATE)
@require_GET
def receipt_list(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt's list of files in its canonical bytes: their SHA-256 is the receipt's digest."""
    found, _ = _own_receipt(request, number)
    return _download(canonical(found.receipt.manifest), f"{number}.json", "application/json")


def _submit_page(
    request: HttpRequest, entry_id: UUID, form: AffirmForm, refusal: Refusal | None, status: int
) -> HttpResponse:
    try:
        entry = selectors.own_entry(entry_id, owner=_user(request))
    except ObjectDoesNotExist:
        raise Http404 from None
    page, recorded = selectors.page_of(entry, clock.now()), ledger.ledger_of(entry)
    missing: Sequence[Gap] = ()
    if page.state is EntryState.DRAFT:
        page = selectors.with_consent(page, open_points=len(recorded.gaps))
        missing = services.what_is_missing(entry, recorded)
    refused = refusal.gaps if isinstance(refusal, StillMissing) else ()
    shown = SubmitPage(
        page=page,
        ledger=recorded,
        missing=tuple(_linked(page, gap) for gap in missing),
        affirmations=_lines(form),
        refused=tuple(_linked(page, gap) for gap in refused),
    )
    context = {"shown": shown, "page": page, "form": form, "refusal": refusal}
    return render(request, "portfolio/submit.html", context, status=status)


def _linked(page: EntryPage, gap: Gap) -> LinkedSentence:
    """What is missing with the place where its candidate sees to it; the boxes are on the page itself."""
    files = reverse("portfolio:entry", args=[page.id])
    match gap.kind:
        case GapKind.SLOT:
            anchor = next(slot.anchor for slot in page.slots if slot.rules.key == gap.subject)
            url = f"{files}#{anchor}"
        case GapKind.VIDEO:
            url = f"{reverse('portfolio:consent', args=[page.id])}#video-{gap.subject}"
        case GapKind.ENTRY:
            url = files
        case GapKind.AFFIRMATION:
            url = ""
    return LinkedSentence(gap.sentence, url)


def _affirm_form(request: HttpRequest, **said: str) -> AffirmForm:
    texts = documents.texts_to_submit_with(clock.now())
    is_sent = request.method == "POST" and "take_back" not in request.POST
    return AffirmForm(request.POST if is_sent else None, texts=texts, **said)


def _read_again(request: HttpRequest, **said: str) -> AffirmForm:
    """The same form with the texts as they are now: one may have been published while it was sent."""
    form = _affirm_form(request, **said)
    form.is_valid()
    return form


def _lines(form: AffirmForm) -> tuple[AffirmationLine, ...]:
    return tuple(
        AffirmationLine(text, parse(text.body), form[kind], form[f"{kind}-version"])
        for kind, text in form.texts.items()
    )


def _status(form: AffirmForm, refusal: Refusal | None) -> int:
    if form.errors:
        return UNPROCESSABLE
    return CONFLICT if refusal else 200


def _download(content: bytes, name: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
            "X-Robots-Tag": "noindex",
        },
    )


def _own(request: HttpRequest, entry_id: UUID) -> EntryPage:
    try:
        return selectors.entry_page(entry_id, owner=_user(request), now=clock.now())
    except ObjectDoesNotExist:
        raise Http404 from None


def _own_receipt(request: HttpRequest, number: str) -> tuple[ReceiptPage, EntryPage]:
    try:
        found = selectors.own_receipt(number, owner=_user(request))
    except ObjectDoesNotExist:
        raise Http404 from None
    page = selectors.entry_page(found.entry_id, owner=_user(request), now=clock.now())
    return receipt_page(found), page


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
