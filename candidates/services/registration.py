"""The way into a cohort, saved step by step.  Source: the programme's rules, section 3.

Each function takes the account's lock and checks the registration window inside its own
transaction, because a page opened before the deadline must not be able to write after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from accounts.models import Role, User
from accounts.services import save_profile
from candidates import locks, mails, selectors
from candidates.answers import About, Employment, require_plausible
from candidates.documents import current_documents
from candidates.models import Affirmation, Candidacy, Cohort, Registration
from candidates.offers import fee_of
from candidates.rules import Advisory, Refused
from candidates.states import REGISTRATION_ALLOWED, CandidacyState, RegistrationState
from certification.kernel import audit, states
from certification.kernel.errors import BadInput, Incomplete, NotAllowed
from certification.kernel.windows import require_open
from payments import services as payment_services

PURPOSE = "registration"


@transaction.atomic
def start_registration(*, account: User, cohort_id: UUID, now: datetime) -> Registration:
    """Begin, or go on with, this person's registration in a cohort.

    Raises:
        NotAllowed: the account is not a candidate's, or the person has a live candidacy, a certificate,
            or another registration waiting for payment.
        WindowClosed: the cohort does not register now.
    """
    _require_candidate(account)
    locks.account(account.pk)
    existing = Registration.objects.filter(account=account, cohort_id=cohort_id).first()
    if existing is not None:
        return existing
    cohort = Cohort.objects.get(pk=cohort_id)
    _require_registration_open(cohort, now)
    _require_free(account, besides=cohort_id)
    return Registration.objects.create(
        account=account, cohort=cohort, started_at=now, name_on_certificate=account.full_name
    )


@transaction.atomic
def save_about(*, registration_id: UUID, by: User, answers: About, now: datetime) -> Registration:
    """Save who registers.

    Raises:
        NotAllowed: not theirs, or sent already.
        WindowClosed: registration is not open now.
    """
    registration = _own_draft(registration_id, by, now)
    registration.name_on_certificate = " ".join(answers.name_on_certificate.split())
    registration.save(update_fields=["name_on_certificate"])
    return registration


@transaction.atomic
def save_employment(*, registration_id: UUID, by: User, answers: Employment, now: datetime) -> Registration:
    """Save where the person works and what decides on eligibility.

    An advisory that was acknowledged for another share of time has to be acknowledged again.

    Raises:
        NotAllowed: not theirs, or sent already.
        WindowClosed: registration is not open now.
        BadInput: a number nobody can mean.
    """
    require_plausible(answers)
    registration = _own_draft(registration_id, by, now)
    if answers.coaching_percent != registration.coaching_percent:
        registration.advisory_acknowledged_at = None
    registration.school = answers.school.strip()
    registration.district = answers.district.strip()
    registration.country = answers.country.strip()
    registration.role_title = answers.role_title.strip()
    registration.full_time = answers.full_time
    registration.years_employed = answers.years_employed
    registration.coaching_percent = answers.coaching_percent
    registration.save(
        update_fields=[
            "school",
            "district",
            "country",
            "role_title",
            "full_time",
            "years_employed",
            "coaching_percent",
            "advisory_acknowledged_at",
        ]
    )
    return registration


@transaction.atomic
def acknowledge_advisory(*, registration_id: UUID, by: User, now: datetime) -> Registration:
    """Note that the person has read the advisory about coaching time.  Twice keeps the first instant.

    Raises:
        NotAllowed: not theirs, sent already, or there is no advisory to acknowledge.
        WindowClosed: registration is not open now.
    """
    registration = _own_draft(registration_id, by, now)
    if not isinstance(selectors.verdict(registration), Advisory):
        raise NotAllowed("There is no advisory to acknowledge. Go on with the next step.")
    if registration.advisory_acknowledged_at is None:
        registration.advisory_acknowledged_at = now
        registration.save(update_fields=["advisory_acknowledged_at"])
    return registration


@transaction.atomic
def affirm(
    *,
    registration_id: UUID,
    by: User,
    kinds: Collection[str],
    now: datetime,
    versions: Mapping[str, int] | None = None,
) -> list[Affirmation]:
    """Record that the person affirms the current text of each of `kinds`.  Returns the new ones.

    `versions` are the versions the person was shown; one that is out of date by now is not affirmed.

    Raises:
        NotAllowed: not theirs, or sent already.
        WindowClosed: registration is not open now.
        BadInput: an unknown kind, or a text was replaced while the person read it.
    """
    registration = _own_draft(registration_id, by, now)
    documents = current_documents()
    if unknown := sorted(set(kinds) - set(documents)):
        raise BadInput(f"There is no text called {', '.join(unknown)} to affirm. Reload the page.")
    replaced = [
        documents[kind].title for kind in kinds if versions and versions.get(kind) != documents[kind].version
    ]
    if replaced:
        raise BadInput(
            "A newer version was published while you read. Please read it and affirm again:"
            f" {', '.join(replaced)}."
        )
    present = set(registration.affirmations.values_list("document_id", flat=True))
    return Affirmation.objects.bulk_create(
        Affirmation(
            registration=registration,
            document=documents[kind],
            kind=kind,
            sha256=documents[kind].sha256,
            account=by,
            affirmed_at=now,
        )
        for kind in documents
        if kind in kinds and documents[kind].pk not in present
    )


@transaction.atomic
def finish_registration(*, registration_id: UUID, by: User, now: datetime) -> Registration:
    """Send the registration: refused with every reason, or waiting for payment with its order open.

    Sent already: the same registration, unchanged.  An account that signed up without a name has the
    one on the certificate from then on, so that receipts and mails name a person.

    Raises:
        NotAllowed: not theirs, lapsed, or the person has a live candidacy meanwhile.
        WindowClosed: registration is not open now.
        Incomplete: lists every answer, acknowledgement and affirmation still missing.
    """
    registration = locks.own_registration(registration_id, by=by)
    if registration.state not in {RegistrationState.DRAFT, RegistrationState.LAPSED}:
        return registration
    _require_draft(registration)
    _require_registration_open(registration.cohort, now)
    _require_free(registration.account, besides=registration.cohort_id)
    if missing := selectors.missing_answers(registration):
        raise Incomplete("The registration cannot be sent yet.", missing)
    verdict = selectors.verdict(registration)
    if isinstance(verdict, Refused):
        return _refuse(registration, verdict, now)
    if missing := selectors.missing_confirmations(registration):
        raise Incomplete("The registration cannot be sent yet.", missing)
    assert verdict is not None
    registration.flagged_for_staff = isinstance(verdict, Advisory)
    registration.reasons = list(verdict.reasons) if registration.flagged_for_staff else []
    _decide(registration, RegistrationState.AWAITING_PAYMENT, now)
    if not by.full_name:
        save_profile(account=by, full_name=registration.name_on_certificate, timezone=by.timezone)
    cohort = registration.cohort
    payment_services.open_order(
        purpose=PURPOSE,
        purpose_id=registration.pk,
        offer_id=cohort.pk,
        payer=registration.account,
        description=fee_of(cohort),
        amount_minor=cohort.fee_minor,
        currency=cohort.currency,
        payable_until=cohort.registration_window.closes,
        return_path=reverse("candidates:outcome", args=[registration.pk]),
        now=now,
    )
    return registration


@transaction.atomic
def reopen_refused(*, registration_id: UUID, by: User, now: datetime) -> Registration:
    """Let a person who mistyped correct the answers, while registration is open.

    A registration that is being filled in already is returned as it is.

    Raises:
        NotAllowed: not theirs, or neither refused nor a draft.
        WindowClosed: registration is not open now.
    """
    registration = locks.own_registration(registration_id, by=by)
    if registration.state == RegistrationState.DRAFT:
        return registration
    states.require(
        REGISTRATION_ALLOWED, registration.state, RegistrationState.DRAFT, what="This registration"
    )
    _require_registration_open(registration.cohort, now)
    audit.record(
        actor=by,
        action="corrected refused registration",
        subject=registration,
        detail=_facts_of(registration),
    )
    registration.state = RegistrationState.DRAFT
    registration.reasons = []
    registration.decided_at = None
    registration.save(update_fields=["state", "reasons", "decided_at"])
    return registration


@transaction.atomic
def ask_for_reminder(*, registration_id: UUID, by: User, wanted: bool) -> Registration:
    """Note whether a person who could not register wants a mail when the next cohort opens.

    Raises:
        NotAllowed: not theirs, or the registration was neither refused nor lapsed.
    """
    registration = locks.own_registration(registration_id, by=by)
    if registration.state not in {RegistrationState.REFUSED, RegistrationState.LAPSED}:
        raise NotAllowed("A reminder is for registrations that were refused or lapsed.")
    registration.wants_reminder = wanted
    registration.save(update_fields=["wants_reminder"])
    return registration


def _own_draft(registration_id: UUID, by: User, now: datetime) -> Registration:
    registration = locks.own_registration(registration_id, by=by)
    _require_draft(registration)
    _require_registration_open(registration.cohort, now)
    return registration


def _require_draft(registration: Registration) -> None:
    match registration.state:
        case RegistrationState.DRAFT:
            return
        case RegistrationState.REFUSED:
            raise NotAllowed("This registration was refused. Choose “Correct my answers” to change it.")
        case RegistrationState.LAPSED:
            raise NotAllowed(
                "This registration lapsed when registration closed. Nothing was changed;"
                " you may register again in the next cohort."
            )
        case _:
            raise NotAllowed(
                "This registration has been sent and cannot be changed any more."
                " Write to the programme office if an answer is wrong."
            )


def _require_candidate(account: User) -> None:
    if account.role != Role.CANDIDATE:
        raise NotAllowed(
            "This account cannot register: one account has one role, and this one is"
            f" “{account.get_role_display()}”. Sign out and register with another account."
        )


def _require_registration_open(cohort: Cohort, now: datetime) -> None:
    require_open(cohort.registration_window, now, what=f"Registration for {cohort.name}", zone=cohort.zone)


def _require_free(account: User, *, besides: UUID) -> None:
    """One live candidacy per person, and no second fee for it.  Source: the programme's rules, section 3."""
    standing = Candidacy.objects.filter(
        account=account, state__in=[CandidacyState.ACTIVE, CandidacyState.CERTIFIED]
    ).select_related("cohort")
    for candidacy in standing:
        if candidacy.state == CandidacyState.ACTIVE:
            raise NotAllowed(
                f"You are a candidate of {candidacy.cohort.name} already (number {candidacy.number})."
                " You may register again once that candidacy has ended."
            )
        raise NotAllowed(
            f"You were certified as a candidate of {candidacy.cohort.name} (number {candidacy.number}),"
            " so there is nothing to register for."
        )
    waiting = (
        Registration.objects.filter(account=account, state=RegistrationState.AWAITING_PAYMENT)
        .exclude(cohort_id=besides)
        .select_related("cohort")
        .first()
    )
    if waiting is not None:
        raise NotAllowed(
            f"Your registration for {waiting.cohort.name} waits for its payment. Finish that one first."
        )


def _refuse(registration: Registration, verdict: Refused, now: datetime) -> Registration:
    registration.reasons = list(verdict.reasons)
    registration.flagged_for_staff = False
    _decide(registration, RegistrationState.REFUSED, now)
    mails.refused(registration)
    return registration


def _decide(registration: Registration, state: RegistrationState, now: datetime) -> None:
    states.require(REGISTRATION_ALLOWED, registration.state, state, what="This registration")
    registration.state = state
    registration.decided_at = now
    registration.save(update_fields=["state", "decided_at", "reasons", "flagged_for_staff"])
    audit.record(
        actor=registration.account,
        action="sent registration",
        subject=registration,
        detail=_facts_of(registration) | {"state": str(state), "reasons": registration.reasons},
    )


def _facts_of(registration: Registration) -> dict[str, str]:
    return {
        "full_time": str(registration.full_time),
        "years_employed": str(registration.years_employed),
        "coaching_percent": str(registration.coaching_percent),
    }
