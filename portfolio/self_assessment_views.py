"""A candidate's own judgement of an entry: one page, saved as a whole or look-for by look-for."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock

from .forms import SelfAssessmentForm
from .self_assessment import SelfAssessmentPage, self_assessment_page
from .services.self_assessment import keep_self_assessment

UNPROCESSABLE = 422
_BY_ITSELF = "X-Autosave"


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST"])
def self_assessment(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Where the candidate sees themselves, look-for by look-for; POST keeps what it says of some."""
    by = _user(request)
    page = _own(entry_id, by)
    if request.method != "POST":
        return _shown(request, page, SelfAssessmentForm(page.look_fors))
    form = SelfAssessmentForm(page.look_fors, request.POST)
    saves_itself = _BY_ITSELF in request.headers
    if not form.is_valid():
        if saves_itself:
            problem = " ".join(str(error) for errors in form.errors.values() for error in errors)
            return JsonResponse({"problem": problem}, status=UNPROCESSABLE)
        return _shown(request, page, form, status=UNPROCESSABLE)
    keep_self_assessment(entry_id=entry_id, by=by, judgements=form.judgements(), now=clock.now())
    if saves_itself:
        return render(request, "portfolio/_self_assessment_standing.html", {"page": _own(entry_id, by)})
    messages.success(request, "Your self-assessment is saved. Only you can read it.")
    return redirect("portfolio:self_assessment", entry_id)


def _own(entry_id: UUID, owner: User) -> SelfAssessmentPage:
    try:
        page = self_assessment_page(entry_id, owner=owner)
    except ObjectDoesNotExist:
        raise Http404 from None
    if not page.look_fors:
        raise Http404
    return page


def _shown(
    request: HttpRequest, page: SelfAssessmentPage, form: SelfAssessmentForm, *, status: int = 200
) -> HttpResponse:
    return render(request, "portfolio/self_assessment.html", {"page": page, "form": form}, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
