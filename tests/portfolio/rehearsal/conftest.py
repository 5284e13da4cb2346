"""A candidate two weeks before the window, when rehearsing is open; nothing counted yet.

Models are imported where they are used: pytest reads this file before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from candidates.models import Candidacy


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def candidacy() -> Candidacy:
    from tests.factories import portfolio as make

    make.a_framework()
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> Iterator[datetime]:
    from certification.kernel import clock
    from tests.factories import portfolio as make

    instant = make.window_of(candidacy).opens - timedelta(days=14)
    with clock.fixed(instant):
        yield instant


@pytest.fixture
def client(candidacy: Candidacy) -> Client:
    from django.test import Client

    found = Client()
    found.force_login(candidacy.account)
    return found
