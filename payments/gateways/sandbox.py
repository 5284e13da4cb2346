"""A small provider with play money: its own book, its own page, the three fates a card can have.

It stands where a real one stands, behind the same protocol, so that a demo and the tests walk the
whole way of a payment.  The application must never read its book except through `fetch`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse

from certification.kernel.errors import BadInput, NotAllowed
from payments.models import SandboxPayment

from .protocol import (
    ForgedEvent,
    GatewayUnavailableError,
    HostedPage,
    PaymentRequest,
    PaymentStatus,
    ProviderDispute,
    ProviderEvent,
    ProviderPayment,
)


class BookStatus(models.TextChoices):
    """What stands in the sandbox's book; that a page has expired follows from the clock."""

    CREATED = "created"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class SandboxCard:
    """A card the sandbox knows: its number, what stands in the book afterwards, and that in words."""

    number: str
    fate: BookStatus
    words: str


CARDS = (
    SandboxCard("4242 4242 4242 4242", BookStatus.SUCCEEDED, "The payment succeeds."),
    SandboxCard("4000 0000 0000 0002", BookStatus.DECLINED, "The bank declines it."),
    SandboxCard("4000 0000 0000 0077", BookStatus.PENDING, "It stays pending until the bank answers."),
)

_STATUS_OF = {
    BookStatus.CREATED: PaymentStatus.WAITING,
    BookStatus.PENDING: PaymentStatus.PENDING,
    BookStatus.SUCCEEDED: PaymentStatus.SUCCEEDED,
    BookStatus.DECLINED: PaymentStatus.FAILED,
}


class SandboxGateway:
    """The protocol's view of the sandbox."""

    name = "sandbox"
    label = "Credit card (sandbox, play money)"
    provider = "the sandbox card provider"

    def is_enabled(self) -> bool:
        return bool(settings.PAYMENT_SANDBOX)

    def start(self, request: PaymentRequest, *, now: datetime) -> HostedPage:
        payment, _ = SandboxPayment.objects.get_or_create(
            idempotency_key=request.idempotency_key,
            defaults={
                "reference": f"sbx_{secrets.token_hex(16)}",
                "amount_minor": request.amount_minor,
                "currency": request.currency,
                "return_url": request.return_url,
                "expires_at": request.expires_at,
            },
        )
        return HostedPage(payment.reference, reverse("payments:sandbox", args=[payment.reference]))

    def fetch(self, reference: str, *, now: datetime) -> ProviderPayment:
        payment = SandboxPayment.objects.filter(pk=reference).first()
        if payment is None:
            raise GatewayUnavailableError(f"The sandbox has no payment {reference}.")
        status = (
            PaymentStatus.EXPIRED if has_expired(payment, now) else _STATUS_OF[BookStatus(payment.status)]
        )
        return ProviderPayment(
            status=status,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            problem=_problem(status),
            decided_at=payment.decided_at,
        )

    def collect(self, reference: str, *, idempotency_key: str, now: datetime) -> ProviderPayment:
        return self.fetch(reference, now=now)

    def close(self, reference: str, *, now: datetime) -> ProviderPayment:
        SandboxPayment.objects.filter(pk=reference, status=BookStatus.CREATED, expires_at__gt=now).update(
            expires_at=now
        )
        return self.fetch(reference, now=now)

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        raise ForgedEvent("The sandbox sends no messages.")

    def fetch_dispute(self, reference: str, *, now: datetime) -> ProviderDispute:
        raise GatewayUnavailableError("The sandbox knows no disputes.")


def has_expired(payment: SandboxPayment, now: datetime) -> bool:
    return payment.status == BookStatus.CREATED and now >= payment.expires_at


@transaction.atomic
def decide(*, reference: str, card_number: str, now: datetime) -> BookStatus:
    """Take a card on the sandbox's page.  Pressed twice, the first answer stands.

    Raises:
        BadInput: the sandbox does not know this card.
        NotAllowed: the page has expired.
    """
    payment = SandboxPayment.objects.select_for_update().get(pk=reference)
    if payment.status != BookStatus.CREATED:
        return BookStatus(payment.status)
    if has_expired(payment, now):
        raise NotAllowed("This payment page has expired and no card was charged. Go back and start again.")
    card = next((card for card in CARDS if _digits(card.number) == _digits(card_number)), None)
    if card is None:
        raise BadInput("The sandbox knows only the card numbers listed on this page. Type one of them.")
    return _write(payment, card.fate, now)


@transaction.atomic
def settle_pending(*, reference: str, approved: bool, now: datetime) -> BookStatus:
    """Let the bank answer about a pending card.  Answered twice, the first answer stands.

    Raises:
        NotAllowed: no card was entered yet.
    """
    payment = SandboxPayment.objects.select_for_update().get(pk=reference)
    if payment.status == BookStatus.CREATED:
        raise NotAllowed("No card was entered for this payment yet, so no bank can answer.")
    if payment.status != BookStatus.PENDING:
        return BookStatus(payment.status)
    return _write(payment, BookStatus.SUCCEEDED if approved else BookStatus.DECLINED, now)


def _digits(number: str) -> str:
    return number.replace(" ", "").replace("-", "")


def _write(payment: SandboxPayment, status: BookStatus, now: datetime) -> BookStatus:
    payment.status = status
    payment.decided_at = None if status is BookStatus.PENDING else now
    payment.save(update_fields=["status", "decided_at"])
    return status


def _problem(status: PaymentStatus) -> str:
    if status is PaymentStatus.FAILED:
        return "The bank declined the card, and nothing was charged."
    if status is PaymentStatus.EXPIRED:
        return "The payment page expired before a card was entered, and nothing was charged."
    return ""
