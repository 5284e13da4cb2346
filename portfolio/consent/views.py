"""The pages on which a candidate records who is seen in their videos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
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
from candidates import selectors as candidates
from candidates.states import CandidacyState
from certification.kernel import clock
from certification.kernel.errors import Refusal
from certification.kernel.uploads import LimitHandler, take_files

from .. import selectors
from ..downloads import as_it_was_sent
from ..models import Entry, Evidence, PersonSeen
from ..states import EntryState, EvidenceKind
from ..uploads import receiving
from . import keeping, ledger, services
from .forms import CopyForm, PersonForm, ReleaseFormForm

CONFLICT = 409
UNPROCESSABLE = 422


@require_role(Role.CANDIDATE)
@require_GET
def consent(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Every video of an entry with who is seen in it, and the release forms."""
    return _page(request, entry_id)


@csrf_exempt  # checked by _add_form, once the upload handler is in place
@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def add_form(request: HttpRequest, entry_id: UUID) -> HttpResponseBase:
    """Upload a release form; who is sent here by the sign-in page sees the ledger."""
    _own_entry(request, entry_id)
    if request.method != "POST":
        return redirect("portfolio:consent", entry_id)
    limit = LimitHandler(keeping.MAX_BYTES)
    take_files(request, limit)
    return _add_form(request, entry_id, limit)


@csrf_protect
def _add_form(request: HttpRequest, entry_id: UUID, limit: LimitHandler) -> HttpResponse:
    form = ReleaseFormForm(request.POST, request.FILES)
    try:
        if limit.exceeded:
            raise keeping.too_large()
        if form.is_valid():
            file = form.cleaned_data["file"]
            kept = services.add_release_form(
                entry_id=entry_id,
                by=_user(request),
                file=file,
                name=receiving.sent_in_form(file.name),
                title=form.cleaned_data["title"],
                now=clock.now(),
            )
            messages.success(request, f"“{kept.title}” is kept.")
            return redirect(f"{reverse('portfolio:consent', args=[entry_id])}#forms")
    except Refusal as refusal:
        form.errors.pop("file", None)
        form.add_error("file", str(refusal))
    return _page(request, entry_id, form=form, status=UNPROCESSABLE)


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def remove_form(request: HttpRequest, entry_id: UUID, form_id: UUID) -> HttpResponse:
    """Take a release form away that covers nobody."""
    _own_entry(request, entry_id)
    if request.method != "POST":
        return redirect("portfolio:consent", entry_id)
    return _changed(
        request,
        entry_id,
        lambda: services.remove_release_form(
            entry_id=entry_id, form_id=form_id, by=_user(request), now=clock.now()
        ),
        said="The release form was removed.",
        anchor="forms",
    )


@csrf_exempt  # checked by _person, once the upload handler is in place
@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def add_person(request: HttpRequest, evidence_id: UUID) -> HttpResponseBase:
    """Record somebody seen in a video."""
    video = _own_video(request, evidence_id)
    limit = LimitHandler(keeping.MAX_BYTES)
    take_files(request, limit)
    return _person(request, video, None, limit)


@csrf_exempt  # checked by _person, once the upload handler is in place
@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, person_id: UUID) -> HttpResponseBase:
    """Correct what is recorded of somebody."""
    found = _own_person(request, person_id)
    video = _own_video(request, found.evidence_id)
    limit = LimitHandler(keeping.MAX_BYTES)
    take_files(request, limit)
    return _person(request, video, found, limit)


@csrf_protect
def _person(
    request: HttpRequest, video: Evidence, line: PersonSeen | None, limit: LimitHandler
) -> HttpResponse:
    """The form of one person.  The file comes first: once it is kept, no error loses it."""
    forms = ledger.ledger_of(video.entry).forms
    if request.method != "POST":
        initial = PersonForm.values_of(line) if line else None
        return _person_page(request, video, line, PersonForm(initial=initial, choices=forms), 200)
    data = request.POST.copy()
    problem: Refusal | None = None
    try:
        if limit.exceeded:
            raise keeping.too_large()
        if file := request.FILES.get("file"):
            kept = services.add_release_form(
                entry_id=video.entry_id,
                by=_user(request),
                file=file,
                name=receiving.sent_in_form(file.name),
                title="",
                now=clock.now(),
            )
            data["release_form"] = str(kept.pk)
            forms = ledger.ledger_of(video.entry).forms
    except Refusal as refusal:
        problem = refusal
    form = PersonForm(data, choices=forms)
    if problem is not None:
        form.add_error("file", str(problem))
    elif form.is_valid():
        try:
            of: dict[str, Any] = {"by": _user(request), "person": form.person(), "now": clock.now()}
            if line is None:
                services.add_person(evidence_id=video.pk, **of)
            else:
                services.change_person(person_id=line.pk, **of)
        except ObjectDoesNotExist:
            raise Http404 from None
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"“{form.cleaned_data['who']}” is recorded.")
            return redirect(_video_url(video))
    return _person_page(request, video, line, form, UNPROCESSABLE)


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def remove_person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Take somebody off a video's list."""
    found = _own_person(request, person_id)
    video = _own_video(request, found.evidence_id)
    return _change_of_video(
        request,
        video,
        lambda: services.remove_person(person_id=person_id, by=_user(request), now=clock.now()),
        f"“{found.who}” was removed.",
    )


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def nobody(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """State that nobody can be recognised in a video, or take that back."""
    video = _own_video(request, evidence_id)
    act = services.take_back_nobody if "take_back" in request.POST else services.state_nobody
    return _change_of_video(
        request,
        video,
        lambda: act(evidence_id=evidence_id, by=_user(request), now=clock.now()),
        "That is recorded.",
    )


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def copy(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """Record the same people as in another clip."""
    video = _own_video(request, evidence_id)
    if request.method != "POST":
        return redirect(_video_url(video))
    sources = next(line.sources for line in ledger.ledger_of(video.entry).videos if line.id == evidence_id)
    form = CopyForm(request.POST, sources=sources)
    if not form.is_valid():
        refusal = Refusal("Choose a clip of yours whose people are recorded.")
        return _page(request, video.entry_id, refusal=refusal, status=UNPROCESSABLE)
    source_id = UUID(form.cleaned_data["source"])
    return _change_of_video(
        request,
        video,
        lambda: services.copy_people(
            evidence_id=evidence_id, source_id=source_id, by=_user(request), now=clock.now()
        ),
        "The people were taken over. Look through them: is everybody seen here too?",
    )


@require_role(Role.CANDIDATE)
@require_safe
def release_form(request: HttpRequest, form_id: UUID) -> HttpResponseBase:
    """The candidate's own release form back, as a download."""
    return form_response(request, _user(request), form_id)


def form_response(request: HttpRequest, by: User, form_id: UUID) -> HttpResponseBase:
    """A release form as a download, for its owner or staff; 404 for anybody else.  Each look is on record."""
    try:
        form = services.open_release_form(form_id=form_id, by=by)
    except ObjectDoesNotExist:
        raise Http404 from None
    return as_it_was_sent(request, form, what="release form")


def _change_of_video(
    request: HttpRequest, video: Evidence, act: Callable[[], object], said: str
) -> HttpResponse:
    if request.method != "POST":
        return redirect(_video_url(video))
    return _changed(request, video.entry_id, act, said=said, anchor=f"video-{video.pk}")


def _changed(
    request: HttpRequest, entry_id: UUID, act: Callable[[], object], *, said: str, anchor: str
) -> HttpResponse:
    try:
        act()
    except ObjectDoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        return _page(request, entry_id, refusal=refusal, status=CONFLICT)
    messages.success(request, said)
    return redirect(f"{reverse('portfolio:consent', args=[entry_id])}#{anchor}")


def _page(
    request: HttpRequest,
    entry_id: UUID,
    *,
    form: ReleaseFormForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    entry = _own_entry(request, entry_id)
    found = ledger.ledger_of(entry)
    context = {
        "entry": entry,
        "may_change": _may_change(entry),
        "ledger": found,
        "rows": [
            (video, CopyForm(sources=video.sources, auto_id=f"copy_{video.id}_%s")) for video in found.videos
        ],
        "form": form or ReleaseFormForm(auto_id="form_%s"),
        "refusal": refusal,
        "trail": [("Your entries", reverse("portfolio:entries")), _entry_crumb(entry)],
    }
    return render(request, "portfolio/consent/consent.html", context, status=status)


def _person_page(
    request: HttpRequest, video: Evidence, line: PersonSeen | None, form: PersonForm, status: int
) -> HttpResponse:
    context = {
        "video": video,
        "person": line,
        "form": form,
        "back": _video_url(video),
        "may_change": _may_change(video.entry),
        "trail": [
            ("Your entries", reverse("portfolio:entries")),
            _entry_crumb(video.entry),
            ("Consent", reverse("portfolio:consent", args=[video.entry_id])),
        ],
    }
    return render(request, "portfolio/consent/person.html", context, status=status)


def _may_change(entry: Entry) -> bool:
    window = candidates.submission_window(entry.candidacy_id, entry.year)
    state = selectors.shown_state(entry, window.state(clock.now()))
    return entry.candidacy.state == CandidacyState.ACTIVE and state is EntryState.DRAFT


def _entry_crumb(entry: Entry) -> tuple[str, str]:
    return (entry.template.title, reverse("portfolio:entry", args=[entry.pk]))


def _video_url(video: Evidence) -> str:
    return f"{reverse('portfolio:consent', args=[video.entry_id])}#video-{video.pk}"


def _own_entry(request: HttpRequest, entry_id: UUID) -> Entry:
    found = Entry.objects.select_related("template", "candidacy__cohort")
    own = found.filter(pk=entry_id, candidacy__account=_user(request)).first()
    if own is None:
        raise Http404
    return own


def _own_video(request: HttpRequest, evidence_id: UUID) -> Evidence:
    found = Evidence.objects.select_related("slot", "entry__template", "entry__candidacy__cohort").filter(
        pk=evidence_id,
        entry__candidacy__account=_user(request),
        slot__kind=EvidenceKind.VIDEO,
        removed_at__isnull=True,
    )
    own = found.first()
    if own is None:
        raise Http404
    return own


def _own_person(request: HttpRequest, person_id: UUID) -> PersonSeen:
    own = (
        PersonSeen.objects.select_related("release_form")
        .filter(pk=person_id, evidence__entry__candidacy__account=_user(request))
        .first()
    )
    if own is None:
        raise Http404
    return own


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
