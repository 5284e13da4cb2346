"""The mails of this app, each queued with the change that owes it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from certification.kernel import outbox
from certification.kernel.windows import spoken

from .models import Candidacy, Cohort, DeadlineExtension, Registration
from .states import RegistrationState


def enrolled(candidacy: Candidacy) -> None:
    first = candidacy.cohort.years.get(number=1)
    zone = candidacy.cohort.zone
    outbox.queue(
        dedupe_key=f"enrolled:{candidacy.pk}",
        to=candidacy.account.email,
        kind="enrolled",
        subject=f"You are a candidate: {candidacy.number}",
        body=(
            f"{_greeting(candidacy.registration)}\n\n"
            f"Your registration for {candidacy.cohort.name} is complete. Your candidate number is"
            f" {candidacy.number}.\n\n"
            f"You may submit your entries from {spoken(first.submission_opens_at, zone)}"
            f" until {spoken(first.submission_closes_at, zone, ending=True)}.\n\n"
            f"Where you stand: {settings.SITE_URL}/dashboard/\n"
        ),
    )


def refused(registration: Registration) -> None:
    assert registration.decided_at is not None
    reasons = "\n".join(f"- {reason}" for reason in registration.reasons)
    outbox.queue(
        dedupe_key=f"refused:{registration.pk}:{registration.decided_at.isoformat()}",
        to=registration.account.email,
        kind="registration refused",
        subject=f"Your registration for {registration.cohort.name}",
        body=(
            f"{_greeting(registration)}\n\n"
            f"As you answered, you cannot register for {registration.cohort.name}:\n\n{reasons}\n\n"
            "If an answer was mistyped, you can correct it while registration is open. You can also ask"
            f" to be told when the next cohort opens:\n{_outcome_url(registration)}\n"
        ),
    )


def lapsed(registration: Registration, *, unpaid: bool) -> None:
    why = "its fee was not paid" if unpaid else "it was not sent"
    outbox.queue(
        dedupe_key=f"lapsed:{registration.pk}",
        to=registration.account.email,
        kind="registration lapsed",
        subject=f"Your registration for {registration.cohort.name} lapsed",
        body=(
            f"{_greeting(registration)}\n\n"
            f"Registration for {registration.cohort.name} is over, and yours lapsed because {why}.\n"
            "You may register in the next cohort, and ask to be told when it opens:\n"
            f"{_outcome_url(registration)}\n"
        ),
    )


def extended(candidacy: Candidacy, extension: DeadlineExtension) -> None:
    until = spoken(extension.closes_at, candidacy.cohort.zone, ending=True)
    outbox.queue(
        dedupe_key=f"extension:{extension.pk}",
        to=candidacy.account.email,
        kind="deadline extended",
        subject=f"Your deadline in year {extension.year} is later",
        body=(
            f"{_greeting(candidacy.registration)}\n\n"
            f"You may submit the entries of year {extension.year} until {until}.\n\n"
            f"Where you stand: {settings.SITE_URL}/dashboard/\n"
        ),
    )


def closing_soon_key(registration: Registration, days: int) -> str:
    """One mail per registration and distance, also when staff move the closing date."""
    closes = registration.cohort.registration_closes_at
    return f"registration-closing:{registration.pk}:{days}:{closes.isoformat()}"


def closing_soon(registration: Registration, days: int) -> None:
    cohort = registration.cohort
    unpaid = registration.state == RegistrationState.AWAITING_PAYMENT
    outbox.queue(
        dedupe_key=closing_soon_key(registration, days),
        to=registration.account.email,
        kind="registration closing",
        subject=f"Registration for {cohort.name} closes soon",
        body=(
            f"{_greeting(registration)}\n\n"
            f"Registration closes on {spoken(cohort.registration_window.closes, cohort.zone, ending=True)}."
            f" Yours still {'waits for its payment' if unpaid else 'has to be finished'}:\n"
            f"{_outcome_url(registration)}\n"
        ),
    )


def next_cohort_key(registration: Registration) -> str:
    """One reminder per registration: it names the first cohort that opens afterwards."""
    return f"next-cohort:{registration.pk}"


def next_cohort_open(registration: Registration, cohort: Cohort, now: datetime) -> None:
    outbox.queue(
        dedupe_key=next_cohort_key(registration),
        to=registration.account.email,
        kind="next cohort open",
        subject=f"Registration for {cohort.name} is open",
        body=(
            f"{_greeting(registration)}\n\n"
            f"You asked to be told: registration for {cohort.name} is open until"
            f" {spoken(cohort.registration_window.closes, cohort.zone, ending=True)}.\n"
            f"{settings.SITE_URL}{reverse('candidates:register')}\n"
        ),
        deliver_after=now,
    )


def _greeting(registration: Registration) -> str:
    name = registration.name_on_certificate or registration.account.full_name
    return f"Dear {name}," if name else "Hello,"


def _outcome_url(registration: Registration) -> str:
    return f"{settings.SITE_URL}{reverse('candidates:outcome', args=[registration.pk])}"
