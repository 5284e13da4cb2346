"""Staff see what is stuck and what cannot be used, and have it tried again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Role
from candidates.models import Candidacy
from certification.cockpit.selectors import cockpit
from portfolio.models import Entry, Preparation
from portfolio.renditions import making
from portfolio.states import PreparationState, Scan
from tests.factories import portfolio
from tests.factories import renditions as factory
from tests.factories.accounts import person, signed_in

pytestmark = pytest.mark.django_db

LIST = "admin:portfolio_preparation_changelist"


@pytest.fixture(autouse=True)
def _one_step(settings: Settings) -> None:
    settings.MFA_REQUIRED = False


@pytest.fixture
def office() -> Client:
    return signed_in(person(Role.STAFF))


@pytest.fixture
def rejected(tmp_path: Path, entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Preparation:
    def refuse(*args: object) -> None:
        raise making.BadInput("Page 7 of the document cannot be drawn.")

    with monkeypatch.context() as patch:
        patch.setattr(making, "document", refuse)
        piece = factory.a_document(tmp_path, entry, now)
        factory.prepare_all(now)
    piece.refresh_from_db()
    return piece


def _urgent(now: datetime) -> int:
    tasks = {task.label: task for task in cockpit(now).tasks}
    return tasks["Unusable files in entries handed in"].count


def test_the_list_says_what_cannot_be_used_and_why(rejected: Preparation, office: Client) -> None:
    shown = office.get(reverse(LIST)).content.decode()
    assert "Page 7 of the document cannot be drawn." in shown
    assert rejected.evidence.original_name in shown
    assert rejected.evidence.entry.candidacy.number in shown
    assert "<strong>1</strong> Not usable" in shown
    page = office.get(reverse("admin:portfolio_preparation_change", args=[rejected.pk]))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content


def test_it_is_tried_again_from_the_list(rejected: Preparation, office: Client, now: datetime) -> None:
    chosen = {"action": "try_again", "_selected_action": str(rejected.pk)}
    answer = office.post(reverse(LIST), chosen, follow=True)
    assert "1 will be prepared again" in answer.content.decode()
    rejected.refresh_from_db()
    assert (rejected.state, rejected.tries, rejected.scan) == (PreparationState.RECEIVED, 0, Scan.NOT_ASKED)
    assert factory.prepare_all(now)["ready"] == 1


def test_the_first_page_counts_it_once_its_candidate_cannot_mend_it_unaided(
    rejected: Preparation, office: Client, now: datetime, tmp_path: Path, candidacy: Candidacy
) -> None:
    assert _urgent(now) == 0
    # Handed in while it was still being prepared: rejected only afterwards.
    Entry.objects.filter(pk=rejected.evidence.entry_id).update(state="submitted", submitted_at=now)
    assert _urgent(now) == 1
    listing = office.get(f"{reverse(LIST)}?state__exact=rejected&entry=handed_in")
    assert listing.context["cl"].result_count == 1
    assert office.get(f"{reverse(LIST)}?entry=preparing").context["cl"].result_count == 0


def test_the_list_asks_as_much_of_one_piece_as_of_three(
    rejected: Preparation, office: Client, tmp_path: Path, now: datetime, candidacy: Candidacy
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert office.get(reverse(LIST)).status_code == 200
        return len(queries)

    asked()
    one = asked()
    factory.a_video(tmp_path, rejected.evidence.entry, now)
    factory.a_document(tmp_path, portfolio.a_draft(candidacy, now, key="entry-2"), now)
    assert Preparation.objects.count() == 3
    assert asked() == one


@pytest.mark.parametrize(
    ("address", "said"), [("", "No scanner is set up"), ("tcp://127.0.0.1:1", "Not asked")]
)
def test_what_no_scanner_has_looked_into_says_whether_one_will(
    rejected: Preparation, office: Client, settings: Settings, address: str, said: str
) -> None:
    settings.CLAMAV_ADDRESS = address
    for url in (reverse(LIST), reverse("admin:portfolio_preparation_change", args=[rejected.pk])):
        shown = office.get(url).content.decode()
        assert f">{said}<" in shown
        assert (">No scanner is set up<" in shown) == (not address)


def test_only_staff_see_it(rejected: Preparation, candidacy: Candidacy) -> None:
    client = signed_in(candidacy.account)
    assert client.get(reverse(LIST)).status_code in (302, 404)
