"""`script/faults payments`: money under bad conditions, on a real site, in three arms.

1. A thousand payments, ten thousand deliveries, shuffled and doubled, from eight clients, some forged or
   stale, some payments in a wrong amount, a web worker killed again and again; then all of it once more.
2. The same payments when three in ten messages never come, and the reconciler asks once.
3. Candidates who pay by two or three ways at the same time.

Progress goes to standard error; the last line printed is one JSON object.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
import uuid
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from . import boot

PEERS = boot.boot()

from django.db import connection  # noqa: E402
from django.db.models import Count, Sum  # noqa: E402

from accounts.models import Role, User  # noqa: E402
from candidates.models import Candidacy  # noqa: E402
from certification.kernel import clock, reconcile  # noqa: E402
from certification.kernel.errors import Refusal  # noqa: E402
from payments import services  # noqa: E402
from payments.models import LedgerRow, Order, PaymentAttempt, WebhookEvent  # noqa: E402
from payments.states import INCOMING, LedgerKind, OrderState  # noqa: E402

from . import clients, deliveries, people, site  # noqa: E402

FEE_MINOR = 50_000
CURRENCY = "USD"
CLIENTS = 8
WAYS = ("stripe", "paypal")
_PATIENCE_SECONDS = 300


def main() -> int:
    options = _options()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        arms: dict[str, dict[str, Any]] = {}
        arms["deliveries"], ledger = _deliveries(options, Path(folder) / "deliveries")
        arms["lost"] = _lost(options, Path(folder) / "lost", ledger)
        arms["at_once"] = _at_once(options, Path(folder) / "at-once")
    ok = all(arm["ok"] for arm in arms.values())
    print(json.dumps({"ok": ok, **arms, "seconds": round(time.monotonic() - began, 1)}))
    return 0 if ok else 1


def _options() -> Namespace:
    parser = ArgumentParser(prog="script/faults payments", description=__doc__)
    parser.add_argument("--payments", type=int, default=1000)
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--kill-every", type=int, default=500, metavar="DELIVERIES")
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


# ---- a population that pays ----


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger row, named by what two runs with one seed have in common."""

    payer: str
    kind: str
    gateway: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Paid:
    """What the payers did at the providers: how many paid, and how much in all."""

    payments: int
    total_minor: int
    wrong: int


def _pay(options: Namespace) -> Paid:
    """Every payer opens a page at one provider and pays there, two in a hundred a wrong amount."""
    chance = random.Random(options.seed)
    payers = people.candidates(options.payments, called="payer")
    orders = [_order(payer) for payer in payers]
    amounts = [FEE_MINOR] * len(orders)
    wrong = chance.sample(range(len(orders)), k=round(len(orders) * 0.02))
    for number in wrong:
        amounts[number] = FEE_MINOR + chance.choice((-1, 1)) * chance.randint(1, FEE_MINOR - 1)

    def pay(numbered: tuple[int, Order]) -> None:
        number, order = numbered
        way = WAYS[number % len(WAYS)]
        attempt = _start(order, way)
        _pay_at(way, attempt.provider_ref, amounts[number])

    _all_at_once(pay, list(enumerate(orders)))
    return Paid(len(orders), sum(amounts), len(wrong))


def _order(payer: User) -> Order:
    now = clock.now()
    return services.open_order(
        purpose="fault-run",
        purpose_id=uuid.uuid4(),
        payer=payer,
        description="Registration fee",
        amount_minor=FEE_MINOR,
        currency=CURRENCY,
        payable_until=now + timedelta(days=30),
        return_path="/dashboard/",
        now=now,
    )


def _start(order: Order, way: str) -> PaymentAttempt:
    started = services.start_payment(order_id=order.pk, by=order.payer, gateway=way, now=clock.now())
    return PaymentAttempt.objects.get(pk=started.attempt_id)


def _pay_at(way: str, reference: str, amount_minor: int) -> None:
    """What the payer does on the provider's page."""
    PEERS.by_gateway[way].pay(reference, amount_minor=amount_minor)


# ---- the arms ----


def _deliveries(options: Namespace, folder: Path) -> tuple[dict[str, Any], Counter[Entry]]:
    with _served(folder) as served:
        _note(f"{options.payments} people pay")
        paid = _pay(options)
        half = options.deliveries // 2
        # Money approved at PayPal is collected by us, and only then do its other messages exist.
        first = _post(served, _bags(half, options.seed), options.kill_every)
        _settle()
        second = _post(served, _bags(options.deliveries - half, options.seed + 1), options.kill_every)
        _settle()
        kills, ledger = served.web_kills, _ledger()
        report: dict[str, Any] = {
            **asdict(paid),
            "deliveries": len(first.seconds) + len(second.seconds),
            "clients": CLIENTS,
            "web_workers_killed": kills,
            "tried_again": first.retries + second.retries,
            "refused": dict(first.forged_by_status + second.forged_by_status),
            "forged_or_stale_accepted": WebhookEvent.objects.filter(
                event_id__startswith=deliveries.FORGED
            ).count(),
            "genuine_by_status": dict(first.by_status + second.by_status),
            "events_stored": WebhookEvent.objects.count(),
            "events_happened": PEERS.happened,
            "ledger_rows": sum(ledger.values()),
            "ledger_total_minor": _total(ledger),
            "fees": _of_kind(ledger, LedgerKind.FEE),
            "to_return": _of_kind(ledger, LedgerKind.TO_RETURN),
            "orders_settled": Order.objects.filter(state=OrderState.SETTLED).count(),
        }
        _note("everything is delivered again")
        # Signed anew, as a provider does that delivers again.
        again = _post(served, _bags(options.deliveries, options.seed + 2), kill_every=0)
        _settle()
        reconcile.run("payments.check_uncertain")
        report["replayed"] = len(again.seconds)
        report["rows_added_by_replay"] = LedgerRow.objects.count() - report["ledger_rows"]
    refusals = report["refused"]
    report["ok"] = (
        report["ledger_rows"] == paid.payments
        and report["ledger_total_minor"] == paid.total_minor
        and report["fees"] == report["orders_settled"] == paid.payments - paid.wrong
        and report["to_return"] == paid.wrong
        and report["forged_or_stale_accepted"] == 0
        and set(refusals) == {400}
        and set(report["genuine_by_status"]) == {200}
        and report["events_stored"] == report["events_happened"]
        and report["rows_added_by_replay"] == 0
        and kills >= options.deliveries // options.kill_every - 1
    )
    return report, ledger


def _lost(options: Namespace, folder: Path, undisturbed: Counter[Entry]) -> dict[str, Any]:
    with _served(folder) as served:
        _note(f"{options.payments} people pay, and three messages in ten never come")
        paid = _pay(options)
        happened = PEERS.happened
        messages = [
            message
            for way, peer in PEERS.by_gateway.items()
            for message in deliveries.some(peer, way, lost_share=0.3, seed=options.seed)
        ]
        _post(served, messages, kill_every=0)
        _settle()
        before = _ledger()
        began = time.monotonic()
        reconcile.run("payments.check_uncertain")
        took = time.monotonic() - began
        ledger = _ledger()
    return {
        "payments": paid.payments,
        "messages": happened,
        "messages_that_came": len(messages),
        "ledger_rows_before_the_pass": sum(before.values()),
        "ledger_rows_after_one_pass": sum(ledger.values()),
        "seconds_of_the_pass": round(took, 1),
        "same_ledger": ledger == undisturbed,
        "ok": ledger == undisturbed and len(messages) < happened and sum(before.values()) < paid.payments,
    }


def _at_once(options: Namespace, folder: Path) -> dict[str, Any]:
    """Candidates open two pages, some send a purchase order too, and everything is paid at once."""
    with _served(folder) as served:
        collected_before = PEERS.collected_minor()
        _note(f"{options.candidates} candidates pay by two or three ways at once")
        cohort, affirmations = people.open_cohort(), people.every_affirmation()
        accounts = people.candidates(options.candidates, called="twice")
        office = User.objects.create_user("office@load.example", full_name="Office", role=Role.STAFF)
        visitors = [people.Visitor.signed_in(account, served.address) for account in accounts]
        _all_at_once(lambda visitor: visitor.register(cohort, affirmations), visitors)
        orders = list(Order.objects.filter(payer__in=accounts).select_related("payer"))
        pages = {order.pk: [(way, _start(order, way).provider_ref) for way in WAYS] for order in orders}
        acts: list[Callable[[], None]] = []
        with_purchase_order = orders[::3]
        for order in orders:
            acts += [_paying(way, reference, order.amount_minor) for way, reference in pages[order.pk]]
        acts += [_buying_on_account(order, office) for order in with_purchase_order]
        random.Random(options.seed).shuffle(acts)
        told = threading.Thread(target=_deliver_until, args=(served, done := threading.Event(), options.seed))
        told.start()
        _all_at_once(lambda act: act(), acts)
        done.set()
        told.join()
        _settle()
        reconcile.run_all()
        incoming = LedgerRow.objects.filter(kind__in=INCOMING)
        received = incoming.aggregate(total=Sum("amount_minor"))["total"]
        listed = incoming.filter(kind=LedgerKind.TO_RETURN).aggregate(total=Sum("amount_minor"))["total"] or 0
        fees = incoming.filter(kind=LedgerKind.FEE)
        collected = PEERS.collected_minor() - collected_before
        enrolled = Candidacy.objects.values("account").annotate(times=Count("pk"))
        report = {
            "candidates": len(accounts),
            "ways_tried": 2 * len(orders) + len(with_purchase_order),
            "enrolled": len(enrolled),
            "enrolled_twice": sum(1 for one in enrolled if one["times"] > 1),
            "collected_by_providers_minor": collected,
            "ledger_total_minor": received,
            "fees_minor": fees.aggregate(total=Sum("amount_minor"))["total"],
            "to_return_minor": listed,
            "orders_with_two_fees": fees.values("order").annotate(n=Count("pk")).filter(n__gt=1).count(),
        }
    report["ok"] = (
        report["enrolled"] == options.candidates
        and report["enrolled_twice"] == report["orders_with_two_fees"] == 0
        and received == collected
        and report["fees_minor"] + listed == collected
    )
    return report


def _paying(way: str, reference: str, amount_minor: int) -> Callable[[], None]:
    return lambda: _pay_at(way, reference, amount_minor)


def _buying_on_account(order: Order, office: User) -> Callable[[], None]:
    """A purchase order is sent and accepted, unless the money was quicker."""

    def act() -> None:
        details = services.PurchaseOrderDetails(
            number=f"PO-{order.pk.hex[:8]}",
            organisation="Elm County",
            billing_name="Accounts Payable",
            billing_email="payable@load.example",
            billing_address="1 Main Street",
        )
        try:
            request = services.request_purchase_order(
                order_id=order.pk, by=order.payer, details=details, now=clock.now()
            )
            services.accept_purchase_order(purchase_order_id=request.pk, by=office, now=clock.now())
        except Refusal:
            return

    return act


# ---- deliveries and their consequences ----


def _served(folder: Path) -> AbstractContextManager[site.Site]:
    PEERS.forget_events()
    return site.served(folder)


def _bags(count: int, seed: int) -> list[clients.Message]:
    """Deliveries of both providers, five in a hundred of them not genuine."""
    half = count // 2
    messages = deliveries.bag(PEERS.stripe, "stripe", count=half, refused=round(half * 0.05), seed=seed)
    rest = count - half
    messages += deliveries.bag(PEERS.paypal, "paypal", count=rest, refused=round(rest * 0.05), seed=seed)
    random.Random(seed).shuffle(messages)
    return messages


def _post(served: site.Site, messages: Iterable[clients.Message], kill_every: int) -> clients.Answers:
    def strike(done: int) -> None:
        if kill_every and done % kill_every == 0:
            served.kill_a_web_worker()
            _note(f"{done} deliveries")

    return clients.post_all(served.address, messages, clients=CLIENTS, after_each=strike)


def _deliver_until(served: site.Site, done: threading.Event, seed: int) -> None:
    """Deliver whatever happens at the providers while it happens, most of it twice; then the rest."""
    chance, delivered = random.Random(seed), Counter[str]()
    while True:
        ended = done.is_set()
        for way, peer in PEERS.by_gateway.items():
            events = list(peer.events)
            fresh = events[delivered[way] :]
            delivered[way] = len(events)
            copies = [peer.message(event) for event in fresh for _ in range(chance.choice((1, 2, 2)))]
            chance.shuffle(copies)
            clients.post_all(served.address, deliveries.posted(copies, way), clients=CLIENTS)
        if ended:
            return
        time.sleep(0.05)


def _settle() -> None:
    """Wait until the worker has heard of everything that was stored; help it when it has fallen asleep."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while WebhookEvent.objects.filter(handled_at__isnull=True).exists():
        if time.monotonic() > until:
            raise RuntimeError("Stored events stay unhandled.")
        reconcile.run("payments.handle_events")
        time.sleep(0.1)


def _ledger() -> Counter[Entry]:
    rows = LedgerRow.objects.values_list("order__payer__email", "kind", "gateway", "amount_minor")
    return Counter(Entry(*row) for row in rows)


def _total(ledger: Counter[Entry]) -> int:
    return sum(entry.amount_minor * count for entry, count in ledger.items())


def _of_kind(ledger: Counter[Entry], kind: LedgerKind) -> int:
    return sum(count for entry, count in ledger.items() if entry.kind == kind)


def _all_at_once(act: Callable[[Any], Any], on: Sequence[Any]) -> None:
    """Do it for each, from as many threads as there are clients; the first failure is raised."""

    def once(one: Any) -> None:
        try:
            act(one)
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(once, on))


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
