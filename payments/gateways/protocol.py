"""What every payment provider looks like from here.

A provider shows its own page, takes the card there, and can be asked at any time what became of a
payment.  Whatever else it sends - a redirect, a webhook - only rings the bell to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class PaymentStatus(StrEnum):
    """What a provider knows about a payment."""

    WAITING = "waiting"  # its page is open; nothing was entered yet
    PENDING = "pending"  # entered, and a bank has yet to answer
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"  # its page closed with nothing entered


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a provider is asked to collect.  Names nobody.

    Attributes:
        idempotency_key: the same key is the same payment, however often it is asked for.
        amount_minor: in the currency's smallest unit.
        return_url: where the provider sends the person afterwards.
    """

    idempotency_key: str
    amount_minor: int
    currency: str
    description: str
    return_url: str


@dataclass(frozen=True, slots=True)
class HostedPage:
    """The provider's page for one payment, and its reference in the provider's book."""

    reference: str
    url: str


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """The truth about a payment, as its provider tells it now.

    Attributes:
        amount_minor: what was really collected, which is compared with what was asked for.
        problem: why it failed, as a sentence for the payer.
        decided_at: when the provider decided, if it says so.
    """

    status: PaymentStatus
    amount_minor: int
    currency: str
    problem: str = ""
    decided_at: datetime | None = None


class GatewayUnavailableError(Exception):
    """The provider did not answer, so nothing is known: neither that it was paid nor that it was not."""


class Gateway(Protocol):
    """One payment provider."""

    name: str  # as stored with attempts and ledger rows
    label: str  # on the button of the order page
    provider: str  # in "we are checking with …"

    def is_enabled(self) -> bool:
        """Whether this site takes payments through it."""
        ...

    def start(self, request: PaymentRequest, *, now: datetime) -> HostedPage:
        """Open a payment page, or find the one opened for the same idempotency key.

        Raises:
            GatewayUnavailableError: the provider did not answer; asking again is safe.
        """
        ...

    def fetch(self, reference: str, *, now: datetime) -> ProviderPayment:
        """What became of the payment.

        Raises:
            GatewayUnavailableError: the provider did not answer.
        """
        ...
