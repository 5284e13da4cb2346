"""What may be done with orders and money.  Each service is replay-safe: twice is once."""

from .attempts import StartedPayment, check_attempt, check_order, start_payment
from .decisions import (
    accept_purchase_order,
    as_sent,
    ask_back_purchase_order,
    cancel_purchase_order,
    decline_purchase_order,
)
from .disputes import check_dispute
from .events import handle_events, store_event
from .orders import lapse_order, open_order
from .overdue import remind_overdue
from .purchase_orders import (
    PurchaseOrderDetails,
    request_purchase_order,
    request_seats,
    resend_purchase_order,
)
from .returns import record_return
from .rosters import change_seat, upload_roster
from .seats import claim_seat, give_back_seat
from .transfers import record_transfer

__all__ = [
    "PurchaseOrderDetails",
    "StartedPayment",
    "accept_purchase_order",
    "as_sent",
    "ask_back_purchase_order",
    "cancel_purchase_order",
    "change_seat",
    "check_attempt",
    "check_dispute",
    "check_order",
    "claim_seat",
    "decline_purchase_order",
    "give_back_seat",
    "handle_events",
    "lapse_order",
    "open_order",
    "record_return",
    "record_transfer",
    "remind_overdue",
    "request_purchase_order",
    "request_seats",
    "resend_purchase_order",
    "start_payment",
    "store_event",
    "upload_roster",
]
