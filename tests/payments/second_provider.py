"""A second provider, so that somebody can pay one order in two ways, or meet silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import connection

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
from payments.states import DisputeState, EventKind

# What stands in for a signature: whoever knows it is the provider.
SIGNATURE = {"Second-Signature": "a secret of the second provider"}
_OPEN = (PaymentStatus.WAITING, PaymentStatus.APPROVED)


@dataclass
class SecondProvider:
    """A provider whose book the test writes directly, and that can fall silent.

    Attributes:
        silent: whether it answers nothing; `silent_about` names single payments and disputes.
        asked, fetched, collected, closed: what it was asked for, in order.
        in_transaction: for each question, whether we held a transaction open meanwhile.
    """

    name: str = "second"
    label: str = "Another provider"
    provider: str = "the second provider"
    silent: bool = False
    silent_about: set[str] = field(default_factory=set)
    asked: list[PaymentRequest] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    collected: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    in_transaction: list[bool] = field(default_factory=list)
    book: dict[str, ProviderPayment] = field(default_factory=dict)
    disputes: dict[str, ProviderDispute] = field(default_factory=dict)

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
        self.fetched.append(reference)
        self._answer(reference)
        return self.book[reference]

    def collect(self, reference: str, *, idempotency_key: str, now: datetime) -> ProviderPayment:
        self._answer(reference)
        self.collected.append(reference)
        if self.book[reference].status is PaymentStatus.APPROVED:
            self._write(reference, PaymentStatus.SUCCEEDED)
        return self.book[reference]

    def close(self, reference: str, *, now: datetime) -> ProviderPayment:
        self._answer(reference)
        self.closed.append(reference)
        if self.book[reference].status in _OPEN:
            self._write(reference, PaymentStatus.EXPIRED)
        return self.book[reference]

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        if headers.get("Second-Signature") != SIGNATURE["Second-Signature"]:
            raise ForgedEvent("another wrote this")
        self._answer()
        told = json.loads(body)
        return ProviderEvent(**told | {"kind": EventKind(told.get("kind", EventKind.PAYMENT))})

    def fetch_dispute(self, reference: str, *, now: datetime) -> ProviderDispute:
        self.fetched.append(reference)
        self._answer(reference)
        return self.disputes[reference]

    def decide(
        self,
        reference: str,
        status: PaymentStatus,
        *,
        amount_minor: int = 50_000,
        currency: str = "USD",
        transaction: str = "",
    ) -> None:
        """Write what became of a payment into the book."""
        self.book[reference] = ProviderPayment(status, amount_minor, currency, transaction=transaction)

    def dispute(self, reference: str, of: str, state: DisputeState, *, amount_minor: int = 50_000) -> None:
        """Write what stands about a dispute into the book."""
        self.disputes[reference] = ProviderDispute(reference, of, amount_minor, "USD", state, reason="fraud")

    def _write(self, reference: str, status: PaymentStatus) -> None:
        self.book[reference] = replace(self.book[reference], status=status)

    def _answer(self, about: str = "") -> None:
        self.in_transaction.append(connection.in_atomic_block)
        if self.silent or about in self.silent_about:
            raise GatewayUnavailableError("no answer")
