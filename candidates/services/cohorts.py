"""Making a cohort: its calendar is worked out once, here, and is data from then on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from candidates.models import Cohort, CohortYear
from certification.kernel import locks
from certification.kernel.windows import calendar_for


@transaction.atomic
def create_cohort(*, number: int, name: str, first_year: int, framework_slug: str, **policy: Any) -> Cohort:
    """The cohort called `number`, made with its three years when it is not there yet.

    `policy` are the cohort's own values (`fee_minor`, `min_years_employed`, `grace_minutes`, …).
    A cohort that exists is returned as it stands: staff may have moved its dates.
    Source: the programme's rules, section 2.
    """
    locks.advisory("candidates:cohorts")
    existing = Cohort.objects.filter(number=number).first()
    if existing is not None:
        return existing
    zone = settings.PROGRAMME_ZONE
    calendar = calendar_for(first_year, zone)
    cohort = Cohort.objects.create(
        number=number,
        name=name,
        first_year=first_year,
        zone=zone,
        framework_slug=framework_slug,
        registration_opens_at=calendar.registration.opens,
        registration_closes_at=calendar.registration.closes,
        **policy,
    )
    CohortYear.objects.bulk_create(
        CohortYear(
            cohort=cohort,
            number=year.number,
            submission_opens_at=year.submission.opens,
            submission_closes_at=year.submission.closes,
            release_at=year.release_at,
        )
        for year in calendar.years
    )
    return cohort
