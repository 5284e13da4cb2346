"""The office's first page: right counts, links to lists that exist, as many queries for many as for few."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Role, User
from certification.cockpit.selectors import Task, cockpit
from certification.kernel import audit, clock, outbox
from certification.kernel.models import AuditEvent, OutboxMessage
from portfolio.models import Blinding, Entry
from portfolio.states import BlindingState
from tests.factories import portfolio
from tests.factories import results as make
from tests.factories.accounts import person, signed_in
from tests.payments import desk_world as payments

pytestmark = pytest.mark.django_db

HOME = "/admin/"


@pytest.fixture(autouse=True)
def _one_step(settings: Settings) -> None:
    settings.MFA_REQUIRED = False


@pytest.fixture
def boss() -> User:
    """An ordinary member of the office, no administrator of the site."""
    return person(Role.STAFF)


@pytest.fixture
def office(boss: User) -> Client:
    return signed_in(boss)


def task(label: str) -> Task:
    seen = cockpit(clock.now())
    return next(one for one in (*seen.tasks, *seen.scoring) if one.label == label)


def counted(office: Client, url: str) -> int:
    """How many rows the list behind a tile has."""
    listing = office.get(url)
    assert listing.status_code == 200
    assert "?e=1" not in (listing.headers.get("Location") or "")
    return int(listing.context["cl"].result_count)


def test_an_empty_site_has_a_first_page(office: Client) -> None:
    page = office.get(HOME)
    assert page.status_code == 200
    assert "Nothing waits" in page.text
    assert "No cohort is announced" in page.text
    assert "No entry holds a release up" in page.text


def test_every_tile_leads_to_a_page_that_exists(office: Client) -> None:
    seen = cockpit(clock.now())
    for one in (*seen.tasks, *seen.scoring):
        assert office.get(one.url).status_code == 200, one


def test_every_list_and_its_add_page_opens_for_an_ordinary_member_of_the_office(office: Client) -> None:
    for model, options in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert office.get(reverse(f"{name}_changelist")).status_code == 200, model
        adds = options.has_add_permission(office.get(HOME).wsgi_request)
        assert office.get(reverse(f"{name}_add")).status_code == (200 if adds else 403), model


@pytest.mark.parametrize("role", [role for role in Role if role != Role.STAFF])
def test_nobody_else_has_a_cockpit(role: Role) -> None:
    assert signed_in(person(role)).get(HOME, follow=True).status_code == 404


def test_a_tile_counts_what_its_list_shows(office: Client) -> None:
    for key in ("one", "two"):
        outbox.queue(dedupe_key=key, to="a@example.org", subject="S", body="B", kind="k")
    OutboxMessage.objects.filter(dedupe_key="one").update(attempts=outbox.MAX_ATTEMPTS)
    mails = task("Mails that could not be sent")
    assert mails.count == 1 == counted(office, mails.url)
    assert mails.standing == "is-urgent"


def test_entries_are_counted_where_they_stand_and_block_the_release_by_name(office: Client) -> None:
    cohort = make.a_cohort()
    people = [portfolio.a_candidate(cohort=cohort) for _ in range(3)]
    unblinded = make.a_sealed_entry(people[0])
    Blinding.objects.create(entry=unblinded)
    unread = make.a_packet(make.a_sealed_entry(people[1]))
    make.a_scored_entry(people[2])
    with clock.fixed(make.release_instant(cohort) - timedelta(days=30)):
        assert task("Sealed").count == 3 == counted(office, task("Sealed").url)
        assert task("Ready to assign").count == 1 == counted(office, task("Ready to assign").url)
        assert task("Scored, not released").count == 1
        (release,) = cockpit(clock.now()).releases
        page = office.get(HOME).text
        nobody = task("Packets nobody can score")
    assert release.release_at == make.release_instant(cohort)
    assert {line.blocker.entry_id for line in release.lines} == {unblinded.pk, _entry_of(unread.code).pk}
    assert all(office.get(line.url).status_code == 200 for line in release.lines)
    assert people[0].number in page
    assert people[2].number not in page
    assert (nobody.count, nobody.standing) == (1, "is-urgent")


def _entry_of(code: str) -> Entry:
    return Blinding.objects.get(packet_code=code).entry


def test_the_first_page_asks_the_same_number_of_questions_for_one_entry_as_for_three() -> None:
    cohort = make.a_cohort()
    asked = []
    for number in (1, 2):
        for _ in range(number):
            make.a_packet(make.a_sealed_entry(portfolio.a_candidate(cohort=cohort)))
        with (
            clock.fixed(make.release_instant(cohort) - timedelta(days=30)),
            CaptureQueriesContext(connection) as queries,
        ):
            cockpit(clock.now())
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_a_blinding_waits_for_its_check(office: Client) -> None:
    entry = make.a_sealed_entry(portfolio.a_candidate(cohort=make.a_cohort()))
    Blinding.objects.create(entry=entry)
    assert task("Blindings to check").count == 0
    Blinding.objects.update(state=BlindingState.CLEANED, cleaned_at=entry.sealed_at)
    waiting = task("Blindings to check")
    assert waiting.count == 1 == counted(office, waiting.url)
    assert waiting.standing == "is-waiting"


def test_a_look_is_no_news(office: Client, boss: User) -> None:
    audit.record(actor=boss, action="looked at blinding", subject=("portfolio.Blinding", "1"))
    audit.record(actor=boss, action="extended deadline", subject=("candidates.Candidacy", "2"))
    assert [act.action for act in cockpit(clock.now()).acts] == ["extended deadline"]
    assert "extended deadline" in office.get(HOME).text


def test_a_change_by_hand_is_the_rows_history(office: Client) -> None:
    office.post(reverse("admin:scoring_rubric_add"), _rubric("First words"))
    from scoring.models import Rubric

    rubric = Rubric.objects.get(slug="trial")
    office.post(reverse("admin:scoring_rubric_change", args=[rubric.pk]), _rubric("Other words"))
    assert [act.action for act in AuditEvent.objects.order_by("at")] == ["added rubric", "changed rubric"]
    history = office.get(reverse("admin:scoring_rubric_history", args=[rubric.pk])).text
    assert "added rubric" in history
    assert "changed rubric" in history


def _rubric(title: str) -> dict[str, str]:
    return {
        "slug": "trial",
        "version": "1",
        "title": title,
        "entries-TOTAL_FORMS": "0",
        "entries-INITIAL_FORMS": "0",
    }


def test_the_password_is_changed_on_the_sites_own_page(client: Client) -> None:
    client.force_login(User.objects.create_superuser("office@programme.example", full_name="Office"))
    answer = client.get(reverse("admin:password_change"))
    assert answer.status_code == 302
    assert answer["Location"] == reverse("account_change_password")


def test_what_waits_in_payments_is_counted_where_it_is_done(office: Client, boss: User) -> None:
    payments.asked_back(boss)
    payments.overdue(boss)
    payments.overpaid(boss)
    payments.returned(boss)
    payments.disputed()
    payments.checking()
    with clock.fixed(payments.LATER):
        for label, standing in (
            ("Purchase orders asked back", "is-told"),
            ("Money to return", "is-urgent"),
            ("Disputes to answer", "is-urgent"),
            ("Overdue invoices", "is-urgent"),
            ("Payments being checked", "is-told"),
        ):
            tile = task(label)
            assert tile.count == 1 == counted(office, tile.url), label
            assert tile.standing == standing, label
        assert task("Purchase orders to decide").count == 0
