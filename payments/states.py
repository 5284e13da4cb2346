"""States of orders, attempts and purchase orders, and the moves between them."""

from django.db import models


class OrderState(models.TextChoices):
    OPEN = "open", "Waiting for payment"
    CHECKING = "checking", "We are checking with the provider"
    ACCEPTED = "accepted", "Accepted on a purchase order"
    SETTLED = "settled", "Paid"
    LAPSED = "lapsed", "Lapsed"


# An order lapses only when nothing is under way; money that comes later is surfaced as `to return`.
ORDER_ALLOWED: dict[str, frozenset[str]] = {
    OrderState.OPEN: frozenset(
        {OrderState.CHECKING, OrderState.ACCEPTED, OrderState.SETTLED, OrderState.LAPSED}
    ),
    OrderState.CHECKING: frozenset({OrderState.OPEN, OrderState.ACCEPTED, OrderState.SETTLED}),
    OrderState.ACCEPTED: frozenset({OrderState.SETTLED, OrderState.LAPSED}),
    OrderState.SETTLED: frozenset(),
    OrderState.LAPSED: frozenset(),
}
LIVE_ORDERS = frozenset({OrderState.OPEN, OrderState.CHECKING, OrderState.ACCEPTED, OrderState.SETTLED})
# What lets a registration become complete.  Source: the programme's rules, section 4.
COVERED_ORDERS = frozenset({OrderState.ACCEPTED, OrderState.SETTLED})


class AttemptState(models.TextChoices):
    STARTED = "started", "Started"
    PENDING = "pending", "Pending at the provider"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


ATTEMPT_ALLOWED: dict[str, frozenset[str]] = {
    AttemptState.STARTED: frozenset(
        {AttemptState.PENDING, AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.EXPIRED}
    ),
    AttemptState.PENDING: frozenset({AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.EXPIRED}),
    AttemptState.SUCCEEDED: frozenset(),
    AttemptState.FAILED: frozenset({AttemptState.SUCCEEDED}),
    AttemptState.EXPIRED: frozenset({AttemptState.SUCCEEDED}),
}
UNCERTAIN_ATTEMPTS = frozenset({AttemptState.STARTED, AttemptState.PENDING})


class PurchaseOrderState(models.TextChoices):
    REQUESTED = "requested", "Waiting for staff"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"


PURCHASE_ORDER_ALLOWED: dict[str, frozenset[str]] = {
    PurchaseOrderState.REQUESTED: frozenset({PurchaseOrderState.ACCEPTED, PurchaseOrderState.DECLINED}),
    PurchaseOrderState.ACCEPTED: frozenset(),
    PurchaseOrderState.DECLINED: frozenset(),
}


# The ledger's gateway for money that staff record: cheques and transfers for purchase orders.
TRANSFER = "purchase_order"


class LedgerKind(models.TextChoices):
    FEE = "fee", "Fee"
    TO_RETURN = "to_return", "To return: received twice, too late, or in another amount"
