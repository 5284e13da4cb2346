"""The one clock: it can be held, it can travel in a rehearsal, and it never travels anywhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from certification.kernel import clock
from certification.kernel.models import ClockTravel

RELEASE = datetime(2027, 10, 31, 14, tzinfo=UTC)


def machine_time() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - what the clock is compared with


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's stopwatch, as a list whose last number is what it shows."""
    shown = [1000.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: shown[-1])
    monkeypatch.setattr(clock, "_cached_offset", None)
    return shown


def test_the_clock_shows_an_aware_instant_in_utc(db: None) -> None:
    shown = clock.now()
    assert shown.utcoffset() == timedelta(0)
    assert abs(shown - machine_time()) < timedelta(seconds=5)


def test_a_held_clock_stands_still_and_goes_on_afterwards(db: None) -> None:
    with clock.fixed(RELEASE):
        assert clock.now() == clock.now() == RELEASE
        with clock.fixed(RELEASE + timedelta(days=1)):
            assert clock.now() == RELEASE + timedelta(days=1)
        assert clock.now() == RELEASE
    assert clock.now() != RELEASE


def test_a_held_clock_goes_on_after_an_error(db: None) -> None:
    with pytest.raises(ZeroDivisionError), clock.fixed(RELEASE):
        raise ZeroDivisionError
    assert clock.now() != RELEASE


def test_an_instant_of_another_zone_is_the_same_instant() -> None:
    with clock.fixed(RELEASE.astimezone(timezone(timedelta(hours=-5)))):
        assert clock.now() == RELEASE
        assert clock.now().utcoffset() == timedelta(0)


def test_a_naive_instant_is_refused(db: None) -> None:
    with pytest.raises(ValueError, match="aware"), clock.fixed(datetime(2027, 10, 31)):
        pass
    with pytest.raises(ValueError, match="aware"):
        clock.travel_to(datetime(2027, 10, 31))


def test_a_travelled_clock_keeps_ticking_from_there_and_can_come_back(db: None, ticks: list[float]) -> None:
    clock.travel_to(RELEASE)
    assert timedelta(0) <= clock.now() - RELEASE < timedelta(seconds=5)
    assert clock.now() < clock.now() + timedelta(microseconds=1)
    clock.travel_back()
    assert abs(clock.now() - machine_time()) < timedelta(seconds=5)


def test_another_process_sees_the_travel_within_a_second(
    db: None, ticks: list[float], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clock.now()
    ClockTravel.objects.update_or_create(pk=1, defaults={"offset": timedelta(days=100)})
    with django_assert_num_queries(0):
        assert clock.now() < machine_time() + timedelta(days=1)
    ticks.append(ticks[-1] + 1.0)
    with django_assert_num_queries(1):
        assert clock.now() > machine_time() + timedelta(days=99)
        assert clock.now() > machine_time() + timedelta(days=99)


def test_on_a_real_site_the_clock_neither_travels_nor_asks_the_database(
    db: None, settings: Settings, ticks: list[float], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ClockTravel.objects.create(offset=timedelta(days=100))
    settings.CLOCK_TRAVEL = False
    with django_assert_num_queries(0):
        assert clock.now() < machine_time() + timedelta(days=1)
    for move in (clock.travel_back, lambda: clock.travel_to(RELEASE)):
        with pytest.raises(RuntimeError, match="may not travel"):
            move()


def test_there_is_one_travel_only(db: None) -> None:
    with pytest.raises(IntegrityError, match="clock_travel_one_row"), transaction.atomic():
        ClockTravel.objects.create(pk=2, offset=timedelta(days=1))
