"""A process of clients: many connections opened beforehand, each request sent at its own instant.

Reads a plan from standard input, one JSON line: a list of shots, each with `id`, `port`, `offset` (seconds
from the closing instant) and `request` (base64).  Opens every connection, asks for something small on it,
says `ready`, reads the closing instant (seconds since 1970), shoots, and writes what was answered as JSON.
"""

from __future__ import annotations

import base64
import http.client
import json
import selectors
import socket
import sys
import time
from dataclasses import asdict, dataclass

_PATIENCE_SECONDS = 900
_HELLO = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass(slots=True)
class Answer:
    """What came back: when it was sent and answered (seconds from the close), and how it was judged."""

    id: str
    sent: float
    answered: float
    status: int
    judged_at: str
    says_closed: bool


def main() -> None:
    plan = sorted(json.loads(sys.stdin.readline()), key=lambda shot: shot["offset"])
    lines = [_connected(shot["port"]) for shot in plan]
    requests = [base64.b64decode(shot["request"]) for shot in plan]
    print("ready", flush=True)
    closes = float(sys.stdin.readline())
    answers: list[Answer] = []
    waiting = selectors.DefaultSelector()
    sent: dict[int, float] = {}
    for number, (shot, line) in enumerate(zip(plan, lines, strict=True)):
        while (left := closes + shot["offset"] - _now()) > 0:
            _collect(waiting, plan, sent, answers, closes, min(left, 0.01))
        sent[number] = _now() - closes
        line.sendall(requests[number])
        waiting.register(line, selectors.EVENT_READ, number)
    until = time.monotonic() + _PATIENCE_SECONDS
    while waiting.get_map() and time.monotonic() < until:
        _collect(waiting, plan, sent, answers, closes, 1.0)
    print(json.dumps([asdict(answer) for answer in answers]), flush=True)


def _now() -> float:
    """The machine's time: the clients stand outside the programme and its clock."""
    return time.time()  # noqa: TID251


def _connected(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=60)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(_HELLO)
    answer = http.client.HTTPResponse(line)
    answer.begin()
    answer.read()
    return line


def _collect(
    waiting: selectors.BaseSelector,
    plan: list[dict[str, object]],
    sent: dict[int, float],
    answers: list[Answer],
    closes: float,
    seconds: float,
) -> None:
    if not waiting.get_map():
        time.sleep(seconds)
        return
    for key, _ in waiting.select(seconds):
        line, number = key.fileobj, key.data
        assert isinstance(line, socket.socket)
        waiting.unregister(line)
        answer = http.client.HTTPResponse(line)
        try:
            answer.begin()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            continue  # no answer: the run counts it
        answers.append(
            Answer(
                id=str(plan[number]["id"]),
                sent=sent[number],
                answered=_now() - closes,
                status=answer.status,
                judged_at=answer.headers.get("X-Judged-At", ""),
                says_closed=b"closed on" in body or b"cannot be withdrawn" in body,
            )
        )


if __name__ == "__main__":
    main()
