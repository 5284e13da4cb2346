"""The candidate's portfolio, and the directions everybody may read."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts.access import require_role
from accounts.models import Role, User
from candidates import selectors as candidates
from certification.kernel import clock
from certification.kernel.errors import Refusal
from certification.kernel.uploads import LimitHandler, take_files

from . import directions as reading
from . import selectors, services
from .downloads import original_response
from .forms import UploadForm
from .models import Evidence
from .selectors import EntryPage, FileCard, SlotCard
from .self_assessment import standing_of
from .services import Direction
from .uploads import receiving

CONFLICT = 409
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file with the form that replaces it."""

    file: FileCard
    form: UploadForm


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A slot with the form for its next file."""

    slot: SlotCard
    form: UploadForm
    files: tuple[FileRow, ...]


# ---- read by everybody ----


@login_not_required
@require_GET
def frameworks(request: HttpRequest) -> HttpResponse:
    """The frameworks there are directions for."""
    return render(request, "portfolio/frameworks.html", {"frameworks": reading.all_frameworks()})


@login_not_required
@require_GET
def directions(request: HttpRequest, slug: str) -> HttpResponse:
    """What a portfolio consists of, what each piece is for, and what scorers look for."""
    page = reading.framework_directions(slug)
    if page is None:
        raise Http404
    return render(request, "portfolio/directions.html", {"page": page})


# ---- the candidate's own ----


@require_role(Role.CANDIDATE)
@require_GET
def entries(request: HttpRequest) -> HttpResponse:
    """Every entry of the candidate's newest candidacy."""
    card = candidates.latest_candidacy(_user(request))
    overview = selectors.candidate_overview(card, clock.now()) if card else None
    return render(request, "portfolio/entries.html", {"page": overview})


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest, key: str) -> HttpResponse:
    """What an entry asks for, before it is begun; POST begins it."""
    now = clock.now()
    card = candidates.live_candidacy(_user(request))
    if card is None:
        raise Http404
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            begun = services.start_entry(candidacy_id=card.id, entry_key=key, by=_user(request), now=now)
            return redirect("portfolio:entry", begun.pk)
        except ObjectDoesNotExist:
            raise Http404 from None
        except Refusal as raised:
            refusal = raised
    overview = selectors.candidate_overview(card, now)
    current = next((shown for shown in overview.entries if shown.key == key), None)
    if current is None:
        raise Http404
    if current.entry_id is not None and refusal is None:
        return redirect("portfolio:entry", current.entry_id)
    asked = reading.entry_directions(card.framework_slug, key)
    context = {"page": overview, "entry": current, "directions": asked, "refusal": refusal}
    return render(request, "portfolio/begin.html", context, status=CONFLICT if refusal else 200)


@require_role(Role.CANDIDATE)
@require_GET
def entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """One entry: its slots, what is in them, and what is missing."""
    return _entry_page(request, _own(request, entry_id))


@csrf_exempt  # checked by _upload, once the upload handler is in place
@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, entry_id: UUID, slot_key: str) -> HttpResponseBase:
    """Add a file to a slot; who is sent here by the sign-in page sees the slot.

    The slot's limit must stand before Django reads the body, and checking the token reads it.
    """
    page = _own(request, entry_id)
    slot = next((card for card in page.slots if card.rules.key == slot_key), None)
    if slot is None:
        raise Http404
    if request.method != "POST":
        return redirect(_slot_url(page, slot_key))
    limit = LimitHandler(slot.rules.max_bytes)
    take_files(request, limit)
    return _upload(request, page, slot, limit)


@csrf_protect
def _upload(request: HttpRequest, page: EntryPage, slot: SlotCard, limit: LimitHandler) -> HttpResponse:
    key, title = slot.rules.key, slot.rules.title
    replaced = next((file for file in slot.files if str(file.id) == request.POST.get("replaces")), None)
    form = UploadForm(slot, request.POST, request.FILES, in_place_of=replaced)
    try:
        if limit.exceeded:
            raise receiving.too_large(title, slot.rules.max_bytes)
        if form.is_valid():
            file = form.cleaned_data["file"]
            name = receiving.sent_in_form(file.name)
            services.add_evidence(
                entry_id=page.id,
                slot_key=key,
                by=_user(request),
                file=file,
                name=name,
                now=clock.now(),
                replaces=form.cleaned_data["replaces"],
            )
            messages.success(request, f"“{receiving.plain_name(name)}” is in “{title}”.")
            return redirect(_slot_url(page, key))
    except ObjectDoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        form = UploadForm.refused(slot, refusal, in_place_of=replaced)
    refused = {(key, replaced.id if replaced else None): form}
    return _entry_page(request, _own(request, page.id), refused=refused, status=UNPROCESSABLE)


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """Take a file out of its slot."""
    if request.method != "POST":
        return redirect("portfolio:entries")
    try:
        changed = services.remove_evidence(evidence_id=evidence_id, by=_user(request), now=clock.now())
    except ObjectDoesNotExist:
        raise Http404 from None
    messages.success(request, "The file was removed.")
    return redirect("portfolio:entry", changed.pk)


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """Let a file change places with its neighbour in the slot."""
    if request.method != "POST":
        return redirect("portfolio:entries")
    try:
        changed = services.move_evidence(
            evidence_id=evidence_id,
            by=_user(request),
            direction=Direction(request.POST.get("direction", Direction.UP)),
            now=clock.now(),
            seen_place=int(request.POST.get("seen_place", 0)) or None,
        )
    except ObjectDoesNotExist:
        return _nothing_to_move(request, evidence_id)
    except ValueError:
        raise Http404 from None
    page = _own(request, changed.pk)
    moved = next((file for _, file in page.files if file.id == evidence_id), None)
    if moved is None:
        return _nothing_to_move(request, evidence_id)
    messages.success(request, f"“{moved.name}” is file {moved.number} of {moved.of}.")
    return redirect(f"{reverse('portfolio:entry', args=[changed.pk])}#file-{evidence_id}")


@require_role(Role.CANDIDATE)
@require_GET
def standing(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """The parts of an entry's page that change while its files are prepared, for the page that is open."""
    return render(request, "portfolio/_standing_now.html", {"page": _own(request, entry_id)})


@require_role(Role.CANDIDATE)
@require_safe
def original(request: HttpRequest, evidence_id: UUID) -> HttpResponseBase:
    """The candidate's own file back, byte for byte."""
    return original_response(request, _user(request), evidence_id)


def _nothing_to_move(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """A page that was left open moves what another tab has removed; what was never theirs is not there."""
    removed = Evidence.objects.filter(
        pk=evidence_id, entry__candidacy__account=_user(request), removed_at__isnull=False
    ).first()
    if removed is None:
        raise Http404
    messages.info(request, f"“{removed.original_name}” was removed meanwhile, so there is nothing to move.")
    return redirect("portfolio:entry", removed.entry_id)


def _slot_url(page: EntryPage, key: str) -> str:
    return f"{reverse('portfolio:entry', args=[page.id])}#slot-{key}"


def _own(request: HttpRequest, entry_id: UUID) -> EntryPage:
    try:
        return selectors.entry_page(entry_id, owner=_user(request), now=clock.now())
    except ObjectDoesNotExist:
        raise Http404 from None


def _entry_page(
    request: HttpRequest,
    page: EntryPage,
    *,
    refused: dict[tuple[str, UUID | None], UploadForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    refused = refused or {}
    rows = [
        SlotRow(
            slot,
            refused.get((slot.rules.key, None)) or UploadForm(slot),
            tuple(
                FileRow(file, refused.get((slot.rules.key, file.id)) or UploadForm(slot, in_place_of=file))
                for file in slot.files
            ),
        )
        for slot in page.slots
    ]
    context = {
        "page": page,
        "rows": rows,
        "refused": next(iter(refused.values()), None),
        "self_assessed": standing_of(page.id, rubric_id=page.rubric_id, entry_key=page.key),
    }
    return render(request, "portfolio/entry.html", context, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
