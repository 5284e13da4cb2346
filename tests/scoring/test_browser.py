"""The scoring page in a browser: by keyboard, saved as one goes, confirmed, and without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from scoring.models import Assignment, Reading
from scoring.states import AssignmentState
from tests.factories import scoring as make

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mine() -> Assignment:
    return make.assignment(make.packet("entry-2"), make.scorer())


def enter(page: Page, live_server: LiveServer, mine: Assignment) -> None:
    """Open the packet as its scorer."""
    client = Client()
    client.force_login(make.user_of(mine.scorer))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/scoring/packets/{mine.packet.code}/")


def test_a_scorer_marks_by_keyboard_is_saved_and_confirms(
    page: Page, live_server: LiveServer, mine: Assignment
) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    enter(page, live_server, mine)
    first = page.locator(".rating").first
    first.locator("input").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.locator("#scoring-progress").get_by_text("1 of 5").wait_for()
    page.locator("#scoring-progress").get_by_text("Saved ").wait_for()
    mine.refresh_from_db()
    assert mine.draft["ratings"] == {"shared-vision": "4"}
    for _ in range(4):
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    page.locator("#scoring-progress").get_by_text("5 of 5").wait_for()
    page.get_by_role("button", name="Submit marks").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    assert not Reading.objects.exists()
    page.get_by_role("button", name="Submit marks").click()
    page.get_by_role("dialog").get_by_role("button", name="Submit marks").click()
    page.get_by_text("These are your own marks").wait_for()
    assert Reading.objects.get().marks.count() == 5
    assert problems == []


def test_without_a_script_the_same_page_saves_and_submits(
    chromium: Browser, live_server: LiveServer, mine: Assignment
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, live_server, mine)
    page.locator("input[name=mark-collaboration][value='2.75']").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("You can go on whenever you like").wait_for()
    assert page.locator("input[name=mark-collaboration][value='2.75']").is_checked()
    page.get_by_role("button", name="Submit marks").click()
    assert page.get_by_text("Choose a mark.").count() == 8  # four look-fors, in the summary and beside them
    page.get_by_text("This entry cannot be scored").click()
    page.get_by_label("No: a video has no sound").check()
    page.get_by_role("button", name="Submit marks").click()
    page.get_by_text("You found that it cannot be scored").wait_for()
    mine.refresh_from_db()
    assert mine.state == AssignmentState.SUBMITTED
    context.close()
