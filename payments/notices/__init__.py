"""The mails payments owes people, written with the change that causes them."""

from .orders import document_for_billing, money_returned, money_to_return, order_covered, payment_undone
from .purchase_orders import (
    REMINDER_KEYS,
    invoice_overdue,
    purchase_order_asked_back,
    purchase_order_cancelled,
    purchase_order_declined,
    purchase_order_received,
    reminder_key,
)
from .seats import seat_codes, seat_codes_sent, seat_lost

__all__ = [
    "REMINDER_KEYS",
    "document_for_billing",
    "invoice_overdue",
    "money_returned",
    "money_to_return",
    "order_covered",
    "payment_undone",
    "purchase_order_asked_back",
    "purchase_order_cancelled",
    "purchase_order_declined",
    "purchase_order_received",
    "reminder_key",
    "seat_codes",
    "seat_codes_sent",
    "seat_lost",
]
