"""`script/faults deadline`: a thousand requests in the second around a closing instant, on wrong clocks.

Five web servers, their clocks from five seconds slow to five seconds fast, one database; real time; clients
in processes of their own on connections opened beforehand.  Four arms:

1. burst: a thousand requests (submit, replace, withdraw), all sent within 500 ms before or after the close.
2. waves: the same in smaller volleys, each around a close of its own, so that many are decided close to it.
3. held: the entries are locked by somebody else across the close; who waited is judged by when they got it.
4. control: the database's clock is not asked.  The run must find late and early answers, or it finds nothing.

Meanwhile a sweep on a clock five seconds fast tries to seal too early.  Every answer is held against the one
written rule (ADR 0015) and against the rows it left.  Progress goes to standard error; the last line printed
is one JSON object.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from . import boot

os.environ["CLOCK_TRAVEL"] = "0"
boot.boot()

from django.db import connection, transaction  # noqa: E402

from certification.environment import BASE_DIR  # noqa: E402
from certification.season.throwaway import database_url, throwaway  # noqa: E402
from portfolio import sealing  # noqa: E402
from portfolio.models import Entry  # noqa: E402

from .deadline_judge import Judgement, judge  # noqa: E402
from .deadline_people import Target, close_at, cohort_that_closes, shot, targets  # noqa: E402

_cohorts = itertools.count(1)
SKEWS = (-5.0, -2.5, 0.0, 2.5, 5.0)
CLIENT_PROCESSES = 4
WITHIN_SECONDS = 0.5
_HELD_SECONDS = 0.6
_NOTICE_SECONDS = 7.0
# So many of an arm's requests must really be sent within the half second.
_MOST = 0.95
_PATIENCE_SECONDS = 120


def main() -> int:
    options = _options()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-deadline-") as place:
        folder = Path(place) / "var"
        folder.mkdir()
        with throwaway(folder):
            _gather_styles(folder)
            arms: dict[str, dict[str, Any]] = {}
            with _servers(folder) as ports:
                arms["burst"] = _burst(options, ports)
                arms["waves"] = _waves(options, ports)
                arms["held"] = _held(options, ports)
            with _servers(folder, WITHOUT_THE_RULE="1") as ports:
                arms["control"] = _control(options, ports)
    ok = all(arm["ok"] for arm in arms.values())
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"ok": ok, "clock_skews_s": SKEWS, **arms, "seconds": seconds}))
    return 0 if ok else 1


def _options() -> Namespace:
    parser = ArgumentParser(prog="script/faults deadline", description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--waves", type=int, default=25)
    parser.add_argument("--requests-per-wave", type=int, default=10)
    parser.add_argument("--held", type=int, default=60)
    parser.add_argument("--control", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


# ---- the arms ----


def _burst(options: Namespace, ports: Sequence[int]) -> dict[str, Any]:
    # A few more than asked for, in case the machine holds one of them back beyond the half second.
    shots = options.requests + options.requests // 20
    report = _arm([_volley(next(_cohorts), shots, options.seed, ports, called="burst")])
    report["ok"] = report["ok"] and report["sent_within_500_ms"] >= options.requests
    return report


def _waves(options: Namespace, ports: Sequence[int]) -> dict[str, Any]:
    return _arm(
        [
            _volley(
                next(_cohorts),
                options.requests_per_wave,
                options.seed + number,
                ports,
                called=f"wave{number}",
                between=(-0.49, -0.3) if number % 2 else (-0.49, 0.47),
            )
            for number in range(options.waves)
        ]
    )


def _held(options: Namespace, ports: Sequence[int]) -> dict[str, Any]:
    """Everything is sent before the close, to entries that are locked until after it."""
    volley = _volley(
        next(_cohorts), options.held, options.seed, ports, called="held", between=(-0.4, -0.05), held=True
    )
    report = _arm([volley])
    report["accepted_although_it_waited"] = sum(report["accepted"].values())
    report["ok"] = report["ok"] and report["accepted_although_it_waited"] == 0
    return report


def _control(options: Namespace, ports: Sequence[int]) -> dict[str, Any]:
    """The run must see what goes wrong without the rule."""
    _, found, _ = _volley(
        next(_cohorts),
        options.control,
        options.seed,
        ports,
        called="control",
        between=(-4, 0.47),
        sweeps=False,
    )
    return {
        "requests": options.control,
        "late_accepted": found.late_accepted,
        "early_refused": found.early_refused,
        "ok": found.late_accepted > 0 and found.early_refused > 0,
    }


Volley = tuple[list[Mapping[str, Any]], Judgement, datetime]


def _arm(volleys: Sequence[Volley]) -> dict[str, Any]:
    answers = [answer for given, _, _ in volleys for answer in given]
    sent = sorted(answer["sent"] for answer in answers)
    decided = sorted(
        (datetime.fromisoformat(answer["judged_at"]) - closes).total_seconds()
        for given, _, closes in volleys
        for answer in given
        if answer["judged_at"]
    )
    counts: dict[str, Any] = {}
    for _, found, _ in volleys:
        for name, value in found.counts().items():
            if isinstance(value, dict):
                before = counts.setdefault(name, {})
                for kind, number in value.items():
                    before[kind] = before.get(kind, 0) + number
            else:
                counts[name] = counts.get(name, 0) + value
    within = sum(abs(offset) <= WITHIN_SECONDS for offset in sent)
    return {
        "requests": len(answers) + counts["unanswered"],
        "sent_within_500_ms": within,
        "sent_ms": _spread(sent),
        "decided_ms": _spread(decided),
        "decided_before_the_close": sum(offset < 0 for offset in decided),
        "decided_within_500_ms": sum(abs(offset) <= WITHIN_SECONDS for offset in decided),
        "longest_answer_ms": round(max(answer["answered"] - answer["sent"] for answer in answers) * 1000),
        **counts,
        "ok": all(found.faults == 0 for _, found, _ in volleys)
        and within >= _MOST * len(answers)
        and bool(counts["refused"]),
    }


def _spread(offsets: Sequence[float]) -> dict[str, int]:
    """Milliseconds from the close: the first, some in between, and the last."""
    if not offsets:
        return {}
    last = len(offsets) - 1
    shares = {"first": 0.0, "p10": 0.1, "p50": 0.5, "p90": 0.9, "last": 1.0}
    return {name: round(offsets[round(share * last)] * 1000) for name, share in shares.items()}


# ---- one volley ----


def _volley(
    number: int,
    count: int,
    seed: int,
    ports: Sequence[int],
    *,
    called: str,
    between: tuple[float, float] = (-0.49, 0.47),
    held: bool = False,
    sweeps: bool = True,
) -> Volley:
    """Prepare entries, open the connections, set the close, shoot around it, and judge."""
    chance = random.Random(seed)
    cohort = cohort_that_closes(number)
    aims = targets(cohort, count, called=f"{called}-{number}")
    chance.shuffle(aims)
    plan = [
        shot(aim, port=ports[place % len(ports)], offset=chance.uniform(*between))
        for place, aim in enumerate(aims)
    ]
    clients = [_client(plan[place::CLIENT_PROCESSES]) for place in range(CLIENT_PROCESSES)]
    try:
        for client in clients:
            assert client.stdout is not None
            if client.stdout.readline().strip() != "ready":
                raise RuntimeError("A process of clients could not open its connections.")
        closes = _now() + timedelta(seconds=_NOTICE_SECONDS)
        close_at(cohort, closes)
        _note(f"{called}: {count} requests around {closes:%H:%M:%S.%f}")
        for client in clients:
            assert client.stdin is not None
            client.stdin.write(f"{closes.timestamp()!r}\n")
            client.stdin.flush()
        beside = [threading.Thread(target=_sweep_too_early, args=(closes,))] if sweeps and not held else []
        beside += [threading.Thread(target=_hold, args=(aims, closes))] if held else []
        for thread in beside:
            thread.start()
        answers = [answer for client in clients for answer in _answers(client)]
        for thread in beside:
            thread.join()
    finally:
        for client in clients:
            client.kill()
            client.wait()
    _note(f"  answered {dict(Counter(answer['status'] for answer in answers))}")
    by_id = {answer["id"]: answer for answer in answers}
    return answers, judge(aims, by_id, closes=closes), closes


def _client(plan: Sequence[Mapping[str, Any]]) -> subprocess.Popen[str]:
    client = subprocess.Popen(
        [sys.executable, "-m", "tests.load.volley"],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    client.stdin.write(json.dumps(list(plan)) + "\n")
    client.stdin.flush()
    return client


def _answers(client: subprocess.Popen[str]) -> list[Mapping[str, Any]]:
    assert client.stdout is not None
    answers: list[Mapping[str, Any]] = json.loads(client.stdout.readline())
    return answers


def _sweep_too_early(closes: datetime) -> None:
    """The seal, again and again from two seconds before the close on, by a clock five seconds fast."""
    try:
        while (now := _now()) < closes + timedelta(seconds=2):
            if now > closes - timedelta(seconds=2):
                sealing.seal_due(now + timedelta(seconds=5))
            time.sleep(0.4)
    finally:
        connection.close()


def _hold(aims: Sequence[Target], closes: datetime) -> None:
    """Lock every entry from well before the close until after it."""
    try:
        time.sleep(max(0.0, (closes - _now()).total_seconds() - 1))
        with transaction.atomic():
            list(
                Entry.objects.select_for_update().filter(pk__in=[aim.entry_id for aim in aims]).order_by("pk")
            )
            time.sleep(max(0.0, (closes - _now()).total_seconds() + _HELD_SECONDS))
    finally:
        connection.close()


# ---- the web servers ----


@contextmanager
def _servers(folder: Path, **environment: str) -> Iterator[list[int]]:
    """A web server for each skew, all on one database; yields their ports."""
    servers: list[subprocess.Popen[bytes]] = []
    ports = []
    with (folder / "web.log").open("ab") as log:
        try:
            for skew in SKEWS:
                port = _free_port()
                ports.append(port)
                servers.append(
                    subprocess.Popen(
                        _command(port),
                        cwd=BASE_DIR,
                        env=os.environ
                        | {
                            "ICG_VAR": str(folder),
                            "DATABASE_URL": database_url(),
                            "SITE_URL": f"http://127.0.0.1:{port}",
                            "SKEW_SECONDS": str(skew),
                        }
                        | environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
            for port in ports:
                _wait_until_healthy(port, folder)
            _volley(next(_cohorts), 6 * len(ports), 0, ports, called="warm-up", sweeps=False)
            yield ports
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                with suppress(subprocess.TimeoutExpired):
                    server.wait(10)
                server.kill()
                server.wait()
            if tail := (folder / "web.log").read_text()[-4000:]:
                _note(tail)


def _gather_styles(folder: Path) -> None:
    """What the web servers' pages name; a page that cannot be drawn is no answer."""
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
        cwd=BASE_DIR,
        env=os.environ | {"ICG_VAR": str(folder), "DATABASE_URL": database_url()},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _command(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "tests.load.skewed", "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--threads", "4", "--workers", "1", "--timeout", "300"),
        *("--keep-alive", "600", "--no-control-socket", "--log-level", "error"),
    ]


def _wait_until_healthy(port: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        with (
            suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5),
        ):
            return
        time.sleep(0.2)
    raise RuntimeError(f"A web server did not answer; see {folder / 'web.log'}.")


def _now() -> datetime:
    """The machine's time: the run stands outside the programme and its clock."""
    return datetime.now(UTC)  # noqa: TID251


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
