"""The candidate's dashboard: what is open, until when, and the one next thing to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import User
from candidates import selectors as candidates
from candidates.selectors import CandidacyCard, CardState, RegistrationCard
from candidates.states import CandidacyState
from certificates import selectors as certificates
from certification.kernel.windows import WindowState
from portfolio import selectors as portfolio
from portfolio.results import selectors as results
from portfolio.results.selectors import ResultCard
from portfolio.selectors import CandidateOverview, EntryOverview
from portfolio.states import EntryState


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing to do now; `waiting` when there is nothing to do but wait."""

    title: str
    body: str
    url: str = ""
    action: str = ""
    until: datetime | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class DashboardPage:
    """Everything on the dashboard.

    Before enrolment there is a registration and no candidacy; `overview` is there while it goes on.
    """

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
    starting_over = candidacy is not None and (
        candidacy.state == CandidacyState.ENDED and registration.state not in _IDLE
    )
    if candidacy is None or starting_over:
        return DashboardPage(
            step=_registration_step(registration, now),
            registration=registration,
            candidacy=None,
            overview=None,
            results=tuple(results.results_of(candidacy.id)) if candidacy else (),
            certificate_number=None,
        )
    is_active = candidacy.state == CandidacyState.ACTIVE
    overview = portfolio.candidate_overview(candidacy, now) if is_active else None
    certificate_number = certificates.number_of(candidacy.id)
    past = tuple(results.results_of(candidacy.id))
    return DashboardPage(
        step=_candidacy_step(candidacy, overview, past, certificate_number),
        registration=None,
        candidacy=candidacy,
        overview=overview,
        results=past,
        certificate_number=certificate_number,
    )


_IDLE = {CardState.COMPLETE, CardState.NOTHING, CardState.UPCOMING}


def _registration_step(card: RegistrationCard, now: datetime) -> NextStep:
    is_open = card.window is not None and card.window.state(now) is WindowState.OPEN
    return NextStep(
        title=card.title,
        body=card.body,
        url=card.next_url,
        action=card.next_label,
        until=card.window.closes if is_open and card.window else None,
        waiting=not card.next_url,
    )


def _candidacy_step(
    candidacy: CandidacyCard,
    overview: CandidateOverview | None,
    past: tuple[ResultCard, ...],
    certificate_number: str | None,
) -> NextStep:
    if candidacy.state == CandidacyState.CERTIFIED:
        if certificate_number is None:
            return NextStep("You are certified", "Your certificate is being made.", waiting=True)
        return NextStep(
            "You are certified",
            "Congratulations. Your certificate is ready.",
            url=reverse("certificates:download", args=[certificate_number]),
            action="Download your certificate",
        )
    if overview is None:
        return NextStep(
            "This candidacy has ended",
            "Your results say why. You may register again and start over.",
            url=past[-1].url if past else "",
            action="Read your results",
            waiting=True,
        )
    return _entry_step(overview, past)


def _entry_step(overview: CandidateOverview, past: tuple[ResultCard, ...]) -> NextStep:
    ready = [entry for entry in overview.entries if entry.is_open and _is_ready(entry)]
    unfinished = [entry for entry in overview.entries if entry.may_prepare and not entry.is_complete]
    prepared = [entry for entry in overview.entries if entry.may_prepare and _is_ready(entry)]
    if ready:
        first = ready[0]
        return NextStep(
            f"Submit {first.title}",
            "Every required slot is filled. Look through it once more, then submit it.",
            url=first.url,
            action="Review and submit",
            until=first.closes_at,
        )
    if unfinished:
        first = unfinished[0]
        return NextStep(
            f"Go on with {first.title}" if first.entry_id else f"Begin {first.title}",
            f"{first.filled} of {first.required} required slots are filled."
            if first.entry_id
            else first.reason,
            url=first.url,
            action=first.action,
            until=first.closes_at,
        )
    if prepared:
        first = prepared[0]
        return NextStep(
            f"{first.title} is prepared",
            "It can be submitted as soon as the window opens.",
            url=first.url,
            action="Look through it",
            until=first.closes_at,
            waiting=True,
        )
    if any(entry.state in {EntryState.SUBMITTED, EntryState.SEALED} for entry in overview.entries):
        return NextStep(
            "Your work is handed in",
            "Trained scorers read it without knowing whose it is. Scores come out on 31 October.",
            waiting=True,
        )
    return NextStep(
        "Nothing is open this year",
        "Your results say what opens next, and when.",
        url=past[-1].url if past else "",
        action="Read your results",
        waiting=True,
    )


def _is_ready(entry: EntryOverview) -> bool:
    return entry.is_complete and entry.state == EntryState.DRAFT
