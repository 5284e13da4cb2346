"""A candidate's own results.  Before the release there is nothing to show, so there is no page."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import require_role
from accounts.models import Role, User

from . import pages


@require_role(Role.CANDIDATE)
@require_safe
def results(request: HttpRequest, candidacy_id: UUID, year: int) -> HttpResponse:
    """What one year's release meant, and why."""
    page = pages.results_page(_user(request), candidacy_id, year)
    if page is None:
        raise Http404
    return render(request, "portfolio/results/results.html", {"page": page})


@require_role(Role.CANDIDATE)
@require_safe
def report(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """One entry's score, look-for by look-for."""
    page = pages.report_page(_user(request), entry_id)
    if page is None:
        raise Http404
    return render(request, "portfolio/results/report.html", {"page": page})


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the role decorator let nobody else in
    return request.user
