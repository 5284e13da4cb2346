"""The rehearsal's page, its two forms, and the addresses that take bytes and keep none."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import Refusal

from ..uploads import receiving
from . import limits, selectors, services, tickets
from .arriving import TimedHandler
from .forms import ClipForm, LineForm
from .rules import MB

MAX_CLIP_BYTES = 200 * MB
CONFLICT = 409
UNPROCESSABLE = 422
FORBIDDEN = 403
_CHUNK_BYTES = 64 * 1024
_TOO_LARGE = "The clip is larger than 200 MB. Ten seconds are enough: film a shorter one, and choose that."


@require_role(Role.CANDIDATE)
@require_GET
def rehearsal(request: HttpRequest) -> HttpResponse:
    """Where a candidate measures the line, tries a clip and reads how long the upload will take."""
    return _page(request)


@require_role(Role.CANDIDATE)
@require_POST
def begin_trial(request: HttpRequest) -> HttpResponse:
    """Where the browser may send bytes for the next minutes, to find out how quickly they go."""
    try:
        trial = services.begin_trial(by=_user(request), now=clock.now())
    except Refusal as refusal:
        return JsonResponse({"problem": str(refusal)}, status=CONFLICT)
    pieces = [{"bytes": length, "url": url} for length, url in trial.addresses.items()]
    return JsonResponse(
        {
            "pieces": pieces,
            "seconds": services.MEASURE_SECONDS,
            "mostBytes": services.MOST_BYTES,
            "ticket": trial.ticket,
        }
    )


@csrf_exempt
@login_not_required
@require_http_methods(["PUT"])
def piece(request: HttpRequest, trial_id: UUID, length: int) -> HttpResponse:
    """Take a piece in and keep nothing of it; the signature says who was allowed to send it."""
    try:
        tickets.require_piece(request.GET.get("signature", ""), trial_id, length, clock.now())
        if request.headers.get("Content-Length") != str(length):
            return HttpResponse("A piece has the length it was announced with.", status=400)
        limits.admit_bytes(trial_id, length)
        while request.read(_CHUNK_BYTES):
            pass
    except UnreadablePostError:
        return HttpResponse("The piece broke off.", status=400)
    except Refusal as refusal:
        return HttpResponse(str(refusal), status=FORBIDDEN)
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def line(request: HttpRequest) -> HttpResponse:
    """Write down what the browser measured."""
    if request.method != "POST":
        return redirect("portfolio:rehearsal")
    try:
        ticket, samples, breaks = LineForm(request.POST).measured()
        services.record_line(
            by=_user(request), ticket=ticket, samples=samples, breaks=breaks, now=clock.now()
        )
    except Refusal as refusal:
        return _page(request, refusal=refusal)
    return redirect(f"{reverse('portfolio:rehearsal')}#line")


@csrf_exempt  # checked by _clip, once the upload handler is in place
@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def clip(request: HttpRequest) -> HttpResponse:
    """Look at a short clip.

    Its limits must stand before Django reads the body, and checking the token reads it.
    """
    if request.method != "POST":
        return redirect("portfolio:rehearsal")
    try:
        services.admit_clip(by=_user(request), now=clock.now())
    except Refusal as refusal:
        return _no_clip(request, refusal)
    timed = TimedHandler(MAX_CLIP_BYTES)
    # Always into a file of its own: the inspection reads files, and this one is gone with the request.
    request.upload_handlers = [timed, TemporaryFileUploadHandler(request)]
    return _clip(request, timed)


@csrf_protect
def _no_clip(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Say why; the site's usual handler reads the clip past meanwhile, or no browser would show it."""
    return _page(request, refusal=refusal)


@csrf_protect
def _clip(request: HttpRequest, timed: TimedHandler) -> HttpResponse:
    form = ClipForm(request.POST, request.FILES)
    if timed.exceeded:
        return _page(request, form=ClipForm.refused(_TOO_LARGE))
    if not form.is_valid():
        return _page(request, form=form)
    file = form.cleaned_data["clip"]
    try:
        services.record_clip(
            by=_user(request),
            path=Path(file.temporary_file_path()),
            name=receiving.plain_name(receiving.sent_in_form(file.name)),
            line=timed.line,
            now=clock.now(),
        )
    except Refusal as refusal:
        return _page(request, refusal=refusal)
    return redirect(f"{reverse('portfolio:rehearsal')}#clip")


def _page(
    request: HttpRequest, *, form: ClipForm | None = None, refusal: Refusal | None = None
) -> HttpResponse:
    page = selectors.rehearsal_page(_user(request), clock.now())
    status = CONFLICT if refusal else UNPROCESSABLE if form else 200
    context = {"page": page, "form": form or ClipForm(), "refusal": refusal}
    return render(request, "portfolio/rehearsal/page.html", context, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
