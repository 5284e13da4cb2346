"""Stripe: its hosted Checkout page, one session for one try to pay.

What is asked for is a session; what is believed is the payment intent behind it, which says what was
really received.  The account's settings at Stripe decide which methods the page offers, so a payment may
also be one whose bank answers days later.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import stripe
from django.conf import settings

from payments.states import DisputeState, EventKind

from .protocol import (
    ForgedEvent,
    GatewayUnavailableError,
    HostedPage,
    PaymentRequest,
    PaymentStatus,
    ProviderDispute,
    ProviderEvent,
    ProviderPayment,
)

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

logger = logging.getLogger(__name__)

# The wire format this module was written for.  A newer library must not change it unseen.
API_VERSION = "2026-10-28.endive"

TIMEOUT_SECONDS = 10
MAX_RETRIES = 2

# Stripe closes a page 30 minutes to 24 hours after *it* gets the request, while the instant we ask for
# was fixed with the attempt.  This is room for the way there, for asking again, and for clocks that differ;
# the site itself closes the page when its time has come.
EXPIRY_MARGIN = timedelta(minutes=5)

# How old a message may be.  Stripe signs every delivery anew.
MESSAGE_TOLERANCE = timedelta(minutes=5)

# What the payer reads.
_EXPIRED = "The payment page expired before a payment was made, and nothing was charged."
_FAILED = "The bank did not make the payment, and nothing was charged."

# An intent in these states brings no money any more, once its session is complete.
_GIVEN_UP = frozenset({"requires_payment_method", "canceled"})

_PAYMENT_TOPICS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
    }
)
_DISPUTE_TOPICS = frozenset({"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"})

# Every other status is a dispute still going on.  A closed warning never became one.
_DISPUTE_STATE = {
    "won": DisputeState.WON,
    "warning_closed": DisputeState.WON,
    "lost": DisputeState.LOST,
}


class StripeGateway:
    """The protocol's view of Stripe Checkout."""

    name = "stripe"
    label = "Credit card"
    provider = "Stripe"

    def is_enabled(self) -> bool:
        return bool(settings.STRIPE_SECRET_KEY)

    def start(self, request: PaymentRequest, *, now: datetime) -> HostedPage:
        with _answering("open a payment page"):
            session = _client().v1.checkout.sessions.create(
                _session_for(request), {"idempotency_key": request.idempotency_key}
            )
            return HostedPage(session.id, session.to_dict()["url"])

    def fetch(self, reference: str, *, now: datetime) -> ProviderPayment:
        with _answering("tell what became of a payment"):
            session = _client().v1.checkout.sessions.retrieve(
                reference, {"expand": ["payment_intent.latest_charge"]}
            )
            return _truth(session.to_dict())

    def collect(self, reference: str, *, idempotency_key: str, now: datetime) -> ProviderPayment:
        """Stripe takes the money when the payer agrees; there is nothing left to collect."""
        return self.fetch(reference, now=now)

    def close(self, reference: str, *, now: datetime) -> ProviderPayment:
        with _answering("close a payment page"):
            try:
                _client().v1.checkout.sessions.expire(reference)
            except stripe.InvalidRequestError as refusal:
                # Only an open page can be closed; what came first is told below.
                logger.info("stripe: a page was no longer open (%s)", refusal.code)
        return self.fetch(reference, now=now)

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        _require_signature(headers.get("Stripe-Signature") or "", body, now)
        try:
            event = json.loads(body)
            topic, subject = str(event["type"]), event["data"]["object"]
            kind = _kind(topic)
            of_ours = kind is not EventKind.OTHER
            return ProviderEvent(
                event_id=str(event["id"]),
                topic=topic,
                kind=kind,
                reference=str(subject["id"]) if of_ours else "",
                idempotency_key=_text((subject.get("metadata") or {}).get("idempotency_key")),
                occurred_at=_instant(event.get("created")),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise ForgedEvent("The message is signed, but it is no event of Stripe's.") from problem

    def fetch_dispute(self, reference: str, *, now: datetime) -> ProviderDispute:
        with _answering("tell about a dispute"):
            dispute = _client().v1.disputes.retrieve(reference).to_dict()
            return ProviderDispute(
                reference=reference,
                payment_reference=_session_of(_id(dispute.get("payment_intent"))),
                amount_minor=dispute["amount"],
                currency=dispute["currency"].upper(),
                state=_dispute_state(dispute),
                reason=_text(dispute.get("reason")).replace("_", " "),
                opened_at=_instant(dispute.get("created")),
            )


def _session_for(request: PaymentRequest) -> SessionCreateParams:
    """What Stripe is asked for.  It follows from the request alone, as Stripe demands under one key."""
    written = {"order_id": request.order_id, "idempotency_key": request.idempotency_key}
    return {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency.lower(),
                    "unit_amount": request.amount_minor,
                    "product_data": {"name": request.description},
                },
            }
        ],
        "client_reference_id": request.order_id,
        "metadata": written,
        "payment_intent_data": {"metadata": written, "description": request.description},
        # The fee is owed in one currency; a page that offers another would bring another amount.
        "adaptive_pricing": {"enabled": False},
        "expires_at": int((request.expires_at + EXPIRY_MARGIN).timestamp()),
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
    }


def _client() -> stripe.StripeClient:
    return _client_of(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_URL, TIMEOUT_SECONDS)


@lru_cache(maxsize=1)
def _client_of(key: str, url: str, timeout_seconds: float) -> stripe.StripeClient:
    """One client for the process, so that connections are kept; it keeps one for each thread."""
    return stripe.StripeClient(
        key,
        base_addresses={"api": url},
        stripe_version=API_VERSION,
        max_network_retries=MAX_RETRIES,
        http_client=stripe.RequestsClient(timeout=timeout_seconds),
    )


@contextmanager
def _answering(wish: str) -> Iterator[None]:
    """Turn every way in which Stripe does not answer into one, and log which it was.

    A request that Stripe refuses is no answer either: nothing is known about the payment.  Neither
    what was sent nor what came back is logged, since either may hold a key or a payer's data.
    """
    try:
        yield
    except stripe.StripeError as problem:
        refused = problem.http_status is not None and 400 <= problem.http_status < 500
        log = logger.error if refused and problem.http_status != 429 else logger.warning
        log(
            "stripe: did not %s: %s, status %s, code %s, request %s",
            wish,
            type(problem).__name__,
            problem.http_status,
            problem.code,
            problem.request_id,
        )
        raise GatewayUnavailableError(f"Stripe did not {wish}.") from None
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        logger.warning("stripe: did not %s: the answer cannot be read, %s", wish, type(problem).__name__)
        raise GatewayUnavailableError(f"Stripe did not {wish} in a way we can read.") from None


def _truth(session: dict[str, Any]) -> ProviderPayment:
    """What a session and its intent say together; money that was received comes before all else."""
    intent = session.get("payment_intent") or {}
    received = intent.get("amount_received") or 0
    currency = (intent.get("currency") or session["currency"]).upper()
    if received:
        return ProviderPayment(
            PaymentStatus.SUCCEEDED,
            received,
            currency,
            decided_at=_decided_at(intent),
            transaction=intent["id"],
        )
    status, problem = _fate(session, intent)
    return ProviderPayment(status, 0, currency, problem=problem, transaction=_text(intent.get("id")))


def _fate(session: dict[str, Any], intent: dict[str, Any]) -> tuple[PaymentStatus, str]:
    """What became of a session that has brought no money."""
    if session["status"] == "open":
        return PaymentStatus.WAITING, ""
    if session["status"] == "expired":
        return PaymentStatus.EXPIRED, _EXPIRED
    if session["status"] != "complete":
        raise ValueError("Stripe knows a status of sessions that this module does not.")
    if session["payment_status"] == "unpaid" and intent.get("status") in _GIVEN_UP:
        return PaymentStatus.FAILED, _FAILED
    # Entered, and a bank has yet to answer; or paid this very moment, and the intent will say so next.
    return PaymentStatus.PENDING, ""


def _decided_at(intent: dict[str, Any]) -> datetime | None:
    """When the money came: a card is decided with its charge, while another bank's answer has no instant."""
    charge = intent.get("latest_charge")
    if not isinstance(charge, dict) or (charge.get("payment_method_details") or {}).get("type") != "card":
        return None
    return _instant(charge.get("created"))


def _dispute_state(dispute: dict[str, Any]) -> DisputeState:
    if dispute["status"] == "prevented":
        # Ended before it became one: either blocked, or paid back by rule.  The balance tells which.
        moved = sum(entry["amount"] for entry in dispute.get("balance_transactions") or ())
        return DisputeState.LOST if moved < 0 else DisputeState.WON
    return _DISPUTE_STATE.get(dispute["status"], DisputeState.OPEN)


def _session_of(intent: str) -> str:
    """The session a payment intent belongs to; empty when it was not made by one."""
    if not intent:
        return ""
    found = _client().v1.checkout.sessions.list({"payment_intent": intent, "limit": 1}).data
    return found[0].id if found else ""


def _require_signature(header: str, body: bytes, now: datetime) -> None:
    """Make sure that Stripe signed `body`, and lately.

    The library measures the age by the machine's clock, so it only compares the signature here, and
    the age is measured by the programme's.

    Raises:
        ForgedEvent: the signature is missing, wrong, or older than five minutes.
    """
    try:
        stripe.WebhookSignature.verify_header(body, header, settings.STRIPE_WEBHOOK_SECRET, tolerance=None)
        # Split as the library splits: the first instant is the signed one, and anybody can write a second.
        parts = [part.split("=") for part in header.split(",")]
        signed_at = datetime.fromtimestamp(int(next(part[1] for part in parts if part[0] == "t")), UTC)
    except (stripe.SignatureVerificationError, ValueError, TypeError, OverflowError) as problem:
        raise ForgedEvent("Stripe did not sign this message.") from problem
    if now - signed_at > MESSAGE_TOLERANCE:
        raise ForgedEvent("Stripe signed this message too long ago.")


def _kind(topic: str) -> EventKind:
    if topic in _PAYMENT_TOPICS:
        return EventKind.PAYMENT
    return EventKind.DISPUTE if topic in _DISPUTE_TOPICS else EventKind.OTHER


def _instant(epoch_seconds: int | None) -> datetime | None:
    return None if epoch_seconds is None else datetime.fromtimestamp(epoch_seconds, UTC)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _id(value: object) -> str:
    """The id of something Stripe gives by id or, when expanded, whole."""
    return _text(value.get("id") if isinstance(value, dict) else value)
