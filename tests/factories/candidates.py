"""Cohorts, registrations and candidacies for tests, made by the services the site uses."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import Role, User
from candidates import services
from candidates.documents import publish_documents
from candidates.models import Candidacy, Cohort, Registration
from candidates.services import About, Employment
from candidates.states import AffirmationKind
from payments import services as payment_services
from payments.gateways import sandbox
from payments.models import PaymentAttempt
from payments.selectors import order_card

PUBLISHED = datetime(2026, 9, 1, tzinfo=UTC)
REGISTERING = datetime(2026, 12, 1, 15, tzinfo=UTC)

GOOD_CARD = "4242 4242 4242 4242"
PENDING_CARD = "4000 0000 0000 0077"

_sequence = count(1)


def account(role: Role = Role.CANDIDATE, **fields: Any) -> User:
    """An account that signs in with the password `correct horse`."""
    number = next(_sequence)
    fields.setdefault("full_name", f"Person {number}")
    email = fields.pop("email", f"person-{number}@example.org")
    return User.objects.create_user(email, "correct horse", role=role, **fields)


def cohort(number: int = 10, first_year: int = 2027, **policy: Any) -> Cohort:
    """A cohort that registers from 1 November before `first_year`, with the texts published."""
    publish_documents(PUBLISHED)
    policy.setdefault("framework_slug", "two-entry")
    return services.create_cohort(number=number, name=f"Cohort {number}", first_year=first_year, **policy)


def employment(**changes: Any) -> Employment:
    """Answers that meet the requirements, with the given ones changed."""
    answers: dict[str, Any] = {
        "school": "Elm Street School",
        "district": "Elm County",
        "country": "United States",
        "role_title": "Instructional coach",
        "full_time": True,
        "years_employed": Decimal("4"),
        "coaching_percent": Decimal("75"),
    }
    return Employment(**(answers | changes))


def draft(
    *, of: User | None = None, in_cohort: Cohort | None = None, now: datetime = REGISTERING, **answers: Any
) -> Registration:
    """A registration with every answer and affirmation, not sent yet."""
    person = of or account()
    registration = services.start_registration(account=person, cohort_id=(in_cohort or cohort()).pk, now=now)
    key = registration.pk
    services.save_about(
        registration_id=key, by=person, answers=About(person.full_name or "Alex Candidate"), now=now
    )
    services.save_employment(registration_id=key, by=person, answers=employment(**answers), now=now)
    services.affirm(registration_id=key, by=person, kinds=AffirmationKind.values, now=now)
    registration.refresh_from_db()
    return registration


def sent(**given: Any) -> Registration:
    """A registration that was sent: waiting for payment, or refused when the answers do not do."""
    registration = draft(**given)
    return services.finish_registration(
        registration_id=registration.pk, by=registration.account, now=given.get("now", REGISTERING)
    )


def pay(registration: Registration, *, now: datetime = REGISTERING, card: str = GOOD_CARD) -> None:
    """Pay the fee in the sandbox and ask the provider what became of it."""
    order = order_card("registration", registration.pk)
    assert order is not None
    started = payment_services.start_payment(
        order_id=order.id,
        by=registration.account,
        gateway="sandbox",
        now=now,
    )
    attempt = PaymentAttempt.objects.get(pk=started.attempt_id)
    sandbox.decide(reference=attempt.provider_ref, card_number=card, now=now)
    payment_services.check_attempt(attempt_id=attempt.pk, now=now)


def candidacy(**given: Any) -> Candidacy:
    """Somebody registered and paid."""
    registration = sent(**given)
    now = given.get("now", REGISTERING)
    pay(registration, now=now)
    enrolled = services.complete_registration(registration_id=registration.pk, now=now)
    assert enrolled is not None
    return enrolled
