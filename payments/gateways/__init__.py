"""Payment providers behind one protocol, in one registry.  Their SDKs are imported nowhere else."""

from __future__ import annotations

from .paypal_orders import PayPalGateway
from .protocol import (
    ForgedEvent,
    Gateway,
    GatewayUnavailableError,
    HostedPage,
    PaymentRequest,
    PaymentStatus,
    ProviderDispute,
    ProviderEvent,
    ProviderPayment,
)
from .sandbox import SandboxGateway
from .stripe_checkout import StripeGateway

__all__ = [
    "ForgedEvent",
    "Gateway",
    "GatewayUnavailableError",
    "HostedPage",
    "PaymentRequest",
    "PaymentStatus",
    "ProviderDispute",
    "ProviderEvent",
    "ProviderPayment",
    "enabled",
    "named",
]

# In the order in which the order page offers them.
_registered: tuple[Gateway, ...] = (StripeGateway(), PayPalGateway(), SandboxGateway())


def enabled() -> tuple[Gateway, ...]:
    """The providers this site takes payments through."""
    return tuple(gateway for gateway in _registered if gateway.is_enabled())


def named(name: str) -> Gateway | None:
    """The provider stored as `name`, also one that takes no new payments: old ones are still asked about."""
    return next((gateway for gateway in _registered if gateway.name == name), None)
