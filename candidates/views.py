"""The pages of a registration, each of which saves what was typed before it says what is wrong."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import trigger_client_event

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import Refusal
from payments.selectors import order_card

from . import pages, selectors, services
from .documents import current_documents
from .forms import AboutForm, AdvisoryForm, AffirmForm, EmploymentForm, ReminderForm
from .models import Cohort, Registration
from .progress import Progress, Step, progress_of
from .rules import Advisory
from .services.registration import PURPOSE
from .states import RegistrationState

_FORM_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(_FORM_METHODS)
def start(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Begin a registration.  Somebody sent here by the sign-in page sees the overview."""
    if request.method != "POST":
        return redirect("candidates:register")
    if _account(request).role != Role.CANDIDATE:
        return render(request, "candidates/other_account.html", status=403)
    cohort = get_object_or_404(Cohort, pk=cohort_id)
    try:
        registration = services.start_registration(
            account=_account(request), cohort_id=cohort.pk, now=clock.now()
        )
    except Refusal as refusal:
        return _overview(request, refusal)
    progress = progress_of(registration)
    if progress.next_step is Step.WORK:
        # The name is known from the account; it is looked at once all the same.
        return redirect("candidates:about", registration.pk)
    return redirect("candidates:resume", registration.pk)


@require_role(Role.CANDIDATE)
@require_safe
def resume(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Lead to the first step that is not done, or to what became of the registration."""
    registration = _own(request, registration_id)
    if registration.state != RegistrationState.DRAFT:
        return redirect("candidates:outcome", registration.pk)
    return redirect(progress_of(registration).next_url)


@require_role(Role.CANDIDATE)
@require_http_methods(_FORM_METHODS)
def about(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    registration = _own(request, registration_id)
    if registration.state != RegistrationState.DRAFT and request.method != "POST":
        return redirect("candidates:outcome", registration.pk)
    form = AboutForm(request.POST) if request.method == "POST" else AboutForm.showing(registration)
    if request.method == "POST":
        complete = form.is_valid()
        try:
            registration = services.save_about(
                registration_id=registration.pk,
                by=_account(request),
                answers=form.answers(registration),
                now=clock.now(),
            )
        except Refusal as refusal:
            return _refused_step(request, registration, Step.ABOUT, form, refusal)
        if _is_autosave(request):
            return _saved_quietly()
        if complete:
            return redirect(progress_of(registration).after(Step.ABOUT))
    return _step(request, registration, Step.ABOUT, form)


@require_role(Role.CANDIDATE)
@require_http_methods(_FORM_METHODS)
def work(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    registration = _own(request, registration_id)
    if registration.state != RegistrationState.DRAFT and request.method != "POST":
        return redirect("candidates:outcome", registration.pk)
    form = EmploymentForm(request.POST) if request.method == "POST" else EmploymentForm.showing(registration)
    if request.method == "POST":
        complete = form.is_valid()
        try:
            registration = services.save_employment(
                registration_id=registration.pk,
                by=_account(request),
                answers=form.answers(registration),
                now=clock.now(),
            )
        except Refusal as refusal:
            return _refused_step(request, registration, Step.WORK, form, refusal)
        if _is_autosave(request):
            return _saved_quietly()
        if complete:
            return redirect(progress_of(registration).after(Step.WORK))
    return _step(request, registration, Step.WORK, form)


@require_role(Role.CANDIDATE)
@require_http_methods(_FORM_METHODS)
def advisory(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    registration = _own(request, registration_id)
    verdict = selectors.verdict(registration)
    if request.method != "POST" and (
        registration.state != RegistrationState.DRAFT or not isinstance(verdict, Advisory)
    ):
        return redirect("candidates:resume", registration.pk)
    acknowledged = {"acknowledged": registration.advisory_acknowledged_at is not None}
    form = AdvisoryForm(request.POST) if request.method == "POST" else AdvisoryForm(initial=acknowledged)
    if request.method == "POST" and form.is_valid():
        try:
            registration = services.acknowledge_advisory(
                registration_id=registration.pk, by=_account(request), now=clock.now()
            )
        except Refusal as refusal:
            return _refused_step(request, registration, Step.ADVISORY, form, refusal)
        return redirect(progress_of(registration).after(Step.ADVISORY))
    return _step(request, registration, Step.ADVISORY, form)


@require_role(Role.CANDIDATE)
@require_http_methods(_FORM_METHODS)
def affirm(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """The texts, one by one: each ticked box is recorded even when others are not ticked yet."""
    registration = _own(request, registration_id)
    if registration.state != RegistrationState.DRAFT and request.method != "POST":
        return redirect("candidates:outcome", registration.pk)
    form = _affirm_form(request, registration)
    if request.method == "POST":
        complete = form.is_valid()
        ticked = form.ticked()
        try:
            services.affirm(
                registration_id=registration.pk,
                by=_account(request),
                kinds=ticked.keys(),
                versions=ticked,
                now=clock.now(),
            )
        except Refusal as refusal:
            return _refused_step(request, registration, Step.AFFIRM, form, refusal)
        if complete:
            return redirect(progress_of(registration).next_url)
    return _step(request, registration, Step.AFFIRM, form)


@require_role(Role.CANDIDATE)
@require_http_methods(_FORM_METHODS)
def review(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Everything on one page; sending it leads to the payment, or to the reasons against it."""
    registration = _own(request, registration_id)
    if request.method == "POST":
        try:
            registration = services.finish_registration(
                registration_id=registration.pk, by=_account(request), now=clock.now()
            )
        except Refusal as refusal:
            return _review(request, registration, refusal)
        order = order_card(PURPOSE, registration.pk)
        if registration.state == RegistrationState.AWAITING_PAYMENT and order is not None:
            return redirect(order.url)
        return redirect("candidates:outcome", registration.pk)
    if registration.state != RegistrationState.DRAFT:
        return redirect("candidates:outcome", registration.pk)
    return _review(request, registration)


@require_role(Role.CANDIDATE)
@require_safe
def outcome(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """What became of a registration that was sent: to pay, complete, refused or lapsed."""
    registration = _own(request, registration_id)
    if registration.state == RegistrationState.DRAFT and registration.cohort.registration_window.contains(
        clock.now()
    ):
        return redirect("candidates:resume", registration.pk)
    return _outcome(request, registration)


@require_role(Role.CANDIDATE)
@require_http_methods(_FORM_METHODS)
def reopen(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Correct the answers of a refused registration."""
    registration = _own(request, registration_id)
    if request.method != "POST":
        return redirect("candidates:outcome", registration.pk)
    try:
        services.reopen_refused(registration_id=registration.pk, by=_account(request), now=clock.now())
    except Refusal as refusal:
        return _outcome(request, registration, refusal)
    return redirect("candidates:work", registration.pk)


@require_role(Role.CANDIDATE)
@require_http_methods(_FORM_METHODS)
def reminder(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Ask for, or do without, a mail when the next cohort opens."""
    registration = _own(request, registration_id)
    if request.method != "POST":
        return redirect("candidates:outcome", registration.pk)
    form = ReminderForm(request.POST)
    form.is_valid()
    wanted = form.cleaned_data["wanted"]
    try:
        services.ask_for_reminder(registration_id=registration.pk, by=_account(request), wanted=wanted)
    except Refusal as refusal:
        return _outcome(request, registration, refusal)
    messages.success(
        request,
        "We will write to you when the next cohort opens." if wanted else "We will not send a reminder.",
    )
    return redirect("candidates:outcome", registration.pk)


def _account(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _own(request: HttpRequest, registration_id: UUID) -> Registration:
    """The registration, when it is this account's; somebody else's does not exist."""
    own = Registration.objects.select_related("cohort", "account")
    return get_object_or_404(own, pk=registration_id, account=_account(request))


def _affirm_form(request: HttpRequest, registration: Registration) -> AffirmForm:
    affirmed = selectors.affirmed_kinds(registration)
    open_documents = [document for kind, document in current_documents().items() if kind not in affirmed]
    return AffirmForm(request.POST if request.method == "POST" else None, documents=open_documents)


def _step(
    request: HttpRequest,
    registration: Registration,
    step: Step,
    form: AboutForm | EmploymentForm | AdvisoryForm | AffirmForm,
    *,
    status: int = 200,
) -> HttpResponse:
    progress = progress_of(registration)
    context = {"page": pages.step_page(registration, progress, step, form), "form": form}
    return render(request, f"candidates/{step}.html", context, status=status)


def _refused_step(
    request: HttpRequest,
    registration: Registration,
    step: Step,
    form: AboutForm | EmploymentForm | AdvisoryForm | AffirmForm,
    refusal: Refusal,
) -> HttpResponse:
    """The same page with what was typed, and the refusal above it; once it is sent, what became of it."""
    if _is_autosave(request):
        return trigger_client_event(HttpResponse(status=204), "announce", {"value": str(refusal)})
    if registration.state != RegistrationState.DRAFT:
        return _outcome(request, registration, refusal)
    form.full_clean()
    for sentence in (refusal.message, *refusal.details):
        form.add_error(None, sentence)
    return _step(request, registration, step, form, status=409)


def _is_autosave(request: HttpRequest) -> bool:
    """Whether a script saves while the person still types, rather than the person sending the form."""
    return request.headers.get("HX-Request") == "true"


def _saved_quietly() -> HttpResponse:
    return trigger_client_event(HttpResponse(status=204), "announce", {"value": "Saved"})


def _review(request: HttpRequest, registration: Registration, refusal: Refusal | None = None) -> HttpResponse:
    progress: Progress = progress_of(registration)
    context = {"page": pages.review_page(registration, progress), "refusal": refusal}
    return render(request, "candidates/review.html", context, status=409 if refusal else 200)


def _outcome(
    request: HttpRequest, registration: Registration, refusal: Refusal | None = None
) -> HttpResponse:
    context = {"page": pages.outcome_page(registration, clock.now()), "refusal": refusal}
    return render(request, "candidates/outcome.html", context, status=409 if refusal else 200)


def _overview(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    context = {"page": pages.register_page(_account(request), clock.now()), "refusal": refusal}
    return render(request, "candidates/register.html", context, status=409)
