"""The payer's, the bank's and the provider's side of a payment, for every gateway in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from payments.gateways import Gateway, PaymentRequest, sandbox
from payments.gateways.paypal_orders import PayPalGateway
from payments.gateways.sandbox import SandboxGateway
from payments.gateways.stripe_checkout import StripeGateway
from tests.fakes import paypal_server, stripe_server
from tests.fakes.paypal_server import FakePayPal
from tests.fakes.stripe_server import FakeStripe

NOW = datetime(2026, 12, 1, 18, 30, tzinfo=UTC)


def request(key: str = "0190-1", **changed: Any) -> PaymentRequest:
    """What a site asks for; the same key always asks for the same."""
    usual = PaymentRequest(
        idempotency_key=key,
        order_id=key.rsplit("-", 1)[0],
        amount_minor=50_000,
        currency="USD",
        description="Certification fee, cohort 4",
        return_url="https://certification.example.org/payments/back/",
        cancel_url="https://certification.example.org/payments/cancelled/",
        expires_at=NOW + timedelta(hours=2),
    )
    return replace(usual, **changed)


class Driver(Protocol):
    """Moves one provider's side.  Every method takes the gateway's reference."""

    @property
    def gateway(self) -> Gateway: ...

    def pay(self, reference: str) -> None:
        """The payer does all that is asked for, and the bank is willing."""

    def decline(self, reference: str) -> None:
        """The payer does, and the bank is not."""

    def leave_pending(self, reference: str) -> None:
        """The payer does, and the bank will answer later."""

    def bank_answers(self, reference: str, *, approved: bool) -> None: ...

    def expire(self, reference: str) -> None:
        """The page's time runs out."""


class SandboxDriver:
    def __init__(self) -> None:
        self.gateway = SandboxGateway()

    def pay(self, reference: str) -> None:
        self._take(reference, "4242424242424242")

    def decline(self, reference: str) -> None:
        self._take(reference, "4000000000000002")

    def leave_pending(self, reference: str) -> None:
        self._take(reference, "4000000000000077")

    def bank_answers(self, reference: str, *, approved: bool) -> None:
        sandbox.settle_pending(reference=reference, approved=approved, now=NOW)

    def expire(self, reference: str) -> None:
        sandbox.SandboxPayment.objects.filter(pk=reference).update(expires_at=NOW)

    def _take(self, reference: str, card: str) -> None:
        sandbox.decide(reference=reference, card_number=card, now=NOW)


class RemoteDriver:
    """A provider behind the network, with messages and disputes; both fakes take the same commands."""

    won: str
    lost: str
    secrets: tuple[str, ...]

    def __init__(self, gateway: Gateway, peer: FakeStripe | FakePayPal) -> None:
        self.gateway = gateway
        self.peer = peer

    def pay(self, reference: str, amount_minor: int | None = None, currency: str | None = None) -> None:
        self.peer.pay(reference, amount_minor, currency)

    def decline(self, reference: str) -> None:
        self.peer.decline(reference)

    def leave_pending(self, reference: str) -> None:
        self.peer.leave_pending(reference)

    def bank_answers(self, reference: str, *, approved: bool) -> None:
        self.peer.bank_answers(reference, approved=approved)

    def expire(self, reference: str) -> None:
        self.peer.expire(reference)

    def dispute(self, reference: str) -> str:
        return self.peer.dispute(reference)

    def decide(self, dispute: str, *, won: bool) -> None:
        self.peer.decide_dispute(dispute, self.won if won else self.lost)


class StripeDriver(RemoteDriver):
    won, lost = "won", "lost"
    secrets = (stripe_server.API_KEY, stripe_server.WEBHOOK_SECRET)

    def __init__(self, peer: FakeStripe) -> None:
        super().__init__(StripeGateway(), peer)
        self.stripe = peer

    @staticmethod
    def settings(url: str) -> Mapping[str, str]:
        return {
            "STRIPE_SECRET_KEY": stripe_server.API_KEY,
            "STRIPE_WEBHOOK_SECRET": stripe_server.WEBHOOK_SECRET,
            "STRIPE_API_URL": url,
        }


class PayPalDriver(RemoteDriver):
    won, lost = "RESOLVED_SELLER_FAVOUR", "RESOLVED_BUYER_FAVOUR"
    secrets = (paypal_server.CLIENT_SECRET,)

    def __init__(self, peer: FakePayPal) -> None:
        super().__init__(PayPalGateway(), peer)
        self.paypal = peer

    @staticmethod
    def settings(url: str) -> Mapping[str, str]:
        return {
            "PAYPAL_CLIENT_ID": paypal_server.CLIENT_ID,
            "PAYPAL_CLIENT_SECRET": paypal_server.CLIENT_SECRET,
            "PAYPAL_WEBHOOK_ID": paypal_server.WEBHOOK_ID,
            "PAYPAL_API_URL": url,
        }
