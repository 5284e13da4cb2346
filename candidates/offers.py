"""What this app sells: registration in the cohorts that are open, or do so next."""

from __future__ import annotations

from datetime import datetime

from payments.offers import Offer

from .models import Cohort
from .selectors import next_cohort, open_cohorts


def fee_of(cohort: Cohort) -> str:
    """What is bought, as orders, invoices and receipts name it."""
    return f"Registration fee, {cohort.name}"


def cohorts_on_offer(now: datetime) -> tuple[Offer, ...]:
    """Registration in each cohort that is open now, and in the one that opens next.

    A district orders before the window opens, so that its coaches find their seats waiting.
    """
    cohorts = open_cohorts(now)
    if (upcoming := next_cohort(now)) is not None:
        cohorts.append(upcoming)
    return tuple(
        Offer(
            id=cohort.pk,
            title=fee_of(cohort),
            amount_minor=cohort.fee_minor,
            currency=cohort.currency,
            payable_until=cohort.registration_window.closes,
        )
        for cohort in cohorts
    )
