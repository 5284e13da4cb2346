"""A fake Stripe: Checkout Sessions, payment intents, disputes and signed messages, on the wire.

    python -m tests.fakes.stripe_server --port 8190 --webhook-url http://127.0.0.1:8000/payments/webhooks/stripe/

Source: Stripe's API reference (Checkout Sessions, idempotent requests, errors) and "Verify webhook
signatures"; only what our gateway uses, and strict about that.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Set
from datetime import datetime, timedelta
from html import escape
from typing import Any, ClassVar

from .peer import Event, Peer, Request, Response, as_json, as_page, redirect

API_KEY = "sk_test_fake_0123456789abcdef"
WEBHOOK_SECRET = "whsec_fake_0123456789abcdef"

SUCCEEDS = "4242424242424242"
DECLINED = "4000000000000002"
PENDING = "4000000000000077"

_SESSION = r"/v1/checkout/sessions/(cs_test_\w+)"
_PAGE = r"/c/pay/(cs_test_\w+)"
_SHORTEST, _LONGEST = timedelta(minutes=30), timedelta(hours=24)

# What a session may be asked with; Stripe refuses what it does not know.
_PARAMETERS = re.compile(
    r"mode|client_reference_id|success_url|cancel_url|expires_at|expand\[\d+\]"
    r"|(payment_intent_data\[)?metadata\]?\[\w+\]|payment_intent_data\[description\]|adaptive_pricing\[enabled\]"
    r"|line_items\[0\]\[(quantity|price_data\]\[(currency|unit_amount|product_data\]\[name))\]"
)
_PRICE = "line_items[0][price_data]"
_NEEDED = (
    "mode",
    "success_url",
    "line_items[0][quantity]",
    f"{_PRICE}[currency]",
    f"{_PRICE}[unit_amount]",
    f"{_PRICE}[product_data][name]",
)

Book = dict[str, dict[str, Any]]


class _Refused(Exception):
    """An error in Stripe's own shape."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", **more: str
    ) -> None:
        super().__init__(message)
        self.answer = as_json({"error": {"type": kind, "message": message, **more}}, status)


class FakeStripe(Peer):
    """Stripe's side of a payment.  Every command takes the session's id, as the gateway's reference."""

    commands: ClassVar[frozenset[str]] = Peer.commands | {
        "find", "pay", "decline", "leave_pending", "bank_answers", "expire", "dispute", "decide_dispute",
    }  # fmt: skip

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        webhook_secret: str = WEBHOOK_SECRET,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.api_key = api_key
        self.webhook_secret = webhook_secret
        self.sessions: Book = {}
        self.intents: Book = {}
        self.charges: Book = {}
        self.disputes: Book = {}
        self._answered: dict[str, tuple[str, Response]] = {}
        self._session_of_key: dict[str, str] = {}

    # What happens at Stripe, by hand of a test.

    def find(self, idempotency_key: str) -> str:
        """The session that was asked for with this key."""
        return self._session_of_key[idempotency_key]

    def pay(self, reference: str, amount_minor: int | None = None, currency: str | None = None) -> None:
        """The payer pays; another amount or currency is what an honest provider never brings."""
        self._complete(reference, "succeeded", amount_minor, currency)

    def decline(self, reference: str) -> None:
        """The bank declines the card; the page stays open for another one."""
        with self.lock:
            self._open_session(reference)

    def leave_pending(self, reference: str) -> None:
        """The payer is done, and a bank will answer later."""
        self._complete(reference, "processing", None, None)

    def bank_answers(self, reference: str, *, approved: bool) -> None:
        with self.lock:
            session = self.sessions[reference]
            intent = self.intents[session["payment_intent"]]
            if approved:
                self._receive(session, intent)
            else:
                intent |= {
                    "status": "requires_payment_method",
                    "last_payment_error": {"code": "payment_intent_payment_attempt_failed"},
                }
            fate = "succeeded" if approved else "failed"
            self._tell(f"checkout.session.async_payment_{fate}", self._shown(session))

    def expire(self, reference: str) -> None:
        """The page's time runs out."""
        with self.lock:
            session = self._open_session(reference)
            session |= {"status": "expired", "url": None}
            self._tell("checkout.session.expired", self._shown(session))

    def dispute(self, reference: str, amount_minor: int | None = None, status: str = "needs_response") -> str:
        """The payer disputes what was received; the money is withheld, but for a mere warning."""
        with self.lock:
            intent = self.intents[self.sessions[reference]["payment_intent"]]
            amount = intent["amount_received"] if amount_minor is None else amount_minor
            dispute = {
                "id": f"du_{secrets.token_hex(8)}",
                "object": "dispute",
                "amount": amount,
                "currency": intent["currency"],
                "payment_intent": intent["id"],
                "charge": intent["latest_charge"],
                "reason": "product_not_received",
                "status": status,
                "created": self._epoch(),
                "balance_transactions": [] if status.startswith("warning") else [{"amount": -amount}],
                "metadata": {},
            }
            self.disputes[dispute["id"]] = dispute
            self._tell("charge.dispute.created", dispute)
            return str(dispute["id"])

    def decide_dispute(self, dispute_id: str, status: str) -> None:
        """The dispute ends: `won`, `lost`, `warning_closed` or `prevented`."""
        with self.lock:
            dispute = self.disputes[dispute_id]
            dispute["status"] = status
            if status == "won":
                dispute["balance_transactions"].append({"amount": dispute["amount"]})
            self._tell("charge.dispute.closed", dispute)

    # The wire.

    def is_api(self, request: Request) -> bool:
        return request.path.startswith("/v1/")

    def sign(self, body: bytes, *, at: datetime, forged: bool) -> Mapping[str, str]:
        epoch = int(at.timestamp())
        secret = "whsec_of_somebody_else" if forged else self.webhook_secret
        signature = hmac.new(secret.encode(), b"%d." % epoch + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={epoch},v1={signature}"}

    def answer(self, request: Request) -> Response:
        routes: tuple[tuple[str, str, Callable[..., Response]], ...] = (
            ("POST", r"/v1/checkout/sessions", self._create),
            ("GET", r"/v1/checkout/sessions", self._list),
            ("GET", _SESSION, self._retrieve),
            ("POST", _SESSION + "/expire", self._close),
            ("GET", r"/v1/disputes/(du_\w+)", self._retrieve_dispute),
            ("GET", _PAGE, self._page),
            ("POST", _PAGE, self._take_card),
        )
        try:
            if self.is_api(request):
                self._require_key(request)
            for method, path, view in routes:
                if method == request.method and (match := re.fullmatch(path, request.path)):
                    with self.lock:
                        return view(request, *match.groups())
            raise _Refused(404, f"Unrecognized request URL ({request.method}: {request.path}).")
        except _Refused as refusal:
            return refusal.answer

    def _create(self, request: Request) -> Response:
        form = request.form()
        key = request.headers.get("Idempotency-Key") or secrets.token_hex(8)
        if key in self._answered:
            asked_before, answer = self._answered[key]
            if asked_before != request.body.decode():
                raise _Refused(
                    400,
                    "Keys for idempotent requests can only be used with the same parameters.",
                    kind="idempotency_error",
                )
            return answer
        # What fails here is not kept under the key, and may be asked again in another way.
        self._require_sound(form)
        amount = int(form[f"{_PRICE}[unit_amount]"]) * int(form["line_items[0][quantity]"])
        reference = f"cs_test_{secrets.token_hex(16)}"
        session = {
            "id": reference,
            "object": "checkout.session",
            "created": self._epoch(),
            "mode": "payment",
            "livemode": False,
            "amount_subtotal": amount,
            "amount_total": amount,
            "currency": form[f"{_PRICE}[currency]"].lower(),
            "client_reference_id": form.get("client_reference_id"),
            "metadata": _nested(form, "metadata"),
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "expires_at": int(form.get("expires_at") or (self.now() + _LONGEST).timestamp()),
            "success_url": form["success_url"],
            "cancel_url": form.get("cancel_url"),
            "url": f"{self.url}/c/pay/{reference}",
            "_name": form[f"{_PRICE}[product_data][name]"],
            "_intent_metadata": _nested(form, "payment_intent_data[metadata]"),
        }
        self.sessions[reference] = session
        self._session_of_key[key] = reference
        answer = as_json(self._shown(session), Request_Id=f"req_{secrets.token_hex(8)}")
        self._answered[key] = request.body.decode(), answer
        return answer

    def _require_key(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.api_key}":
            raise _Refused(401, "Invalid API Key provided: sk_test_****.")

    def _require_sound(self, form: Mapping[str, str]) -> None:
        unknown = next((name for name in form if not _PARAMETERS.fullmatch(name)), None)
        if unknown:
            raise _Refused(
                400, f"Received unknown parameter: {unknown}", code="parameter_unknown", param=unknown
            )
        missing = next((name for name in _NEEDED if not form.get(name)), None)
        if missing:
            raise _Refused(
                400, f"Missing required param: {missing}.", code="parameter_missing", param=missing
            )
        if not re.fullmatch(r"[1-9]\d{0,7}", form[f"{_PRICE}[unit_amount]"]):
            raise _Refused(
                400, "Invalid integer", code="parameter_invalid_integer", param=f"{_PRICE}[unit_amount]"
            )
        if any(len(value) > 500 for name, value in form.items() if "metadata" in name):
            raise _Refused(400, "Metadata values can have up to 500 characters.", param="metadata")
        if "expires_at" in form:
            lifetime = timedelta(seconds=int(form["expires_at"]) - self.now().timestamp())
            if not _SHORTEST <= lifetime <= _LONGEST:
                raise _Refused(
                    400,
                    "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.",
                    param="expires_at",
                )

    def _list(self, request: Request) -> Response:
        intent = request.query.get("payment_intent", [""])[0]
        found = [
            self._shown(session)
            for session in self.sessions.values()
            if not intent or session["payment_intent"] == intent
        ]
        limit = int(request.query.get("limit", ["10"])[0])
        return as_json(
            {
                "object": "list",
                "url": "/v1/checkout/sessions",
                "has_more": len(found) > limit,
                "data": found[:limit],
            }
        )

    def _retrieve(self, request: Request, reference: str) -> Response:
        wanted = {name for key, names in request.query.items() if key.startswith("expand") for name in names}
        return as_json(self._shown(self._known(reference), wanted))

    def _close(self, request: Request, reference: str) -> Response:
        if self._known(reference)["status"] != "open":
            raise _Refused(400, "Only Checkout Sessions with a status in [open] can be expired.")
        self.expire(reference)
        return as_json(self._shown(self.sessions[reference]))

    def _retrieve_dispute(self, request: Request, dispute_id: str) -> Response:
        if dispute_id not in self.disputes:
            raise _Refused(404, f"No such dispute: '{dispute_id}'", code="resource_missing", param="id")
        return as_json(self.disputes[dispute_id])

    # The hosted page.

    def _page(self, request: Request, reference: str, problem: str = "") -> Response:
        session = self._known(reference)
        if session["status"] != "open":
            return as_page("<!doctype html><html lang=en><title>Checkout</title><h1>This page is closed</h1>")
        alert = f"<p role=alert>{escape(problem)}</p>" if problem else ""
        return as_page(
            "<!doctype html><html lang=en><title>Checkout</title>"
            f"<h1>{escape(session['_name'])}</h1>"
            f"<p>{session['amount_total']} {session['currency'].upper()} in its smallest unit</p>{alert}"
            "<form method=post><label>Card number <input name=card_number autocomplete=cc-number></label>"
            "<button>Pay</button></form>"
            f"<a href='{escape(session['cancel_url'] or '#', quote=True)}'>Back</a>"
        )

    def _take_card(self, request: Request, reference: str) -> Response:
        session = self._known(reference)
        number = re.sub(r"\D", "", request.form().get("card_number", ""))
        if session["status"] == "open":
            if number == DECLINED:
                return self._page(request, reference, "Your card was declined. Try another card.")
            if number not in (SUCCEEDS, PENDING):
                return self._page(request, reference, "Your card number is invalid.")
            self._complete(reference, "succeeded" if number == SUCCEEDS else "processing", None, None)
        return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", reference))

    # The book.

    def _known(self, reference: str) -> dict[str, Any]:
        """A session, which expires the moment somebody looks and its time has come."""
        session = self.sessions.get(reference)
        if session is None:
            raise _Refused(
                404, f"No such checkout.session: {reference}", code="resource_missing", param="session"
            )
        if session["status"] == "open" and self._epoch() >= session["expires_at"]:
            session |= {"status": "expired", "url": None}
            self._tell("checkout.session.expired", self._shown(session))
        return session

    def _open_session(self, reference: str) -> dict[str, Any]:
        session = self._known(reference)
        if session["status"] != "open":
            raise ValueError(f"{reference} is {session['status']}, and nothing happens on its page any more.")
        return session

    def _complete(self, reference: str, status: str, amount_minor: int | None, currency: str | None) -> None:
        with self.lock:
            session = self._open_session(reference)
            intent = {
                "id": f"pi_{secrets.token_hex(8)}",
                "object": "payment_intent",
                "amount": session["amount_total"] if amount_minor is None else amount_minor,
                "amount_received": 0,
                "currency": (currency or session["currency"]).lower(),
                "status": status,
                "latest_charge": None,
                "last_payment_error": None,
                "metadata": session["_intent_metadata"],
            }
            self.intents[str(intent["id"])] = intent
            session |= {"payment_intent": intent["id"], "status": "complete", "url": None}
            if status == "succeeded":
                self._receive(session, intent, method="card")
            self._tell("checkout.session.completed", self._shown(session))

    def _receive(
        self, session: dict[str, Any], intent: dict[str, Any], method: str = "us_bank_account"
    ) -> None:
        charge = {
            "id": f"ch_{secrets.token_hex(8)}",
            "object": "charge",
            "amount": intent["amount"],
            "currency": intent["currency"],
            "created": self._epoch(),
            "paid": True,
            "status": "succeeded",
            "payment_intent": intent["id"],
            "payment_method_details": {"type": method},
        }
        self.charges[str(charge["id"])] = charge
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
        session["payment_status"] = "paid"

    def _shown(self, session: Mapping[str, Any], expanded: Set[str] = frozenset()) -> dict[str, Any]:
        """A session as the wire shows it, with the intent by its id or, when asked for, whole."""
        shown = {name: value for name, value in session.items() if not name.startswith("_")}
        if shown["payment_intent"] and any(name.startswith("payment_intent") for name in expanded):
            intent = dict(self.intents[shown["payment_intent"]])
            if intent["latest_charge"] and "payment_intent.latest_charge" in expanded:
                intent["latest_charge"] = self.charges[intent["latest_charge"]]
            shown["payment_intent"] = intent
        return shown

    def _tell(self, topic: str, subject: Mapping[str, Any]) -> None:
        event_id = f"evt_{secrets.token_hex(12)}"
        body = {
            "id": event_id,
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": self._epoch(),
            "type": topic,
            "livemode": False,
            "pending_webhooks": 1,
            "data": {"object": dict(subject)},
        }
        self.record(Event(event_id, topic, body, self.now()))

    def _epoch(self) -> int:
        return int(self.now().timestamp())


def _nested(form: Mapping[str, str], name: str) -> dict[str, str]:
    start = f"{name}["
    return {key[len(start) : -1]: value for key, value in form.items() if key.startswith(start)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--api-key", default=API_KEY)
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--webhook-secret", default=WEBHOOK_SECRET)
    options = parser.parse_args()
    FakeStripe(
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
    ).serve_forever()


if __name__ == "__main__":
    main()
