"""The registration window to the microsecond, in the programme's zone.  Source: the rules, section 2."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from candidates import services
from candidates.models import Cohort, Registration
from candidates.services import About
from candidates.states import RegistrationState
from certification.kernel.errors import WindowClosed
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
CHICAGO = ZoneInfo("America/Chicago")
TICK = timedelta(microseconds=1)


def test_registration_opens_at_midnight_before_the_clocks_change_that_night() -> None:
    cohort = make.cohort(first_year=2027)
    # Midnight of 1 November 2026 is still daylight time; the clocks go back two hours later.
    assert cohort.registration_opens_at == datetime(2026, 11, 1, 5, tzinfo=UTC)
    assert cohort.registration_closes_at == datetime(2027, 2, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize("first_year", [2027, 2028, 2029])
def test_a_registration_starts_only_inside_the_window(first_year: int) -> None:
    cohort = make.cohort(first_year=first_year)
    opens = datetime(first_year - 1, 11, 1, tzinfo=CHICAGO)
    closes = datetime(first_year, 2, 1, tzinfo=CHICAGO)
    for outside in (opens - TICK, closes, closes + TICK):
        with pytest.raises(WindowClosed):
            services.start_registration(account=make.account(), cohort_id=cohort.pk, now=outside)
    for inside in (opens, opens + TICK, closes - TICK):
        services.start_registration(account=make.account(), cohort_id=cohort.pk, now=inside)
    assert Registration.objects.count() == 3


@pytest.mark.parametrize(
    ("hours_utc", "wall"), [(5, "00:00 CDT"), (6, "01:00 CDT"), (7, "01:00 CST"), (8, "02:00 CST")]
)
def test_the_hour_that_comes_twice_is_inside(hours_utc: int, wall: str) -> None:
    cohort = make.cohort(first_year=2027)
    at = datetime(2026, 11, 1, hours_utc, tzinfo=UTC)
    assert f"{at.astimezone(CHICAGO):%H:%M %Z}" == wall
    services.start_registration(account=make.account(), cohort_id=cohort.pk, now=at)


Write = Callable[[Registration, User, datetime], object]


@pytest.mark.parametrize(
    "write",
    [
        lambda row, person, now: services.save_about(
            registration_id=row.pk, by=person, answers=About("New Name"), now=now
        ),
        lambda row, person, now: services.save_employment(
            registration_id=row.pk, by=person, answers=make.employment(school="New School"), now=now
        ),
        lambda row, person, now: services.affirm(registration_id=row.pk, by=person, kinds=["fee"], now=now),
        lambda row, person, now: services.finish_registration(registration_id=row.pk, by=person, now=now),
    ],
    ids=["about", "work", "affirm", "finish"],
)
def test_every_save_asks_the_window(write: Write) -> None:
    registration = make.draft()
    closes = registration.cohort.registration_window.closes
    with pytest.raises(WindowClosed, match="31 January 2027, 23:59 CST"):
        write(registration, registration.account, closes)
    unchanged = Registration.objects.get(pk=registration.pk)
    assert (unchanged.name_on_certificate, unchanged.school, unchanged.state) == (
        registration.name_on_certificate,
        registration.school,
        RegistrationState.DRAFT,
    )
    write(registration, registration.account, closes - TICK)


def test_an_advisory_cannot_be_acknowledged_after_the_window() -> None:
    registration = make.draft(coaching_percent=Decimal(65))
    with pytest.raises(WindowClosed):
        services.acknowledge_advisory(
            registration_id=registration.pk,
            by=registration.account,
            now=registration.cohort.registration_window.closes,
        )


def test_a_refused_registration_cannot_be_corrected_after_the_window() -> None:
    registration = make.sent(full_time=False)
    with pytest.raises(WindowClosed):
        services.reopen_refused(
            registration_id=registration.pk,
            by=registration.account,
            now=registration.cohort.registration_window.closes,
        )


def test_a_grace_moves_the_end_by_its_minutes() -> None:
    cohort = make.cohort(grace_minutes=15)
    end = cohort.registration_closes_at + timedelta(minutes=15)
    services.start_registration(account=make.account(), cohort_id=cohort.pk, now=end - TICK)
    with pytest.raises(WindowClosed):
        services.start_registration(account=make.account(), cohort_id=cohort.pk, now=end)


def test_a_payment_that_arrives_after_the_window_completes() -> None:
    registration = make.sent()
    closes = registration.cohort.registration_window.closes
    make.pay(registration, now=closes - TICK)
    assert services.complete_registration(registration_id=registration.pk, now=closes + timedelta(days=3))


def test_making_a_cohort_twice_keeps_its_calendar() -> None:
    cohort = make.cohort()
    moved = cohort.registration_closes_at + timedelta(days=1)
    Cohort.objects.update(registration_closes_at=moved)
    assert make.cohort().registration_closes_at == moved
    assert cohort.years.count() == 3
