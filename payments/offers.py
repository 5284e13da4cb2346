"""What may be paid for.  The apps that sell register what they sell, so payments knows none of them.

Source: the programme's rules, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

LARGEST_REQUEST = 200
"""How many seats one purchase order may pay for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing with a price.

    Attributes:
        id: what a candidate's order and a sponsor's seats have in common.
        amount_minor: for one person, in the currency's smallest unit.
        payable_until: a payment may be begun until just before this instant.
    """

    id: UUID
    title: str
    amount_minor: int
    currency: str
    payable_until: datetime


Provider = Callable[[datetime], tuple[Offer, ...]]

_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Let `provider` say at any instant what it sells.  Registered twice, it is asked once."""
    if provider not in _providers:
        _providers.append(provider)


def on_sale(now: datetime) -> tuple[Offer, ...]:
    """Everything a payment may be begun for, the one that ends first first."""
    offers = (offer for provider in _providers for offer in provider(now))
    return tuple(
        sorted((offer for offer in offers if now < offer.payable_until), key=lambda one: one.payable_until)
    )


def get(offer_id: UUID, now: datetime) -> Offer | None:
    """The offer, while it is on sale."""
    return next((offer for offer in on_sale(now) if offer.id == offer_id), None)
