"""A candidate's own judgement: kept as they make it, and shown to nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from candidates.models import Candidacy
from certification.kernel import clock
from portfolio.models import Entry, SelfAssessment
from tests.factories import blinding
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db

CANARY = "My secret doubt about the second video"


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> Iterator[datetime]:
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield opens


@pytest.fixture
def entry(candidacy: Candidacy, now: datetime) -> Entry:
    return make.a_draft(candidacy, now)


@pytest.fixture
def client(candidacy: Candidacy) -> Client:
    client = Client()
    client.force_login(candidacy.account)
    return client


def address_of(entry: Entry) -> str:
    return reverse("portfolio:self_assessment", args=[entry.pk])


def said(entry: Entry) -> dict[str, tuple[int | None, str]]:
    return {row.look_for: (row.level, row.note) for row in entry.self_assessments.all()}


def test_every_look_for_is_there_with_its_levels_and_the_page_says_whose_it_is(
    client: Client, entry: Entry
) -> None:
    shown = client.get(address_of(entry)).content.decode()

    assert shown.count('class="self-levels"') == 8
    assert shown.count('type="radio"') == 8 * 5
    assert "yours alone" in shown
    assert "0 of 8" in shown


def test_what_is_said_is_kept_and_shown_again(client: Client, entry: Entry) -> None:
    sent = client.post(
        address_of(entry),
        {"level-identify": "3", "note-identify": CANARY, "level-learn": "", "note-learn": ""},
    )

    assert sent["Location"] == address_of(entry)
    assert said(entry)["identify"] == (3, CANARY)
    shown = client.get(address_of(entry)).content.decode()
    assert CANARY in shown
    assert re.search(r'<input[^>]*name="level-identify"[^>]*value="3"[^>]*checked', shown)
    assert "1 of 8" in shown
    assert "1 of 8" in client.get(reverse("portfolio:entry", args=[entry.pk])).content.decode()


def test_saving_by_itself_changes_only_what_it_names_and_answers_with_the_drawing(
    client: Client, entry: Entry
) -> None:
    client.post(address_of(entry), {"level-identify": "3", "note-identify": CANARY})

    answer = client.post(
        address_of(entry), {"level-learn": "2", "note-learn": ""}, headers={"X-Autosave": "yes"}
    )

    assert answer.status_code == 200
    assert "2 of 8" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert said(entry) == {"identify": (3, CANARY), "learn": (2, "")}


def test_a_judgement_may_be_taken_back(client: Client, entry: Entry) -> None:
    for level in ("4", ""):
        client.post(address_of(entry), {"level-identify": level, "note-identify": ""})

    assert said(entry) == {"identify": (None, "")}


def test_a_note_that_is_too_long_stays_on_the_page_and_says_so(client: Client, entry: Entry) -> None:
    long = {"level-identify": "9", "note-identify": "a" * 4001}

    page = client.post(address_of(entry), long)
    by_itself = client.post(address_of(entry), long, headers={"X-Autosave": "yes"})

    assert (page.status_code, by_itself.status_code) == (422, 422)
    assert "a" * 4001 in page.content.decode()
    assert "longer than 4,000 letters" in by_itself.json()["problem"]
    assert said(entry) == {}


def test_it_can_be_kept_while_the_entry_is_scored(client: Client, entry: Entry, now: datetime) -> None:
    make.add(entry, now)
    make.submit(entry, now)

    client.post(address_of(entry), {"level-identify": "3", "note-identify": ""})

    assert said(entry) == {"identify": (3, "")}


def test_another_candidate_is_told_that_there_is_no_such_page(entry: Entry) -> None:
    stranger = Client()
    stranger.force_login(make.a_candidate(entry.candidacy.cohort).account)

    for method in ("get", "post"):
        assert getattr(stranger, method)(address_of(entry)).status_code == 404
    assert said(entry) == {}


def test_no_page_of_the_staff_shows_it(
    tmp_path: Path, candidacy: Candidacy, settings: Any, django_assert_num_queries: Any
) -> None:
    """Every page of the administration that names an entry, or nothing at all, is opened."""
    settings.MFA_REQUIRED = False
    sealed = blinding.a_sealed_entry(tmp_path, candidacy)
    looked_at = blinding.a_cleaned_blinding(sealed, blinding.instants(candidacy).after)
    SelfAssessment.objects.create(
        entry=sealed, look_for="identify", level=1, note=CANARY, changed_at=sealed.created_at
    )
    staff = Client()
    staff.force_login(make.a_staff_member())

    opened = 0
    for address in staff_addresses(sealed, looked_at.pk):
        answer = staff.get(address)
        body = answer.getvalue()
        assert CANARY not in body.decode(errors="replace"), address
        opened += answer.status_code == 200
    assert opened > 20


def staff_addresses(entry: Entry, blinding_id: object) -> list[str]:
    names = [name for name in get_resolver().namespace_dict["admin"][1].reverse_dict if isinstance(name, str)]
    found = []
    for name in names:
        for values in ([], [entry.pk], [entry.candidacy_id], [blinding_id]):
            try:
                found.append(reverse(f"admin:{name}", args=values))
            except NoReverseMatch:
                continue
    return found


def test_nothing_but_the_candidates_own_page_asks_for_it() -> None:
    """The guard against tomorrow: a new page, export or mail that reads it has to be written down here."""
    allowed = {
        "portfolio/models.py",
        "portfolio/self_assessment.py",
        "portfolio/self_assessment_views.py",
        "portfolio/services/self_assessment.py",
        "portfolio/forms.py",
        "portfolio/views.py",
        "portfolio/urls.py",
    }
    root = Path(site_settings.BASE_DIR)
    apps = ("certification", "accounts", "payments", "scoring", "candidates", "portfolio", "certificates")
    asking = {
        str(path.relative_to(root))
        for app in apps
        for path in (root / app).rglob("*.py")
        if "migrations" not in path.parts and re.search(r"self_?assess", path.read_text(), re.IGNORECASE)
    }
    assert asking - allowed == set()
    assert SelfAssessment not in admin.site._registry


def test_the_page_costs_the_same_for_one_judgement_and_for_three(
    client: Client, entry: Entry, django_assert_num_queries: Any
) -> None:
    for count, key in enumerate(("identify", "learn", "improve"), start=1):
        client.post(address_of(entry), {f"level-{key}": "3", f"note-{key}": ""})
        if count != 2:
            with django_assert_num_queries(7):
                client.get(address_of(entry))
