"""PayPal's formats: what it refuses to make an order of, its errors, the text of an event, its page."""

from __future__ import annotations

import html
import json
import re
import secrets
import urllib.parse
from datetime import datetime
from decimal import Decimal
from typing import Any

from .peer import Response, as_json

# Source: PayPal's page "Currency codes".
_WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})

# What a payer may pay with on the page, and what becomes of the capture.
_FUNDINGS = {
    "balance": "PayPal balance",
    "echeck": "eCheck, which stays pending",
    "declined": "A card that the bank declines",
}


class PayPalError(Exception):
    """An error in PayPal's own shape: a name, and issues inside."""

    def __init__(self, status: int, name: str, issue: str, description: str = "") -> None:
        super().__init__(issue)
        self.status, self.name, self.issue, self.description = status, name, issue, description

    def as_response(self) -> Response:
        debug_id = secrets.token_hex(7)
        return as_json(
            {
                "name": self.name,
                "details": [{"issue": self.issue, "description": self.description or self.issue}],
                "message": "The request was not carried out.",
                "debug_id": debug_id,
                "links": [],
            },
            self.status,
            PayPal_Debug_Id=debug_id,
        )


def unknown() -> PayPalError:
    return PayPalError(
        404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "Specified resource ID does not exist."
    )


def unprocessable(issue: str) -> PayPalError:
    return PayPalError(422, "UNPROCESSABLE_ENTITY", issue)


def invalid(issue: str) -> PayPalError:
    return PayPalError(400, "INVALID_REQUEST", issue)


def require_sound(asked: dict[str, Any]) -> None:
    """Refuse what PayPal would refuse."""
    try:
        [unit] = asked["purchase_units"]
        value, currency = unit["amount"]["value"], unit["amount"]["currency_code"]
        context = asked["payment_source"]["paypal"]["experience_context"]
        addresses = [context["return_url"], context["cancel_url"]]
        texts = [unit["custom_id"], unit["invoice_id"], unit["description"]]
    except (KeyError, TypeError, ValueError):
        raise invalid("MISSING_REQUIRED_PARAMETER") from None
    places = 0 if currency in _WITHOUT_DECIMALS else 2
    if asked.get("intent") != "CAPTURE":
        raise invalid("INVALID_PARAMETER_VALUE")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise unprocessable("INVALID_CURRENCY_CODE")
    if not re.fullmatch(r"\d{1,15}" + (rf"(\.\d{{1,{places}}})?" if places else ""), value):
        raise unprocessable("DECIMAL_PRECISION")
    if Decimal(value) <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE")
    if not all(1 <= len(text.encode()) <= 127 for text in texts):
        raise invalid("INVALID_STRING_LENGTH")
    if not all(urllib.parse.urlsplit(address).scheme in ("http", "https") for address in addresses):
        raise invalid("INVALID_PARAMETER_SYNTAX")


def parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise invalid("MALFORMED_REQUEST_JSON") from None
    if not isinstance(value, dict):
        raise invalid("MALFORMED_REQUEST_JSON")
    return value


_MEMBER = re.compile(r"[\s,]*(?=\")")
_COLON = re.compile(r"\s*:\s*")


def taken_apart(body: bytes) -> tuple[dict[str, Any], bytes | None]:
    """The members of a verification, and the very characters of its `webhook_event`.

    What is signed is the text of the event, so reading and writing it anew would not do.
    """
    told = parsed(body)
    text, decoder, event = body.decode(), json.JSONDecoder(), None
    place = text.index("{") + 1
    while (opening := _MEMBER.match(text, place)) is not None:
        name, place = decoder.raw_decode(text, opening.end())
        colon = _COLON.match(text, place)
        assert colon is not None, "it was parsed before"
        _, place = decoder.raw_decode(text, colon.end())
        if name == "webhook_event":
            event = text[colon.end() : place].encode()
    return told, event


def amount(amount_minor: int, currency: str) -> dict[str, str]:
    places = 0 if currency in _WITHOUT_DECIMALS else 2
    return {"currency_code": currency, "value": f"{Decimal(amount_minor).scaleb(-places):f}"}


def written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def with_query(url: str, **query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urllib.parse.urlencode(query)}"


def approval_page(reference: str, unit: dict[str, Any]) -> str:
    amount = f"{unit['amount']['value']} {unit['amount']['currency_code']}"
    choices = "".join(
        f'<p><label><input type="radio" name="funding" value="{name}"'
        f"{' checked' if name == 'balance' else ''}> {html.escape(words)}</label></p>"
        for name, words in _FUNDINGS.items()
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Fake PayPal</title>
<style>body {{ font: 18px/1.5 sans-serif; max-width: 30rem; margin: 3rem auto; padding: 0 1rem }}</style>
<h1>Fake PayPal</h1>
<p>{html.escape(unit["description"])}: <strong>{html.escape(amount)}</strong></p>
<form method="post" action="/checkoutnow">
<input type="hidden" name="token" value="{reference}">
{choices}
<p><button name="go" value="approve">Approve</button>
<button name="go" value="cancel">Cancel and return</button></p>
</form></html>"""
