"""What happens to the site while files are on their way: processes killed, the database restarted."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

import psutil

from certification.kernel import reconcile

from .senders import Book
from .site import Site

_DEAD_WITHIN_SECONDS = 20
_BELL_SECONDS = 1.0

Strike = Callable[[], None]


class Striker:
    """One thread that strikes when it is told to, one strike after another, in turn."""

    def __init__(self, book: Book, strikes: Sequence[tuple[str, Strike]]) -> None:
        self._book, self._strikes = book, strikes
        self._due: SimpleQueue[bool] = SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def strike(self) -> None:
        self._due.put(True)

    def stop(self) -> None:
        """Let a strike under way end, and leave the others."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        turn = 0
        while not self._over.is_set():
            with suppress(Empty):
                self._due.get(timeout=0.1)
                name, strike = self._strikes[turn % len(self._strikes)]
                turn += 1
                try:
                    strike()
                except Exception as failed:
                    self._book.note(self._book.problems, f"{name}: {failed!r}")
                else:
                    self._book.happened(name)


class Bells:
    """Beat's part: ring for files that have arrived, as often as nobody seems to hear."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_BELL_SECONDS):
            with suppress(OSError):
                if self._site.broker.waiting(reconcile.QUICK) < 2:
                    self._site.broker.ring(["uploads.take_in"])


def kill_a_web_worker(site: Site) -> Strike:
    return site.kill_a_web_worker


def kill_the_web_server(site: Site) -> Strike:
    return site.kill_web


def kill_the_worker(site: Site) -> Strike:
    """Worker and children at once, in the middle of whatever they do; then another one is started."""

    def strike() -> None:
        site.worker.kill()
        site.worker.start()

    return strike


def kill_the_workers_children(site: Site) -> Strike:
    """All processes that do the work, at once; the worker itself has to start others."""
    return site.worker.kill_children


def restart_the_database(server: Any) -> Strike:
    """Stop PostgreSQL at once, as an accident does: it recovers from its log when it starts again."""

    def strike() -> None:
        process = psutil.Process(server.get_pid())
        os.kill(process.pid, signal.SIGQUIT)
        until = time.monotonic() + _DEAD_WITHIN_SECONDS
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > until:
                raise RuntimeError("PostgreSQL did not stop.")
            time.sleep(0.05)
        server.start()

    return strike
