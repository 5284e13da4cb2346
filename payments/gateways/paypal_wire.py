"""PayPal's JSON, read and written: orders, captures, disputes, messages and amounts.

What does not have PayPal's shape is not guessed at: an answer is then no answer, a message is forged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from certification.kernel.money import decimals
from payments.states import DisputeState, EventKind

from .protocol import (
    ForgedEvent,
    GatewayUnavailableError,
    PaymentRequest,
    PaymentStatus,
    ProviderEvent,
    ProviderPayment,
)

# PayPal repeats a message for three days, under its first date or a new one.
_REPEATED_FOR = timedelta(days=4)
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_LONGEST_DESCRIPTION_BYTES = 127

_STATUS_OF_ORDER = {
    "CREATED": PaymentStatus.WAITING,
    "SAVED": PaymentStatus.WAITING,
    "PAYER_ACTION_REQUIRED": PaymentStatus.WAITING,
    "APPROVED": PaymentStatus.APPROVED,
    "VOIDED": PaymentStatus.EXPIRED,
}
# What went back afterwards did come in: that it went is another fact.
_STATUS_OF_CAPTURE = {
    "COMPLETED": PaymentStatus.SUCCEEDED,
    "PARTIALLY_REFUNDED": PaymentStatus.SUCCEEDED,
    "REFUNDED": PaymentStatus.SUCCEEDED,
    "PENDING": PaymentStatus.PENDING,
    "DECLINED": PaymentStatus.FAILED,
    "FAILED": PaymentStatus.FAILED,
}
# An outcome that stands in neither leaves the dispute open, for a person to look at.
_LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})
_WON = frozenset({"RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "DENIED", "NONE"})

PROBLEMS = {
    PaymentStatus.FAILED: "PayPal declined the payment, and nothing was charged.",
    PaymentStatus.EXPIRED: "The PayPal page closed before the payment was made, and nothing was charged.",
}


def order_for(request: PaymentRequest) -> dict[str, Any]:
    """The order to be made at PayPal; our key goes with it into every capture and message."""
    description = request.description.encode()[:_LONGEST_DESCRIPTION_BYTES].decode(errors="ignore")
    return {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "reference_id": request.order_id,
                "custom_id": request.idempotency_key,
                # Many accounts refuse a second payment under the same invoice: each attempt is its own.
                "invoice_id": request.idempotency_key,
                "description": description,
                "amount": {
                    "currency_code": request.currency.upper(),
                    "value": _written(request.amount_minor, request.currency),
                },
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": request.return_url,
                    "cancel_url": request.cancel_url,
                    "user_action": "PAY_NOW",
                    "shipping_preference": "NO_SHIPPING",
                }
            }
        },
    }


def _written(amount_minor: int, currency: str) -> str:
    return f"{Decimal(amount_minor).scaleb(-decimals(currency)):f}"


def amount_of(money: Mapping[str, Any]) -> tuple[int, str]:
    """PayPal's amount as ours.

    Raises:
        ValueError, KeyError, TypeError: it is no exact amount of the currency's smallest unit.
    """
    value, currency = money["value"], money["currency_code"]
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", value) or not re.fullmatch(r"[A-Z]{3}", currency):
        raise ValueError("not an amount")
    exact = Decimal(value).scaleb(decimals(currency))
    if exact != int(exact):
        raise ValueError("smaller than the smallest unit")
    return int(exact), currency


def payment_of(order: dict[str, Any]) -> ProviderPayment:
    """What became of an order.

    Raises:
        GatewayUnavailableError: it does not have an order's shape.
    """
    with reading("an order"):
        unit = order["purchase_units"][0]
        if order["status"] != "COMPLETED":
            status = _STATUS_OF_ORDER[order["status"]]
            amount_minor, currency = amount_of(unit["amount"])
            return ProviderPayment(status, amount_minor, currency, problem=PROBLEMS.get(status, ""))
        # An order is collected once; what was declined before may stand beside what came.
        capture = max(unit["payments"]["captures"], key=_weight)
        status = _STATUS_OF_CAPTURE[capture["status"]]
        amount_minor, currency = amount_of(capture["amount"])
        return ProviderPayment(
            status=status,
            amount_minor=amount_minor,
            currency=currency,
            problem=PROBLEMS.get(status, ""),
            decided_at=instant_of(capture.get("update_time") or capture.get("create_time")),
            transaction=str(capture["id"]),
        )


def _weight(capture: Mapping[str, Any]) -> int:
    order = [PaymentStatus.FAILED, PaymentStatus.PENDING, PaymentStatus.SUCCEEDED]
    return order.index(_STATUS_OF_CAPTURE[capture["status"]])


def nothing_came(status: PaymentStatus) -> ProviderPayment:
    """What stands when PayPal tells the fate of an order and not the order."""
    return ProviderPayment(status, amount_minor=0, currency="", problem=PROBLEMS[status])


def dispute_state(status: str, outcome: str) -> DisputeState:
    """Who has the money; of an outcome nobody foresaw that is not said."""
    if status != "RESOLVED":
        return DisputeState.OPEN
    if outcome in _LOST:
        return DisputeState.LOST
    return DisputeState.WON if outcome in _WON else DisputeState.OPEN


@dataclass(frozen=True, slots=True)
class Transmission:
    """What PayPal says about a message beside it: when it was sent, and signed with what."""

    transmission_id: str
    transmission_time: str
    transmission_sig: str
    cert_url: str
    auth_algo: str

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Transmission:
        told = {field: headers.get(_header(field), "") for field in cls.__slots__}
        if not all(told.values()):
            raise ForgedEvent("PayPal's headers are missing.")
        return cls(**told)

    def require_plausible(self, now: datetime, *, api_url: str) -> None:
        """Refuse what PayPal cannot have sent, or not lately, before it costs a question.

        Raises:
            ForgedEvent: signed with somebody else's certificate, or not of these days.
        """
        if not _is_paypals(self.cert_url, api_url):
            raise ForgedEvent("The certificate is not PayPal's.")
        sent_at = instant_of(self.transmission_time)
        if sent_at is None or not now - _REPEATED_FOR <= sent_at <= now + _CLOCKS_DIFFER_BY:
            raise ForgedEvent("The message was not sent in these days.")

    def question(self, body: bytes, *, webhook_id: str) -> bytes:
        """The request for verification, with the message in it as it came.

        Read and written anew it would differ in spaces, escapes or digits, and fail.
        """
        told = {field: getattr(self, field) for field in self.__slots__}
        envelope = json.dumps({**told, "webhook_id": webhook_id})
        return envelope[:-1].encode() + b', "webhook_event": ' + body + b"}"


def _header(field: str) -> str:
    return f"Paypal-{field.replace('_', '-').title()}"


def _is_paypals(url: str, api_url: str) -> bool:
    """Whether an address is PayPal's, or that of whoever stands in for it in a rehearsal."""
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    host = address.hostname or ""
    if address.scheme == "https" and (host == "paypal.com" or host.endswith(".paypal.com")):
        return True
    return address[:2] == urlsplit(api_url)[:2]


def event_in(body: bytes) -> dict[str, Any]:
    """The message, which must be one JSON object: a trailing brace must not open the envelope around it."""
    try:
        event = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ForgedEvent("The message is not JSON.") from error
    if not isinstance(event, dict):
        raise ForgedEvent("The message is not an event.")
    return event


def event_of(event: dict[str, Any]) -> ProviderEvent:
    """What a verified message is about.

    Raises:
        ForgedEvent: it has no name to know it by.
    """
    event_id, topic = short(event.get("id"), 120), short(event.get("event_type"), 80)
    if not event_id or not topic:
        raise ForgedEvent("The event has no name.")
    resource = event.get("resource")
    kind, reference, key = EventKind.OTHER, "", ""
    if topic.startswith("CHECKOUT.ORDER."):
        kind, reference = EventKind.PAYMENT, short(at(resource, "id"), 120)
        key = short(at(resource, "purchase_units", 0, "custom_id"), 80)
    elif topic.startswith("PAYMENT.CAPTURE."):
        kind = EventKind.PAYMENT
        reference = short(at(resource, "supplementary_data", "related_ids", "order_id"), 120)
        key = short(at(resource, "custom_id"), 80)
    elif topic.startswith("CUSTOMER.DISPUTE."):
        kind, reference = EventKind.DISPUTE, short(at(resource, "dispute_id"), 120)
    return ProviderEvent(event_id, topic, kind, reference, key, instant_of(event.get("create_time")))


def at(value: Any, *path: str | int) -> Any:
    """What lies at `path` in parsed JSON; None where the way ends early."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def short(value: Any, longest: int) -> str:
    """A name of PayPal's or ours, which are plain and no longer; of anything else, nothing."""
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return value if plain and len(value) <= longest else ""


def instant_of(value: Any) -> datetime | None:
    """An instant PayPal writes with its offset from UTC; None when it writes none."""
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return instant if instant.tzinfo else None


@contextmanager
def reading(what: str) -> Iterator[None]:
    """An answer of another shape than PayPal's is no answer."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise GatewayUnavailableError(f"PayPal's answer about {what} cannot be read.") from error
