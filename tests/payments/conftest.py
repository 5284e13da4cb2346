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
