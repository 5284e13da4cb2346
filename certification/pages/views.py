"""The public pages, the dashboard and the demo's clock: what needs more than one app."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import require_role
from accounts.models import Role, User
from candidates.changes import changes
from candidates.documents import cleaned, draft_of, problems_of, text_in_force
from candidates.states import TEXT_KINDS
from certification.kernel import clock, reconcile

from .dashboard import dashboard_of
from .forms import ClockForm
from .texts import TextPage, text_page

_ENTRANCE = {
    Role.SPONSOR: "payments:sponsor",
    Role.STAFF: "admin:index",
    Role.SCORER: "scoring:queue",
    Role.LEAD_SCORER: "scoring:queue",
}


@login_not_required
@require_safe
def public_text(request: HttpRequest, kind: str) -> HttpResponse:
    """A page whose words staff publish, in their newest version."""
    return _shown(request, text_page(text_in_force(kind), clock.now()))


@require_role(Role.STAFF)
@require_POST
def preview_text(request: HttpRequest) -> HttpResponse:
    """A text as its page would show it, before it is published; nothing is kept."""
    kind = request.POST.get("kind", "")
    title, body = cleaned(request.POST.get("title", ""), request.POST.get("body", ""))
    if kind not in dict(TEXT_KINDS):
        raise Http404
    if problems := problems_of(title, body):
        return render(request, "pages/unpublishable.html", {"problems": problems}, status=422)
    in_force = text_in_force(kind)
    changed = changes(f"{in_force.title}\n{in_force.body}", f"{title}\n{body}")
    return _shown(request, text_page(draft_of(kind, title, body), clock.now(), preview=changed))


def _shown(request: HttpRequest, page: TextPage) -> HttpResponse:
    return render(request, page.template, {"page": page})


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """The candidate's overview; everybody else is led to where their work is."""
    account = cast(User, request.user)  # the login middleware let nobody else in
    entrance = _ENTRANCE.get(Role(account.role))
    if entrance:
        return redirect(entrance)
    return render(request, "pages/dashboard.html", {"page": dashboard_of(account, clock.now())})


def failed(request: HttpRequest) -> HttpResponse:
    """The page of an error: without the request, so that nothing it needs can fail a second time."""
    page = render_to_string("500.html", {"contact_email": settings.CONTACT_EMAIL})
    return HttpResponseServerError(page)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def demo_clock(request: HttpRequest) -> HttpResponse:
    """Move the demo's clock; the reconcilers are rung so that the season follows at once."""
    if not settings.CLOCK_TRAVEL:
        raise Http404
    form = ClockForm(request.POST or None, initial={"at": clock.now()})
    if request.method == "POST" and "back" in request.POST:
        clock.travel_back()
        _ring_all()
        messages.success(request, "The clock is back at the real time.")
        return redirect("demo:clock")
    if request.method == "POST" and form.is_valid():
        clock.travel_to(form.cleaned_data["at"])
        _ring_all()
        messages.success(request, "The clock has moved. What follows from it happens within seconds.")
        return redirect("demo:clock")
    return render(request, "pages/demo_clock.html", {"form": form, "stops": form.stops()})


def _ring_all() -> None:
    for job in reconcile.all_reconcilers():
        reconcile.ring(job.name)
