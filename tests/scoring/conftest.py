"""Scoring's tests run on a site of the scorers' pages alone, without the second factor's detour.

Models are imported inside the fixtures: pytest reads this page before Django is set up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

if TYPE_CHECKING:
    from scoring.models import Assignment, Scorer


@pytest.fixture(autouse=True)
def _scorers_site(settings: Settings) -> None:
    settings.MFA_REQUIRED = False
    settings.ROOT_URLCONF = "tests.scoring.urls"


@pytest.fixture
def scorer(db: None) -> Scorer:
    from tests.factories import scoring as make

    return make.scorer()


@pytest.fixture
def signed_in(scorer: Scorer) -> Client:
    """A browser in which `scorer` is signed in."""
    from tests.factories import scoring as make

    client = Client()
    client.force_login(make.user_of(scorer))
    return client


@pytest.fixture
def mine(scorer: Scorer) -> Assignment:
    """A packet in `scorer`'s hands."""
    from tests.factories import scoring as make

    return make.assignment(make.packet(), scorer)
