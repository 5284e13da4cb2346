"""How the money stands and what waits for staff, as the payments desk and the cockpit show it.

The number of questions asked does not grow with the orders: of every list the oldest rows are
fetched, and what all of it comes to is summed by the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat

from certification.kernel.exact import display
from certification.kernel.models import OutboxMessage

from .models import Dispute, LedgerRow, MoneyToReturn, Order, PaymentAttempt, PurchaseOrder, WebhookEvent
from .notices import REMINDER_KEYS
from .selectors import overdue, with_outstanding
from .states import (
    INCOMING,
    UNCERTAIN_ATTEMPTS,
    DisputeState,
    EventKind,
    LedgerKind,
    OrderState,
    PurchaseOrderState,
)

Row = TypeVar("Row")
Stored = TypeVar("Stored", bound=Model)

# A list shows its oldest rows; what is beyond them is one press away.
ROWS_SHOWN = 8
# Messages about nothing of ours are told for a while, since nothing ends them.
UNKNOWN_TOLD_FOR = timedelta(days=30)
# Neither does anything end a lost dispute, after which staff decide about the candidacy.
LOST_TOLD_FOR = timedelta(days=90)
REMINDERS_TOLD_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Amount:
    """What rows of one currency come to."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Row]):
    """The oldest rows of something that waits, how many there are in all, and what they come to."""

    rows: tuple[Row, ...]
    count: int
    amounts: tuple[Amount, ...] = ()

    @property
    def beyond(self) -> int:
        """How many rows are not shown."""
        return self.count - len(self.rows)


@dataclass(frozen=True, slots=True)
class Overdue:
    """An accepted purchase order whose money is late, and how often its payer was reminded."""

    request: PurchaseOrder
    outstanding_minor: int
    whole_days: int
    reminders_sent: int
    reminded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a drawn whole: where it begins and how wide it is, in per cent."""

    label: str
    tone: str
    place: str
    width: str
    minor: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Where the money of one currency is: received - returned - charged back = balance.

    `balance_minor` is the sum of all ledger rows, asked for by itself; the others are sums by kind.
    """

    currency: str
    received_minor: int
    returned_minor: int
    charged_back_minor: int
    balance_minor: int
    to_return_minor: int

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What became of everything that was received."""
        kept = self.balance_minor - self.to_return_minor
        parts = (
            ("Fees held", "kept", kept),
            ("To return", "owed", self.to_return_minor),
            ("Returned", "gone", self.returned_minor),
            ("Charged back", "lost", self.charged_back_minor),
        )
        return _bars(parts, whole=self.received_minor)


@dataclass(frozen=True, slots=True)
class StateLine:
    """The orders of one state and currency, and their share of the currency's orders."""

    state: OrderState
    label: str
    count: int
    minor: int
    share: str


@dataclass(frozen=True, slots=True)
class CurrencyOrders:
    """All orders of one currency, by state."""

    currency: str
    count: int
    minor: int
    lines: tuple[StateLine, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything the payments desk shows."""

    balances: tuple[Balance, ...]
    orders: tuple[CurrencyOrders, ...]
    to_decide: Waiting[PurchaseOrder]
    asked_back: Waiting[PurchaseOrder]
    overdue: Waiting[Overdue]
    to_return: Waiting[MoneyToReturn]
    disputes: Waiting[Dispute]
    lost: Waiting[Dispute]
    unhandled: Waiting[WebhookEvent]
    unknown: Waiting[WebhookEvent]
    checking: Waiting[PaymentAttempt]
    reminders: Waiting[OutboxMessage]


def desk(now: datetime) -> Desk:
    """The payments desk at `now`."""
    orders = ("order__amount_minor", "order__currency")
    return Desk(
        balances=balances(),
        orders=orders_by_state(),
        to_decide=_waiting(
            _of_payer(PurchaseOrder.objects.filter(state=PurchaseOrderState.REQUESTED)),
            ["requested_at"],
            orders,
        ),
        asked_back=_waiting(
            _of_payer(PurchaseOrder.objects.filter(state=PurchaseOrderState.ASKED_BACK)),
            ["decided_at"],
            orders,
        ),
        overdue=_overdue(now),
        to_return=_waiting(_of_payer(to_return()), ["received_at"], ("open_minor", "currency")),
        lost=_waiting(
            Dispute.objects.filter(
                state=DisputeState.LOST, closed_at__gte=now - LOST_TOLD_FOR
            ).select_related("attempt__order__payer"),
            ["-closed_at"],
            ("amount_minor", "currency"),
        ),
        disputes=_waiting(
            open_disputes().select_related("attempt__order__payer"),
            ["opened_at"],
            ("amount_minor", "currency"),
        ),
        unhandled=_waiting(WebhookEvent.objects.filter(handled_at__isnull=True), ["received_at"]),
        unknown=_waiting(unknown_events().filter(received_at__gte=now - UNKNOWN_TOLD_FOR), ["-received_at"]),
        checking=_waiting(_of_payer(undecided_attempts()), ["started_at"], orders),
        reminders=_waiting(reminders().filter(queued_at__gte=now - REMINDERS_TOLD_FOR), ["-queued_at"]),
    )


# ---- the lists, as the desk, the cockpit and the exports mean them ----


def to_return() -> QuerySet[MoneyToReturn]:
    """Money that is no fee and has not gone back yet, or not all of it."""
    sums = MoneyToReturn.objects.filter(kind=LedgerKind.TO_RETURN)
    return with_open(sums).filter(open_minor__gt=0).prefetch_related("went_back")


def with_open(sums: QuerySet[MoneyToReturn]) -> QuerySet[Any]:
    """Sums with `went_back_minor`, what went back of them, and `open_minor`, the rest."""
    gone = (
        LedgerRow.objects.filter(about=OuterRef("pk"), currency=OuterRef("currency"))
        .order_by()
        .values("about")
        .annotate(total=Sum("amount_minor"))
        .values("total")
    )
    return sums.annotate(
        went_back_minor=Subquery(gone, output_field=IntegerField()),
        open_minor=F("amount_minor") + Coalesce(F("went_back_minor"), 0),
    )


def open_disputes() -> QuerySet[Dispute]:
    return Dispute.objects.filter(state=DisputeState.OPEN)


def undecided_attempts() -> QuerySet[PaymentAttempt]:
    """Payments whose provider has yet to say what became of them."""
    return PaymentAttempt.objects.filter(state__in=UNCERTAIN_ATTEMPTS)


def unknown_events() -> QuerySet[WebhookEvent]:
    """Handled messages about a payment or dispute that is nowhere in our books."""
    same = {"gateway": OuterRef("gateway"), "provider_ref": OuterRef("reference")}
    return WebhookEvent.objects.filter(
        ~Exists(PaymentAttempt.objects.filter(**same)),
        ~Exists(Dispute.objects.filter(**same)),
        kind__in=[EventKind.PAYMENT, EventKind.DISPUTE],
        handled_at__isnull=False,
    )


def reminders() -> QuerySet[OutboxMessage]:
    """Mails that reminded somebody of an overdue invoice."""
    return OutboxMessage.objects.filter(dedupe_key__startswith=REMINDER_KEYS)


def _overdue(now: datetime) -> Waiting[Overdue]:
    key = Concat(
        Value(REMINDER_KEYS), Cast(OuterRef("pk"), TextField()), Value(":"), output_field=TextField()
    )
    # A reminder goes to the payer, and a copy of it to the billing contact.
    mails = reminders().filter(dedupe_key__startswith=key).exclude(dedupe_key__endswith=":billing").order_by()
    counted = mails.annotate(all=Func(F("pk"), function="COUNT")).values("all")
    found = _waiting(
        _of_payer(with_outstanding(overdue(now))).annotate(
            reminders_sent=Subquery(counted, output_field=IntegerField()),
            reminded_at=Subquery(mails.order_by("-queued_at").values("queued_at")[:1]),
        ),
        ["due_at"],
        ("outstanding_minor", "order__currency"),
    )
    return Waiting(tuple(_late(request, now) for request in found.rows), found.count, found.amounts)


def _late(request: Any, now: datetime) -> Overdue:
    return Overdue(
        request=request,
        outstanding_minor=request.outstanding_minor,
        whole_days=(now - request.due_at).days,
        reminders_sent=request.reminders_sent,
        reminded_at=request.reminded_at,
    )


# ---- sums ----


def balances() -> tuple[Balance, ...]:
    """Of every currency in the ledger: what came in, what went back, and what is left."""
    open_sums = to_return().order_by("currency").values("currency").annotate(total=Sum("open_minor"))
    still_open = {line["currency"]: line["total"] for line in open_sums}
    sums = (
        LedgerRow.objects.order_by("currency")
        .values("currency")
        .annotate(
            received=_total(Q(kind__in=INCOMING)),
            returned=_total(Q(kind=LedgerKind.RETURNED)),
            charged_back=_total(Q(kind=LedgerKind.CHARGED_BACK)),
            balance=Sum("amount_minor"),
        )
    )
    return tuple(
        Balance(
            currency=row["currency"],
            received_minor=row["received"],
            returned_minor=-row["returned"],
            charged_back_minor=-row["charged_back"],
            balance_minor=row["balance"],
            to_return_minor=still_open.get(row["currency"], 0),
        )
        for row in sums
    )


def orders_by_state() -> tuple[CurrencyOrders, ...]:
    """Of every currency: how many orders stand in each state, and what they come to."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for row in (
        Order.objects.order_by("currency")
        .values("currency", "state")
        .annotate(orders=Count("pk"), total=Sum("amount_minor"))
    ):
        found.setdefault(row["currency"], {})[row["state"]] = (row["orders"], row["total"])
    return tuple(_currency_orders(currency, by_state) for currency, by_state in found.items())


def _currency_orders(currency: str, by_state: dict[str, tuple[int, int]]) -> CurrencyOrders:
    whole = sum(total for _, total in by_state.values())
    lines = tuple(
        StateLine(state, str(state.label), *by_state[state], share=_share(by_state[state][1], whole))
        for state in OrderState
        if state in by_state
    )
    return CurrencyOrders(currency, sum(line.count for line in lines), whole, lines)


def _total(which: Q) -> Coalesce:
    return Coalesce(Sum("amount_minor", filter=which), 0)


def _of_payer(rows: QuerySet[Stored]) -> QuerySet[Stored]:
    return rows.select_related("order__payer")


def _waiting(
    rows: QuerySet[Stored], oldest_first: list[str], money: tuple[str, str] | None = None
) -> Waiting[Stored]:
    """`money` names the fields of the amount and its currency, when the rows have one."""
    shown = tuple(rows.order_by(*oldest_first, "pk")[:ROWS_SHOWN])
    if money is None:
        return Waiting(shown, rows.count())
    amount, currency = money
    sums: Iterable[dict[str, Any]] = (
        rows.order_by(currency).values(currency).annotate(rows=Count("pk"), total=Sum(amount))
    )
    found = list(sums)
    return Waiting(
        shown,
        sum(line["rows"] for line in found),
        tuple(Amount(line["total"], line[currency]) for line in found),
    )


def _share(part: int, whole: int) -> str:
    return display(Decimal(max(part, 0)) * 100 / Decimal(whole)) if whole else "0"


def _bars(parts: Iterable[tuple[str, str, int]], *, whole: int) -> tuple[Bar, ...]:
    drawn, before = [], 0
    for label, tone, minor in parts:
        drawn.append(Bar(label, tone, _share(before, whole), _share(minor, whole), minor))
        before += minor
    return tuple(drawn)
