"""Providers to test the gateways against, each at the tests' instant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django import Settings

    from .drivers import Driver, PayPalDriver, RemoteDriver, StripeDriver


@pytest.fixture
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a silent provider as long as a test can, and do not ask again."""
    # Imported here because pytest reads this file before Django is set up.
    from payments.gateways import paypal_orders, stripe_checkout

    monkeypatch.setattr(stripe_checkout, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(stripe_checkout, "MAX_RETRIES", 0)
    monkeypatch.setattr(paypal_orders, "_TIMEOUT_SECONDS", 0.3)


@pytest.fixture
def stripe_driver(settings: Settings, _brief: None) -> Iterator[StripeDriver]:
    """The Stripe gateway, and a fake Stripe at its other end."""
    from tests.fakes.stripe_server import FakeStripe

    from .drivers import NOW, StripeDriver

    with FakeStripe() as peer:
        peer.hold(NOW)
        for name, value in StripeDriver.settings(peer.url).items():
            setattr(settings, name, value)
        yield StripeDriver(peer)


@pytest.fixture
def paypal_driver(settings: Settings, _brief: None) -> Iterator[PayPalDriver]:
    """The PayPal gateway, and a fake PayPal at its other end."""
    from tests.fakes.paypal_server import FakePayPal

    from .drivers import NOW, PayPalDriver

    with FakePayPal() as peer:
        peer.hold(NOW)
        for name, value in PayPalDriver.settings(peer.url).items():
            setattr(settings, name, value)
        yield PayPalDriver(peer)


@pytest.fixture(params=["stripe", "paypal"])
def remote(request: pytest.FixtureRequest) -> RemoteDriver:
    """Each provider behind the network."""
    driver: RemoteDriver = request.getfixturevalue(f"{request.param}_driver")
    return driver


@pytest.fixture(params=["sandbox", "stripe", "paypal"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Each provider there is."""
    if request.param == "sandbox":
        from .drivers import SandboxDriver

        return SandboxDriver()
    remote: Driver = request.getfixturevalue(f"{request.param}_driver")
    return remote
