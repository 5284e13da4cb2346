"""Staff's side of payments: what is owed, what came in, what goes back, and what waits to be decided.

Nothing is edited here.  Every act goes through a service, which checks, locks and audits it; what it
refuses is shown as its sentence.
"""

from . import desk, disputes, documents, events, ledger, orders, purchase_orders

__all__ = ["desk", "disputes", "documents", "events", "ledger", "orders", "purchase_orders"]
