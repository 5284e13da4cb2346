"""One embedded PostgreSQL for the whole run, files in a folder that goes away, and a browser.

The environment is set here because Django reads it only once, when it loads the settings.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from pytest_django import DjangoDbBlocker

PROJECT = Path(__file__).resolve().parents[1]


def _prepare_environment() -> str:
    """Boot a test site: no variable of the developer's own reaches it but ICG_VAR and DATABASE_URL.

    Returns the name of the database beside which the tests make theirs.
    """
    for name in [name for name in os.environ if name.startswith(("STRIPE_", "PAYPAL_", "PAYMENT_"))]:
        del os.environ[name]
    for name in ("ICG_DEMO", "DEBUG", "REDIS_URL", "EMAIL_URL", "SITE_URL", "SECRET_KEY", "CLOCK_TRAVEL"):
        os.environ.pop(name, None)
    os.environ["ICG_TEST"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "certification.settings"
    # Playwright's own event loop makes Django refuse the database; the tests are synchronous all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    # Workers of one run share the variables below: the first process sets them, the rest inherit them.
    os.environ.setdefault("ICG_VAR", str(PROJECT / "var" / "test"))
    from certification import embedded

    if embedded.ensure_database() is not None:
        # Two runs on one server (two terminals, one ICG_VAR) must not drop each other's database.
        os.environ["ICG_TEST_DATABASE"] = f"test_icg_{os.getpid()}"
    # pytest-django sets Django up next, but only when it finds the settings loaded.
    from django.conf import settings

    return str(settings.DATABASES["default"]["NAME"])


sys.path.insert(0, str(PROJECT))
_ordinary_database = _prepare_environment()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the journeys: the longest modules last would leave one process waiting for the other."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/journeys/"))


@pytest.fixture(scope="session", autouse=True)
def _files_of_this_run() -> Iterator[None]:
    """Send every stored file of this process into a folder of its own, and remove it afterwards."""
    from django.conf import settings
    from django.core.files.storage import storages

    folder = Path(tempfile.mkdtemp(prefix="icg-media-"))
    for alias in ("default", "identity", "blind", "certificates"):
        settings.STORAGES[alias]["OPTIONS"]["location"] = str(folder / alias)
    storages._storages.clear()  # type: ignore[attr-defined]
    yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Keep a copy of the test database as it was migrated: throwaway ones begin as that.

    One of them migrates from nothing all the same, in tests/season/test_command.py.
    """
    from django.db import connection

    from certification.season import throwaway

    name = connection.settings_dict["NAME"]
    if name == _ordinary_database:
        yield  # no test here has asked for a test database, so there is none
        return
    usual, throwaway.template = throwaway.template, f"{name}_migrated"
    copy = connection.ops.quote_name(throwaway.template)

    def on_the_server(*statements: str) -> None:
        with django_db_blocker.unblock():
            connection.close()  # a database in use cannot be copied
            with connection._nodb_cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    remove = f"DROP DATABASE IF EXISTS {copy}"
    on_the_server(remove, f"CREATE DATABASE {copy} TEMPLATE {connection.ops.quote_name(name)}")
    yield
    throwaway.template = usual
    on_the_server(remove)


def own_chromium() -> str | None:
    """The machine's Chromium, if it has one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium: the machine's own when there is one, else the one Playwright installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=own_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile: nobody is signed in."""
    profile = chromium.new_context(
        locale="en-US", timezone_id="America/New_York", viewport={"width": 1280, "height": 900}
    )
    profile.set_default_timeout(15_000)
    yield profile
    profile.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab of that profile."""
    return context.new_page()
