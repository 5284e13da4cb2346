"""What every payment provider looks like from here.

A provider shows its own page, takes the card there, and can be asked at any time what became of a
payment.  Whatever else it sends - a redirect, a webhook - only rings the bell to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payments.states import DisputeState, EventKind


class PaymentStatus(StrEnum):
    """What a provider knows about a payment."""

    WAITING = "waiting"  # its page is open; nothing was entered yet
    APPROVED = "approved"  # the payer agreed; no money moves until we collect
    PENDING = "pending"  # entered, and a bank has yet to answer
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"  # its page closed with nothing collected


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a provider is asked to collect.  Names nobody.

    Attributes:
        idempotency_key: the same key is the same payment, however often it is asked for; every other
            field is then the same too.
        order_id: our order, written into the provider's book so that its statements can be matched.
        amount_minor: in the currency's smallest unit.
        return_url: where the provider sends the person afterwards.
        cancel_url: where it sends a person who thinks better of it.
        expires_at: when the page should close; a provider that cannot do so at that instant closes
            it as soon afterwards as it can.
    """

    idempotency_key: str
    order_id: str
    amount_minor: int
    currency: str
    description: str
    return_url: str
    cancel_url: str
    expires_at: datetime


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
        transaction: how the provider's statements name the collected money, where that differs from
            the reference.
    """

    status: PaymentStatus
    amount_minor: int
    currency: str
    problem: str = ""
    decided_at: datetime | None = None
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A message whose sender is certain.  It says what to ask about, and nothing that is believed.

    Attributes:
        event_id: unique in the provider's book; a second delivery has the same.
        topic: what the provider calls it.
        reference: the payment's, or for a dispute the dispute's.
        idempotency_key: ours, when the message carries it.
    """

    event_id: str
    topic: str
    kind: EventKind
    reference: str = ""
    idempotency_key: str = ""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """The truth about a dispute.  `payment_reference` is the disputed payment's, as `HostedPage` gave it."""

    reference: str
    payment_reference: str
    amount_minor: int
    currency: str
    state: DisputeState
    reason: str = ""
    opened_at: datetime | None = None
    closed_at: datetime | None = None


class GatewayUnavailableError(Exception):
    """The provider did not answer, so nothing is known: neither that it was paid nor that it was not."""


class ForgedEvent(Exception):
    """A message that its provider did not sign, or signed too long ago."""


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
        """What became of the payment.  Changes nothing.

        Raises:
            GatewayUnavailableError: the provider did not answer.
        """
        ...

    def collect(self, reference: str, *, idempotency_key: str, now: datetime) -> ProviderPayment:
        """Take the money of an approved payment, once; of any other, what became of it.

        Raises:
            GatewayUnavailableError: the provider did not answer; asking again is safe.
        """
        ...

    def close(self, reference: str, *, now: datetime) -> ProviderPayment:
        """See to it that nobody can pay on this page any more, and say what became of the payment.

        A payment that came first stands, and is what is returned.

        Raises:
            GatewayUnavailableError: the provider did not answer; asking again is safe.
        """
        ...

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        """Make sure of a message's sender, and read what it is about.

        `headers` may be asked in any case, as Django's `request.headers` may.

        Raises:
            ForgedEvent: the provider did not sign it, or signed it too long ago, or it cannot be read.
            GatewayUnavailableError: the provider, who has to be asked, did not answer.
        """
        ...

    def fetch_dispute(self, reference: str, *, now: datetime) -> ProviderDispute:
        """What stands in the provider's book about a dispute.

        Raises:
            GatewayUnavailableError: the provider did not answer.
        """
        ...
