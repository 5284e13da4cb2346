"""Orders, payments and purchase orders in the state a test needs, made through the services."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import Role, User
from payments import services
from payments.gateways import sandbox
from payments.models import Order, PaymentAttempt, PurchaseOrder
from payments.services import PurchaseOrderDetails

NOW = datetime(2026, 12, 1, 18, tzinfo=UTC)
PAYABLE_UNTIL = datetime(2027, 2, 1, 6, tzinfo=UTC)

GOOD_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
PENDING_CARD = "4000 0000 0000 0077"

_numbers = count(1)


def payer(**fields: Any) -> User:
    number = next(_numbers)
    values = {"full_name": f"Payer {number}", "role": Role.CANDIDATE} | fields
    return User.objects.create_user(f"payer{number}@example.org", "a long password", **values)


def office() -> User:
    number = next(_numbers)
    return User.objects.create_user(
        f"office{number}@example.org", "a long password", full_name="Olive Office", role=Role.STAFF
    )


def order(*, by: User | None = None, now: datetime = NOW, **fields: Any) -> Order:
    values: dict[str, Any] = {
        "purpose": "registration",
        "purpose_id": uuid.uuid4(),
        "payer": by or payer(),
        "description": "Registration, cohort 10",
        "amount_minor": 50_000,
        "currency": "USD",
        "payable_until": PAYABLE_UNTIL,
        "return_path": "/dashboard/",
    }
    return services.open_order(**(values | fields), now=now)


def attempt(of: Order, *, gateway: str = "sandbox", now: datetime = NOW) -> PaymentAttempt:
    """A payment begun: the provider's page is open."""
    started = services.start_payment(order_id=of.pk, by=of.payer, gateway=gateway, now=now)
    return PaymentAttempt.objects.get(pk=started.attempt_id)


def card(attempt: PaymentAttempt, number: str = GOOD_CARD, *, now: datetime = NOW) -> None:
    """The payer types a card on the sandbox's page; nobody has told us yet."""
    sandbox.decide(reference=attempt.provider_ref, card_number=number, now=now)


def paid_order(*, by: User | None = None, now: datetime = NOW, **fields: Any) -> Order:
    paid = order(by=by, now=now, **fields)
    begun = attempt(paid, now=now)
    card(begun, now=now)
    services.check_attempt(attempt_id=begun.pk, now=now)
    paid.refresh_from_db()
    return paid


def details(number: str = "PO-77") -> PurchaseOrderDetails:
    return PurchaseOrderDetails(
        number=number,
        organisation="Lakeside District",
        billing_name="Bea Ledger",
        billing_email="ledger@lakeside.example.org",
        billing_address="1 Lake Road\nLakeside",
    )


def purchase_order(of: Order, *, number: str = "PO-77", now: datetime = NOW) -> PurchaseOrder:
    return services.request_purchase_order(order_id=of.pk, by=of.payer, details=details(number), now=now)


def accepted_order(*, staff: User, now: datetime = NOW, **fields: Any) -> Order:
    accepted = order(now=now, **fields)
    request = purchase_order(accepted, now=now)
    services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=now + timedelta(hours=1))
    accepted.refresh_from_db()
    return accepted
