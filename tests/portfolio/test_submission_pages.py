"""The last look, the affirmations and the wish for the close, in the browser's terms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from candidates.documents import publish_document
from candidates.models import Candidacy
from candidates.states import SubmissionKind
from certification.kernel import clock
from portfolio import sealing, services
from portfolio.models import Entry, Preparation, Receipt
from portfolio.states import EntryState, PreparationState
from tests.factories import portfolio as make
from tests.factories.uploads import a_completed_upload

pytestmark = pytest.mark.django_db

QUERIES = 20  # of the last look, with its texts read before


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
def client(candidacy: Candidacy) -> Client:
    client = Client()
    client.force_login(candidacy.account)
    return client


def page_of(entry: Entry) -> str:
    return reverse("portfolio:submit", args=[entry.pk])


def at_close(entry: Entry) -> str:
    return reverse("portfolio:submit_at_close", args=[entry.pk])


def test_everything_that_is_missing_is_said_at_once(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    entry = make.a_draft(candidacy, now)
    make.a_video(entry, now)
    a_completed_upload(entry, make.a_pdf(note="on its way"), now)

    answer = client.post(page_of(entry), {"originality": "on", "originality-version": "1"})

    assert answer.status_code == 422
    for words in (
        "is empty.",
        "“clip.mp4” in “Clip”: say who is seen in it",
        "“written.pdf” is still being checked",
        "Not affirmed: “Everybody who is seen has agreed to it.”",
        "A file is still being checked",
        reverse("portfolio:submit_at_close", args=[entry.pk]),
    ):
        assert words in answer.text
    assert "Not affirmed: “This is my own work.”" not in answer.text
    assert "Submit this entry?" not in answer.text
    assert not Receipt.objects.exists()


def test_what_is_missing_leads_to_where_it_is_mended_and_holds_the_button_back(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    entry = make.a_draft(candidacy, now)
    video = make.a_video(entry, now)
    a_completed_upload(entry, make.a_pdf(note="on its way"), now)
    files = reverse("portfolio:entry", args=[entry.pk])
    consent_page = reverse("portfolio:consent", args=[entry.pk])
    title = entry.template.slots.get(key="written").title

    for shown in (client.get(page_of(entry)).text, client.post(page_of(entry), make.AFFIRMED).text):
        for link in (
            f'<a href="{files}#slot-written">“{title}” is empty.',
            f'<a href="{files}#slot-written">“written.pdf” is still being checked',
            f'<a href="{consent_page}#video-{video.pk}">“clip.mp4” in “Clip”: say who is seen in it',
        ):
            assert link in shown
        assert "Submit this entry?" not in shown

    ready = make.a_complete_draft(candidacy, now, key="entry-2")
    shown = client.get(page_of(ready)).text
    assert "Something is missing" not in shown
    assert "Submit this entry?" in shown


def test_a_piece_that_cannot_be_used_holds_up_and_one_being_prepared_does_not(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, now)
    preparation = Preparation.objects.get(evidence__entry=entry)
    Preparation.objects.filter(pk=preparation.pk).update(state=PreparationState.CHECKING)
    Preparation.objects.filter(pk=preparation.pk).update(
        state=PreparationState.REJECTED, problem="It holds a program.", ended_at=now
    )
    refused = client.post(page_of(entry), make.AFFIRMED)
    assert refused.status_code == 409
    place = f"{reverse('portfolio:entry', args=[entry.pk])}#slot-written"
    said = f'<a href="{place}">“written.pdf” cannot be used: It holds a program.'
    assert said in refused.text
    assert said in client.get(page_of(entry)).text

    Preparation.objects.filter(pk=preparation.pk).update(state=PreparationState.RECEIVED, problem="")
    assert client.post(page_of(entry), make.AFFIRMED).status_code == 302


def test_a_text_that_changed_since_the_page_was_opened_is_read_again(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, now)
    assert "Version 1" in client.get(page_of(entry)).text
    publish_document(kind="consent", title="Consent", body="New.", by=make.a_staff_member(), now=now)

    answer = client.post(page_of(entry), make.AFFIRMED)

    assert answer.status_code == 422
    assert "This text has changed since you opened the page" in answer.text
    shown = answer.context["form"]
    assert (shown["consent-version"].value(), shown["consent"].value()) == ("2", False)
    assert shown["originality"].value() is True
    assert client.post(page_of(entry), make.AFFIRMED | {"consent-version": "2"}).status_code == 302
    assert {row["version"] for row in Receipt.objects.get().affirmations if row["kind"] == "consent"} == {2}


@pytest.mark.parametrize("act", ["submit_entry", "wish_submission_at_close"])
def test_a_text_that_changes_while_the_form_is_sent_is_read_again(
    client: Client, candidacy: Candidacy, now: datetime, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    entry = make.a_complete_draft(candidacy, now)
    service = getattr(services, act)

    def meanwhile(**asked: Any) -> Any:
        publish_document(kind="consent", title="Consent", body="New.", by=make.a_staff_member(), now=now)
        return service(**asked)

    monkeypatch.setattr(services, act, meanwhile)
    url = page_of(entry) if act == "submit_entry" else at_close(entry)
    answer = client.post(url, make.AFFIRMED)
    assert answer.status_code == 422
    assert "published anew meanwhile" in answer.text
    assert answer.context["form"]["consent-version"].value() == "2"

    monkeypatch.setattr(services, act, service)
    assert client.post(url, make.AFFIRMED | {"consent-version": "2"}).status_code == 302


def test_the_wish_is_asked_for_shown_and_taken_back(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    with clock.fixed(now - timedelta(days=10)):
        entry = make.a_complete_draft(candidacy, now - timedelta(days=10))
        assert "Submit it at the close" in client.get(at_close(entry)).text
        unaffirmed = client.post(at_close(entry))
        assert unaffirmed.status_code == 422
        assert unaffirmed.text.count("Not affirmed: “") == len(SubmissionKind)
        assert unaffirmed.text.count("Affirm this now: nobody asks you again at the close.") == 3

        assert client.post(at_close(entry), make.AFFIRMED)["Location"] == reverse(
            "portfolio:entry", args=[entry.pk]
        )
        for page in (reverse("portfolio:entry", args=[entry.pk]), page_of(entry), at_close(entry)):
            assert "Submits itself at the close" in client.get(page).text
        client.post(at_close(entry), {"take_back": "1"})
    entry.refresh_from_db()
    assert (entry.submit_at_close_since, entry.state) == (None, EntryState.DRAFT)


@pytest.mark.parametrize("asked", [True, False])
def test_between_the_close_and_its_submission_an_entry_is_not_called_lost(
    client: Client, candidacy: Candidacy, asked: bool
) -> None:
    closes = make.window_of(candidacy).closes
    pages = [reverse("portfolio:entries")]
    with clock.fixed(closes - timedelta(hours=1)):
        entry = make.a_complete_draft(candidacy, closes - timedelta(hours=1))
        pages += [reverse("portfolio:entry", args=[entry.pk]), page_of(entry)]
        if asked:
            client.post(at_close(entry), make.AFFIRMED)
            assert "It is submitted when the window closes, as you asked" in client.get(pages[0]).text
    with clock.fixed(closes):
        shown = [client.get(page).text for page in pages]
    assert ["being submitted as you asked" in page for page in shown] == [asked] * 3
    assert ["was not submitted" in page for page in shown] == [False, not asked, not asked]
    assert ["Not submitted" in page for page in shown] == [not asked, not asked, False]

    sealing.seal_due(closes)
    with clock.fixed(closes):
        assert not any("being submitted as you asked" in client.get(page).text for page in pages)


def test_a_withdrawal_too_late_says_so(client: Client, candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_submitted_entry(candidacy, closes - timedelta(hours=1))
    with clock.fixed(closes):
        answer = client.post(reverse("portfolio:withdraw", args=[entry.pk]))
    assert answer.status_code == 409
    assert "closed on 15 June 2027, 23:59 CDT" in answer.text


def test_the_last_look_costs_the_same_for_two_videos_and_for_three(
    client: Client, candidacy: Candidacy, now: datetime, django_assert_max_num_queries: Any
) -> None:
    entry = make.a_complete_draft(candidacy, now)
    form = make.a_release_form(entry, now)
    counts = []
    for name in ("one.mp4", "two.mp4", "three.mp4"):
        video = make.a_video(entry, now, name=name)
        Preparation.objects.create(evidence=video, received_at=now)
        make.a_person(video, now, form)
        with django_assert_max_num_queries(60) as asked:
            assert client.get(page_of(entry)).status_code == 200
        queries = [query["sql"] for query in asked.captured_queries]
        assert sum('JOIN "portfolio_nobodyseen"' in sql for sql in queries) == 1  # the ledger, read once
        counts.append(len(queries))
    assert counts[1:] == [QUERIES, QUERIES], counts
