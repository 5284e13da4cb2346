"""Where a person stands with registering: the card the dashboard shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.urls import reverse

from accounts.models import User
from candidates.models import Cohort, Registration
from candidates.states import CandidacyState, RegistrationState
from certification.kernel.windows import Window
from payments.selectors import order_card
from payments.states import OrderState

from .candidacies import latest_candidacy
from .cohorts import next_cohort, open_cohorts


class CardState(StrEnum):
    """Where a person stands with registering, as the dashboard says it."""

    NOTHING = "nothing"
    UPCOMING = "upcoming"
    OPEN = "open"
    DRAFT = "draft"
    REFUSED = "refused"
    AWAITING_PAYMENT = "awaiting_payment"
    CHECKING = "checking"
    COMPLETE = "complete"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class RegistrationCard:
    """What to tell a person about registering, and the one next thing to do.

    `window` is the registration window the card speaks of; `next_url` is empty when there is nothing
    to do but wait; `reasons` are why a registration was refused, or what an advisory says.
    """

    state: CardState
    title: str
    body: str
    next_url: str = ""
    next_label: str = ""
    window: Window | None = None
    cohort_name: str = ""
    reasons: tuple[str, ...] = ()
    order_url: str = ""
    registration_id: UUID | None = None


def registration_card(account: User, now: datetime) -> RegistrationCard:
    """Where this person stands: the registration that counts now, or the next chance for one."""
    own = list(account.registrations.select_related("cohort").order_by("-started_at"))
    for registration in own:
        if registration.state == RegistrationState.AWAITING_PAYMENT:
            return _waiting_card(registration)
    candidacy = latest_candidacy(account)
    if candidacy is not None and candidacy.state != CandidacyState.ENDED:
        return _complete_card(next(row for row in own if row.cohort_id == candidacy.cohort_id))
    of_cohort = {row.cohort_id: row for row in own}
    for cohort in open_cohorts(now):
        mine = of_cohort.get(cohort.pk)
        if mine is None:
            return RegistrationCard(
                CardState.OPEN,
                title=f"Register for {cohort.name}",
                body="It takes about a quarter of an hour; what you fill in is kept.",
                next_url=reverse("candidates:register"),
                next_label="Register",
                window=cohort.registration_window,
                cohort_name=cohort.name,
            )
        if mine.state == RegistrationState.DRAFT:
            return _draft_card(mine)
        if mine.state == RegistrationState.REFUSED:
            return _refused_card(mine, "If an answer was mistyped, correct it while registration is open.")
    return _closed_card(own[0] if own else None, next_cohort(now))


def _draft_card(registration: Registration) -> RegistrationCard:
    return _card(
        registration,
        CardState.DRAFT,
        title=f"Go on registering for {registration.cohort.name}",
        body="Your registration is saved as far as you filled it in. It counts once it is sent and paid.",
        url=reverse("candidates:resume", args=[registration.pk]),
        label="Go on",
    )


def _waiting_card(registration: Registration) -> RegistrationCard:
    order = order_card("registration", registration.pk)
    if order is not None and order.state != OrderState.OPEN:
        return _card(
            registration,
            CardState.CHECKING,
            title="Your payment is being checked",
            body="You need not pay again. Your registration completes by itself as soon as it arrived.",
            order_url=order.url,
        )
    return _card(
        registration,
        CardState.AWAITING_PAYMENT,
        title="Pay the registration fee",
        body=f"Your registration for {registration.cohort.name} is complete once the fee is paid.",
        url=order.url if order else "",
        label="Go to the payment",
        order_url=order.url if order else "",
    )


def _complete_card(registration: Registration) -> RegistrationCard:
    return _card(
        registration,
        CardState.COMPLETE,
        title=f"You are registered for {registration.cohort.name}",
        body="Your registration is complete.",
        url=reverse("candidates:outcome", args=[registration.pk]),
        label="See your registration",
    )


def _refused_card(registration: Registration, advice: str) -> RegistrationCard:
    return _card(
        registration,
        CardState.REFUSED,
        title=f"You could not register for {registration.cohort.name}",
        body=advice,
        url=reverse("candidates:outcome", args=[registration.pk]),
        label="See why, and what to do",
        reasons=tuple(registration.reasons),
    )


def _closed_card(latest: Registration | None, upcoming: Cohort | None) -> RegistrationCard:
    window = upcoming.registration_window if upcoming else None
    if latest is not None and latest.state == RegistrationState.REFUSED:
        return replace(_refused_card(latest, "You may register in the next cohort."), window=window)
    if latest is not None and latest.state in {RegistrationState.DRAFT, RegistrationState.LAPSED}:
        return _card(
            latest,
            CardState.LAPSED,
            title=f"Your registration for {latest.cohort.name} lapsed",
            body="Registration closed before it was complete. You may register in the next cohort.",
            url=reverse("candidates:outcome", args=[latest.pk]),
            label="Ask for a reminder",
            window=window,
        )
    if upcoming is not None:
        return RegistrationCard(
            CardState.UPCOMING,
            title=f"Registration for {upcoming.name} has not opened yet",
            body="Read the requirements and the directions meanwhile.",
            next_url=reverse("candidates:documents"),
            next_label="Read the documents",
            window=window,
            cohort_name=upcoming.name,
        )
    return RegistrationCard(
        CardState.NOTHING, title="Registration is closed", body="The next cohort is not announced yet."
    )


def _card(
    registration: Registration,
    state: CardState,
    *,
    title: str,
    body: str,
    url: str = "",
    label: str = "",
    reasons: tuple[str, ...] = (),
    order_url: str = "",
    window: Window | None = None,
) -> RegistrationCard:
    return RegistrationCard(
        state=state,
        title=title,
        body=body,
        next_url=url,
        next_label=label if url else "",
        window=window or registration.cohort.registration_window,
        cohort_name=registration.cohort.name,
        reasons=reasons,
        order_url=order_url,
        registration_id=registration.pk,
    )
