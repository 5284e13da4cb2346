"""A rehearsal in a browser: a line of known speed is measured, a clip is tried, and the estimate follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client

from certification.kernel import clock
from certification.season.files import make_mp4
from portfolio.blinding.identifiers import Identity
from portfolio.models import Rehearsal
from tests.factories import portfolio as make

from .test_accessibility import serious_faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

BYTES_PER_SECOND = 400_000
COACH = Identity(names=("Philomena Oyelaran",), emails=(), organisations=("Brightwater School",))


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Page]:
    """The rehearsal's page two weeks before the window, on a phone."""
    settings.SITE_URL = live_server.url
    cache.clear()
    make.a_framework()
    candidacy = make.a_candidate()
    clock.travel_to(make.window_of(candidacy).opens - timedelta(days=14))
    client = Client()
    client.force_login(candidacy.account)
    name = django_settings.SESSION_COOKIE_NAME
    profile = chromium.new_context(
        base_url=live_server.url, viewport={"width": 390, "height": 844}, reduced_motion="reduce"
    )
    profile.set_default_timeout(15_000)
    profile.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    opened = profile.new_page()
    opened.goto("/portfolio/rehearsal/")
    yield opened
    profile.close()
    clock.travel_back()


def test_a_line_of_known_speed_is_measured_and_a_clip_makes_the_estimate_its_own(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portfolio.rehearsal.services.MEASURE_SECONDS", 5)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    throttled = {
        "offline": False,
        "latency": 20,
        "downloadThroughput": -1,
        "uploadThroughput": BYTES_PER_SECOND,
    }
    line.send("Network.emulateNetworkConditions", throttled)

    measure = page.get_by_role("button", name="Measure the line")
    measure.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.innerText") == "Stop"
    page.keyboard.press("Enter")
    page.get_by_text("Stopped. Nothing was measured.").wait_for()
    assert page.evaluate("document.activeElement.innerText") == "Measure the line"
    assert not Rehearsal.objects.exists()

    page.keyboard.press("Enter")
    page.locator("[data-bars] rect").nth(1).wait_for(state="attached")
    assert re.search(r"Mbit/s · \d s left", page.locator("[data-measuring-detail]").inner_text())
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert serious_faults(page) == []
    page.get_by_role("button", name="Measure again").wait_for()

    found = Rehearsal.objects.get()
    assert found.line_bytes is not None
    assert found.line_milliseconds is not None
    seen = Fraction(1000 * found.line_bytes, found.line_milliseconds)
    assert 0.65 < seen / BYTES_PER_SECOND < 1.35
    first = page.locator(".rehearsal-headline").inner_text()
    assert re.match(r"About .+ for all .+ videos and .+ documents; the longest video about ", first)

    line.send("Network.emulateNetworkConditions", throttled | {"uploadThroughput": -1})
    clip = make_mp4(tmp_path / "clip.mp4", identity=COACH, seconds=6, seed=1)
    page.locator("#clip input[type=file]").set_input_files(clip)
    page.get_by_role("button", name="Try this clip").click()
    page.get_by_text("Your camera’s video plays everywhere").first.wait_for()
    assert page.evaluate("document.activeElement.id") == "clip"
    assert "filmed like your clip" in page.locator("#result").inner_text()
    assert page.locator(".rehearsal-headline").inner_text() != first
    assert serious_faults(page) == []
    assert Rehearsal.objects.count() == 2
