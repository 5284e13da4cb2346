"""The scorers' pages.  Every one runs behind the wall, and none may be stored on the way.

"Not yours" and "absent" are the same 404.  Source: the programme's rules, sections 6 and 7; ADR 0002.
"""

from __future__ import annotations

import logging
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import View, require_role
from accounts.models import Role
from certification.kernel import clock
from certification.kernel.blindwall import blind_view
from certification.kernel.errors import Refusal
from certification.kernel.links import Expired, Forged
from certification.kernel.media import serve

from . import links, selectors, services
from .drafts import Draft
from .forms import ReadingForm
from .selectors import AssignmentCard, ScoringPage
from .states import AssignmentState

logger = logging.getLogger(__name__)
GONE = 410


def scorers_page(view: View) -> View:
    """Only scorers, only behind the wall, in no cache."""
    blind = blind_view(services.scorer_of)(view)
    return require_role(Role.SCORER, Role.LEAD_SCORER)(cache_control(private=True, no_store=True)(blind))


@scorers_page
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    context = {"queue": selectors.queue(_scorer(request)), "enlisted": _scorer(request) is not None}
    return TemplateResponse(request, "scoring/queue.html", context)


@scorers_page
@require_http_methods(["GET", "HEAD", "POST"])
def packet(request: HttpRequest, code: str) -> HttpResponse:
    """Evidence beside the look-fors; the scorer's own marks once they are submitted."""
    card = _card(request, code)
    if request.method == "POST":
        return _submit(request, card)
    if card.state == AssignmentState.SUBMITTED:
        return _submitted(request, code)
    services.open_assignment(scorer_id=_own(request), assignment_id=card.id, now=clock.now())
    page = selectors.scoring_page(_scorer(request), code)
    return _scoring(request, page, ReadingForm(page=page))


def _submit(request: HttpRequest, card: AssignmentCard) -> HttpResponse:
    page = selectors.scoring_page(_scorer(request), card.code)
    form = ReadingForm(request.POST, page=page)
    if form.is_valid() and form.is_complete():
        draft = form.draft
        try:
            services.submit_reading(
                scorer_id=_own(request),
                assignment_id=card.id,
                ratings={} if draft.condition else draft.ratings,
                condition=draft.condition or None,
                note=draft.note,
                now=clock.now(),
            )
        except Refusal as refusal:
            if not card.is_open:
                messages.error(request, str(refusal))
                return redirect(card.url)
            for sentence in refusal.details or (refusal.message,):
                form.add_error(None, sentence)
        else:
            messages.success(request, f"Your marks for packet {card.code} are submitted.")
            return redirect(card.url)
    if card.is_open:
        _save(request, card, form.draft)
    return _scoring(request, page, form)


@scorers_page
@require_POST
def save(request: HttpRequest, code: str) -> HttpResponse:
    """Keep the marks so far: by htmx while the scorer works, by a button without a script."""
    card = _card(request, code)
    page = selectors.scoring_page(_scorer(request), code)
    form = ReadingForm(request.POST, page=page)
    by_script = request.headers.get("HX-Request") == "true"
    try:
        if not form.is_valid():
            return HttpResponse(status=422) if by_script else _scoring(request, page, form)
        _save(request, card, form.draft)
    except Refusal as refusal:
        if by_script:
            return HttpResponse(refusal.message, status=409, content_type="text/plain")
        messages.error(request, refusal.message)
        return redirect(card.url)
    if by_script:
        context = {**_progress(page, form.draft), "saved": _clock_time(request)}
        return TemplateResponse(request, "scoring/_progress.html", context)
    messages.success(request, "Saved. You can go on whenever you like.")
    return redirect(card.url)


@scorers_page
@require_POST
def recuse(request: HttpRequest, code: str) -> HttpResponse:
    """I recognise this person: the packet goes to somebody else, and nobody is told why."""
    card = _card(request, code)
    try:
        services.recuse(scorer_id=_own(request), assignment_id=card.id, now=clock.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return redirect(card.url)
    messages.success(request, f"Packet {card.code} is no longer yours. Somebody else will score it.")
    return redirect("scoring:queue")


@scorers_page
@require_safe
def file(request: HttpRequest, code: str, file_id: UUID) -> HttpResponseBase:
    """The lasting address of a file: leads to a fresh link, so that a page left open goes on working."""
    if selectors.evidence_file(_scorer(request), code, file_id) is None:
        raise Http404
    return redirect("scoring:shown", code, file_id, links.token_for(_own(request), file_id, clock.now()))


@scorers_page
@require_safe
def shown(request: HttpRequest, code: str, file_id: UUID, link: str) -> HttpResponseBase:
    """One file of the packet, put on record as shown: each link once, however often a player asks."""
    now = clock.now()
    evidence = selectors.evidence_file(_scorer(request), code, file_id)
    if evidence is None:
        raise Http404
    try:
        look = links.look_of(link, scorer_id=_own(request), file_id=file_id, now=now)
    except Forged:
        raise Http404 from None
    except Expired as expired:
        return HttpResponse(str(expired), status=GONE, content_type="text/plain; charset=utf-8")
    try:
        response = serve(
            request,
            storage=storages["blind"],
            key=evidence.storage_key,
            content_type=evidence.content_type,
            size=evidence.size,
            sha256=evidence.sha256,
            seconds=look.seconds_left,
        )
    except Http404:
        logger.exception("file %s of packet %s is not in the blind store", file_id, code)
        raise
    services.record_shown(
        scorer_id=_own(request),
        assignment_id=evidence.assignment_id,
        file_id=evidence.id,
        now=now,
        link=look.id,
    )
    return response


def _scoring(request: HttpRequest, page: ScoringPage, form: ReadingForm) -> HttpResponse:
    draft = form.draft if form.is_bound else page.draft
    context = {"page": page, "form": form, **_progress(page, draft)}
    return TemplateResponse(request, "scoring/packet.html", context)


def _submitted(request: HttpRequest, code: str) -> HttpResponse:
    context = {
        "page": selectors.submitted_page(_scorer(request), code),
        "next_packet": selectors.queue(_scorer(request)).next_packet,
    }
    return TemplateResponse(request, "scoring/submitted.html", context)


def _progress(page: ScoringPage, draft: Draft) -> dict[str, object]:
    return {
        "marked": len(draft.ratings),
        "look_fors": len(page.look_fors),
        "condition": page.rules.condition_label(draft.condition) if draft.condition else "",
    }


def _save(request: HttpRequest, card: AssignmentCard, draft: Draft) -> None:
    services.save_draft(
        scorer_id=_own(request),
        assignment_id=card.id,
        ratings=draft.ratings,
        condition=draft.condition or None,
        note=draft.note,
        now=clock.now(),
    )


def _card(request: HttpRequest, code: str) -> AssignmentCard:
    card = selectors.assignment_card(_scorer(request), code)
    if card is None:
        raise Http404
    return card


def _scorer(request: HttpRequest) -> UUID | None:
    """Who is behind the wall with this request; None for an account that was not enlisted."""
    return request.scorer_id  # type: ignore[attr-defined]


def _own(request: HttpRequest) -> UUID:
    scorer_id = _scorer(request)
    assert scorer_id is not None  # an account that was not enlisted has no packet, and got a 404
    return scorer_id


def _clock_time(request: HttpRequest) -> str:
    zone = getattr(request.user, "timezone", "") or settings.PROGRAMME_ZONE
    return f"{clock.now().astimezone(ZoneInfo(zone)):%H:%M %Z}"
