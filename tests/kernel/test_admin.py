"""Staff read the mails and the trail, and may have a mail tried again; nobody writes either."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Role, User
from certification.kernel import audit, clock, outbox
from certification.kernel.models import AuditEvent, OutboxMessage
from tests.factories.accounts import person, signed_in

pytestmark = pytest.mark.django_db

MAILS = "/admin/kernel/outboxmessage/"
TRAIL = "/admin/kernel/auditevent/"
NOW = datetime(2027, 10, 31, 14, tzinfo=UTC)


@pytest.fixture
def boss() -> User:
    return person(Role.STAFF)


@pytest.fixture
def office(boss: User, settings: Settings) -> Client:
    settings.MFA_REQUIRED = False
    return signed_in(boss)


def mail(key: str, **fields: object) -> OutboxMessage:
    outbox.queue(
        dedupe_key=key, to=f"{key}@example.org", subject=f"About {key}", body="Body.", kind="receipt"
    )
    OutboxMessage.objects.filter(dedupe_key=key).update(**fields)
    return OutboxMessage.objects.get(dedupe_key=key)


@pytest.fixture
def mails() -> dict[str, OutboxMessage]:
    return {
        "waiting": mail("waiting"),
        "given_up": mail("given_up", attempts=outbox.MAX_ATTEMPTS, last_error="SMTPDataError: no"),
        "sent": mail("sent", sent_at=NOW, attempts=1),
    }


@pytest.mark.parametrize("standing", ["waiting", "given_up", "sent"])
def test_mails_are_found_by_where_they_stand(
    office: Client, mails: dict[str, OutboxMessage], standing: str
) -> None:
    page = office.get(MAILS, {"delivery": standing}).text
    assert [name for name in mails if f"{name}@example.org" in page] == [standing]


def test_mails_and_acts_are_found_by_their_words(office: Client, mails: dict[str, OutboxMessage]) -> None:
    audit.record(actor=None, action="released scores", subject=("portfolio.Release", "2027"))
    audit.record(actor=None, action="extended deadline", subject=("candidates.Candidacy", "7"))
    assert "given_up@example.org" not in office.get(MAILS, {"q": "About sent"}).text
    found = office.get(TRAIL, {"q": "portfolio.Release"}).text
    assert 'title="released' in found or ">released scores</td>" in found
    assert ">extended deadline</td>" not in found


def test_the_cockpits_link_to_unsent_mails_works(office: Client, mails: dict[str, OutboxMessage]) -> None:
    page = office.get(MAILS, {"sent_at__isnull": "1"})
    assert page.status_code == 200
    assert "given_up@example.org" in page.text
    assert "sent@example.org" not in page.text


def test_a_mail_can_be_read_whole(office: Client, mails: dict[str, OutboxMessage]) -> None:
    page = office.get(reverse("admin:kernel_outboxmessage_change", args=[mails["given_up"].pk])).text
    assert "Body." in page
    assert "SMTPDataError: no" in page
    assert "Given up" in page


def test_a_mail_that_was_given_up_is_tried_again_and_a_sent_one_is_not(
    office: Client, boss: User, mails: dict[str, OutboxMessage]
) -> None:
    chosen = [str(mails[name].pk) for name in ("given_up", "sent")]
    page = office.post(MAILS, {"action": "try_again", "_selected_action": chosen}, follow=True).text
    assert "1 will be tried again" in page
    assert "This mail was sent already." in page
    assert OutboxMessage.objects.get(dedupe_key="given_up").attempts == 0
    assert OutboxMessage.objects.get(dedupe_key="sent").attempts == 1
    event = AuditEvent.objects.get(action="tried mail again")
    assert (event.actor_id, event.subject_id) == (boss.pk, str(mails["given_up"].pk))


@pytest.mark.parametrize("listing", [MAILS, TRAIL])
def test_nobody_writes_here(office: Client, listing: str, mails: dict[str, OutboxMessage]) -> None:
    event = audit.record(actor=None, action="released scores", subject=("portfolio.Release", "2027"))
    row = mails["waiting"].pk if listing == MAILS else event.pk
    assert office.get(f"{listing}{row}/change/").status_code == 200
    assert office.get(f"{listing}add/").status_code == 403
    assert office.post(f"{listing}{row}/delete/", {"post": "yes"}).status_code == 403
    assert office.post(f"{listing}{row}/change/", {"action": "nothing", "subject": "x"}).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("listing", "queries"), [(MAILS, 5), (TRAIL, 8)])
def test_the_number_of_queries_does_not_grow(
    office: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    listing: str,
    queries: int,
    rows: int,
) -> None:
    with clock.fixed(NOW):
        for number in range(rows):
            mail(f"mail{number}")
            audit.record(actor=None, action="released scores", subject=("portfolio.Release", str(number)))
    office.get(listing)
    with clock.fixed(NOW), django_assert_num_queries(queries):
        office.get(listing)
