"""The home page and the demo's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from certification.kernel import clock
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db


def home(client: Client, now: datetime) -> str:
    with clock.fixed(now):
        return client.get(reverse("home")).text


def test_home_says_what_the_year_is_at(client: Client) -> None:
    assert "has not been announced yet" in home(client, make.REGISTERING)
    window = make.cohort().registration_window
    assert "opens tomorrow, on" in home(client, window.opens - timedelta(microseconds=1))
    assert reverse("candidates:register") in home(client, window.opens)
    assert "is open until" in home(client, window.opens)
    closed = home(client, window.closes)
    assert "is open until" not in closed
    assert "Next: submission opens for Cohort 10, " in closed


@pytest.mark.parametrize(
    ("before_the_end", "said"),
    [
        (timedelta(minutes=1), "Today is the last day."),
        (timedelta(hours=23, minutes=59), "Today is the last day."),
        (timedelta(hours=24, minutes=1), "Closes tomorrow."),
        (timedelta(days=7, hours=23), "Closes in 7 days."),
    ],
)
def test_home_warns_of_the_last_days(client: Client, before_the_end: timedelta, said: str) -> None:
    closes = make.cohort().registration_window.closes
    page = home(client, closes - before_the_end)
    assert said in page
    assert "A payment has to be begun by" in page
    assert "has to be begun" not in home(client, closes - timedelta(days=9))
    assert "has to be begun" not in home(client, closes)


def test_home_counts_the_days_by_the_calendar_across_a_change_of_clocks(client: Client) -> None:
    opens = make.cohort().registration_window.opens
    assert "opens in 2 days, on" in home(client, opens - timedelta(hours=25))
    assert "opens in 31 days, on" in home(client, datetime(2026, 10, 1, 5, tzinfo=UTC))
    assert "opens in 32 days, on" in home(client, datetime(2026, 10, 1, 4, 59, tzinfo=UTC))


def test_home_shows_the_next_dates_of_every_cohort_once(client: Client) -> None:
    for number, year in ((9, 2026), (10, 2027), (11, 2028)):
        make.cohort(number, year)
    page = home(client, datetime(2027, 4, 1, tzinfo=UTC))
    assert "<strong>Submission opens</strong> for Cohort 9 and Cohort 10" in page
    assert page.count("<strong>Scores come out</strong>") == 1
    assert "Registration for <strong>Cohort 11</strong> opens in" in page


@pytest.mark.parametrize("cohorts", [1, 3])
def test_home_takes_three_queries(
    client: Client, cohorts: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10, 10 + cohorts):
        make.cohort(number, 2017 + number)
    with django_assert_num_queries(3):
        home(client, make.REGISTERING)


def test_home_leads_who_is_signed_in_to_the_dashboard(client: Client) -> None:
    make.cohort()
    assert "To your dashboard" not in home(client, make.REGISTERING)
    client.force_login(make.account())
    assert "To your dashboard" in home(client, make.REGISTERING)


def test_candidates_find_their_entries_in_the_navigation(client: Client) -> None:
    client.force_login(make.account())
    assert f'href="{reverse("portfolio:entries")}"' in home(client, make.REGISTERING)


def test_a_page_that_is_not_there_leads_on(client: Client) -> None:
    assert "To the first page" in client.get("/nowhere/").text
    client.force_login(make.account())
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "To your dashboard" in answer.text


def test_the_clock_cannot_be_moved_outside_a_demo(client: Client, settings: Settings) -> None:
    settings.CLOCK_TRAVEL = False
    assert client.get("/demo/clock/").status_code == 404


def test_the_demo_s_clock_moves_and_comes_back(client: Client, settings: Settings) -> None:
    settings.CLOCK_TRAVEL = True
    client.post("/demo/clock/", {"at": "2027-05-02T10:00"})
    assert abs(clock.now() - datetime(2027, 5, 2, 15, tzinfo=UTC)) < timedelta(minutes=1)
    assert "between the years" in client.post("/demo/clock/", {"at": "1066-01-01T10:00"}).text
    client.post("/demo/clock/", {"back": "1"})
    assert clock.now() < datetime(2027, 5, 1, tzinfo=UTC) or clock.now() > datetime(2027, 5, 3, tzinfo=UTC)
