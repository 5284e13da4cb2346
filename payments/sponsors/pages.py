"""What a sponsor's pages show: seats and money, and nothing of portfolios or scores.

Who claimed a seat is not told: the roster is the sponsor's own words, and whether the seat is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from accounts.models import User
from certification.kernel.money import money_text
from payments import offers
from payments.models import LedgerRow, Order, PaymentDocument, PurchaseOrder, PurchaseOrderFile, Seat
from payments.offers import Offer
from payments.seat_codes import spaced
from payments.selectors import counted, with_outstanding
from payments.states import (
    SEATS,
    LedgerKind,
    OrderState,
    PurchaseOrderState,
    SeatState,
)

_TONES = {
    PurchaseOrderState.REQUESTED: "info",
    PurchaseOrderState.ASKED_BACK: "warn",
    PurchaseOrderState.ACCEPTED: "success",
    PurchaseOrderState.DECLINED: "danger",
    PurchaseOrderState.CANCELLED: "neutral",
}


@dataclass(frozen=True, slots=True)
class PurchaseOrderCard:
    """One purchase order as the list shows it.

    Attributes:
        title: what is bought, such as “5 seats: Registration fee, Cohort 10”.
        received_minor: what came in for it, of `amount_minor`.
        outstanding_minor: what is still owed; nothing is, unless the purchase order stands accepted.
        overdue: its day of payment has passed and money is missing.
    """

    id: UUID
    number: str
    organisation: str
    title: str
    state: PurchaseOrderState
    seats: int
    claimed: int
    amount_minor: int
    received_minor: int
    outstanding_minor: int
    currency: str
    requested_at: datetime
    due_at: datetime | None
    overdue: bool

    @property
    def url(self) -> str:
        return reverse("payments:sponsor_purchase_order", args=[self.id])

    @property
    def tone(self) -> str:
        return _TONES[self.state]

    @property
    def paid(self) -> bool:
        return self.state is PurchaseOrderState.ACCEPTED and not self.outstanding_minor

    @property
    def paid_text(self) -> str:
        """How much of the sum has come, as the meter says it."""
        received, owed = (
            money_text(sum_, self.currency) for sum_ in (self.received_minor, self.amount_minor)
        )
        return f"{received} of {owed}"

    @property
    def lives(self) -> bool:
        return self.state not in (PurchaseOrderState.DECLINED, PurchaseOrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class SeatLine:
    """One seat in the table; `link` is what the sponsor hands on."""

    id: UUID
    number: int
    code: str
    link: str
    name: str
    email: str
    state: SeatState
    claimed_at: datetime | None

    @property
    def is_free(self) -> bool:
        return self.state is SeatState.FREE

    @property
    def is_claimed(self) -> bool:
        return self.state is SeatState.CLAIMED


@dataclass(frozen=True, slots=True)
class SponsorPage:
    """Everything on a sponsor's first page."""

    cards: tuple[PurchaseOrderCard, ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class PurchaseOrderPage:
    """Everything on the page of one purchase order.

    Attributes:
        request: the purchase order as its sender wrote it.
        received: the money that came in for it; `surplus`, what is not owed and goes back.
    """

    card: PurchaseOrderCard
    request: PurchaseOrder
    seats: tuple[SeatLine, ...]
    received: tuple[LedgerRow, ...]
    surplus: tuple[LedgerRow, ...]
    documents: tuple[PaymentDocument, ...]
    files: tuple[PurchaseOrderFile, ...]

    @property
    def question(self) -> str:
        """What staff ask the sender."""
        asked = self.card.state is PurchaseOrderState.ASKED_BACK
        return self.request.decision_reason if asked else ""

    @property
    def reason(self) -> str:
        """Why it is over."""
        return "" if self.card.lives else self.request.decision_reason

    @property
    def unnamed(self) -> int:
        """Free seats the roster names nobody for."""
        return sum(seat.is_free and not seat.email for seat in self.seats)

    @property
    def trail(self) -> list[tuple[str, str]]:
        return [("Purchase orders", reverse("payments:sponsor"))]

    @property
    def trail_from_here(self) -> list[tuple[str, str]]:
        return [*self.trail, (f"Purchase order {self.card.number}", self.card.url)]


def sponsor_page(by: User, now: datetime) -> SponsorPage:
    """Every purchase order of this sponsor, the newest first."""
    return SponsorPage(
        cards=tuple(_card(request, now) for request in _own(by)),
        offers=offers.on_sale(now),
    )


def purchase_order_page(purchase_order_id: UUID, *, by: User, now: datetime) -> PurchaseOrderPage:
    """One purchase order of this sponsor.

    Raises:
        PurchaseOrder.DoesNotExist: there is no such purchase order of this person.
    """
    request = _own(by).get(pk=purchase_order_id)
    ledger = request.order.ledger.order_by("received_at")
    return PurchaseOrderPage(
        card=_card(request, now),
        request=request,
        seats=tuple(_seat_lines(request.all_seats.exclude(state=SeatState.VOID).order_by("number"))),
        received=tuple(ledger.filter(counted())),
        surplus=tuple(ledger.filter(kind=LedgerKind.TO_RETURN).prefetch_related("went_back")),
        documents=tuple(request.order.documents.order_by("issued_at", "number")),
        files=tuple(request.files.order_by("uploaded_at")),
    )


def _own(by: User) -> QuerySet[PurchaseOrder]:
    own = PurchaseOrder.objects.filter(order__payer=by, order__purpose=SEATS)
    return (
        with_outstanding(own)
        .select_related("order")
        .annotate(claimed=Count("all_seats", filter=Q(all_seats__state=SeatState.CLAIMED)))
        .order_by("-requested_at")
    )


def _card(request: Any, now: datetime) -> PurchaseOrderCard:
    order: Order = request.order
    return PurchaseOrderCard(
        id=request.pk,
        number=request.number,
        organisation=request.organisation,
        title=order.description,
        state=PurchaseOrderState(request.state),
        seats=request.seats,
        claimed=request.claimed,
        amount_minor=order.amount_minor,
        received_minor=request.received_minor,
        outstanding_minor=request.outstanding_minor,
        currency=order.currency,
        requested_at=request.requested_at,
        due_at=request.due_at,
        overdue=order.state == OrderState.ACCEPTED and request.due_at is not None and request.due_at <= now,
    )


def _seat_lines(seats: Iterable[Seat]) -> Iterable[SeatLine]:
    for seat in seats:
        yield SeatLine(
            id=seat.pk,
            number=seat.number,
            code=spaced(seat.code),
            link=f"{settings.SITE_URL}{reverse('payments:seat', args=[seat.code])}",
            name=seat.name,
            email=seat.email,
            state=SeatState(seat.state),
            claimed_at=seat.claimed_at,
        )
