"""What may be done with orders and money.  Each service is replay-safe: twice is once."""

from .attempts import StartedPayment, check_attempt, check_order, start_payment
from .orders import lapse_order, open_order
from .purchase_orders import (
    PurchaseOrderDetails,
    accept_purchase_order,
    decline_purchase_order,
    record_transfer,
    request_purchase_order,
)

__all__ = [
    "PurchaseOrderDetails",
    "StartedPayment",
    "accept_purchase_order",
    "check_attempt",
    "check_order",
    "decline_purchase_order",
    "lapse_order",
    "open_order",
    "record_transfer",
    "request_purchase_order",
    "start_payment",
]
