"""What the order page shows: one situation at a time, and never a failure that is not certain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.models import User

from . import gateways
from .gateways import Gateway
from .gateways.sandbox import SandboxGateway
from .models import LedgerRow, Order, PaymentAttempt, PaymentDocument, PurchaseOrder, Seat
from .situations import Situation, Standing, situation_of, standing_of
from .states import AttemptState, LedgerKind, PurchaseOrderState

# The situation once more, in a word or two and a badge's tone.
_BADGES = {
    Situation.PAY: ("Waiting for payment", "warn"),
    Situation.UNFINISHED: ("Payment begun", "info"),
    Situation.CHECKING: ("Being checked", "info"),
    Situation.REQUESTED: ("Waiting for our staff", "info"),
    Situation.ASKED_BACK: ("Waiting for your answer", "warn"),
    Situation.RESERVED: ("Seat reserved", "info"),
    Situation.ACCEPTED: ("Accepted on a purchase order", "brand"),
    Situation.SEATED: ("Covered by a sponsor’s seat", "brand"),
    Situation.PAID: ("Paid", "success"),
    Situation.TOO_LATE: ("Not paid", "warn"),
    Situation.LAPSED: ("Lapsed", "neutral"),
}
_MAY_PAY = frozenset({Situation.PAY, Situation.UNFINISHED, Situation.REQUESTED, Situation.ASKED_BACK})


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """A sum that went back to its payer, and the reference to find it by."""

    amount_minor: int
    currency: str
    received_at: datetime
    received_on: date | None
    reference: str


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Everything the order page shows.

    Attributes:
        standing: the order with all that was tried for it.
        ledger: every row, the first one first; a row knows what `went_back` of it.
        documents: receipts, invoices and credit notes, the latest first.
        in_time: whether a payment may still be begun.
        all_ways: the providers this site takes payments through.
    """

    standing: Standing
    situation: Situation
    ledger: tuple[LedgerRow, ...]
    documents: tuple[PaymentDocument, ...]
    in_time: bool
    all_ways: tuple[Gateway, ...]

    @property
    def order(self) -> Order:
        return self.standing.order

    @property
    def badge(self) -> tuple[str, str]:
        """Label and tone; one for each situation, so that it never contradicts the notice above it."""
        if self.situation is Situation.PAID and self.taken_back:
            return "Taken back", "warn"
        return _BADGES[self.situation]

    @property
    def attempt(self) -> PaymentAttempt | None:
        """The try that is under way."""
        return self.standing.undecided

    @property
    def purchase_order(self) -> PurchaseOrder | None:
        return self.standing.purchase_order

    @property
    def seat(self) -> Seat | None:
        return self.standing.seat

    @property
    def received(self) -> list[LedgerRow]:
        """The parts of the fee that came in."""
        return [row for row in self.ledger if row.kind == LedgerKind.FEE]

    @property
    def to_return(self) -> list[LedgerRow]:
        """Money that is no fee and has not gone back yet."""
        return [row for row in self.ledger if row.kind == LedgerKind.TO_RETURN and row.left_minor > 0]

    @property
    def returned(self) -> list[MoneyBack]:
        """What staff returned."""
        return self._back(LedgerKind.RETURNED)

    @property
    def taken_back(self) -> list[MoneyBack]:
        """What a bank took back in a dispute."""
        return self._back(LedgerKind.CHARGED_BACK)

    def _back(self, kind: LedgerKind) -> list[MoneyBack]:
        return [
            MoneyBack(-row.amount_minor, row.currency, row.received_at, row.received_on, row.provider_ref)
            for row in self.ledger
            if row.kind == kind
        ]

    @property
    def outstanding_minor(self) -> int:
        """What an accepted purchase order still owes."""
        return self.order.amount_minor - sum(row.amount_minor for row in self.received)

    @property
    def provider(self) -> str:
        """Who is asked about the try that is under way, in words."""
        return _provider(self.attempt)

    @property
    def undone(self) -> PaymentAttempt | None:
        """The latest try, when it is certain that nothing came of it and the payer may try again."""
        tells = self.situation in (Situation.PAY, Situation.UNFINISHED)
        return self.standing.undone if tells else None

    @property
    def declined(self) -> PurchaseOrder | None:
        request = self.purchase_order
        return request if request and request.state == PurchaseOrderState.DECLINED else None

    @property
    def ways(self) -> list[Gateway]:
        """How a payment may be begun now: every way but the one whose page is open."""
        if not self.in_time or self.situation not in _MAY_PAY:
            return []
        open_at = self.attempt.gateway if self.attempt else ""
        return [way for way in self.all_ways if way.name != open_at]

    @property
    def may_go_on(self) -> bool:
        """Whether the open page can be opened again."""
        offered = {way.name for way in self.all_ways}
        return self.situation is Situation.UNFINISHED and bool(
            self.attempt and self.attempt.gateway in offered
        )

    @property
    def may_send_purchase_order(self) -> bool:
        waiting = self.purchase_order is not None and self.declined is None
        return self.in_time and not waiting and self.situation in (Situation.PAY, Situation.UNFINISHED)

    @property
    def may_claim_seat(self) -> bool:
        """Whether a sponsor's seat code could still cover this order."""
        return self.may_send_purchase_order and self.order.offer_id is not None

    @property
    def may_give_back(self) -> bool:
        """Whether the payer may let go of a reserved seat, to pay in another way."""
        return self.in_time and self.situation is Situation.RESERVED

    @property
    def asks_again(self) -> bool:
        """Whether the page looks again by itself until the answer is there."""
        return self.situation in (Situation.UNFINISHED, Situation.CHECKING)

    @property
    def look(self) -> str:
        """What is on the page: as long as it is the same, nothing is shown anew."""
        return f"{self.situation}-{len(self.standing.attempts)}"

    @property
    def answer_url(self) -> str:
        """Where the sandbox's bank can be made to answer; empty for a real provider."""
        attempt = self.attempt
        if attempt and attempt.gateway == SandboxGateway.name and attempt.state == AttemptState.PENDING:
            return reverse("payments:sandbox", args=[attempt.provider_ref])
        return ""

    @property
    def trail(self) -> list[tuple[str, str]]:
        return [("Dashboard", settings.LOGIN_REDIRECT_URL)]

    @property
    def trail_from_here(self) -> list[tuple[str, str]]:
        return [*self.trail, ("Payment", self.order.get_absolute_url())]


def order_page(order_id: UUID, *, payer: User, now: datetime) -> OrderPage:
    """The page of the payer's own order.

    Raises:
        Order.DoesNotExist: there is no such order of this person.
    """
    order = Order.objects.get(pk=order_id, payer=payer)
    standing = standing_of(order)
    return OrderPage(
        standing=standing,
        situation=situation_of(standing, now),
        ledger=tuple(order.ledger.prefetch_related("went_back").order_by("received_at")),
        documents=tuple(order.documents.order_by("-issued_at", "-number")),
        in_time=now < order.payable_until,
        all_ways=gateways.enabled(),
    )


def _provider(attempt: PaymentAttempt | None) -> str:
    gateway = gateways.named(attempt.gateway) if attempt else None
    return gateway.provider if gateway else "the payment provider"
