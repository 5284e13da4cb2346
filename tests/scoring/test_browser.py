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
    from playwright.sync_api import Browser, Dialog, Page

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


# ---- nothing is lost ----


def saved_line(page: Page) -> str:
    return page.locator(".scoring-saved").inner_text()


def mark(page: Page, number: int) -> None:
    page.locator(".rating").nth(number).locator("input").first.check(force=True)


def test_marks_made_without_a_line_are_sent_when_it_is_back(
    page: Page, live_server: LiveServer, mine: Assignment
) -> None:
    enter(page, live_server, mine)
    page.context.set_offline(True)
    mark(page, 0)
    page.get_by_text("the connection failed").first.wait_for()
    page.get_by_role("button", name="Submit marks").click()
    page.get_by_role("dialog").get_by_role("button", name="Submit marks").click()
    page.get_by_text("sent again by themselves").wait_for()
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.locator("#scoring-progress").get_by_text("1 of 5").wait_for()
    mine.refresh_from_db()
    assert len(mine.draft["ratings"]) == 1


def test_an_ended_session_takes_no_mark_and_no_page_with_it(
    page: Page, live_server: LiveServer, mine: Assignment
) -> None:
    enter(page, live_server, mine)
    page.context.clear_cookies()
    mark(page, 0)
    page.get_by_text("you are signed out").first.wait_for()
    page.get_by_role("button", name="Submit marks").click()
    page.get_by_role("dialog").get_by_role("button", name="Submit marks").click()
    page.wait_for_timeout(300)
    assert "you are signed out" in saved_line(page)
    assert f"/scoring/packets/{mine.packet.code}/" in page.url
    other = page.context.new_page()
    enter(other, live_server, mine)
    page.bring_to_front()
    mark(page, 1)
    page.locator("#scoring-progress").get_by_text("2 of 5").wait_for()
    mine.refresh_from_db()
    assert len(mine.draft["ratings"]) == 2


def test_a_second_tab_is_not_written_over(page: Page, live_server: LiveServer, mine: Assignment) -> None:
    enter(page, live_server, mine)
    other = page.context.new_page()
    enter(other, live_server, mine)
    mark(other, 0)
    other.locator("#scoring-progress").get_by_text("1 of 5").wait_for()
    page.get_by_text("open in another tab").wait_for()
    mark(page, 1)
    page.wait_for_timeout(800)
    mine.refresh_from_db()
    assert list(mine.draft["ratings"]) == ["shared-vision"]


def test_the_browser_asks_before_unsaved_marks_are_left_behind(
    page: Page, live_server: LiveServer, mine: Assignment
) -> None:
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    enter(page, live_server, mine)
    page.context.set_offline(True)
    mark(page, 0)
    page.get_by_text("the connection failed").first.wait_for()
    page.context.set_offline(False)
    page.goto(f"{live_server.url}/scoring/")
    assert asked == ["beforeunload"]
