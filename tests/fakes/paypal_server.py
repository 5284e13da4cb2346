"""A small PayPal: Orders v2, its approval page, webhooks and their verification, disputes.

It speaks PayPal's wire format and takes its traps along: tokens that end, request ids that are kept,
errors with issues inside, an order that is forgotten after three hours.  Run by itself:

    python -m tests.fakes.paypal_server --port 8092 --webhook-url http://127.0.0.1:8000/payments/webhooks/paypal/
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import secrets
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from .paypal_format import (
    PayPalError,
    amount,
    approval_page,
    invalid,
    parsed,
    require_sound,
    taken_apart,
    unknown,
    unprocessable,
    with_query,
    written,
)
from .peer import Event, Peer, Request, Response, as_json, as_page, redirect

CLIENT_ID = "fake-paypal-client"
CLIENT_SECRET = "fake-paypal-secret"
WEBHOOK_ID = "1JE4291016473214C"

_KEPT_FOR = timedelta(hours=3)


@dataclass(slots=True)
class _Order:
    id: str
    request: dict[str, Any]
    created_at: datetime
    status: str = "PAYER_ACTION_REQUIRED"
    funding: str = ""
    takes: dict[str, str] = field(default_factory=dict)  # what the capture will really take
    capture: dict[str, Any] | None = None
    captured_under: str = ""

    @property
    def unit(self) -> dict[str, Any]:
        unit: dict[str, Any] = self.request["purchase_units"][0]
        return unit


class FakePayPal(Peer):
    """PayPal's book, its page and its messages.

    Attributes:
        token_seconds: how long a token lives.
        signs_in: how often somebody asked for a token.
    """

    commands: ClassVar[frozenset[str]] = Peer.commands | {
        "find", "pay", "decline", "leave_pending", "bank_answers", "expire", "void", "end_tokens",
        "dispute", "decide_dispute",
    }  # fmt: skip
    stale_after = timedelta(days=5)

    def __init__(
        self,
        *,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        webhook_id: str = WEBHOOK_ID,
        **peer: Any,
    ) -> None:
        super().__init__(**peer)
        self.webhook_id = webhook_id
        self.token_seconds = 32_400
        self.signs_in = 0
        self._basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._signing_key = secrets.token_bytes(32)
        self._tokens: dict[str, datetime] = {}
        self._orders: dict[str, _Order] = {}
        self._orders_by_request: dict[str, str] = {}
        self._orders_by_capture: dict[str, str] = {}
        self._disputes: dict[str, dict[str, Any]] = {}

    # What happens at PayPal, by hand of a test.

    def find(self, idempotency_key: str) -> str:
        """The order that was asked for with this key."""
        with self.lock:
            return self._orders_by_request[idempotency_key]

    def pay(self, reference: str, amount_minor: int | None = None, currency: str | None = None) -> None:
        """The payer agrees; money moves when we collect.  Another amount is what no honest PayPal takes."""
        self._approve(reference, "balance", amount_minor, currency)

    def decline(self, reference: str) -> None:
        """The payer agrees to pay with a card that the bank will decline."""
        self._approve(reference, "declined")

    def leave_pending(self, reference: str) -> None:
        """The payer agrees to pay by eCheck: collected, it is pending."""
        self._approve(reference, "echeck")

    def bank_answers(self, reference: str, *, approved: bool) -> None:
        """The bank answers about a capture that was pending."""
        with self.lock:
            capture = self._order(reference).capture
            if capture is None or capture["status"] != "PENDING":
                return
            capture |= {"status": "COMPLETED" if approved else "DECLINED", "update_time": self._time()}
            topic = "PAYMENT.CAPTURE.COMPLETED" if approved else "PAYMENT.CAPTURE.DENIED"
            self._tell(topic, "capture", capture)

    def expire(self, reference: str) -> None:
        """The order's time is over, and PayPal knows it no more."""
        with self.lock:
            del self._orders[reference]

    def void(self, reference: str) -> None:
        """The order is given up at PayPal."""
        with self.lock:
            self._order(reference).status = "VOIDED"

    def end_tokens(self) -> None:
        """Take back every token before its time."""
        with self.lock:
            self._tokens.clear()

    def dispute(
        self,
        reference: str,
        amount_minor: int | None = None,
        reason: str = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    ) -> str:
        """The payer asks for the money, or a part of it, back.  Returns the dispute's reference."""
        with self.lock:
            capture = self._order(reference).capture
            assert capture is not None, "nothing was collected that could be disputed"
            taken = capture["amount"]
            dispute_id = f"PP-D-{10_000 + len(self._disputes)}"
            self._disputes[dispute_id] = {
                "dispute_id": dispute_id,
                "create_time": self._time(),
                "update_time": self._time(),
                "disputed_transactions": [
                    {
                        "seller_transaction_id": capture["id"],
                        "custom": capture["custom_id"],
                        "gross_amount": taken,
                    }
                ],
                "reason": reason,
                "status": "WAITING_FOR_SELLER_RESPONSE",
                "dispute_amount": (
                    taken if amount_minor is None else amount(amount_minor, taken["currency_code"])
                ),
                "dispute_life_cycle_stage": "CHARGEBACK",
                "dispute_channel": "INTERNAL",
            }
            self._tell("CUSTOMER.DISPUTE.CREATED", "dispute", self._disputes[dispute_id])
            return dispute_id

    def decide_dispute(
        self, dispute_id: str, outcome: str = "RESOLVED_BUYER_FAVOUR", refunded_minor: int | None = None
    ) -> None:
        """PayPal decides, in one of its words; `refunded_minor` goes back when it is not the whole."""
        with self.lock:
            dispute = self._disputes[dispute_id]
            told: dict[str, Any] = {"outcome_code": outcome}
            if refunded_minor is not None:
                told["amount_refunded"] = amount(refunded_minor, dispute["dispute_amount"]["currency_code"])
            dispute |= {"status": "RESOLVED", "update_time": self._time(), "dispute_outcome": told}
            self._tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute)

    def _approve(
        self, reference: str, funding: str, amount_minor: int | None = None, currency: str | None = None
    ) -> None:
        with self.lock:
            order = self._order(reference)
            if order.status == "APPROVED" or order.capture is not None:
                return  # pressed twice
            if order.status != "PAYER_ACTION_REQUIRED":
                raise ValueError(f"Nobody can approve an order that is {order.status}.")
            order.status, order.funding, order.takes = "APPROVED", funding, dict(order.unit["amount"])
            if amount_minor is not None:
                order.takes = amount(amount_minor, order.takes["currency_code"])
            if currency is not None:
                order.takes["currency_code"] = currency
            self._tell("CHECKOUT.ORDER.APPROVED", "checkout-order", self._representation(order))

    def sign(self, body: bytes, *, at: datetime, forged: bool) -> Mapping[str, str]:
        """PayPal's five headers; a forgery has another key's signature, another's certificate, or too few."""
        told = {
            "transmission_id": str(uuid.uuid4()),
            "transmission_time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "cert_url": f"{self.url}/v1/notifications/certs/CERT-360caa42-fca2a594",
            "auth_algo": "SHA256withRSA",
        }
        told["transmission_sig"] = self._signature(told, self.webhook_id, body)
        if forged:
            with self.lock:
                flaw = self._chance.choice(["transmission_sig", "cert_url", "nothing"])
            told["transmission_sig"] = base64.b64encode(secrets.token_bytes(32)).decode()
            if flaw == "cert_url":
                told["cert_url"] = "https://www.paypal.com.example.org/cert.pem"
            elif flaw == "nothing":
                del told["transmission_sig"]
        return {f"Paypal-{name.replace('_', '-').title()}": value for name, value in told.items()}

    # What it answers.

    def is_api(self, request: Request) -> bool:
        return request.path.startswith(("/v1/", "/v2/"))

    def answer(self, request: Request) -> Response:
        if not self.is_api(request):
            return self._page(request)
        try:
            if request.path == "/v1/oauth2/token":
                return self._sign_in(request)
            if not self._is_signed_in(request):
                return as_json(
                    {"error": "invalid_token", "error_description": "Access Token not found in cache"}, 401
                )
            for method, pattern, respond in self._routes():
                match = re.fullmatch(pattern, request.path)
                if match and method == request.method:
                    with self.lock:
                        return respond(request, *match.groups())
            raise unknown()
        except PayPalError as error:
            return error.as_response()

    def _routes(self) -> tuple[tuple[str, str, Callable[..., Response]], ...]:
        return (
            ("POST", "/v2/checkout/orders", self._create),
            ("GET", "/v2/checkout/orders/([^/]+)", self._show),
            ("POST", "/v2/checkout/orders/([^/]+)/capture", self._capture),
            ("GET", "/v2/payments/captures/([^/]+)", self._show_capture),
            ("POST", "/v1/notifications/verify-webhook-signature", self._verify),
            ("GET", "/v1/customer/disputes/([^/]+)", self._show_dispute),
        )

    def _sign_in(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Basic {self._basic}":
            return as_json(
                {"error": "invalid_client", "error_description": "Client Authentication failed"}, 401
            )
        if request.form() != {"grant_type": "client_credentials"}:
            raise invalid("unsupported_grant_type")
        token = f"A21AA{secrets.token_urlsafe(60)}"
        with self.lock:
            self.signs_in += 1
            self._tokens[token] = self.now() + timedelta(seconds=self.token_seconds)
        return as_json({"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds})

    def _is_signed_in(self, request: Request) -> bool:
        scheme, _, token = (request.headers.get("Authorization") or "").partition(" ")
        with self.lock:
            ends_at = self._tokens.get(token)
        return scheme == "Bearer" and ends_at is not None and self.now() < ends_at

    def _create(self, request: Request) -> Response:
        request_id = request.headers.get("PayPal-Request-Id") or ""
        if not 1 <= len(request_id) <= 108:
            raise invalid("PAYPAL_REQUEST_ID_REQUIRED")
        asked = parsed(request.body)
        require_sound(asked)
        known = self._orders_by_request.get(request_id)
        if known is not None:
            order = self._order(known)
            if order.request != asked:
                raise unprocessable("DUPLICATE_REQUEST_ID")
            return as_json(self._representation(order), 200)
        order = _Order(secrets.token_hex(9).upper()[:17], asked, self.now())
        self._orders[order.id] = order
        self._orders_by_request[request_id] = order.id
        return as_json(self._representation(order), 201)

    def _show(self, request: Request, reference: str) -> Response:
        return as_json(self._representation(self._order(reference)))

    def _capture(self, request: Request, reference: str) -> Response:
        order = self._order(reference)
        request_id = request.headers.get("PayPal-Request-Id") or ""
        if order.capture is not None:
            if request_id and request_id == order.captured_under:
                return as_json(self._representation(order), 200)
            raise unprocessable("ORDER_ALREADY_CAPTURED")
        if order.status != "APPROVED":
            raise unprocessable("ORDER_NOT_APPROVED")
        if order.funding == "declined":
            order.status = "PAYER_ACTION_REQUIRED"  # the payer may choose another funding
            raise unprocessable("INSTRUMENT_DECLINED")
        pending = order.funding == "echeck"
        order.capture = {
            "id": secrets.token_hex(9).upper()[:17],
            "status": "PENDING" if pending else "COMPLETED",
            **({"status_details": {"reason": "ECHECK"}} if pending else {}),
            "amount": order.takes,
            "custom_id": order.unit.get("custom_id", ""),
            "invoice_id": order.unit.get("invoice_id", ""),
            "final_capture": True,
            "create_time": self._time(),
            "update_time": self._time(),
            "supplementary_data": {"related_ids": {"order_id": order.id}},
        }
        order.status, order.captured_under = "COMPLETED", request_id
        self._orders_by_capture[order.capture["id"]] = order.id
        self._tell(f"PAYMENT.CAPTURE.{order.capture['status']}", "capture", order.capture)
        return as_json(self._representation(order), 201)

    def _show_capture(self, request: Request, capture: str) -> Response:
        reference = self._orders_by_capture.get(capture)
        if reference is None:
            raise unknown()
        return as_json(self._orders[reference].capture)

    def _show_dispute(self, request: Request, dispute: str) -> Response:
        if dispute not in self._disputes:
            raise unknown()
        return as_json(self._disputes[dispute])

    def _verify(self, request: Request) -> Response:
        told, event = taken_apart(request.body)
        names = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time")
        if event is None or not all(isinstance(told.get(name), str) for name in (*names, "webhook_id")):
            raise PayPalError(400, "VALIDATION_ERROR", "MISSING_REQUIRED_PARAMETER")
        genuine = (
            told["cert_url"].startswith(f"{self.url}/")
            and told["webhook_id"] == self.webhook_id
            and hmac.compare_digest(self._signature(told, self.webhook_id, event), told["transmission_sig"])
        )
        return as_json({"verification_status": "SUCCESS" if genuine else "FAILURE"})

    def _signature(self, told: Mapping[str, str], webhook_id: str, body: bytes) -> str:
        """Over what PayPal signs, checksum of the raw body included, though with a key instead of RSA."""
        signed = f"{told['transmission_id']}|{told['transmission_time']}|{webhook_id}|{zlib.crc32(body)}"
        return base64.b64encode(hmac.digest(self._signing_key, signed.encode(), hashlib.sha256)).decode()

    # Its book.

    def _order(self, reference: str) -> _Order:
        order = self._orders.get(reference)
        if order is None or (order.capture is None and self.now() >= order.created_at + _KEPT_FOR):
            raise unknown()
        return order

    def _representation(self, order: _Order) -> dict[str, Any]:
        unit = {**order.unit, "payee": {"merchant_id": "FAKEMERCHANT1"}}
        if order.capture is not None:
            unit["payments"] = {"captures": [order.capture]}
        own = f"{self.url}/v2/checkout/orders/{order.id}"
        links = [{"href": own, "rel": "self", "method": "GET"}]
        if order.status == "PAYER_ACTION_REQUIRED":
            links.append(
                {"href": f"{self.url}/checkoutnow?token={order.id}", "rel": "payer-action", "method": "GET"}
            )
        if order.status == "APPROVED":
            links.append({"href": f"{own}/capture", "rel": "capture", "method": "POST"})
        return {
            "id": order.id,
            "status": order.status,
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "create_time": written(order.created_at),
            "links": links,
        }

    def _tell(self, topic: str, resource_type: str, resource: Mapping[str, Any]) -> None:
        event_id = f"WH-{secrets.token_hex(8).upper()}-{secrets.token_hex(8).upper()}"
        body = {
            "id": event_id,
            "event_version": "1.0",
            "create_time": self._time(),
            "resource_type": resource_type,
            "event_type": topic,
            "summary": f"{topic} at the fake PayPal",
            "resource": json.loads(json.dumps(resource)),  # as it is now, not as it will be
            "links": [],
        }
        self.record(Event(event_id, topic, body, self.now()))

    def _time(self) -> str:
        return written(self.now())

    # Its page.

    def _page(self, request: Request) -> Response:
        form = request.form() if request.method == "POST" else {}
        reference = form.get("token") or request.query.get("token", [""])[0]
        try:
            with self.lock:
                order = self._order(reference)
                context = order.request["payment_source"]["paypal"]["experience_context"]
                if request.method == "POST" and form.get("go") == "approve":
                    self._approve(reference, form.get("funding", "balance"))
                    return redirect(with_query(context["return_url"], token=reference, PayerID="FAKEPAYER1"))
                if request.method == "POST":
                    return redirect(with_query(context["cancel_url"], token=reference))
        except (PayPalError, ValueError):
            return as_page("<h1>This PayPal page has closed</h1>", 410)
        if order.status != "PAYER_ACTION_REQUIRED":
            return as_page("<h1>This PayPal page has done its work</h1>", 410)
        return as_page(approval_page(order.id, order.unit))


def main() -> None:
    """Run one until it is interrupted; its address is the first line it prints."""
    parser = argparse.ArgumentParser(description="A fake PayPal for tests and rehearsals.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--client-id", default=CLIENT_ID)
    parser.add_argument("--client-secret", default=CLIENT_SECRET)
    parser.add_argument("--webhook-id", default=WEBHOOK_ID)
    options = parser.parse_args()
    FakePayPal(**vars(options)).serve_forever()


if __name__ == "__main__":
    main()
