"""Which cohorts register, and when each of their years submits and reads scores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from candidates.models import Cohort, CohortYear
from certification.kernel.windows import Window


def open_cohorts(now: datetime) -> list[Cohort]:
    """Cohorts that register at this instant, the one closing first first."""
    cohorts = (
        Cohort.objects.filter(registration_opens_at__lte=now)
        .order_by("registration_closes_at")
        .prefetch_related("years")
    )
    return [cohort for cohort in cohorts if cohort.registration_window.contains(now)]


def next_cohort(now: datetime) -> Cohort | None:
    """The cohort whose registration opens next, if one is announced."""
    return Cohort.objects.filter(registration_opens_at__gt=now).order_by("registration_opens_at").first()


@dataclass(frozen=True, slots=True)
class CohortYearCard:
    """One year of one cohort: its general submission window (grace included) and its release."""

    cohort_id: UUID
    cohort_name: str
    framework_slug: str
    year: int
    window: Window
    release_at: datetime


def cohort_years() -> list[CohortYearCard]:
    """Every year of every cohort, by release."""
    years = CohortYear.objects.select_related("cohort").order_by("release_at", "cohort__number")
    return [_year_card(year) for year in years]


def cohort_years_due(now: datetime) -> list[CohortYearCard]:
    """The years whose release instant has come, the oldest first."""
    years = CohortYear.objects.filter(release_at__lte=now).select_related("cohort")
    return [_year_card(year) for year in years.order_by("release_at", "cohort__number")]


def _year_card(year: CohortYear) -> CohortYearCard:
    return CohortYearCard(
        cohort_id=year.cohort_id,
        cohort_name=year.cohort.name,
        framework_slug=year.cohort.framework_slug,
        year=year.number,
        window=year.submission_window,
        release_at=year.release_at,
    )
