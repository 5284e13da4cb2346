"""What the rules say about a registration, and what it still needs."""

from __future__ import annotations

from decimal import Decimal

from candidates.documents import current_documents
from candidates.models import Cohort, Registration
from candidates.rules import EligibilityPolicy, Facts, Verdict, judge, still_needed
from candidates.states import AffirmationKind


def policy_of(cohort: Cohort) -> EligibilityPolicy:
    """The cohort's bounds, with the sentence of every affirmation it asks for."""
    return EligibilityPolicy(
        min_years=cohort.min_years_employed,
        refuse_below_percent=Decimal(cohort.refuse_below_percent),
        clean_from_percent=Decimal(cohort.clean_from_percent),
        affirmations={str(kind): str(kind.label) for kind in AffirmationKind},
    )


def affirmed_kinds(registration: Registration) -> frozenset[str]:
    """The kinds whose present text the person has affirmed; an older version does not count."""
    current = [document.pk for document in current_documents().values()]
    return frozenset(registration.affirmations.filter(document_id__in=current).values_list("kind", flat=True))


def verdict(registration: Registration) -> Verdict | None:
    """What the rules say about the answers given; None while one that decides is missing."""
    facts = _facts(registration, frozenset())
    return judge(policy_of(registration.cohort), facts) if facts else None


def missing_answers(registration: Registration) -> list[str]:
    """Every answer still to be given, a sentence each."""
    return [
        *missing_about(registration),
        *missing_employment(registration),
    ]


def missing_about(registration: Registration) -> list[str]:
    return [] if registration.name_on_certificate else ["Say what name the certificate should carry."]


def missing_employment(registration: Registration) -> list[str]:
    needed = {
        "Name your school or organisation.": registration.school,
        "Name your country.": registration.country,
        "Give your job title.": registration.role_title,
        "Say whether you are employed full-time as an instructional coach.": registration.full_time
        is not None,
        "Say how many full school years you have been.": registration.years_employed is not None,
        "Say what share of your work time goes to cycle-based partnership coaching.": (
            registration.coaching_percent is not None
        ),
    }
    return [sentence for sentence, given in needed.items() if not given]


def missing_confirmations(registration: Registration) -> list[str]:
    """The advisory and the affirmations that an eligible person has yet to confirm."""
    facts = _facts(registration, affirmed_kinds(registration))
    return list(still_needed(policy_of(registration.cohort), facts)) if facts else []


def _facts(registration: Registration, affirmed: frozenset[str]) -> Facts | None:
    if (
        registration.full_time is None
        or registration.years_employed is None
        or registration.coaching_percent is None
    ):
        return None
    return Facts(
        full_time=registration.full_time,
        years_employed=registration.years_employed,
        coaching_percent=registration.coaching_percent,
        advisory_acknowledged=registration.advisory_acknowledged_at is not None,
        affirmed=affirmed,
    )
