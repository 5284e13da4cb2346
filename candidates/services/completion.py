"""How a registration ends: complete once its order is covered, lapsed when the window closed without."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import IntegerField, Max
from django.db.models.functions import Cast, Substr

from candidates import locks, mails
from candidates.models import Candidacy, Cohort, Registration
from candidates.states import REGISTRATION_ALLOWED, RegistrationState
from certification.kernel import audit, states
from certification.kernel.windows import WindowState
from payments import selectors as payment_selectors
from payments import services as payment_services

from .registration import PURPOSE


@transaction.atomic
def complete_registration(*, registration_id: UUID, now: datetime) -> Candidacy | None:
    """Enrol the person once the fee is paid or a purchase order accepted; None while it is not.

    A payment begun in time may arrive after the window closed, so no window is asked for here.
    Source: the programme's rules, section 4.
    """
    registration = locks.registration(registration_id)
    if registration.state == RegistrationState.COMPLETE:
        return registration.candidacy
    if registration.state != RegistrationState.AWAITING_PAYMENT:
        return None
    if registration_id not in payment_selectors.covered(PURPOSE, [registration_id]):
        return None
    registration.state = RegistrationState.COMPLETE
    registration.save(update_fields=["state"])
    candidacy = Candidacy.objects.create(
        number=_next_number(registration.cohort),
        registration=registration,
        account=registration.account,
        cohort=registration.cohort,
        enrolled_at=now,
    )
    audit.record(actor=None, action="enrolled candidate", subject=candidacy)
    mails.enrolled(candidacy)
    return candidacy


@transaction.atomic
def lapse_registration(*, registration_id: UUID, now: datetime) -> bool:
    """Let an unfinished or unpaid registration lapse.  True when it lapsed in this call.

    Nothing lapses while the window is open, nor while a payment is being checked or has covered the fee.
    """
    registration = locks.registration(registration_id)
    if registration.cohort.registration_window.state(now) is not WindowState.AFTER:
        return False
    if registration.state not in {RegistrationState.DRAFT, RegistrationState.AWAITING_PAYMENT}:
        return False
    unpaid = registration.state == RegistrationState.AWAITING_PAYMENT
    if unpaid and not payment_services.lapse_order(purpose=PURPOSE, purpose_id=registration.pk, now=now):
        return False
    _lapse(registration, now)
    mails.lapsed(registration, unpaid=unpaid)
    return True


def _lapse(registration: Registration, now: datetime) -> None:
    states.require(REGISTRATION_ALLOWED, registration.state, RegistrationState.LAPSED)
    registration.state = RegistrationState.LAPSED
    registration.decided_at = now
    registration.save(update_fields=["state", "decided_at"])


def _next_number(cohort: Cohort) -> str:
    """The next free number of the cohort; a gap left by an older one is not filled again."""
    locks.numbers(cohort.pk)
    prefix = f"C{cohort.number}-"
    highest = Candidacy.objects.filter(number__startswith=prefix).aggregate(
        highest=Max(Cast(Substr("number", len(prefix) + 1), IntegerField()))
    )["highest"]
    return f"{prefix}{(highest or 0) + 1:04d}"
