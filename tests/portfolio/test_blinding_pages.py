"""The office's pages: what they show, who may open them, and that every look is on record."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from candidates.models import Candidacy
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from portfolio.blinding import selectors, services
from portfolio.models import Blinding, Evidence
from portfolio.states import BlindingState
from tests.factories import blinding as made
from tests.factories import portfolio
from tests.factories import scoring as scoring_made

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Settings) -> None:
    settings.MFA_REQUIRED = False


@pytest.fixture
def candidacy() -> Candidacy:
    made.a_framework_with_video()
    return made.a_named_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> datetime:
    return made.instants(candidacy).after


@pytest.fixture
def cleaned(tmp_path: Path, candidacy: Candidacy, now: datetime) -> Blinding:
    return made.a_cleaned_blinding(made.a_sealed_entry(tmp_path, candidacy, video=True), now)


@pytest.fixture
def first() -> User:
    return portfolio.a_staff_member()


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _look(blinding: Blinding) -> str:
    return reverse("admin:portfolio_blinding_look", args=[blinding.pk])


def _post(client: Client, blinding: Blinding, do: str, **fields: str) -> tuple[int, str]:
    given = {f"{do}-{name}": value for name, value in fields.items()}
    answer = client.post(_look(blinding), {"do": do, **given})
    return answer.status_code, answer.content.decode()


def test_the_page_shows_every_copy_whom_to_look_for_and_what_was_found(
    cleaned: Blinding, first: User
) -> None:
    shown = _client(first).get(_look(cleaned)).content.decode()
    for file in cleaned.files.all():
        assert reverse("admin:portfolio_blinding_copy", args=[file.pk]) in shown
    assert made.EMAIL in shown
    assert made.DISTRICT in shown
    assert "Written pieces" in shown
    assert "file name" in shown


def test_two_people_check_and_sign_on_the_page(cleaned: Blinding, first: User) -> None:
    seen = services.copies_digest(cleaned)
    checker, signer = _client(first), _client(portfolio.a_staff_member())
    assert _post(checker, cleaned, "check", seen=seen, looked_at="on")[0] == 302
    assert "You checked this one" in checker.get(_look(cleaned)).content.decode()
    status, refused = _post(checker, cleaned, "sign", seen=seen, looked_at="on")
    assert status == 409
    assert "second person" in refused
    assert _post(signer, cleaned, "sign", seen=seen, looked_at="on")[0] == 302
    cleaned.refresh_from_db()
    assert cleaned.state == BlindingState.SIGNED_OFF
    assert str(cleaned.packet_code) in signer.get(_look(cleaned)).content.decode()


def test_without_the_statement_nothing_is_checked(cleaned: Blinding, first: User) -> None:
    status, shown = _post(_client(first), cleaned, "check", seen=services.copies_digest(cleaned))
    assert status == 422
    assert "Look at every page" in shown
    cleaned.refresh_from_db()
    assert cleaned.state == BlindingState.CLEANED


def test_sending_back_keeps_what_was_typed_when_it_is_refused(cleaned: Blinding, first: User) -> None:
    client = _client(first)
    status, shown = _post(client, cleaned, "send_back", reason="A nickname shows.", also_cover="Jo")
    assert status == 409
    assert "A nickname shows." in shown
    assert "too short" in shown
    assert _post(client, cleaned, "send_back", reason="A nickname shows.", also_cover="Jojo\n\n")[0] == 302
    cleaned.refresh_from_db()
    assert (cleaned.state, cleaned.also_cover) == (BlindingState.WAITING, ["Jojo"])
    assert "A nickname shows." in client.get(_look(cleaned)).content.decode()


def test_something_recorded_is_shown_as_manual_work_until_settled(cleaned: Blinding, first: User) -> None:
    client = _client(first)
    evidence = Evidence.objects.filter(entry=cleaned.entry, slot__key="clip").get()
    sent = {"evidence": str(evidence.pk), "where": "0:42", "what": "The teacher says the name."}
    assert _post(client, cleaned, "record", **sent)[0] == 302
    assert "Needs manual work" in client.get(_look(cleaned)).content.decode()
    finding = cleaned.findings.get(recorded_by=first)
    assert _post(client, cleaned, "settle", finding=str(finding.pk), how="It is another word.")[0] == 302
    assert "It is another word." in client.get(_look(cleaned)).content.decode()


def test_a_file_of_another_entry_cannot_be_named(
    cleaned: Blinding, first: User, tmp_path: Path, candidacy: Candidacy
) -> None:
    other = made.a_sealed_entry(tmp_path, candidacy, key="entry-2")
    foreign = Evidence.objects.filter(entry=other).first()
    assert foreign is not None
    status, _ = _post(_client(first), cleaned, "record", evidence=str(foreign.pk), where="1", what="x")
    assert status == 422


def test_what_failed_says_why_and_is_tried_again(cleaned: Blinding, first: User, now: datetime) -> None:
    services.send_back_blinding(blinding_id=cleaned.pk, by=first, reason="Again.", now=now)
    Blinding.objects.filter(pk=cleaned.pk).update(state="failed", problem="The file cannot be drawn.")
    client = _client(first)
    assert "The file cannot be drawn." in client.get(_look(cleaned)).content.decode()
    assert _post(client, cleaned, "again")[0] == 302
    cleaned.refresh_from_db()
    assert cleaned.state == BlindingState.WAITING
    assert "copies are being made" in client.get(_look(cleaned)).content.decode()


def test_an_unknown_button_does_not_exist(cleaned: Blinding, first: User) -> None:
    assert _post(_client(first), cleaned, "publish")[0] == 404


def test_a_copy_is_served_to_the_byte_and_in_parts(cleaned: Blinding, first: User) -> None:
    video = cleaned.files.get(kind="video")
    url = reverse("admin:portfolio_blinding_copy", args=[video.pk])
    client = _client(first)
    whole = b"".join(client.get(url))
    assert hashlib.sha256(whole).hexdigest() == video.sha256
    part = client.get(url, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert b"".join(part) == whole[100:200]


def test_every_look_is_on_record_once_an_hour(cleaned: Blinding, first: User, now: datetime) -> None:
    client = _client(first)
    url = reverse("admin:portfolio_blinding_copy", args=[cleaned.files.get(kind="video").pk])
    with clock.fixed(now):
        client.get(_look(cleaned))
        for _ in range(3):
            b"".join(client.get(url, headers={"Range": "bytes=0-9"}))
    looks = AuditEvent.objects.filter(actor_id=first.pk, action__startswith="looked at")
    assert sorted(looks.values_list("action", flat=True)) == ["looked at blinding", "looked at cleaned copy"]


def test_nobody_but_staff_opens_any_of_it(cleaned: Blinding, candidacy: Candidacy) -> None:
    urls = [
        _look(cleaned),
        reverse("admin:portfolio_blinding_copy", args=[cleaned.files.all()[0].pk]),
        reverse("admin:portfolio_blinding_unmatched"),
        reverse("admin:portfolio_blinding_changelist"),
    ]
    for user in (candidacy.account, scoring_made.account(), scoring_made.account("lead_scorer")):
        client = _client(user)
        for url in urls:
            assert client.get(url, follow=True).status_code == 404, (user.role, url)
    for url in urls:
        assert Client().get(url).status_code == 302


def test_what_does_not_exist_is_not_found(cleaned: Blinding, first: User) -> None:
    client = _client(first)
    stranger = cleaned.entry_id
    assert client.get(reverse("admin:portfolio_blinding_look", args=[stranger])).status_code == 404
    assert client.get(reverse("admin:portfolio_blinding_copy", args=[stranger])).status_code == 404


def test_the_list_counts_by_state_and_leads_to_the_page(cleaned: Blinding, first: User) -> None:
    assert selectors.counts()[BlindingState.CLEANED] == 1
    client = _client(first)
    shown = client.get(reverse("admin:portfolio_blinding_changelist")).content.decode()
    assert "<strong>1</strong> Waiting for the check" in shown
    assert cleaned.entry.candidacy.number in shown
    change = reverse("admin:portfolio_blinding_change", args=[cleaned.pk])
    assert client.get(change).headers["Location"] == _look(cleaned)


def test_a_person_is_led_only_to_what_they_may_do(cleaned: Blinding, first: User, now: datetime) -> None:
    assert selectors.waiting_for(first).get() == cleaned
    services.check_blinding(blinding_id=cleaned.pk, by=first, now=now)
    assert not selectors.waiting_for(first).exists()
    assert selectors.waiting_for(portfolio.a_staff_member()).get() == cleaned


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_database_the_same_number_of_times(
    rows: int,
    candidacy: Candidacy,
    now: datetime,
    first: User,
    tmp_path: Path,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    people = [candidacy, *(made.a_named_candidate(email=f"o{n}@example.org") for n in range(rows - 1))]
    for person in people:
        made.a_sealed_entry(tmp_path, person)
    services.prepare()
    client = _client(first)
    with django_assert_num_queries(8):
        client.get(reverse("admin:portfolio_blinding_changelist"))
