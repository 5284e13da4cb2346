"""The consequences of the registration window and of payments, derived from clock and rows."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from certification.kernel.models import OutboxMessage
from certification.kernel.reconcile import Counts, reconciler
from certification.kernel.windows import WindowState
from payments import selectors as payment_selectors

from . import mails, selectors, services
from .models import Cohort, Registration
from .services.registration import PURPOSE
from .states import RegistrationState

logger = logging.getLogger(__name__)

# How long before registration closes those who are not through are told, in days; the nearest counts.
_NOTICE_DAYS = (1, 7)


@reconciler("registrations.complete_paid", every=60)
def complete_paid(now: datetime) -> Counts:
    """Enrol everybody whose fee is covered: what the payment's own signal may have missed.

    One registration that cannot be completed is logged, and holds up nobody else's.
    """
    waiting = Registration.objects.filter(state=RegistrationState.AWAITING_PAYMENT).order_by(
        "decided_at", "pk"
    )
    keys = list(waiting.values_list("pk", flat=True))
    covered = payment_selectors.covered(PURPOSE, keys)
    enrolled = 0
    for key in keys:
        if key not in covered:
            continue
        try:
            enrolled += services.complete_registration(registration_id=key, now=now) is not None
        except Exception:
            logger.exception("candidates: registration %s is paid for and could not be completed", key)
    return {"enrolled": enrolled}


@reconciler("registrations.lapse", every=300)
def lapse(now: datetime) -> Counts:
    """Lapse what was never sent, or never paid, once the window is closed and nothing is under way."""
    over = [
        cohort.pk
        for cohort in Cohort.objects.filter(registration_closes_at__lte=now)
        if cohort.registration_window.state(now) is WindowState.AFTER
    ]
    keys = Registration.objects.filter(
        cohort_id__in=over, state__in=[RegistrationState.DRAFT, RegistrationState.AWAITING_PAYMENT]
    ).values_list("pk", flat=True)
    return {"lapsed": sum(services.lapse_registration(registration_id=key, now=now) for key in list(keys))}


@reconciler("registrations.announce", every=900)
def announce(now: datetime) -> Counts:
    """Tell those who are not through that registration closes, and those who asked that it opened."""
    closing = opened = 0
    for cohort in selectors.open_cohorts(now):
        closing += _announce_closing(cohort, now)
        opened += _announce_opened(cohort, now)
    return {"closing_soon": closing, "next_cohort": opened}


def _announce_closing(cohort: Cohort, now: datetime) -> int:
    left = cohort.registration_window.closes - now
    days = next((days for days in _NOTICE_DAYS if left <= timedelta(days=days)), None)
    if days is None:
        return 0
    unfinished = Registration.objects.filter(
        cohort=cohort, state__in=[RegistrationState.DRAFT, RegistrationState.AWAITING_PAYMENT]
    ).select_related("cohort", "account")
    owed = {mails.closing_soon_key(registration, days): registration for registration in unfinished}
    covered = payment_selectors.covered(PURPOSE, [registration.pk for registration in owed.values()])
    due = [registration for key, registration in _not_yet(owed).items() if registration.pk not in covered]
    for registration in due:
        mails.closing_soon(registration, days)
    return len(due)


def _announce_opened(cohort: Cohort, now: datetime) -> int:
    wishes = (
        Registration.objects.filter(
            wants_reminder=True,
            state__in=[RegistrationState.REFUSED, RegistrationState.LAPSED],
            cohort__registration_closes_at__lt=cohort.registration_closes_at,
        )
        .exclude(
            Exists(
                Registration.objects.filter(
                    account=OuterRef("account"), started_at__gt=OuterRef("started_at")
                )
            )
        )
        .select_related("cohort", "account")
    )
    due = _not_yet({mails.next_cohort_key(registration): registration for registration in wishes})
    for registration in due.values():
        mails.next_cohort_open(registration, cohort, now)
    return len(due)


def _not_yet(owed: dict[str, Registration]) -> dict[str, Registration]:
    queued = set(OutboxMessage.objects.filter(dedupe_key__in=owed).values_list("dedupe_key", flat=True))
    return {key: registration for key, registration in owed.items() if key not in queued}
