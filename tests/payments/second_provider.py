"""A second provider, so that somebody can pay one order in two ways, or meet silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from payments.gateways import (
    ForgedEvent,
    GatewayUnavailableError,
    HostedPage,
    PaymentRequest,
    PaymentStatus,
    ProviderDispute,
    ProviderEvent,
    ProviderPayment,
)


@dataclass
class SecondProvider:
    """A provider whose book the test writes directly, and that can fall silent."""

    name: str = "second"
    label: str = "Another provider"
    provider: str = "the second provider"
    silent: bool = False
    asked: list[PaymentRequest] = field(default_factory=list)
    book: dict[str, ProviderPayment] = field(default_factory=dict)

    def is_enabled(self) -> bool:
        return True

    def start(self, request: PaymentRequest, *, now: datetime) -> HostedPage:
        self._answer()
        self.asked.append(request)
        reference = f"second-{request.idempotency_key}"
        self.book.setdefault(
            reference, ProviderPayment(PaymentStatus.WAITING, request.amount_minor, request.currency)
        )
        return HostedPage(reference, f"https://second.example.org/{reference}")

    def fetch(self, reference: str, *, now: datetime) -> ProviderPayment:
        self._answer()
        return self.book[reference]

    def collect(self, reference: str, *, idempotency_key: str, now: datetime) -> ProviderPayment:
        return self.fetch(reference, now=now)

    def close(self, reference: str, *, now: datetime) -> ProviderPayment:
        return self.fetch(reference, now=now)

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        raise ForgedEvent("this provider sends no messages")

    def fetch_dispute(self, reference: str, *, now: datetime) -> ProviderDispute:
        raise GatewayUnavailableError("this provider knows no disputes")

    def decide(
        self, reference: str, status: PaymentStatus, *, amount_minor: int = 50_000, currency: str = "USD"
    ) -> None:
        self.book[reference] = ProviderPayment(status, amount_minor, currency)

    def _answer(self) -> None:
        if self.silent:
            raise GatewayUnavailableError("no answer")
