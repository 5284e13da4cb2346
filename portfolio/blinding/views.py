"""The office's page for one blinding, its cleaned copies, and the packets nobody can score.

All of them are mounted in the administration, which lets in staff and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from certification.kernel import clock
from certification.kernel.errors import Refusal
from certification.kernel.media import serve

from ..matching import services as matching
from . import copies, looks, selectors, services
from .forms import LookedAtForm, RecordForm, SendBackForm, SettleForm
from .models import Blinding, CleanedFile

CONFLICT, UNPROCESSABLE = 409, 422


@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest, blinding_id: UUID) -> HttpResponse:
    """Every page and video of one blinding beside what was found in it; POST does what its button says."""
    blinding = Blinding.objects.filter(pk=blinding_id).first()
    if blinding is None:
        raise Http404
    if request.method == "POST":
        return _done(request, blinding)
    looks.record_look(by=_user(request), subject=blinding, now=clock.now())
    return _page(request, blinding_id, {})


@require_safe
def copy(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
    """One cleaned copy, for staff's eyes; each look is on record."""
    file = CleanedFile.objects.filter(pk=file_id).first()
    if file is None:
        raise Http404
    looks.record_look(by=_user(request), subject=file, now=clock.now())
    return serve(
        request,
        storage=copies.blind_store(),
        key=file.storage_key,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
    )


@require_safe
def unmatched(request: HttpRequest) -> HttpResponse:
    """Packets that lack a scorer whom nobody can stand in for, and why."""
    context = {"packets": matching.unmatched(clock.now()), "trail": _trail()}
    return render(request, "portfolio/blinding/unmatched.html", context)


Act = Callable[[User, Blinding, forms.Form], str]


def _done(request: HttpRequest, blinding: Blinding) -> HttpResponse:
    name = request.POST.get("do", "")
    if name not in _ACTS:
        raise Http404
    form = _form(name, blinding, request.POST)
    if not form.is_valid():
        return _page(request, blinding.pk, {name: form}, status=UNPROCESSABLE)
    try:
        said = _ACTS[name](_user(request), blinding, form)
    except Refusal as refusal:
        form.add_error(None, [refusal.message, *refusal.details])
        return _page(request, blinding.pk, {name: form}, status=CONFLICT)
    messages.success(request, said)
    return redirect("admin:portfolio_blinding_look", blinding.pk)


def _check(by: User, blinding: Blinding, form: forms.Form) -> str:
    services.check_blinding(blinding_id=blinding.pk, by=by, now=clock.now(), seen=form.cleaned_data["seen"])
    return "Checked. A second person signs it off."


def _sign(by: User, blinding: Blinding, form: forms.Form) -> str:
    code = services.sign_off_blinding(
        blinding_id=blinding.pk, by=by, now=clock.now(), seen=form.cleaned_data["seen"]
    )
    return f"Signed off. Scorers know it as packet {code}."


def _send_back(by: User, blinding: Blinding, form: forms.Form) -> str:
    services.send_back_blinding(blinding_id=blinding.pk, by=by, now=clock.now(), **form.cleaned_data)
    return "Sent back. It is cleaned again within minutes and then waits for the check."


def _again(by: User, blinding: Blinding, form: forms.Form) -> str:
    services.try_again(blinding_id=blinding.pk, by=by, now=clock.now())
    return "It is tried again within minutes."


def _record(by: User, blinding: Blinding, form: forms.Form) -> str:
    given = form.cleaned_data
    services.record_finding(
        blinding_id=blinding.pk,
        evidence_id=UUID(given["evidence"]),
        by=by,
        where=given["where"],
        what=given["what"],
    )
    return "Recorded. The blinding waits until it is settled."


def _settle(by: User, blinding: Blinding, form: forms.Form) -> str:
    given = form.cleaned_data
    services.settle_finding(finding_id=UUID(given["finding"]), by=by, how=given["how"])
    return "Settled."


_ACTS: dict[str, Act] = {
    "check": _check,
    "sign": _sign,
    "send_back": _send_back,
    "again": _again,
    "record": _record,
    "settle": _settle,
}


def _form(name: str, blinding: Blinding, data: Any = None) -> forms.Form:
    if name in {"check", "sign"}:
        return LookedAtForm(data, prefix=name, initial={"seen": services.copies_digest(blinding)})
    if name == "send_back":
        return SendBackForm(data, prefix=name)
    if name == "record":
        return RecordForm(data, prefix=name, files=selectors.files_of(blinding.pk))
    if name == "settle":
        return SettleForm(data, prefix=name, findings=selectors.open_findings_of(blinding.pk))
    return forms.Form(data, prefix=name)


def _page(
    request: HttpRequest, blinding_id: UUID, bound: dict[str, forms.Form], *, status: int = 200
) -> HttpResponse:
    page = selectors.page(blinding_id, _user(request))
    blinding = Blinding.objects.get(pk=blinding_id)
    shown = {name: bound.get(name) or _form(name, blinding) for name in _ACTS}
    failed = next(iter(bound.values()), None)
    return render(
        request,
        "portfolio/blinding/look.html",
        {"page": page, "forms": shown, "failed": failed, "trail": _trail()},
        status=status,
    )


def _trail() -> list[tuple[str, str]]:
    return [
        ("Season cockpit", reverse("admin:index")),
        ("Blindings", reverse("admin:portfolio_blinding_changelist")),
    ]


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
