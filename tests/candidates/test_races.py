"""Things that happen at the same instant, made to happen on purpose."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from candidates import services
from candidates.models import Candidacy, Registration
from candidates.receivers import complete_on_settlement
from candidates.states import RegistrationState
from certification.kernel.errors import NotAllowed
from payments.signals import order_settled
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db(transaction=True)
NOW = make.REGISTERING


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run the calls side by side, each with its own connection.  Refusals are returned."""
    barrier = Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=10)
            return call()
        except NotAllowed as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_candidates_enrolled_at_once_get_numbers_of_their_own() -> None:
    cohort = make.cohort()
    waiting = [make.sent(in_cohort=cohort) for _ in range(4)]
    keys = [registration.pk for registration in waiting]

    def enrol(key: Any) -> Callable[[], Any]:
        return lambda: services.complete_registration(registration_id=key, now=NOW)

    _pay_without_signal(waiting)
    enrolled = at_once([enrol(key) for key in [*keys, keys[0]]])
    assert len({candidacy.pk for candidacy in enrolled}) == 4
    assert sorted(Candidacy.objects.values_list("number", flat=True)) == [
        f"C10-000{number}" for number in range(1, 5)
    ]


def test_of_two_drafts_sent_at_once_one_is_asked_to_pay() -> None:
    person = make.account()
    drafts = [make.draft(of=person, in_cohort=make.cohort(number)) for number in (10, 11)]

    def send(key: Any) -> Callable[[], Any]:
        return lambda: services.finish_registration(registration_id=key, by=person, now=NOW)

    results = at_once([send(draft.pk) for draft in drafts])
    assert sum(isinstance(result, NotAllowed) for result in results) == 1
    assert Registration.objects.filter(state=RegistrationState.AWAITING_PAYMENT).count() == 1


def test_starting_in_two_tabs_is_one_registration() -> None:
    person, cohort = make.account(), make.cohort()

    def start() -> Registration:
        return services.start_registration(account=person, cohort_id=cohort.pk, now=NOW)

    first, second = at_once([start, start])
    assert first == second


def _pay_without_signal(registrations: list[Registration]) -> None:
    """Cover the orders with the receiver away, as when the process dies right after the payment."""
    order_settled.disconnect(complete_on_settlement, dispatch_uid="candidates.complete_registration")
    try:
        for registration in registrations:
            make.pay(registration)
    finally:
        order_settled.connect(complete_on_settlement, dispatch_uid="candidates.complete_registration")
