"""PayPal: orders that the payer approves on PayPal's page and that we collect (Orders v2).

`paypalrestsdk` is deprecated and knows the old calls only; its `Api` signs in and carries requests,
here and nowhere else, behind the guards it lacks.  Why, and what was seen without them: ADR 6.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import paypalrestsdk
from django.conf import settings
from paypalrestsdk import exceptions as sdk

from payments.states import DisputeState

from . import paypal_wire as wire
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

logger = logging.getLogger(__name__)

# The package writes the Authorization header at DEBUG, whatever a site's own settings say.
logging.getLogger("paypalrestsdk.api").setLevel(logging.WARNING)

_TIMEOUT_SECONDS = 10

# Of the messages that are being verified at once.  Anybody can send some that look like PayPal's, and each
# costs a question: they must not take every thread of the site.  PayPal delivers again what was put off.
_MOST_VERIFIED_AT_ONCE = 3

# Refusals to collect that say how the payment stands: somewhere to look, or nothing to collect.
_LOOK_AGAIN = frozenset({"ORDER_ALREADY_CAPTURED", "ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})
_DECLINED = frozenset(
    {
        "INSTRUMENT_DECLINED",
        "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
        "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
        "TRANSACTION_REFUSED",
        "TRANSACTION_LIMIT_EXCEEDED",
        "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
        "PAYER_ACCOUNT_RESTRICTED",
        "PAYER_CANNOT_PAY",
    }
)
_UNKNOWN = frozenset({"RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"})


class _Refused(GatewayUnavailableError):
    """An answer other than "done".  Unless somebody knows what its issues mean, nothing is known."""

    def __init__(self, path: str, status: int, issues: frozenset[str], debug_id: str) -> None:
        super().__init__(
            f"PayPal answered {status} to {path}: {', '.join(sorted(issues)) or 'no reason'}"
            f" (PayPal's debug id: {debug_id or 'none'})."
        )
        self.status = status
        self.issues = issues


class _Api(paypalrestsdk.Api):
    """The package as a carrier, with a timeout, one renewal of the token, and errors that are raised."""

    def http_call(self, url: str, method: str, **kwargs: Any) -> Any:
        return super().http_call(url, method, timeout=_TIMEOUT_SECONDS, allow_redirects=False, **kwargs)

    def request(
        self,
        url: str,
        method: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        refresh_token: str | None = None,
    ) -> Any:
        """Send once, and once more with a new token when PayPal does not take the old one.

        The package's own calls itself for as long as 401 comes back, returns a 400 as if it were
        the answer, and writes the body anew, which a message to be verified does not survive.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        signed = self._signed(headers)
        try:
            return self.http_call(url, method, data=data, headers=signed)
        except sdk.UnauthorizedAccess:
            self.token_hash = None
            return self.http_call(url, method, data=data, headers=self._signed(headers))

    def _signed(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        try:
            return {**self.headers(), **(headers or {})}
        except (KeyError, TypeError):
            self.token_hash = None  # something else came in place of a token: not to be kept
            raise


class PayPalGateway:
    """Orders v2 behind the protocol.  One instance serves every thread; each thread has its own token."""

    name = "paypal"
    label = "PayPal"
    provider = "PayPal"

    def __init__(self) -> None:
        self._thread = threading.local()
        self._verifying = threading.BoundedSemaphore(_MOST_VERIFIED_AT_ONCE)

    def is_enabled(self) -> bool:
        return bool(settings.PAYPAL_CLIENT_ID)

    def start(self, request: PaymentRequest, *, now: datetime) -> HostedPage:
        order = self._ask(
            "v2/checkout/orders",
            wire.order_for(request),
            headers={"PayPal-Request-Id": request.idempotency_key, "Prefer": "return=representation"},
        )
        with wire.reading("a new order"):
            if order["status"] in ("APPROVED", "COMPLETED"):  # agreed to already: on to where that leads
                return HostedPage(str(order["id"]), request.return_url)
            links = {link["rel"]: link["href"] for link in order["links"]}
            return HostedPage(str(order["id"]), str(links.get("payer-action") or links["approve"]))

    def fetch(self, reference: str, *, now: datetime) -> ProviderPayment:
        try:
            return wire.payment_of(self._ask(_order_path(reference)))
        except _Refused as refusal:
            if refusal.status == 404 and refusal.issues & _UNKNOWN:
                return wire.nothing_came(PaymentStatus.EXPIRED)  # PayPal forgets an order nobody paid
            raise

    def collect(self, reference: str, *, idempotency_key: str, now: datetime) -> ProviderPayment:
        try:
            order = self._ask(
                f"{_order_path(reference)}/capture",
                {},
                headers={
                    "PayPal-Request-Id": f"{idempotency_key}-capture",
                    "Prefer": "return=representation",
                },
            )
        except _Refused as refusal:
            if refusal.status == 404 and refusal.issues & _UNKNOWN:
                return wire.nothing_came(PaymentStatus.EXPIRED)
            if refusal.status == 422 and refusal.issues & _LOOK_AGAIN:
                return self.fetch(reference, now=now)
            if refusal.status == 422 and refusal.issues & _DECLINED:
                return wire.nothing_came(PaymentStatus.FAILED)
            raise
        return wire.payment_of(order)

    def close(self, reference: str, *, now: datetime) -> ProviderPayment:
        """An order that nobody collects costs nobody anything, and only we collect: so it is over."""
        truth = self.fetch(reference, now=now)
        if truth.status in (PaymentStatus.WAITING, PaymentStatus.APPROVED):
            return replace(truth, status=PaymentStatus.EXPIRED, problem=wire.PROBLEMS[PaymentStatus.EXPIRED])
        return truth

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        transmission = wire.Transmission.read(headers)
        transmission.require_plausible(now, api_url=settings.PAYPAL_API_URL)
        event = wire.event_in(body)
        if not self._verifying.acquire(blocking=False):
            raise GatewayUnavailableError("Too many messages are being verified already.")
        try:
            self._require_sent_by_paypal(transmission, body)
        finally:
            self._verifying.release()
        return wire.event_of(event)

    def fetch_dispute(self, reference: str, *, now: datetime) -> ProviderDispute:
        dispute = self._ask(f"v1/customer/disputes/{quote(reference, safe='')}")
        with wire.reading("a dispute"):
            capture = str(dispute["disputed_transactions"][0]["seller_transaction_id"])
            outcome = dispute.get("dispute_outcome") or {}
            state = wire.dispute_state(dispute["status"], outcome.get("outcome_code", ""))
            returned = outcome.get("amount_refunded") if state is DisputeState.LOST else None
            amount_minor, currency = wire.amount_of(returned or dispute["dispute_amount"])
            opened_at = wire.instant_of(dispute.get("create_time"))
            closed_at = None if state is DisputeState.OPEN else wire.instant_of(dispute.get("update_time"))
            reason = str(dispute.get("reason", ""))
        return ProviderDispute(
            reference=reference,
            payment_reference=self._order_of(capture),
            amount_minor=amount_minor,
            currency=currency,
            state=state,
            reason=reason,
            opened_at=opened_at,
            closed_at=closed_at,
        )

    def _order_of(self, capture_id: str) -> str:
        """The order a capture belongs to; none for money that came in some other way than through us."""
        try:
            capture = self._ask(f"v2/payments/captures/{quote(capture_id, safe='')}")
        except _Refused as refusal:
            if refusal.status == 404 and refusal.issues & _UNKNOWN:
                return ""
            raise
        return wire.short(wire.at(capture, "supplementary_data", "related_ids", "order_id"), 120)

    def _require_sent_by_paypal(self, transmission: wire.Transmission, body: bytes) -> None:
        """Have PayPal itself check the signature, over the message as it came, to the byte.

        Raises:
            ForgedEvent: PayPal did not sign this message for our webhook.
        """
        try:
            answer = self._ask(
                "v1/notifications/verify-webhook-signature",
                transmission.question(body, webhook_id=settings.PAYPAL_WEBHOOK_ID),
            )
        except _Refused as refusal:
            if refusal.status == 400:
                raise ForgedEvent("PayPal cannot read what is said to come from it.") from refusal
            raise
        if answer.get("verification_status") != "SUCCESS":
            raise ForgedEvent("PayPal did not sign this message for this site.")

    def _ask(
        self,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        api = self._api()
        try:
            answer = api.get(path) if body is None else api.post(path, body, headers)
        except sdk.ConnectionError as error:
            refusal = _refusal(path, error)
            logger.warning("%s", refusal)
            raise refusal from error
        except OSError as error:  # which every failure of the network is
            raise GatewayUnavailableError(f"PayPal did not answer {path}: {type(error).__name__}.") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise GatewayUnavailableError(f"PayPal's answer to {path} cannot be read.") from error
        if not isinstance(answer, dict):
            raise GatewayUnavailableError(f"PayPal's answer to {path} cannot be read.")
        return answer

    def _api(self) -> _Api:
        """This thread's carrier: its token is no other thread's to drop."""
        access = (settings.PAYPAL_API_URL, settings.PAYPAL_CLIENT_ID, settings.PAYPAL_CLIENT_SECRET)
        if getattr(self._thread, "access", None) != access:
            endpoint, client_id, client_secret = access
            # Play money or not is the endpoint's matter; in this mode the package logs no headers.
            self._thread.api = _Api(
                mode="live", endpoint=endpoint, client_id=client_id, client_secret=client_secret
            )
            self._thread.access = access
        api: _Api = self._thread.api
        return api


def _order_path(reference: str) -> str:
    return f"v2/checkout/orders/{quote(reference, safe='')}"


def _refusal(path: str, error: sdk.ConnectionError) -> _Refused:
    try:
        told = json.loads(error.content)
        issues = {told["name"], *(detail["issue"] for detail in told.get("details") or ())}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        issues = set()  # a proxy's page, say: a status without a meaning
    response = error.response
    return _Refused(
        path,
        response.status_code,
        frozenset(issue for issue in issues if isinstance(issue, str)),
        response.headers.get("PayPal-Debug-Id", ""),
    )
