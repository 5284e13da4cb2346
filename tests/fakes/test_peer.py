"""The fakes themselves: faults come when asked for, and messages as often and as broken as asked for."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import requests

from .peer import Fault, Peer, Request, Response, as_json
from .stripe_server import API_KEY, FakeStripe

PROJECT = Path(__file__).resolve().parents[2]
SESSION = {
    "mode": "payment",
    "success_url": "https://certification.example.org/",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "50000",
    "line_items[0][price_data][product_data][name]": "Fee",
}


class Site(Peer):
    """Where messages arrive: keeps their signatures, and answers what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.came: Counter[str] = Counter()
        self.arrived = threading.Event()

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.came[request.headers["Stripe-Signature"]] += 1
        self.arrived.set()
        return as_json({})

    def sign(self, body: bytes, *, at: datetime, forged: bool) -> Mapping[str, str]:
        return {}  # it sends nothing


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as listening:
        yield listening


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as peer:
        yield peer


def open_session(stripe: FakeStripe, key: str = "0190-1") -> str:
    answer = requests.post(
        f"{stripe.url}/v1/checkout/sessions",
        SESSION,
        headers={"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key},
        timeout=5,
    )
    return str(answer.json()["id"])


def test_a_fault_is_met_as_often_as_asked_for_and_only_where(stripe: FakeStripe) -> None:
    stripe.faults.add(Fault(status=503, times=2, path="/v1/disputes"))
    statuses = [
        requests.get(f"{stripe.url}/v1/{what}", timeout=5).status_code for what in ("disputes/du_1", "x")
    ]
    assert statuses == [503, 401]
    assert requests.get(f"{stripe.url}/v1/disputes/du_1", timeout=5).status_code == 503
    assert requests.get(f"{stripe.url}/v1/disputes/du_1", timeout=5).status_code == 401


def test_messages_go_out_by_themselves(stripe: FakeStripe, site: Site) -> None:
    stripe.set_delivery(webhook_url=f"{site.url}/hook", automatic=True)
    stripe.pay(open_session(stripe))
    assert site.arrived.wait(5)


def test_a_message_is_tried_again_when_the_site_is_away(stripe: FakeStripe, site: Site) -> None:
    site.faults.add(Fault(status=503, times=1))
    stripe.set_delivery(webhook_url=f"{site.url}/hook", automatic=True)
    stripe.pay(open_session(stripe))
    assert site.arrived.wait(5)
    assert len(site.asked) == 2


def test_lost_messages_never_come(stripe: FakeStripe, site: Site) -> None:
    stripe.set_delivery(webhook_url=f"{site.url}/hook", automatic=True, loses=1.0)
    stripe.pay(open_session(stripe))
    stripe.set_delivery(loses=0.0)
    stripe.pay(open_session(stripe, "0190-2"))
    assert site.arrived.wait(5)
    assert [len(stripe.events), site.came.total()] == [2, 1]


def test_a_bag_of_messages_has_the_shares_asked_for(stripe: FakeStripe) -> None:
    for number in range(19):
        stripe.pay(open_session(stripe, f"0190-{number}"))
    bag = stripe.messages(copies=10, forged_share=0.03, stale_share=0.02, seed=7)
    assert Counter(message.genuine for message in bag) == {True: 190, False: 10}
    told = [message.event_id for message in bag if message.genuine]
    assert set(Counter(told).values()) == {10}
    assert told != sorted(told, key=[event.id for event in stripe.events].index), "shuffled"
    assert [m.event_id for m in stripe.messages(copies=10, seed=7)] == [
        m.event_id for m in stripe.messages(copies=10, seed=7)
    ]


def test_deliveries_from_several_clients_are_counted(stripe: FakeStripe, site: Site) -> None:
    stripe.pay(open_session(stripe))
    stripe.set_delivery(webhook_url=f"{site.url}/hook", automatic=False)
    assert stripe.deliver(copies=40, clients=8) == {(True, 200): 40}
    site.stop()
    assert stripe.deliver(copies=1) == {(True, 0): 1}


def test_one_key_is_one_session_from_many_threads(stripe: FakeStripe) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        references = set(pool.map(lambda _: open_session(stripe), range(40)))
    assert len(references) == len(stripe.sessions) == 1


@pytest.mark.parametrize(
    "flaw",
    [
        {"mode": ""},
        {"gift": "yes"},
        {"line_items[0][price_data][unit_amount]": "5.00"},
        {"line_items[0][price_data][unit_amount]": "-5"},
        {"metadata[order_id]": "x" * 501},
        {"expires_at": "1"},
    ],
)
def test_the_fake_stripe_refuses_what_stripe_refuses(stripe: FakeStripe, flaw: dict[str, str]) -> None:
    answer = requests.post(
        f"{stripe.url}/v1/checkout/sessions",
        {**SESSION, **flaw},
        headers={"Authorization": f"Bearer {API_KEY}"},
        timeout=5,
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_it_runs_as_a_process_that_takes_commands() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.stripe_server"], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()

        def command(name: str, **arguments: str | int) -> requests.Response:
            return requests.post(f"{url}/_peer/{name}", json=arguments, timeout=5)

        answer = requests.post(
            f"{url}/v1/checkout/sessions",
            SESSION,
            headers={"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": "0190-1"},
            timeout=5,
        )
        reference = command("find", idempotency_key="0190-1").json()["answer"]
        assert reference == answer.json()["id"]
        assert command("pay", reference=reference, amount_minor=1).status_code == 200
        assert command("pay", reference=reference).status_code == 400, "it is complete"
        assert command("stop").status_code == 404, "not everything is a command"
        command("add_fault", status=500, times=1)
        assert requests.get(f"{url}/v1/disputes/du_1", timeout=5).status_code == 500
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
