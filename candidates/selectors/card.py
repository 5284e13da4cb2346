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
from certification.kernel.windows import Window, WindowState
from payments.selectors import order_card, order_situation
from payments.situations import Situation

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

    `window` is the registration window the card speaks of: it `opens` then, if it is yet to, or the
    next thing can be done `until` then.  `next_url` is empty when there is nothing to do but wait;
    `reasons` are why a registration was refused, or what an advisory says.
    """

    state: CardState
    title: str
    body: str
    next_url: str = ""
    next_label: str = ""
    window: Window | None = None
    opens: datetime | None = None
    until: datetime | None = None
    cohort_name: str = ""
    reasons: tuple[str, ...] = ()
    order_url: str = ""
    registration_id: UUID | None = None


def registration_card(account: User, now: datetime) -> RegistrationCard:
    """Where this person stands: the registration that counts now, or the next chance for one."""
    card = _undated_card(account, now)
    if card.window is None or card.state is CardState.COMPLETE:
        return card
    state = card.window.state(now)
    return replace(
        card,
        opens=card.window.opens if state is WindowState.BEFORE else None,
        until=card.window.closes if state is WindowState.OPEN and card.next_url else None,
    )


def _undated_card(account: User, now: datetime) -> RegistrationCard:
    own = list(account.registrations.select_related("cohort").order_by("-started_at"))
    for registration in own:
        if registration.state == RegistrationState.AWAITING_PAYMENT:
            return _waiting_card(registration, now)
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


def _waiting_card(registration: Registration, now: datetime) -> RegistrationCard:
    """What the order's page says, so that nobody is told to pay twice, or to wait for nothing."""
    order = order_card("registration", registration.pk)
    situation = order_situation(order.id, now) if order else Situation.PAY
    url = order.url if order else ""
    if situation in _WAITING_FOR:
        title, body = _WAITING_FOR[situation]
        return _card(registration, CardState.CHECKING, title=title, body=body, order_url=url)
    title, body, label = _TO_PAY.get(
        situation,
        (
            "Pay the registration fee",
            f"Your registration for {registration.cohort.name} is complete once the fee is paid.",
            "Go to the payment",
        ),
    )
    return _card(
        registration,
        CardState.AWAITING_PAYMENT,
        title=title,
        body=body,
        url=url,
        label=label,
        order_url=url,
    )


_WAITING_FOR = {
    Situation.CHECKING: (
        "Your payment is being checked",
        "You need not pay again. Your registration completes by itself once the bank has answered.",
    ),
    Situation.REQUESTED: (
        "Your purchase order is with our staff",
        "You are registered as soon as they accept it. We write to you when it is decided.",
    ),
    Situation.RESERVED: (
        "Your seat is reserved",
        "You are registered as soon as our staff accept your sponsor’s purchase order.",
    ),
    Situation.SEATED: (
        "Your seat is paid for",
        "Your registration completes by itself within minutes.",
    ),
    Situation.ACCEPTED: (
        "Your purchase order is accepted",
        "Your registration completes by itself within minutes.",
    ),
    Situation.PAID: (
        "Your payment has arrived",
        "Your registration completes by itself within minutes.",
    ),
}
_TO_PAY = {
    Situation.ASKED_BACK: (
        "Our staff ask about your purchase order",
        "Correct it and send it again. It counts as sent in time.",
        "Read the question",
    ),
    Situation.UNFINISHED: (
        "Finish your payment",
        "You opened a payment page. Go on there, choose another way, or see whether your money came.",
        "Go on paying",
    ),
    Situation.TOO_LATE: (
        "It is too late to pay",
        "A payment had to be begun before registration closed, and your registration lapses.",
        "See the payment",
    ),
}


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
            label="See what to do next year",
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
