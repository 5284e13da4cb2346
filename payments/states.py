"""States of orders, attempts and purchase orders, and the moves between them."""

from django.db import models


class OrderState(models.TextChoices):
    OPEN = "open", "Waiting for payment"
    CHECKING = "checking", "We are checking with the provider"
    ACCEPTED = "accepted", "Accepted on a purchase order"
    SEATED = "seated", "Covered by a sponsor’s seat"
    SETTLED = "settled", "Paid"
    LAPSED = "lapsed", "Lapsed"


# An order lapses only when nothing is under way; money that comes later is surfaced as `to return`.
ORDER_ALLOWED: dict[str, frozenset[str]] = {
    OrderState.OPEN: frozenset(
        {OrderState.CHECKING, OrderState.ACCEPTED, OrderState.SEATED, OrderState.SETTLED, OrderState.LAPSED}
    ),
    OrderState.CHECKING: frozenset(
        {OrderState.OPEN, OrderState.ACCEPTED, OrderState.SEATED, OrderState.SETTLED}
    ),
    OrderState.ACCEPTED: frozenset({OrderState.SETTLED, OrderState.LAPSED}),
    # The sponsor's own order owes the money; this one owes nothing any more.
    OrderState.SEATED: frozenset(),
    OrderState.SETTLED: frozenset(),
    OrderState.LAPSED: frozenset(),
}
LIVE_ORDERS = frozenset(OrderState) - {OrderState.LAPSED}
# What lets a registration become complete.  Source: the programme's rules, section 4.
COVERED_ORDERS = frozenset({OrderState.ACCEPTED, OrderState.SEATED, OrderState.SETTLED})
# Where a payment may still bring the fee.
PAYABLE_ORDERS = frozenset({OrderState.OPEN, OrderState.CHECKING})


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
    ASKED_BACK = "asked_back", "Waiting for its sender"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    CANCELLED = "cancelled", "Cancelled"


PURCHASE_ORDER_ALLOWED: dict[str, frozenset[str]] = {
    PurchaseOrderState.REQUESTED: frozenset(
        {PurchaseOrderState.ASKED_BACK, PurchaseOrderState.ACCEPTED, PurchaseOrderState.DECLINED}
    ),
    PurchaseOrderState.ASKED_BACK: frozenset(
        {PurchaseOrderState.REQUESTED, PurchaseOrderState.ACCEPTED, PurchaseOrderState.DECLINED}
    ),
    # Staff give an unpaid one up; what was claimed on it stays claimed.
    PurchaseOrderState.ACCEPTED: frozenset({PurchaseOrderState.CANCELLED}),
    PurchaseOrderState.DECLINED: frozenset(),
    PurchaseOrderState.CANCELLED: frozenset(),
}
UNDECIDED_PURCHASE_ORDERS = frozenset({PurchaseOrderState.REQUESTED, PurchaseOrderState.ASKED_BACK})
LIVE_PURCHASE_ORDERS = UNDECIDED_PURCHASE_ORDERS | {PurchaseOrderState.ACCEPTED}


class SeatState(models.TextChoices):
    FREE = "free", "Not claimed"
    CLAIMED = "claimed", "Claimed"
    VOID = "void", "Void"


# Before the purchase order is accepted a candidate may give a seat back.
SEAT_ALLOWED: dict[str, frozenset[str]] = {
    SeatState.FREE: frozenset({SeatState.CLAIMED, SeatState.VOID}),
    SeatState.CLAIMED: frozenset({SeatState.FREE, SeatState.VOID}),
    SeatState.VOID: frozenset(),
}


class DisputeState(models.TextChoices):
    OPEN = "open", "Open"
    WON = "won", "Won: the money stays"
    LOST = "lost", "Lost: the money was taken back"


DISPUTE_ALLOWED: dict[str, frozenset[str]] = {
    DisputeState.OPEN: frozenset({DisputeState.WON, DisputeState.LOST}),
    DisputeState.WON: frozenset(),
    DisputeState.LOST: frozenset(),
}


class EventKind(models.TextChoices):
    """What a provider's message is about."""

    PAYMENT = "payment", "A payment"
    DISPUTE = "dispute", "A dispute"
    OTHER = "other", "Nothing of ours"


# The purpose of a sponsor's own order; its key is the purchase order's.
SEATS = "seats"

# The ledger's gateway for money that staff record: cheques and transfers for purchase orders.
TRANSFER = "purchase_order"


class LedgerKind(models.TextChoices):
    FEE = "fee", "Fee"
    TO_RETURN = "to_return", "To return: received twice, too late, or in another amount"
    RETURNED = "returned", "Returned"
    CHARGED_BACK = "charged_back", "Taken back in a dispute"


INCOMING = frozenset({LedgerKind.FEE, LedgerKind.TO_RETURN})
OUTGOING = frozenset({LedgerKind.RETURNED, LedgerKind.CHARGED_BACK})


class DocumentKind(models.TextChoices):
    INVOICE = "invoice", "Invoice"
    RECEIPT = "receipt", "Receipt"
    CREDIT_NOTE = "credit_note", "Credit note"
