"""Starts what a run needs beside the site and then Django, which reads where it is from the environment."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakes.paypal_server import FakePayPal
from tests.fakes.stripe_server import FakeStripe


@dataclass(frozen=True, slots=True)
class Peers:
    """The two providers of a run; they live as long as the process."""

    stripe: FakeStripe
    paypal: FakePayPal

    @property
    def by_gateway(self) -> dict[str, FakeStripe | FakePayPal]:
        return {"stripe": self.stripe, "paypal": self.paypal}

    @property
    def happened(self) -> int:
        """How many messages the two have to tell."""
        return sum(len(peer.events) for peer in self.by_gateway.values())

    def collected_minor(self) -> int:
        """What they took from payers, by their own books; PayPal's since the events were forgotten."""
        by_card = sum(charge["amount"] for charge in self.stripe.charges.values())
        captures = (event for event in self.paypal.events if event.topic == "PAYMENT.CAPTURE.COMPLETED")
        amounts = (Decimal(event.body["resource"]["amount"]["value"]) for event in captures)
        return by_card + int(sum(amounts) * 100)

    def forget_events(self) -> None:
        """Another arm begins: what happened before is told to nobody any more."""
        for peer in self.by_gateway.values():
            peer.events.clear()


def boot() -> Peers:
    """Both providers running, and Django set up as a demo that takes payments through them."""
    stripe_key, stripe_secret = f"sk_test_{secrets.token_hex(12)}", f"whsec_{secrets.token_hex(16)}"
    client_id, client_secret, webhook_id = (secrets.token_hex(12) for _ in range(3))
    peers = Peers(
        FakeStripe(api_key=stripe_key, webhook_secret=stripe_secret).start(),
        FakePayPal(client_id=client_id, client_secret=client_secret, webhook_id=webhook_id).start(),
    )
    os.environ |= {
        **_demo(),
        "STRIPE_SECRET_KEY": stripe_key,
        "STRIPE_WEBHOOK_SECRET": stripe_secret,
        "STRIPE_API_URL": peers.stripe.url,
        "PAYPAL_CLIENT_ID": client_id,
        "PAYPAL_CLIENT_SECRET": client_secret,
        "PAYPAL_WEBHOOK_ID": webhook_id,
        "PAYPAL_API_URL": peers.paypal.url,
    }
    from certification import embedded

    embedded.ensure_database()
    _set_up()
    return peers


def boot_with_a_database_of_its_own(folder: Path) -> Any:
    """Django set up as a demo on an embedded PostgreSQL server that nobody else uses, which is returned."""
    os.environ |= _demo()
    from certification import embedded

    server = embedded.start(folder)
    os.environ["DATABASE_URL"] = embedded.url_of(server)
    _set_up()
    return server


def _demo() -> dict[str, str]:
    return {
        "ICG_DEMO": "1",
        "DJANGO_SETTINGS_MODULE": "certification.settings",
        # The site believes the sessions that this process opens for its visitors.
        "SECRET_KEY": secrets.token_urlsafe(50),
    }


def _set_up() -> None:
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django

    django.setup()
