"""Orders, money, purchase orders, providers' messages and numbered documents."""

from .documents import NumberSeries, PaymentDocument
from .ledger import LedgerRow, MoneyToReturn
from .orders import Order, PaymentAttempt
from .providers import Dispute, SandboxPayment, WebhookEvent
from .purchase_orders import PurchaseOrder, PurchaseOrderFile, Seat

__all__ = [
    "Dispute",
    "LedgerRow",
    "MoneyToReturn",
    "NumberSeries",
    "Order",
    "PaymentAttempt",
    "PaymentDocument",
    "PurchaseOrder",
    "PurchaseOrderFile",
    "SandboxPayment",
    "Seat",
    "WebhookEvent",
]
