"""Certified people and their certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from candidates import services as candidate_services
from candidates.models import Candidacy
from candidates.states import CandidacyState
from certificates import services
from certificates.models import Certificate
from tests.factories import portfolio as people
from tests.factories import results

CERTIFIED_AT = datetime(2027, 10, 31, 14, 0, tzinfo=UTC)


def a_certified_candidacy(name: str = "Marisol Okafor", *, now: datetime = CERTIFIED_AT) -> Candidacy:
    """Somebody whose candidacy ended with certification."""
    candidacy = people.a_candidate(results.a_cohort())
    candidacy.registration.name_on_certificate = name
    candidacy.registration.save()
    candidate_services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.CERTIFIED, ended_as="", now=now
    )
    candidacy.refresh_from_db()
    return candidacy


def a_certificate(name: str = "Marisol Okafor", **given: Any) -> Certificate:
    """Issued and printed."""
    candidacy = a_certified_candidacy(name, **given)
    services.issue_due(CERTIFIED_AT)
    return Certificate.objects.get(candidacy=candidacy)
