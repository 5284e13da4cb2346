"""`script/bench payments`: how fast a provider's message is acknowledged, and how many register.

Each figure stands beside the same figure for a view that does nothing, behind the same middleware,
taken in turns in the same run; the ratio is what travels from one machine to another.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import boot

PEERS = boot.boot()

from payments.models import Order, WebhookEvent  # noqa: E402

from . import clients, deliveries, people, site  # noqa: E402

CLIENTS = 8
ROUNDS = 5
MESSAGES_PER_ROUND = 400
REGISTRATIONS_PER_ROUND = 40
_EMPTY = clients.Message("/empty/", {}, b"")


@dataclass(slots=True)
class Figure:
    """Of one kind of request: how long each took, and how long all of them did."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def add(self, answers: clients.Answers, elapsed: float) -> None:
        self.seconds += answers.seconds
        self.elapsed += elapsed

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    @property
    def p99_ms(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98] * 1000

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.elapsed


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        site.served(Path(folder) / "site", application="tests.load.bench_site") as served,
    ):
        print(json.dumps(_measure(served)))


def _measure(served: site.Site) -> dict[str, Any]:
    webhook, empty = Figure(), Figure()
    _post(served, [_EMPTY] * 100)  # every thread has its connection before anything is measured
    for number in range(ROUNDS):
        _note(f"webhooks, round {number + 1} of {ROUNDS}")
        for figure, messages in (
            (
                webhook,
                deliveries.unheard_of(
                    PEERS.stripe, "stripe", count=MESSAGES_PER_ROUND, called=f"bench-{number}"
                ),
            ),
            (empty, [_EMPTY] * MESSAGES_PER_ROUND),
        ):
            began = time.perf_counter()
            figure.add(_post(served, messages), time.perf_counter() - began)
    stored = WebhookEvent.objects.count()
    registering, visiting = _registrations(served)
    return {
        "clients": CLIENTS,
        "webhooks": len(webhook.seconds),
        "webhooks_stored": stored,
        "webhook_p50_ms": round(webhook.p50_ms, 1),
        "webhook_p99_ms": round(webhook.p99_ms, 1),
        "empty_p50_ms": round(empty.p50_ms, 1),
        "empty_p99_ms": round(empty.p99_ms, 1),
        "webhook_to_empty_p99": round(webhook.p99_ms / empty.p99_ms, 2),
        "webhooks_per_second": round(webhook.per_second, 1),
        "empty_per_second": round(empty.per_second, 1),
        "registrations": ROUNDS * REGISTRATIONS_PER_ROUND,
        "orders_opened": Order.objects.count(),
        "requests_per_registration": people.REQUESTS_PER_REGISTRATION,
        "registrations_per_second": round(registering, 1),
        "as_many_empty_requests_per_second": round(visiting, 1),
        "registration_to_empty": round(visiting / registering, 2),
    }


def _registrations(served: site.Site) -> tuple[float, float]:
    """Registrations in a second, and how many times as many empty requests were answered in one."""
    cohort, affirmations = people.open_cohort(), people.every_affirmation()
    registering = visiting = 0.0
    for number in range(ROUNDS):
        _note(f"registrations, round {number + 1} of {ROUNDS}")
        accounts = people.candidates(REGISTRATIONS_PER_ROUND, called=f"round{number}")
        visitors = [people.Visitor.signed_in(account, served.address) for account in accounts]
        with ThreadPoolExecutor(CLIENTS) as pool:
            began = time.perf_counter()
            list(pool.map(lambda visitor: visitor.register(cohort, affirmations), visitors))
            registering += time.perf_counter() - began
        began = time.perf_counter()
        _post(served, [_EMPTY] * (REGISTRATIONS_PER_ROUND * people.REQUESTS_PER_REGISTRATION))
        visiting += time.perf_counter() - began
    count = ROUNDS * REGISTRATIONS_PER_ROUND
    return count / registering, count / visiting


def _post(served: site.Site, messages: list[clients.Message]) -> clients.Answers:
    answers = clients.post_all(served.address, messages, clients=CLIENTS)
    if set(answers.by_status) != {200}:
        raise RuntimeError(f"The site answered {dict(answers.by_status)} where only 200 is expected.")
    return answers


def _note(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
