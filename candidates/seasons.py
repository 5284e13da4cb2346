"""Which cohort the public pages speak of, and where its year stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from certification.kernel.windows import Window, WindowState

from .models import Cohort


@dataclass(frozen=True, slots=True)
class Season:
    """The cohort people can join now or next, or the last one there was."""

    cohort_name: str
    framework_slug: str
    fee_minor: int
    currency: str
    registration: Window
    registration_state: WindowState
    submission: Window
    release_at: datetime


def current_season(now: datetime) -> Season | None:
    """The first cohort whose registration is not over; else the latest; None before there is any."""
    cohorts = Cohort.objects.prefetch_related("years")
    cohort = cohorts.filter(registration_closes_at__gt=now).order_by("registration_opens_at").first()
    if cohort is None:
        cohort = cohorts.order_by("-registration_opens_at").first()
    if cohort is None:
        return None
    first_year = min(cohort.years.all(), key=lambda year: year.number)
    return Season(
        cohort_name=cohort.name,
        framework_slug=cohort.framework_slug,
        fee_minor=cohort.fee_minor,
        currency=cohort.currency,
        registration=cohort.registration_window,
        registration_state=cohort.registration_window.state(now),
        submission=first_year.submission_window,
        release_at=first_year.release_at,
    )
