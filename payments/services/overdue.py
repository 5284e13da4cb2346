"""Reminding of invoices whose day has passed: when it has, two weeks later, then every month.

It goes on until the money is there or staff cancel the purchase order.  Source: section 4.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from certification.kernel import outbox
from payments import notices
from payments.documents.links import link_to
from payments.models import PurchaseOrder
from payments.selectors import overdue, with_outstanding
from payments.states import DocumentKind

SECOND_REMINDER = timedelta(days=14)
BETWEEN_REMINDERS = timedelta(days=30)


def remind_overdue(*, now: datetime) -> int:
    """Queue the reminder that is due by now for each overdue purchase order.  Returns how many.

    After a week without a worker one reminder goes out, not all that were missed.
    """
    reminded = 0
    late = with_outstanding(overdue(now)).select_related("order__payer").order_by("due_at")
    for request in late:
        count = reminders_by(request, now)
        if outbox.is_queued(notices.reminder_key(request, count)):
            continue
        invoice = request.documents.filter(kind=DocumentKind.INVOICE).first()
        notices.invoice_overdue(
            request,
            outstanding_minor=request.outstanding_minor,
            count=count,
            invoice=invoice,
            link=link_to(invoice) if invoice else "",
        )
        reminded += 1
    return reminded


def reminders_by(request: PurchaseOrder, now: datetime) -> int:
    """How many reminders are due by now, counted from the first on the day after the last one to pay."""
    assert request.due_at is not None
    late = now - request.due_at
    if late < SECOND_REMINDER:
        return 1
    return 2 + int((late - SECOND_REMINDER) / BETWEEN_REMINDERS)
