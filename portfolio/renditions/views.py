"""The preview of evidence, as its candidate sees it before scorers do, and the captions of a video."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import Refusal
from certification.kernel.uploads import LimitHandler, take_files

from .. import selectors as entries
from ..forms import CaptionsForm
from ..services.captions import remove_captions, set_captions
from ..uploads import receiving
from ..viewing import selectors as viewing
from ..viewing.links import link_to
from . import webvtt
from .pages import PreviewPage, entry_of, preview_page

UNPROCESSABLE = 422


@require_role(Role.CANDIDATE)
@require_GET
def preview(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """One piece of evidence exactly as scorers will see it, and what names its candidate in it."""
    return _shown(request, _own(request, evidence_id))


@require_role(Role.CANDIDATE, Role.STAFF)
@require_safe
def rendition(request: HttpRequest, rendition_id: UUID) -> HttpResponseBase:
    """The lasting address of a rendition: leads to a fresh link, so that a page left open goes on working.

    Its owner's pages and the administration name it; the link is bound to whoever asks.
    """
    viewer = _user(request)
    try:
        viewing.shown_file(rendition_id, viewer=viewer)
    except ObjectDoesNotExist:
        raise Http404 from None
    response = redirect(link_to(viewer=viewer, rendition_id=rendition_id, now=clock.now()))
    response["Cache-Control"] = "private, no-store"
    return response


@csrf_exempt  # checked by _captions, once the upload handler is in place
@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def captions(request: HttpRequest, evidence_id: UUID) -> HttpResponseBase:
    """Give a video its captions, in place of those it had."""
    page = _own(request, evidence_id)
    if request.method != "POST":
        return redirect("portfolio:preview", evidence_id)
    limit = LimitHandler(webvtt.MAX_BYTES)
    take_files(request, limit)
    return _captions(request, page, limit)


@csrf_protect
def _captions(request: HttpRequest, page: PreviewPage, limit: LimitHandler) -> HttpResponse:
    form = CaptionsForm(request.POST, request.FILES)
    try:
        if limit.exceeded:
            raise webvtt.too_large("Your file")
        if form.is_valid():
            file = form.cleaned_data["captions"]
            name = receiving.plain_name(receiving.sent_in_form(file.name))
            set_captions(evidence_id=page.file.id, by=_user(request), file=file, name=name, now=clock.now())
            messages.success(request, f"“{name}” belongs to “{page.file.name}” now.")
            return redirect(_captions_url(page.file.id))
    except ObjectDoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        form = CaptionsForm.refused(refusal)
    return _shown(request, page, form, status=UNPROCESSABLE)


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def take_captions_away(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """Leave a video without captions."""
    _own(request, evidence_id)
    if request.method == "POST":
        try:
            remove_captions(evidence_id=evidence_id, by=_user(request), now=clock.now())
        except ObjectDoesNotExist:
            raise Http404 from None
        messages.success(request, "The captions were removed.")
    return redirect(_captions_url(evidence_id))


def _captions_url(evidence_id: UUID) -> str:
    return f"{reverse('portfolio:preview', args=[evidence_id])}#captions"


def _own(request: HttpRequest, evidence_id: UUID) -> PreviewPage:
    owner = _user(request)
    try:
        entry = entries.entry_page(entry_of(evidence_id, owner=owner), owner=owner, now=clock.now())
        return preview_page(evidence_id, entry)
    except (ObjectDoesNotExist, LookupError):
        raise Http404 from None


def _shown(
    request: HttpRequest, page: PreviewPage, form: CaptionsForm | None = None, *, status: int = 200
) -> HttpResponse:
    context = {"page": page, "form": form or CaptionsForm(), "refused": form}
    return render(request, "portfolio/preview.html", context, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
