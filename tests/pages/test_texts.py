"""The public pages: words from the texts staff publish, numbers from the data, and few queries."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role
from candidates.documents import publish_document, publish_documents
from certification.kernel import clock
from portfolio.frameworks import load_frameworks
from tests.factories import candidates as make

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db
NOW = make.REGISTERING
PAGES = {
    "home": "welcome",
    "process": "journey",
    "requirements": "requirements",
    "standards": "standards",
    "how_scoring_works": "scoring",
    "fees": "fees",
    "questions": "questions",
    "for_districts": "sponsors",
    "contact": "contact",
    "privacy": "privacy",
}


def shown(name: str, now: datetime = NOW) -> str:
    with clock.fixed(now):
        answer = Client().get(reverse(name))
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_before_there_is_a_cohort_or_a_text(name: str) -> None:
    page = shown(name)
    assert "Version" not in page
    assert re.search(r"<h1>[^<]+</h1>", page)


@pytest.mark.parametrize(("name", "kind"), PAGES.items())
def test_a_page_shows_what_staff_published_last(name: str, kind: str) -> None:
    make.cohort()
    assert "Version 1 of this text" in shown(name)
    publish_document(
        kind=kind,
        title="Other words <i>",
        body="Said anew & **well**.\n\n## A part\n\nMore.",
        by=make.account(Role.STAFF),
        now=NOW,
    )
    page = shown(name)
    for drawn in ("Other words &lt;i&gt;", "Said anew &amp; <strong>well</strong>.", "A part"):
        assert drawn in page
    assert "Version 2 of this text" in page
    assert reverse("candidates:document", args=[kind, 2]) in page


@pytest.mark.parametrize(("name", "queries"), [(name, 3) for name in PAGES if name != "how_scoring_works"])
@pytest.mark.parametrize("cohorts", [1, 3])
def test_a_page_takes_few_queries(
    name: str, queries: int, cohorts: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10, 10 + cohorts):
        make.cohort(number, 2017 + number)
    with django_assert_num_queries(queries):
        shown(name)


def test_the_scoring_page_takes_nine_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make.cohort()
    load_frameworks()
    with django_assert_num_queries(9):
        shown("how_scoring_works")


def test_every_public_page_is_reached_from_the_first_one() -> None:
    publish_documents(NOW)
    first = shown("home")
    for name in PAGES:
        assert f'href="{reverse(name)}"' in first


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    make.cohort()
    load_frameworks()
    page = shown(name)
    anchors = set(re.findall(r' id="([^"]+)"', page))
    with clock.fixed(NOW):
        for address in sorted(set(re.findall(r'href="([^"]+)"', page))):
            if address.startswith("#"):
                assert address[1:] in anchors, address
            elif address.startswith("/") and not address.startswith("/static/"):
                assert Client().get(address).status_code in {200, 302}, address


def test_fee_and_bounds_are_the_cohorts() -> None:
    make.cohort(
        fee_minor=41050, min_years_employed=3, refuse_below_percent=55, clean_from_percent=75, currency="EUR"
    )
    assert "€410.50" in shown("fees")
    assert "€4,105.00" in shown("for_districts")
    numbers = shown("requirements")
    assert "At least 3 full school years" in numbers
    assert "75&nbsp;% of your work time or more. From 55&nbsp;%" in numbers


def test_the_ways_to_pay_are_those_that_are_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        label = "Carrier pigeon"

    monkeypatch.setattr("payments.gateways.enabled", lambda: (Elsewhere(),))
    page = shown("fees")
    assert "Carrier pigeon" in page
    assert "Purchase order of a school or district" in page
    assert "sandbox" not in page


def test_the_three_years_are_drawn_with_their_dates() -> None:
    make.cohort(retakes_in_year_2=True)
    page = shown("process", datetime(2028, 5, 3, tzinfo=UTC))
    for said in (
        "Every entry, some of them, or none.",
        "all of them have to be in by now. Entries that fell short may be tried again.",
        "Entries that fell short, once more. No first attempts.",
        "15 June 2029, 23:59 CDT",
        "31 October 2028, 09:00 CDT",
    ):
        assert said in page
    assert page.count("is-current") == 1
    assert page.count('class="year-open"') == 1
    assert page.count('class="year-after"') == 2


def test_a_window_that_staff_moved_out_of_its_year_is_drawn_at_the_edge() -> None:
    cohort = make.cohort()
    cohort.years.filter(number=2).update(
        submission_opens_at=datetime(2029, 1, 1, tzinfo=UTC),
        submission_closes_at=datetime(2029, 2, 1, tzinfo=UTC),
        release_at=datetime(2029, 3, 1, tzinfo=UTC),
    )
    assert 'x="100.00%" y="16" width="0.00%"' in shown("process")


def test_a_sponsor_is_led_to_the_request_and_a_visitor_to_an_account() -> None:
    assert "?as=sponsor" in shown("for_districts")
    client = Client()
    client.force_login(make.account(Role.SPONSOR))
    with clock.fixed(NOW):
        assert reverse("payments:request_seats") in client.get(reverse("for_districts")).text


def test_each_question_opens_by_itself_and_has_an_address() -> None:
    page = shown("questions")
    assert page.count('<details class="question">') == page.count("<summary><h3>")
    assert '<div id="what-does-it-cost">' in page


@pytest.mark.django_db(transaction=True)
def test_questions_open_by_keyboard_and_by_their_address(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + reverse("questions") + "#what-does-it-cost")
    assert page.get_by_text("One fee for everything").is_visible()
    other = page.get_by_text("May I edit my videos?")
    answer = page.get_by_text("You may trim the beginning")
    assert not answer.is_visible()
    other.locator("xpath=ancestor::summary").focus()
    page.keyboard.press("Enter")
    assert answer.is_visible()
