"""The candidate's dashboard: what is open, until when, and the one next thing to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse

from accounts.models import User
from candidates import selectors as candidates
from candidates.selectors import CandidacyCard, CardState, RegistrationCard
from candidates.states import CandidacyState
from certificates import selectors as certificates
from portfolio import selectors as portfolio
from portfolio.rehearsal.selectors import is_due
from portfolio.results import selectors as results
from portfolio.results.selectors import ResultCard
from portfolio.selectors import CandidateOverview
from portfolio.states import EntryState

from .next_step import NextStep, candidacy_step, registration_step

_IDLE = {CardState.COMPLETE, CardState.NOTHING, CardState.UPCOMING}


@dataclass(frozen=True, slots=True)
class DashboardPage:
    """Everything on the dashboard.

    Before enrolment there is a registration and no candidacy; `overview` is there while it goes on.
    """

    first_name: str
    step: NextStep
    registration: RegistrationCard | None
    candidacy: CandidacyCard | None
    overview: CandidateOverview | None
    results: tuple[ResultCard, ...]
    certificate_number: str | None


def dashboard_of(account: User, now: datetime) -> DashboardPage:
    """The dashboard of this account; the number of queries does not grow with its history."""
    candidacy = candidates.latest_candidacy(account)
    registration = candidates.registration_card(account, now)
    first_name = _first_name(account.full_name or candidates.name_on_certificate(account))
    past = tuple(results.results_of(candidacy.id)) if candidacy else ()
    starting_over = candidacy is not None and (
        candidacy.state == CandidacyState.ENDED and registration.state not in _IDLE
    )
    if candidacy is None or starting_over:
        return DashboardPage(
            first_name=first_name,
            step=registration_step(registration),
            registration=registration,
            candidacy=None,
            overview=None,
            results=past,
            certificate_number=None,
        )
    is_active = candidacy.state == CandidacyState.ACTIVE
    overview = portfolio.candidate_overview(candidacy, now) if is_active else None
    number = certificates.number_of(candidacy.id)
    return DashboardPage(
        first_name=first_name,
        step=_with_rehearsal(
            candidacy_step(
                candidacy,
                overview=overview,
                past=past,
                certificate=certificates.standing_of(candidacy.id),
                certificate_number=number,
                release_at=_next_release(candidacy, overview),
                again=registration,
            ),
            overview,
            now,
        ),
        registration=None,
        candidacy=candidacy,
        overview=overview,
        results=past,
        certificate_number=number,
    )


def _with_rehearsal(step: NextStep, overview: CandidateOverview | None, now: datetime) -> NextStep:
    """The step with the way to the rehearsal, for whom the upload is still to come and is no habit yet."""
    if overview is None or overview.window is None or not overview.to_do:
        return step
    if any(entry.state == EntryState.SUBMITTED for entry in overview.entries):
        return step
    if not is_due(overview.candidacy_id, overview.window, now):
        return step
    return replace(step, rehearsal=reverse("portfolio:rehearsal"))


def _next_release(candidacy: CandidacyCard, overview: CandidateOverview | None) -> datetime | None:
    """When the scores of the year the candidate is in come out."""
    if overview is None or overview.year is None:
        return None
    return next(
        card.release_at
        for card in candidates.cohort_years()
        if (card.cohort_id, card.year) == (candidacy.cohort_id, overview.year)
    )


def _first_name(name: str) -> str:
    """What to greet a person by: the first word that is no title (Dr., Prof.)."""
    return next((word for word in name.split() if not word.endswith(".")), "")
