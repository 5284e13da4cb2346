"""What every letter to a payer has: whom it greets, and the page it leads to."""

from __future__ import annotations

from django.conf import settings

from certification.kernel import outbox
from payments.models import Order


def to_payer(order: Order, dedupe_key: str, subject: str, body: str, *, kind: str) -> None:
    """Queue a letter about an order to whoever pays it, once for each `dedupe_key`."""
    outbox.queue(
        dedupe_key=dedupe_key,
        to=order.payer.email,
        subject=subject,
        body=f"{dear(order.payer.full_name)}\n\n{body}\n\n{settings.SITE_URL}{order.get_absolute_url()}\n",
        kind=kind,
    )


def dear(name: str) -> str:
    return f"Dear {name}," if name else "Hello,"
