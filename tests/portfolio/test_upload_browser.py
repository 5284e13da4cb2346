"""Uploading in a browser: how far it is, stopping it, and what happens when the line or the session ends."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from certification.kernel import clock
from portfolio.models import Entry, Evidence
from tests.factories import portfolio as make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Route

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def entry() -> Iterator[Entry]:
    make.a_small_framework()
    candidacy = make.a_candidate()
    now = make.window_of(candidacy).opens + timedelta(days=1)
    clock.travel_to(now)
    yield make.a_draft(candidacy, now)
    clock.travel_back()


@pytest.fixture
def slot(page: Page, live_server: LiveServer, entry: Entry) -> Locator:
    client = Client()
    client.force_login(entry.candidacy.account)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page.goto(f"{live_server.url}/portfolio/entries/{entry.pk}/")
    return page.locator("#slot-written")


def unfold(slot: Locator) -> None:
    """Show the form that replaces the file of a full slot."""
    folded = slot.locator("details:not([open]) > summary")
    if folded.count():
        folded.click()


def choose_and_send(slot: Locator, folder: Path, content: bytes) -> None:
    (folder / "written.pdf").write_bytes(content)
    unfold(slot)
    slot.locator("input[type=file]").set_input_files(folder / "written.pdf")
    slot.get_by_role("button", name=re.compile("Upload|Replace")).click()


def test_the_answer_takes_the_place_of_the_page_and_is_said(
    page: Page, slot: Locator, tmp_path: Path
) -> None:
    choose_and_send(slot, tmp_path, make.a_pdf())
    slot.get_by_text("Filled", exact=True).wait_for()
    assert "written.pdf” is in" in page.locator("#announcements").inner_text()
    assert page.evaluate("document.activeElement.id") == "slot-written"
    choose_and_send(slot, tmp_path, b"no document")
    page.locator(".form-errors").wait_for()
    assert page.evaluate("document.activeElement.className") == "form-errors"
    assert Evidence.objects.count() == 1


def test_an_upload_that_is_cancelled_or_cut_off_adds_nothing_and_can_be_sent_again(
    page: Page, slot: Locator, tmp_path: Path
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/slots/**", hold)
    choose_and_send(slot, tmp_path, make.a_pdf())
    slot.get_by_role("button", name="Cancel the upload").click()
    page.get_by_text("The upload was cancelled. Nothing was added.").wait_for()
    held[0].abort()
    page.unroute("**/slots/**")
    page.route("**/slots/**", lambda route: route.abort())
    slot.get_by_role("button", name=re.compile("Upload")).click()
    page.get_by_text("The connection failed").wait_for()
    page.unroute("**/slots/**")
    slot.get_by_role("button", name=re.compile("Upload")).click()
    slot.get_by_text("Filled", exact=True).wait_for()
    assert Evidence.objects.count() == 1


def test_a_file_chosen_elsewhere_and_one_on_its_way_outlive_the_answer_to_another(
    page: Page, slot: Locator, tmp_path: Path
) -> None:
    held: list[Route] = []
    page.route("**/slots/notes/", lambda route: held.append(route))
    notes = page.locator("#slot-notes")
    (tmp_path / "notes.pdf").write_bytes(b"no document")
    notes.locator("input[type=file]").set_input_files(tmp_path / "notes.pdf")
    notes.get_by_role("button", name=re.compile("Upload")).click()
    choose_and_send(slot, tmp_path, make.a_pdf())
    slot.get_by_text("Filled", exact=True).wait_for()
    assert notes.get_by_role("button", name="Cancel the upload").is_visible()
    assert notes.locator("input[type=file]").evaluate("input => input.files[0].name") == "notes.pdf"
    held[0].abort()
    page.get_by_text("The connection failed").wait_for()
    assert not notes.get_by_role("button", name="Cancel the upload").is_visible()


def test_a_session_that_ended_leads_to_the_sign_in_page_and_back_to_the_slot(
    page: Page, slot: Locator, entry: Entry, tmp_path: Path
) -> None:
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    choose_and_send(slot, tmp_path, make.a_pdf())
    page.wait_for_url("**/accounts/login/**")
    [onward] = parse_qs(urlsplit(page.url).query)["next"]
    client = Client()
    client.force_login(entry.candidacy.account)
    assert client.get(onward)["Location"] == f"/portfolio/entries/{entry.pk}/#slot-written"
