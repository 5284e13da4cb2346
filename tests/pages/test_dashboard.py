"""The dashboard: one next thing to do in every state, before, within and after each window."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Role, User
from candidates.documents import publish_documents
from candidates.models import Candidacy, Cohort
from certification.kernel import clock
from certification.pages.dashboard import dashboard_of
from certification.pages.next_step import NextStep
from payments import services as payments
from payments.models import Order
from portfolio import sealing
from portfolio.consent import services as consent
from portfolio.results.services import release_due
from tests.factories import candidates as registering
from tests.factories import payments as paying
from tests.factories import portfolio as make
from tests.factories import results as scored

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)
NOW = registering.REGISTERING


def step_of(account: User, now: datetime) -> NextStep:
    return dashboard_of(account, now).step


def page_of(account: User, now: datetime) -> str:
    client = Client()
    client.force_login(account)
    with clock.fixed(now):
        return client.get(reverse("dashboard")).text


# ---- registering ----


def test_before_registration_opens_the_day_is_named() -> None:
    person, window = registering.account(), registering.cohort().registration_window
    step = step_of(person, window.opens - TICK)
    assert (step.waiting, step.opens, step.until) == (True, window.opens, None)
    assert "1 November 2026" in page_of(person, window.opens - TICK)


def test_an_open_registration_says_until_when() -> None:
    person, window = registering.account(), registering.cohort().registration_window
    step = step_of(person, window.opens)
    assert (step.action, step.waiting, step.until) == ("Register", False, window.closes)
    assert step_of(person, window.closes).until is None


def test_a_draft_goes_on_and_after_the_window_is_over() -> None:
    draft = registering.draft()
    closes = draft.cohort.registration_window.closes
    assert step_of(draft.account, closes - TICK).title == "Go on registering for Cohort 10"
    late = step_of(draft.account, closes)
    assert late.title == "Your registration for Cohort 10 lapsed"
    assert late.until is None
    assert late.url


def test_a_refusal_says_why() -> None:
    refused = registering.sent(full_time=False)
    assert "Why you could not register" in page_of(refused.account, NOW)
    assert step_of(refused.account, NOW).until == refused.cohort.registration_window.closes


def test_a_fee_that_is_owed_says_until_when_it_can_be_paid() -> None:
    sent = registering.sent()
    step = step_of(sent.account, NOW)
    assert (step.title, step.waiting) == ("Pay the registration fee", False)
    assert step.until == sent.cohort.registration_window.closes


def test_a_payment_page_left_open_is_not_taken_for_a_payment() -> None:
    sent = registering.sent()
    paying.attempt(Order.objects.get(payer=sent.account), now=NOW)
    step = step_of(sent.account, NOW)
    assert (step.title, step.action, step.waiting) == ("Finish your payment", "Go on paying", False)


def test_a_pending_card_is_waited_for_and_the_payment_can_be_seen() -> None:
    sent = registering.sent()
    registering.pay(sent, card=registering.PENDING_CARD)
    step = step_of(sent.account, NOW)
    assert (step.title, step.waiting, step.until) == ("Your payment is being checked", True, None)
    assert step.url == Order.objects.get(payer=sent.account).get_absolute_url()


def test_a_purchase_order_is_with_staff_until_they_decide() -> None:
    sent = registering.sent()
    order = Order.objects.get(payer=sent.account)
    request = paying.purchase_order(order, now=NOW)
    step = step_of(sent.account, NOW)
    assert (step.title, step.waiting) == ("Your purchase order is with our staff", True)
    payments.decline_purchase_order(
        purchase_order_id=request.pk, by=paying.office(), reason="No signature.", now=NOW
    )
    assert step_of(sent.account, NOW).title == "Pay the registration fee"


def test_a_fee_not_begun_in_time_is_not_asked_for() -> None:
    sent = registering.sent()
    late = step_of(sent.account, sent.cohort.registration_window.closes)
    assert (late.title, late.until) == ("It is too late to pay", None)


# ---- a candidacy ----


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


def test_before_the_window_the_first_entry_is_begun_and_both_days_are_named(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    step = step_of(candidacy.account, window.opens - TICK)
    assert step.title.startswith("Begin Entry 1")
    assert (step.opens, step.until) == (window.opens, window.closes)


def test_a_prepared_entry_waits_for_the_window_and_is_then_submitted(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    for key in ("entry-1", "entry-2"):
        make.a_complete_draft(candidacy, window.opens - timedelta(days=1), key=key)
    before = step_of(candidacy.account, window.opens - TICK)
    assert (before.title, before.waiting, before.opens) == ("Your entries are prepared", True, window.opens)
    opened = step_of(candidacy.account, window.opens)
    assert opened.title.startswith("Submit Entry 1")
    assert (opened.opens, opened.until, opened.waiting) == (None, window.closes, False)


def test_an_entry_with_a_video_of_unknown_people_leads_to_the_consent_page(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    entry = make.a_complete_draft(candidacy, window.opens)
    video = make.a_video(entry, window.opens)
    consent_page = reverse("portfolio:consent", args=[entry.pk])

    step = step_of(candidacy.account, window.opens)

    assert (step.title, step.url, step.action) == (
        "Say who is seen in your videos",
        consent_page,
        "Say who is seen",
    )
    assert step.until == window.closes
    shown = page_of(candidacy.account, window.opens)
    assert "submit it" not in shown
    assert f'<a href="{reverse("portfolio:entry", args=[entry.pk])}">{entry.template.title}</a>' in shown

    consent.state_nobody(evidence_id=video.pk, by=candidacy.account, now=window.opens)
    assert step_of(candidacy.account, window.opens).title.startswith("Submit Entry 1")


def test_an_unfinished_entry_says_how_much_is_there(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    make.a_draft(candidacy, window.opens)
    step = step_of(candidacy.account, window.opens)
    assert step.title.startswith("Go on with Entry 1")
    assert step.body == "0 of 1 required pieces are there."


def test_handed_in_work_can_be_changed_until_the_window_closes_and_is_then_scored(
    candidacy: Candidacy,
) -> None:
    window, release = make.window_of(candidacy), candidacy.cohort.years.get(number=1).release_at
    for key in ("entry-1", "entry-2"):
        make.a_submitted_entry(candidacy, window.opens, key=key)
    within = step_of(candidacy.account, window.closes - TICK)
    assert (within.title, within.until, within.scores_at) == (
        "Your work is handed in",
        window.closes,
        release,
    )
    after = step_of(candidacy.account, window.closes)
    assert (after.title, after.until, after.scores_at) == ("Your work is being scored", None, release)
    assert "31 October 2027" in page_of(candidacy.account, window.closes)


def test_who_handed_in_nothing_is_not_sent_to_results_there_are_not(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    make.a_complete_draft(candidacy, window.opens)
    sealing.seal_due(window.closes)
    step = step_of(candidacy.account, window.closes)
    assert (step.title, step.url, step.waiting) == ("The submission window is over", "", True)


def test_a_certified_person_waits_for_the_certificate_until_it_is_made() -> None:
    cohort = scored.a_cohort()
    candidacy = make.a_candidate(cohort)
    scored.all_scored(candidacy, "3.5", "3.5")
    at = scored.release_instant(cohort)
    release_due(at)
    step = step_of(candidacy.account, at)
    assert (step.title, step.waiting) == ("You are certified", True)


def test_the_year_of_an_ended_candidacy_leads_to_its_results() -> None:
    cohort = scored.a_cohort()
    publish_documents(registering.PUBLISHED)
    candidacy = registering.candidacy(in_cohort=cohort)
    for year in (1, 2):
        release_due(scored.release_instant(cohort, year))
    at = scored.release_instant(cohort, 2)
    page = dashboard_of(candidacy.account, at)
    assert page.step.title == "Your candidacy has ended"
    assert page.step.url == page.results[-1].url


# ---- whose it is ----


@pytest.mark.parametrize(
    ("full_name", "greeting"),
    [("Dr. Ada Prof. Long-Name", "Welcome, Ada"), ("", "Your certification")],
)
def test_a_person_is_greeted_by_first_name(full_name: str, greeting: str) -> None:
    assert greeting in page_of(registering.account(full_name=full_name), NOW)


def test_a_person_without_a_name_is_greeted_by_the_certificate_s() -> None:
    draft = registering.draft(of=registering.account(full_name=""))
    assert "Welcome, Alex" in page_of(draft.account, NOW)


@pytest.mark.parametrize(
    ("role", "entrance"),
    [(Role.STAFF, "admin:index"), (Role.SCORER, "scoring:queue"), (Role.LEAD_SCORER, "scoring:queue")],
)
def test_others_are_led_to_their_work(role: Role, entrance: str, settings: Settings) -> None:
    settings.MFA_REQUIRED = False
    client = Client()
    client.force_login(registering.account(role))
    assert client.get(reverse("dashboard"))["Location"] == reverse(entrance)


@pytest.mark.parametrize("attempts", [1, 2])
def test_the_dashboard_takes_the_same_queries_however_long_the_history(
    attempts: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    cohort = scored.a_cohort()
    Cohort.objects.filter(pk=cohort.pk).update(retakes_in_year_2=True)
    candidacy = make.a_candidate(cohort)
    for year in (1, 2):
        if year <= attempts:
            scored.all_scored(candidacy, "2", "2", year=year)
        release_due(scored.release_instant(cohort, year))
    with django_assert_num_queries(25):
        dashboard_of(candidacy.account, scored.release_instant(cohort, 2))
