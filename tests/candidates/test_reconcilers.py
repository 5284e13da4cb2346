"""What follows from the window and from payments, converging however often it is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from candidates import services
from candidates.models import Candidacy, Registration
from candidates.states import RegistrationState
from certification.kernel import reconcile
from certification.kernel.models import OutboxMessage
from payments.selectors import order_card
from payments.states import OrderState
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
NOW = make.REGISTERING


def run(name: str, now: datetime) -> dict[str, int]:
    counts = reconcile.run(name, now)
    assert counts is not None
    return counts


def state_of(registration: Registration) -> str:
    return Registration.objects.get(pk=registration.pk).state


def test_a_lost_signal_costs_only_time() -> None:
    registration = make.sent()
    make.pay(registration)
    assert run("registrations.complete_paid", NOW) == {"enrolled": 1}
    assert run("registrations.complete_paid", NOW) == {"enrolled": 0}
    assert state_of(registration) == RegistrationState.COMPLETE


def test_one_registration_that_cannot_be_completed_holds_up_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = make.sent(), make.sent()
    for registration in (first, second):
        make.pay(registration)
    complete = services.complete_registration

    def trip_over_the_first(*, registration_id: UUID, now: datetime) -> Candidacy | None:
        if registration_id == first.pk:
            raise RuntimeError("a mistake of ours")
        return complete(registration_id=registration_id, now=now)

    monkeypatch.setattr(services, "complete_registration", trip_over_the_first)
    assert run("registrations.complete_paid", NOW) == {"enrolled": 1}
    assert state_of(second) == RegistrationState.COMPLETE


@pytest.mark.django_db(transaction=True)
def test_the_payments_signal_enrols_at_once() -> None:
    registration = make.sent()
    make.pay(registration)
    assert state_of(registration) == RegistrationState.COMPLETE


def test_nothing_lapses_while_the_window_is_open() -> None:
    registration = make.sent()
    closes = registration.cohort.registration_window.closes
    assert run("registrations.lapse", closes - timedelta(microseconds=1)) == {"lapsed": 0}
    assert services.lapse_registration(registration_id=registration.pk, now=NOW) is False


def test_the_unsent_and_the_unpaid_lapse_when_the_window_closes() -> None:
    cohort = make.cohort()
    draft, unpaid = make.draft(in_cohort=cohort), make.sent(in_cohort=cohort)
    refused = make.sent(in_cohort=cohort, full_time=False)
    enrolled = make.candidacy(in_cohort=cohort)
    closes = cohort.registration_window.closes

    assert run("registrations.lapse", closes) == {"lapsed": 2}
    assert run("registrations.lapse", closes) == {"lapsed": 0}

    assert [state_of(row) for row in (draft, unpaid, refused, enrolled.registration)] == [
        "lapsed",
        "lapsed",
        "refused",
        "complete",
    ]
    order = order_card("registration", unpaid.pk)
    assert order is not None
    assert order.state == OrderState.LAPSED
    assert OutboxMessage.objects.filter(kind="registration lapsed").count() == 2


def test_who_has_given_no_name_yet_is_not_addressed_by_the_mailbox() -> None:
    registration = make.draft()
    Registration.objects.filter(pk=registration.pk).update(name_on_certificate="")
    type(registration.account).objects.filter(pk=registration.account_id).update(full_name="")

    run("registrations.lapse", registration.cohort.registration_window.closes)

    assert OutboxMessage.objects.get().body.startswith("Hello,\n")


def test_who_paid_is_not_lapsed_while_the_worker_was_away() -> None:
    registration = make.sent()
    make.pay(registration)
    closes = registration.cohort.registration_window.closes
    assert run("registrations.lapse", closes) == {"lapsed": 0}
    assert run("registrations.complete_paid", closes) == {"enrolled": 1}


def test_who_has_a_payment_being_checked_is_not_lapsed() -> None:
    registration = make.sent()
    make.pay(registration, card=make.PENDING_CARD)
    assert run("registrations.lapse", registration.cohort.registration_window.closes) == {"lapsed": 0}
    assert state_of(registration) == RegistrationState.AWAITING_PAYMENT


def test_the_grace_is_waited_for() -> None:
    registration = make.draft(in_cohort=make.cohort(grace_minutes=30))
    closes = registration.cohort.registration_closes_at
    assert run("registrations.lapse", closes + timedelta(minutes=29)) == {"lapsed": 0}
    assert run("registrations.lapse", closes + timedelta(minutes=30)) == {"lapsed": 1}


def test_whoever_is_not_through_is_told_a_week_and_a_day_before() -> None:
    cohort = make.cohort()
    make.draft(in_cohort=cohort)
    make.sent(in_cohort=cohort)
    make.pay(make.sent(in_cohort=cohort))
    make.sent(in_cohort=cohort, full_time=False)
    closes = cohort.registration_window.closes
    told = {"closing_soon": 2, "next_cohort": 0}
    quiet = {"closing_soon": 0, "next_cohort": 0}

    assert run("registrations.announce", closes - timedelta(days=8)) == quiet
    assert run("registrations.announce", closes - timedelta(days=7)) == told
    assert run("registrations.announce", closes - timedelta(days=2)) == quiet
    assert run("registrations.announce", closes - timedelta(days=1)) == told
    assert run("registrations.announce", closes - timedelta(hours=1)) == quiet
    assert run("registrations.announce", closes) == quiet


def test_after_an_outage_only_the_nearer_notice_goes_out() -> None:
    registration = make.draft()
    closes = registration.cohort.registration_window.closes
    assert run("registrations.announce", closes - timedelta(hours=2))["closing_soon"] == 1
    assert OutboxMessage.objects.filter(kind="registration closing").count() == 1


def test_who_asked_is_told_once_when_the_next_cohort_opens() -> None:
    first = make.cohort()
    wants = make.sent(in_cohort=first, full_time=False)
    make.sent(in_cohort=first, full_time=False)
    services.ask_for_reminder(registration_id=wants.pk, by=wants.account, wanted=True)
    later = make.cohort(11, 2028)
    opens = later.registration_window.opens

    assert run("registrations.announce", opens - timedelta(microseconds=1))["next_cohort"] == 0
    assert run("registrations.announce", opens)["next_cohort"] == 1
    assert run("registrations.announce", opens)["next_cohort"] == 0
    assert OutboxMessage.objects.get(kind="next cohort open").recipient == wants.account.email


def test_who_registered_already_needs_no_reminder() -> None:
    wants = make.sent(full_time=False)
    services.ask_for_reminder(registration_id=wants.pk, by=wants.account, wanted=True)
    later = make.cohort(11, 2028)
    opens = later.registration_window.opens
    services.start_registration(account=wants.account, cohort_id=later.pk, now=opens)
    assert run("registrations.announce", opens)["next_cohort"] == 0
