"""Fixtures of the payments tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .second_provider import SecondProvider


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> SecondProvider:
    """The registry with a second provider in it."""
    # Imported here because pytest reads this file before Django is set up.
    from payments import gateways

    from .second_provider import SecondProvider

    provider = SecondProvider()
    monkeypatch.setattr(gateways, "_registered", (*gateways._registered, provider))
    return provider


@pytest.fixture
def offers_on_sale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cohorts are on sale, and nothing else."""
    from payments import offers
    from tests.factories.sponsors import on_sale

    monkeypatch.setattr(offers, "_providers", [on_sale])
