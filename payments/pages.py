"""What the order page shows: one situation at a time, and never a failure that is not certain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.models import User

from . import gateways
from .gateways import Gateway
from .gateways.sandbox import SandboxGateway
from .models import LedgerRow, Order, PaymentAttempt, PurchaseOrder
from .situations import Situation, latest_purchase_order, most_telling, situation_of
from .states import AttemptState, LedgerKind, PurchaseOrderState


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Everything the order page shows.

    Attributes:
        attempt: the latest try to pay, if there was one.
        purchase_order: the latest purchase order, if one was sent.
        received: the parts of the fee that came in; `to_return`, money that is no fee.
        outstanding_minor: what an accepted purchase order still owes.
        in_time: whether a payment may still be begun.
        provider: who is asked about the attempt, in words.
        answer_url: where the sandbox's bank can be made to answer; empty for a real provider.
    """

    order: Order
    situation: Situation
    attempt: PaymentAttempt | None
    purchase_order: PurchaseOrder | None
    received: tuple[LedgerRow, ...]
    to_return: tuple[LedgerRow, ...]
    outstanding_minor: int
    in_time: bool
    ways: tuple[Gateway, ...]
    provider: str
    answer_url: str

    @property
    def problem(self) -> str:
        """Why the latest try came to nothing, once that is certain."""
        undone = (AttemptState.FAILED, AttemptState.EXPIRED)
        return self.attempt.problem if self.attempt and self.attempt.state in undone else ""

    @property
    def declined(self) -> PurchaseOrder | None:
        request = self.purchase_order
        return request if request and request.state == PurchaseOrderState.DECLINED else None

    @property
    def may_pay(self) -> bool:
        return self.in_time and self.situation in (Situation.PAY, Situation.REQUESTED)

    @property
    def may_send_purchase_order(self) -> bool:
        waiting = self.purchase_order is not None and self.declined is None
        return self.in_time and not waiting and self.situation in (Situation.PAY, Situation.UNFINISHED)

    @property
    def asks_again(self) -> bool:
        """Whether the page refreshes itself until the answer is there."""
        return self.situation in (Situation.UNFINISHED, Situation.CHECKING)

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
    attempts = list(order.attempts.order_by("number"))
    request = latest_purchase_order(order)
    ledger = list(order.ledger.order_by("received_at"))
    received = tuple(row for row in ledger if row.kind == LedgerKind.FEE)
    attempt = most_telling(attempts)
    return OrderPage(
        order=order,
        situation=situation_of(order, attempt, request, now),
        attempt=attempt,
        purchase_order=request,
        received=received,
        to_return=tuple(row for row in ledger if row.kind == LedgerKind.TO_RETURN),
        outstanding_minor=order.amount_minor - sum(row.amount_minor for row in received),
        in_time=now < order.payable_until,
        ways=gateways.enabled(),
        provider=_provider(attempt),
        answer_url=_answer_url(attempt),
    )


def _provider(attempt: PaymentAttempt | None) -> str:
    gateway = gateways.named(attempt.gateway) if attempt else None
    return gateway.provider if gateway else "the payment provider"


def _answer_url(attempt: PaymentAttempt | None) -> str:
    if attempt and attempt.gateway == SandboxGateway.name and attempt.state == AttemptState.PENDING:
        return reverse("payments:sandbox", args=[attempt.provider_ref])
    return ""
