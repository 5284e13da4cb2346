"""A candidate whose draft has one piece of evidence, at the first instant of the window.

Models are imported where they are used: pytest reads this file before Django is set up.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings as SettingsFixture

if TYPE_CHECKING:
    from accounts.models import User
    from candidates.models import Candidacy
    from portfolio.models import Entry, Evidence, Rendition


@pytest.fixture
def candidacy() -> Candidacy:
    from tests.factories import portfolio as make

    make.a_small_framework()
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy, settings: SettingsFixture) -> Iterator[datetime]:
    from certification.kernel import clock
    from tests.factories import portfolio as make

    # The second step has tests of its own.
    settings.MFA_REQUIRED = False
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield opens


@pytest.fixture
def entry(candidacy: Candidacy, now: datetime) -> Entry:
    from tests.factories import portfolio as make

    return make.a_complete_draft(candidacy, now)


@pytest.fixture
def owner(candidacy: Candidacy) -> User:
    return candidacy.account


@pytest.fixture
def evidence(entry: Entry) -> Evidence:
    return entry.evidence.get()


@pytest.fixture
def rendition(evidence: Evidence, now: datetime) -> Rendition:
    from tests.factories.viewing import a_rendition

    return a_rendition(evidence, now)


@pytest.fixture(autouse=True)
def _empty_stores() -> Iterator[None]:
    from portfolio.uploads.storing import originals

    yield
    for folder in ("renditions", "evidence"):
        shutil.rmtree(Path(originals().path(folder)), ignore_errors=True)
