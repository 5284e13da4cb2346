"""Every change to cohorts, registrations and candidacies goes through one of these functions."""

from candidates.answers import About, Employment

from .candidacy import conclude_candidacy, extend_deadline
from .cohorts import create_cohort
from .completion import complete_registration, lapse_registration
from .registration import (
    acknowledge_advisory,
    affirm,
    ask_for_reminder,
    finish_registration,
    reopen_refused,
    save_about,
    save_employment,
    start_registration,
)

__all__ = [
    "About",
    "Employment",
    "acknowledge_advisory",
    "affirm",
    "ask_for_reminder",
    "complete_registration",
    "conclude_candidacy",
    "create_cohort",
    "extend_deadline",
    "finish_registration",
    "lapse_registration",
    "reopen_refused",
    "save_about",
    "save_employment",
    "start_registration",
]
