"""Registration through the services.  Source: the programme's rules, section 3."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from accounts.models import Role
from candidates import selectors, services
from candidates.documents import publish_document
from candidates.models import Affirmation, Candidacy, Registration
from candidates.services import About
from candidates.states import CandidacyState, RegistrationState
from certification.kernel.errors import BadInput, Incomplete, NotAllowed
from certification.kernel.models import AuditEvent, OutboxMessage
from payments.models import Order
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
NOW = make.REGISTERING
LATER = NOW + timedelta(days=400)


def test_a_clean_registration_waits_for_its_fee_and_then_enrols() -> None:
    registration = make.sent()
    assert registration.state == RegistrationState.AWAITING_PAYMENT
    assert not registration.flagged_for_staff
    order = Order.objects.get(purpose="registration", purpose_id=registration.pk)
    assert (order.amount_minor, order.currency) == (50000, "USD")
    assert order.payable_until == registration.cohort.registration_window.closes
    assert services.complete_registration(registration_id=registration.pk, now=NOW) is None

    make.pay(registration)
    candidacy = services.complete_registration(registration_id=registration.pk, now=NOW)

    assert candidacy is not None
    assert candidacy.number == "C10-0001"
    registration.refresh_from_db()
    assert registration.state == RegistrationState.COMPLETE
    assert services.complete_registration(registration_id=registration.pk, now=NOW) == candidacy
    assert OutboxMessage.objects.filter(kind="enrolled").count() == 1


def test_numbers_count_up_within_a_cohort_and_leave_gaps_alone() -> None:
    cohort = make.cohort()
    assert make.candidacy(in_cohort=cohort).number == "C10-0001"
    Candidacy.objects.update(number="C10-0041")
    assert make.candidacy(in_cohort=cohort).number == "C10-0042"
    assert make.candidacy(in_cohort=make.cohort(11)).number == "C11-0001"


def test_sending_twice_is_sending_once() -> None:
    registration = make.sent()
    again = services.finish_registration(registration_id=registration.pk, by=registration.account, now=NOW)
    assert again == registration
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    "answers",
    [{"full_time": False}, {"years_employed": Decimal("1.5")}, {"coaching_percent": Decimal("59.99")}],
)
def test_answers_below_the_requirements_are_refused_with_a_reason(answers: dict[str, object]) -> None:
    registration = make.sent(**answers)
    assert registration.state == RegistrationState.REFUSED
    assert len(registration.reasons) == 1
    assert not Order.objects.exists()
    assert OutboxMessage.objects.get(kind="registration refused").recipient == registration.account.email


def test_every_reason_is_given_at_once() -> None:
    registration = make.sent(full_time=False, years_employed=Decimal(0), coaching_percent=Decimal(0))
    assert len(registration.reasons) == 3


def test_a_refused_person_may_correct_a_mistyped_answer() -> None:
    registration = make.sent(coaching_percent=Decimal(7))
    person = registration.account
    services.reopen_refused(registration_id=registration.pk, by=person, now=NOW)
    services.reopen_refused(registration_id=registration.pk, by=person, now=NOW)
    services.save_employment(registration_id=registration.pk, by=person, answers=make.employment(), now=NOW)
    sent = services.finish_registration(registration_id=registration.pk, by=person, now=NOW)
    assert sent.state == RegistrationState.AWAITING_PAYMENT
    assert sent.reasons == []
    noted = AuditEvent.objects.get(action="corrected refused registration")
    assert noted.detail["coaching_percent"] == "7.00"


def test_a_share_in_between_has_to_be_acknowledged_and_is_flagged() -> None:
    registration = make.draft(coaching_percent=Decimal("69.99"))
    person = registration.account
    with pytest.raises(Incomplete) as refusal:
        services.finish_registration(registration_id=registration.pk, by=person, now=NOW)
    assert "advisory" in str(refusal.value)

    services.acknowledge_advisory(registration_id=registration.pk, by=person, now=NOW)
    services.acknowledge_advisory(registration_id=registration.pk, by=person, now=NOW + timedelta(hours=1))
    sent = services.finish_registration(registration_id=registration.pk, by=person, now=NOW)

    assert sent.advisory_acknowledged_at == NOW
    assert sent.flagged_for_staff
    assert sent.state == RegistrationState.AWAITING_PAYMENT


def test_another_share_has_to_be_acknowledged_again() -> None:
    registration = make.draft(coaching_percent=Decimal(65))
    person = registration.account
    services.acknowledge_advisory(registration_id=registration.pk, by=person, now=NOW)
    changed = services.save_employment(
        registration_id=registration.pk,
        by=person,
        answers=make.employment(coaching_percent=Decimal(61)),
        now=NOW,
    )
    assert changed.advisory_acknowledged_at is None


def test_there_is_no_advisory_to_acknowledge_at_seventy() -> None:
    registration = make.draft(coaching_percent=Decimal(70))
    with pytest.raises(NotAllowed):
        services.acknowledge_advisory(registration_id=registration.pk, by=registration.account, now=NOW)


def test_an_unfinished_registration_names_everything_that_is_missing() -> None:
    person = make.account(full_name="")
    registration = services.start_registration(account=person, cohort_id=make.cohort().pk, now=NOW)
    with pytest.raises(Incomplete) as refusal:
        services.finish_registration(registration_id=registration.pk, by=person, now=NOW)
    assert len(refusal.value.details) == 7


def test_each_affirmation_is_asked_for_by_itself() -> None:
    registration = make.draft()
    with transaction.atomic(), pytest.raises(ProgrammingError):
        Affirmation.objects.filter(kind="fee").delete()
    person = make.account()
    other = services.start_registration(account=person, cohort_id=registration.cohort_id, now=NOW)
    services.affirm(registration_id=other.pk, by=person, kinds=["fee", "role"], now=NOW)
    services.save_about(registration_id=other.pk, by=person, answers=About("Kim"), now=NOW)
    services.save_employment(registration_id=other.pk, by=person, answers=make.employment(), now=NOW)
    with pytest.raises(Incomplete) as refusal:
        services.finish_registration(registration_id=other.pk, by=person, now=NOW)
    assert len(refusal.value.details) == 5


def test_an_affirmation_keeps_version_hash_account_and_instant() -> None:
    registration = make.draft()
    affirmation = registration.affirmations.get(kind="fee")
    assert affirmation.document.version == 1
    assert affirmation.sha256 == affirmation.document.sha256
    assert affirmation.account == registration.account
    assert affirmation.affirmed_at == NOW
    assert (
        services.affirm(registration_id=registration.pk, by=registration.account, kinds=["fee"], now=NOW)
        == []
    )


def test_a_new_version_has_to_be_affirmed_before_sending() -> None:
    registration = make.draft()
    person = registration.account
    staff = make.account(Role.STAFF)
    publish_document(kind="fee", title="The fee", body="Changed.", by=staff, now=NOW)
    with pytest.raises(Incomplete):
        services.finish_registration(registration_id=registration.pk, by=person, now=NOW)
    with pytest.raises(BadInput, match="newer version"):
        services.affirm(
            registration_id=registration.pk, by=person, kinds=["fee"], versions={"fee": 1}, now=NOW
        )
    services.affirm(registration_id=registration.pk, by=person, kinds=["fee"], versions={"fee": 2}, now=NOW)
    sent = services.finish_registration(registration_id=registration.pk, by=person, now=NOW)
    assert sent.affirmations.filter(kind="fee").count() == 2


def test_an_unknown_text_cannot_be_affirmed() -> None:
    registration = make.draft()
    with pytest.raises(BadInput):
        services.affirm(registration_id=registration.pk, by=registration.account, kinds=["soul"], now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [{"coaching_percent": Decimal(101)}, {"coaching_percent": Decimal(-1)}, {"years_employed": Decimal(61)}],
)
def test_numbers_nobody_can_mean_are_not_saved(wrong: dict[str, Decimal]) -> None:
    registration = make.draft()
    with pytest.raises(BadInput):
        services.save_employment(
            registration_id=registration.pk,
            by=registration.account,
            answers=make.employment(**wrong),
            now=NOW,
        )


def test_somebody_elses_registration_cannot_be_written() -> None:
    registration = make.draft()
    other = make.account()
    with pytest.raises(NotAllowed):
        services.save_about(registration_id=registration.pk, by=other, answers=About("Mallory"), now=NOW)
    with pytest.raises(NotAllowed):
        services.finish_registration(registration_id=registration.pk, by=other, now=NOW)


def test_a_sent_registration_cannot_be_changed() -> None:
    registration = make.sent()
    with pytest.raises(NotAllowed, match="sent"):
        services.save_about(
            registration_id=registration.pk, by=registration.account, answers=About("Other"), now=NOW
        )


@pytest.mark.parametrize("role", [Role.STAFF, Role.SCORER, Role.LEAD_SCORER, Role.SPONSOR])
def test_only_a_candidates_account_registers(role: Role) -> None:
    with pytest.raises(NotAllowed, match="another account"):
        services.start_registration(account=make.account(role), cohort_id=make.cohort().pk, now=NOW)


def test_a_live_candidate_cannot_register_again() -> None:
    candidacy = make.candidacy()
    second = make.cohort(11)
    with pytest.raises(NotAllowed, match="C10-0001"):
        services.start_registration(account=candidacy.account, cohort_id=second.pk, now=NOW)


def test_whoever_became_a_candidate_meanwhile_cannot_send_another_draft() -> None:
    person = make.account()
    first, second = make.cohort(10), make.cohort(11)
    waiting = make.draft(of=person, in_cohort=second)
    make.candidacy(of=person, in_cohort=first)
    with pytest.raises(NotAllowed):
        services.finish_registration(registration_id=waiting.pk, by=person, now=NOW)


def test_two_fees_for_one_person_are_never_asked_for_at_once() -> None:
    person = make.account()
    first, second = make.cohort(10), make.cohort(11)
    draft = make.draft(of=person, in_cohort=second)
    make.sent(of=person, in_cohort=first)
    with pytest.raises(NotAllowed, match="Finish that one first"):
        services.finish_registration(registration_id=draft.pk, by=person, now=NOW)
    with pytest.raises(NotAllowed, match="Finish that one first"):
        services.start_registration(account=person, cohort_id=make.cohort(12).pk, now=NOW)


def test_after_a_candidacy_ended_one_may_start_over() -> None:
    candidacy = make.candidacy()
    services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.ENDED, ended_as="incomplete", now=NOW
    )
    next_cohort = make.cohort(11, 2028)
    started = services.start_registration(
        account=candidacy.account, cohort_id=next_cohort.pk, now=LATER - timedelta(days=36)
    )
    assert started.state == RegistrationState.DRAFT


def test_whoever_is_certified_is_told_so() -> None:
    candidacy = make.candidacy()
    for _ in range(2):
        services.conclude_candidacy(
            candidacy_id=candidacy.pk, state=CandidacyState.CERTIFIED, ended_as="certified", now=NOW
        )
    with pytest.raises(NotAllowed, match="certified"):
        services.start_registration(account=candidacy.account, cohort_id=make.cohort(11).pk, now=NOW)
    with pytest.raises(NotAllowed):
        services.conclude_candidacy(
            candidacy_id=candidacy.pk, state=CandidacyState.ENDED, ended_as="incomplete", now=NOW
        )


def test_starting_twice_is_one_registration() -> None:
    person, cohort = make.account(), make.cohort()
    first = services.start_registration(account=person, cohort_id=cohort.pk, now=NOW)
    assert services.start_registration(account=person, cohort_id=cohort.pk, now=NOW) == first


def test_the_database_holds_one_live_candidacy_per_person() -> None:
    first = make.candidacy()
    other = make.sent(of=make.account(), in_cohort=make.cohort(11))
    with pytest.raises(IntegrityError), transaction.atomic():
        Candidacy.objects.create(
            number="C11-0001",
            registration=other,
            account=first.account,
            cohort=other.cohort,
            enrolled_at=NOW,
        )


def test_the_database_refuses_a_move_nobody_allowed() -> None:
    registration = make.draft()
    with pytest.raises(ProgrammingError), transaction.atomic():
        Registration.objects.filter(pk=registration.pk).update(state=RegistrationState.COMPLETE)


def test_a_person_is_everything_that_identifies_the_candidate() -> None:
    candidacy = make.candidacy(of=make.account(full_name="Ada Example", email="ada@example.org"))
    person = selectors.person(candidacy.pk)
    assert (person.full_name, person.email, person.school) == (
        "Ada Example",
        "ada@example.org",
        "Elm Street School",
    )
    assert selectors.persons([candidacy.pk]) == {candidacy.pk: person}
    assert selectors.live_candidacy(candidacy.account) == selectors.candidacy_card(candidacy.pk)
