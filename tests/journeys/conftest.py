"""Browsers for the people of a journey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer


@pytest.fixture
def visit(chromium: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Callable[[str], Page]]:
    """Open the site as somebody: each person has a browser of their own, and in it the tab that is open."""
    settings.MFA_REQUIRED = False
    settings.SITE_URL = live_server.url
    profiles: dict[str, BrowserContext] = {}

    def as_person(name: str) -> Page:
        if name not in profiles:
            profiles[name] = chromium.new_context(base_url=live_server.url, timezone_id="Europe/Berlin")
            profiles[name].set_default_timeout(15_000)
        return profiles[name].pages[0] if profiles[name].pages else profiles[name].new_page()

    yield as_person
    for profile in profiles.values():
        profile.close()
