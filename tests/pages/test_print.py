"""Pages that people keep on paper are readable there, whichever theme they read the screen in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)

_LIGHTNESS = "name => getComputedStyle(document.body)[name].match(/\\d+/g).slice(0, 3).map(Number)"


@pytest.mark.parametrize("chosen", [True, False])
def test_a_dark_screen_prints_dark_on_light(page: Page, live_server: LiveServer, chosen: bool) -> None:
    if chosen:
        page.context.add_cookies([{"name": "theme", "value": "dark", "url": live_server.url}])
    page.emulate_media(media="screen", color_scheme="light" if chosen else "dark")
    page.goto(live_server.url)
    assert max(page.evaluate(_LIGHTNESS, "backgroundColor")) < 60

    page.emulate_media(media="print")

    assert min(page.evaluate(_LIGHTNESS, "backgroundColor")) > 240
    assert max(page.evaluate(_LIGHTNESS, "color")) < 60
    assert not page.get_by_role("navigation", name="Footer").is_visible()


def test_folded_answers_are_read_on_paper(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + reverse("questions"))
    answer = page.get_by_text("You may trim the beginning")
    height = "element => element.getBoundingClientRect().height"
    assert answer.evaluate(height) == 0

    page.emulate_media(media="print")

    assert answer.evaluate(height) > 10
