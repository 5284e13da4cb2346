"""What providers deliver: every message many times, out of order, with forgeries in between."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.urls import reverse

from tests.fakes.peer import Event, Message, Peer

from . import clients

FORGED = "forged"


def bag(peer: Peer, gateway: str, *, count: int, refused: int, seed: int) -> list[clients.Message]:
    """`count` deliveries of all that happened at `peer`, each at least once, `refused` of them not genuine.

    Half of those were signed by somebody else, half long ago.  Each carries an id of its own, so that
    one the site believed would be found among its events.
    """
    chance = random.Random(seed)
    events = list(peer.events)
    if len(events) > count - refused:
        raise ValueError(f"{len(events)} events do not fit into {count - refused} deliveries.")
    chosen = events + chance.choices(events, k=count - refused - len(events))
    messages = [peer.message(event) for event in chosen]
    for number in range(refused):
        false = _renamed(chance.choice(events), f"{FORGED}-{seed}-{number}")
        messages.append(peer.message(false, forged=number % 2 == 0, stale=number % 2 == 1))
    chance.shuffle(messages)
    return posted(messages, gateway)


def some(peer: Peer, gateway: str, *, lost_share: float, seed: int) -> list[clients.Message]:
    """Each event once, in any order, except those that never come."""
    chance = random.Random(seed)
    events = list(peer.events)
    come = chance.sample(events, k=round(len(events) * (1 - lost_share)))
    return posted([peer.message(event) for event in come], gateway)


def unheard_of(peer: Peer, gateway: str, *, count: int, called: str) -> list[clients.Message]:
    """`count` genuine messages, each about something else, as many payments at once bring them."""
    events = [
        Event(
            id=f"evt_{called}_{number}",
            topic="checkout.session.completed",
            occurred_at=peer.now(),
            body={
                "id": f"evt_{called}_{number}",
                "object": "event",
                "type": "checkout.session.completed",
                "created": int((peer.now() - timedelta(seconds=1)).timestamp()),
                "data": {"object": {"id": f"cs_test_{called}_{number}", "object": "checkout.session"}},
            },
        )
        for number in range(count)
    ]
    return posted([peer.message(event) for event in events], gateway)


def posted(messages: Sequence[Message], gateway: str) -> list[clients.Message]:
    path = reverse("payments:webhook", args=[gateway])
    return [
        clients.Message(path, message.headers, message.body, forged=not message.genuine)
        for message in messages
    ]


def _renamed(event: Event, name: str) -> Event:
    return replace(event, id=name, body={**event.body, "id": name})
