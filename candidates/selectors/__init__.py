"""What other apps and the pages ask about cohorts, registrations and candidacies."""

from .candidacies import (
    CandidacyCard,
    Person,
    active_candidacies,
    candidacy_card,
    latest_candidacy,
    live_candidacy,
    name_on_certificate,
    person,
    persons,
    submission_window,
    submission_windows,
    year_at,
)
from .card import CardState, RegistrationCard, registration_card
from .cohorts import CohortYearCard, cohort_years, cohort_years_due, next_cohort, open_cohorts
from .eligibility import (
    affirmed_kinds,
    missing_about,
    missing_answers,
    missing_confirmations,
    missing_employment,
    policy_of,
    verdict,
)

__all__ = [
    "CandidacyCard",
    "CardState",
    "CohortYearCard",
    "Person",
    "RegistrationCard",
    "active_candidacies",
    "affirmed_kinds",
    "candidacy_card",
    "cohort_years",
    "cohort_years_due",
    "latest_candidacy",
    "live_candidacy",
    "missing_about",
    "missing_answers",
    "missing_confirmations",
    "missing_employment",
    "name_on_certificate",
    "next_cohort",
    "open_cohorts",
    "person",
    "persons",
    "policy_of",
    "registration_card",
    "submission_window",
    "submission_windows",
    "verdict",
    "year_at",
]
