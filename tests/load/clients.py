"""Many clients that post at once, and try again as providers do."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

_TRIES = 60
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request to the site; `forged` says that the site must refuse it."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    forged: bool = False
    method: str = "POST"


@dataclass(slots=True)
class Answers:
    """What the site answered.

    Attributes:
        by_status: of genuine messages.
        forged_by_status: of forged ones.
        retries: connections that broke or were answered with 5xx, and were tried again.
        seconds: how long each answered request took.
    """

    by_status: Counter[int] = field(default_factory=Counter)
    forged_by_status: Counter[int] = field(default_factory=Counter)
    retries: int = 0
    seconds: list[float] = field(default_factory=list)


def post_all(
    address: str,
    messages: Iterable[Message],
    *,
    clients: int,
    after_each: Callable[[int], None] = lambda done: None,
) -> Answers:
    """Send every message once answered, from `clients` threads; `after_each` hears how many are done."""
    waiting: SimpleQueue[Message] = SimpleQueue()
    for message in messages:
        waiting.put(message)
    answers, lock, done = Answers(), threading.Lock(), 0

    def work() -> None:
        nonlocal done
        line = _Line(address)
        while True:
            try:
                message = waiting.get_nowait()
            except Empty:
                line.close()
                return
            status, seconds, retries = line.send(message)
            with lock:
                done += 1
                so_far = done
                (answers.forged_by_status if message.forged else answers.by_status)[status] += 1
                answers.retries += retries
                answers.seconds.append(seconds)
            after_each(so_far)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class _Line:
    """One client's connection, opened again whenever it breaks."""

    def __init__(self, address: str) -> None:
        self._place = urlsplit(address).netloc
        self._connection = http.client.HTTPConnection(self._place, timeout=30)

    def send(self, message: Message) -> tuple[int, float, int]:
        """The status, the seconds of the answered try, and how many tries were not answered."""
        for tries in range(_TRIES):
            began = time.perf_counter()
            try:
                self._connection.request(message.method, message.path, message.body, dict(message.headers))
                answer = self._connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self.close()
            else:
                if answer.status < 500:
                    return answer.status, time.perf_counter() - began, tries
            time.sleep(_PAUSE_SECONDS)
        raise RuntimeError(f"{message.path} was not answered in {_TRIES} tries.")

    def close(self) -> None:
        self._connection.close()
