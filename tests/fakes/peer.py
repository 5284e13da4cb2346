"""What every fake provider shares: a server, a clock, faults on demand, and messages to the site.

A fake stands where the real provider stands, on the other side of HTTP, so that the gateways are tested
as they are shipped.  A subclass answers requests (`answer`), records what happens (`record`), signs its
messages (`sign`) and names the `commands` with which a test moves it:

    with FakeStripe() as stripe:
        stripe.faults.add(Fault(status=500, times=1, path="/v1/checkout"))
        stripe.pay(reference)
        stripe.deliver(copies=3, seed=7)

It also runs as a process of its own; then the same commands are `POST /_peer/<command>` with their
arguments as JSON.  Everything may be called from any thread.
"""

from __future__ import annotations

import json
import random
import re
import threading
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, ClassVar, Self

from .wire import HungUp, Request, Response, Server


def as_json(value: object, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, json.dumps(value).encode(), headers=named)


def as_page(html: str, status: int = 200) -> Response:
    return Response(status, html.encode(), "text/html; charset=utf-8")


def redirect(url: str) -> Response:
    return Response(303, headers={"Location": url})


@dataclass(slots=True)
class Fault:
    """Something that goes wrong: an answer in place of the true one, a stall, or a lost answer.

    Attributes:
        status, body: what is answered instead; 0 lets the request through.
        stall_seconds: how long nothing is said before anything else happens.
        hang_up: the connection ends without an answer.  With `after` the request has taken effect.
        after: let the request take effect first, and spoil only its answer.
        times: how often, or for ever when None.
        method, path: which requests, `path` as a regular expression looked for anywhere.
    """

    status: int = 0
    body: bytes = b'{"error": {"type": "api_error", "message": "Something went wrong on our side."}}'
    stall_seconds: float = 0.0
    hang_up: bool = False
    after: bool = False
    times: int | None = None
    method: str = ""
    path: str = ""

    def hits(self, request: Request) -> bool:
        return (not self.method or self.method == request.method) and (
            re.search(self.path, request.path) is not None
        )


class Faults:
    """The faults that lie in wait; the first that fits is used up by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def next_for(self, request: Request) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.hits(request):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._waiting.remove(fault)
                    return fault
        return None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the provider's book, as its message tells it."""

    id: str
    topic: str
    body: Mapping[str, Any]
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it travels.  `genuine` is false when the site must refuse it."""

    event_id: str
    topic: str
    headers: Mapping[str, str]
    body: bytes
    genuine: bool = True


class Peer(ABC):
    """A fake provider: server, clock, faults and mailbox.

    Attributes:
        url: where it answers, without a slash at the end.
        faults: what goes wrong next.
        asked: every request of the API so far, for what a test wants to know about them.
        webhook_url, automatic: where messages go, and whether each goes there as soon as it happens.
        loses: how much (0 to 1) of what is delivered automatically never comes.
    """

    commands: ClassVar[frozenset[str]] = frozenset({"add_fault", "clear_faults", "set_now", "set_delivery"})
    # A message older than this is stale to the site that gets it.
    stale_after = timedelta(minutes=10)

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        webhook_url: str = "",
        seed: int = 1,
    ) -> None:
        self.lock = threading.RLock()
        self.faults = Faults()
        self.asked: list[Request] = []
        self.events: list[Event] = []
        self.webhook_url = webhook_url
        self.automatic = bool(webhook_url)
        self.loses = 0.0
        self.delay_seconds = 0.0
        self._chance = random.Random(seed)
        self._ahead = timedelta()
        self._held: datetime | None = None
        self._stopping = threading.Event()
        self._postmen = ThreadPoolExecutor(max_workers=4, thread_name_prefix="postman")
        self._server = Server((host, port), self.handle)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://{host}:{self._server.server_address[1]}"

    # What a subclass gives.

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """Answer a request of the API or of the hosted page."""

    @abstractmethod
    def sign(self, body: bytes, *, at: datetime, forged: bool) -> Mapping[str, str]:
        """The headers that prove who sent `body` at that instant; of a forgery, ones that do not."""

    def is_api(self, request: Request) -> bool:
        """Whether a request is counted in `asked` and may meet a fault; pages for people are not."""
        return True

    # Its life.

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every stall, every delivery and the server."""
        self._stopping.set()
        self._postmen.shutdown(wait=True, cancel_futures=True)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve_forever(self) -> None:
        """Run until the process is interrupted."""
        print(self.url, flush=True)  # noqa: T201 - whoever started the process waits for this line
        try:
            self.start()._thread.join()
        except KeyboardInterrupt:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Its clock, which like a real provider's is not the site's.

    def now(self) -> datetime:
        if self._held is not None:
            return self._held
        return datetime.now(UTC) + self._ahead  # noqa: TID251 - a provider has a clock of its own

    def hold(self, instant: datetime) -> None:
        """Stand still at an instant, as the tests' clock does."""
        self._held = instant

    def set_now(self, instant: str) -> None:
        """Travel to an ISO instant and go on ticking from there."""
        self._held = None
        self._ahead = datetime.fromisoformat(instant) - datetime.now(UTC)  # noqa: TID251 - as above

    # Its messages.

    def record(self, event: Event) -> None:
        """Keep an event, and send it off when messages go out by themselves."""
        with self.lock:
            self.events.append(event)
            lost = self._chance.random() < self.loses
        if self.automatic and not lost and not self._stopping.is_set():
            self._postmen.submit(self._send_off, self.message(event))

    def message(self, event: Event, *, forged: bool = False, stale: bool = False) -> Message:
        """The event as it travels now; forged or long on its way, if asked for."""
        body = json.dumps(event.body).encode()
        at = self.now() - (self.stale_after if stale else timedelta())
        headers = {"Content-Type": "application/json", **self.sign(body, at=at, forged=forged)}
        return Message(event.id, event.topic, headers, body, genuine=not (forged or stale))

    def messages(
        self,
        events: Iterable[Event] | None = None,
        *,
        copies: int = 1,
        forged_share: float = 0.0,
        stale_share: float = 0.0,
        seed: int | None = None,
    ) -> list[Message]:
        """Deliveries of `events` (of all, when none are named): each `copies` times, shuffled by `seed`.

        On top of them come forgeries and stale ones, as many as make these shares of the whole.
        """
        with self.lock:
            chosen = list(self.events if events is None else events)
        bag = [self.message(event) for event in chosen for _ in range(copies)]
        chance = random.Random(seed)
        refused_share = forged_share + stale_share
        refused = round(len(bag) * refused_share / (1 - refused_share)) if chosen else 0
        for _ in range(refused):
            forged = chance.random() * refused_share < forged_share
            bag.append(self.message(chance.choice(chosen), forged=forged, stale=not forged))
        if seed is not None:
            chance.shuffle(bag)
        return bag

    def post(self, message: Message, *, timeout_seconds: float = 10.0) -> int:
        """Deliver one message and give back the site's status; 0 when it did not answer."""
        request = urllib.request.Request(
            self.webhook_url, data=message.body, headers=dict(message.headers), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code
        except OSError:
            return 0

    def deliver(
        self,
        events: Iterable[Event] | None = None,
        *,
        copies: int = 1,
        forged_share: float = 0.0,
        stale_share: float = 0.0,
        seed: int | None = None,
        clients: int = 1,
    ) -> Counter[tuple[bool, int]]:
        """Post `messages(…)` from several clients; how often each (genuine, status) came back."""
        bag = self.messages(
            events, copies=copies, forged_share=forged_share, stale_share=stale_share, seed=seed
        )
        with ThreadPoolExecutor(max_workers=clients) as pool:
            statuses = list(pool.map(self.post, bag))
        return Counter((message.genuine, status) for message, status in zip(bag, statuses, strict=True))

    def _send_off(self, message: Message) -> None:
        if self.delay_seconds and self._stopping.wait(self.delay_seconds):
            return
        # As providers do, try again when the site is away, though sooner than they would.
        for pause_seconds in (0.2, 1.0, 5.0, 0.0):
            if 200 <= self.post(message) < 300 or self._stopping.wait(pause_seconds):
                return

    # Commands from another process.

    def add_fault(self, **fault: Any) -> None:
        if "body" in fault:
            fault["body"] = fault["body"].encode()
        self.faults.add(Fault(**fault))

    def clear_faults(self) -> None:
        self.faults.clear()

    def set_delivery(
        self,
        *,
        webhook_url: str | None = None,
        automatic: bool | None = None,
        loses: float | None = None,
        delay_seconds: float | None = None,
    ) -> None:
        with self.lock:
            self.webhook_url = self.webhook_url if webhook_url is None else webhook_url
            self.automatic = self.automatic if automatic is None else automatic
            self.loses = self.loses if loses is None else loses
            self.delay_seconds = self.delay_seconds if delay_seconds is None else delay_seconds

    def handle(self, request: Request) -> Response:
        """Answer a request, through whatever fault lies in wait for it."""
        if request.path.startswith("/_peer/"):
            return self._obey(request)
        if not self.is_api(request):
            return self.answer(request)
        with self.lock:
            self.asked.append(request)
        fault = self.faults.next_for(request)
        if fault is None:
            return self.answer(request)
        if fault.stall_seconds:
            self._stopping.wait(fault.stall_seconds)
        true_answer = self.answer(request) if fault.after or not (fault.status or fault.hang_up) else None
        if fault.hang_up:
            raise HungUp
        if fault.status:
            return Response(fault.status, fault.body)
        assert true_answer is not None
        return true_answer

    def _obey(self, request: Request) -> Response:
        name = request.path.removeprefix("/_peer/")
        if name not in self.commands:
            return as_json({"problem": f"There is no command {name!r}."}, 404)
        command: Callable[..., object] = getattr(self, name)
        try:
            answer = command(**json.loads(request.body or b"{}"))
        except (KeyError, TypeError, ValueError) as problem:
            return as_json({"problem": str(problem)}, 400)
        return as_json({"answer": answer})
