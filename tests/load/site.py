"""The site as it is served: gunicorn and a worker on a throwaway database, to be loaded or killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from certification.environment import BASE_DIR
from certification.kernel import reconcile
from certification.season.throwaway import database_url, throwaway
from certification.season.worker import Broker, Worker

HEALTHY_WITHIN_SECONDS = 60


class Site:
    """Web and worker processes that share this process's database.

    Attributes:
        folder: its ICG_VAR.
        address: where the site answers.
        web_kills: how many web workers were killed so far.
        worker: the worker beside it.
        broker: what it hears.
    """

    def __init__(
        self, folder: Path, *, application: str, web_workers: int, broker: Broker, worker: Worker
    ) -> None:
        self.broker = broker
        self.worker = worker
        self.folder = folder
        self._application = application
        self._web_workers = web_workers
        self._port = _free_port()
        self._web: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = threading.Lock()
        self.address = f"http://127.0.0.1:{self._port}"
        self.web_kills = 0

    def start(self) -> None:
        """Start gunicorn and wait until it answers."""
        command = [sys.executable, "-m", "gunicorn", self._application, "--bind", f"127.0.0.1:{self._port}"]
        command += ["--worker-class", "gthread", "--threads", "8", "--workers", str(self._web_workers)]
        command += ["--no-control-socket", "--log-level", "error"]
        with (self.folder / "web.log").open("ab") as log:
            self._web = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env=os.environ
                | {
                    "ICG_VAR": str(self.folder),
                    "DATABASE_URL": database_url(),
                    "SITE_URL": self.address,
                    "TMPDIR": str(self.folder / "scratch"),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_healthy()

    def kill_a_web_worker(self) -> None:
        """Kill one process that answers requests, in the middle of whatever it does; its master lives on."""
        assert self._web is not None
        with self._one_at_a_time, suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._web.pid).children()
            if children:
                children[0].kill()
                self.web_kills += 1

    def kill_web(self) -> None:
        """Kill the web server with all its processes, and start it anew."""
        assert self._web is not None
        with self._one_at_a_time:
            for process in self.web_processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._web.wait()
            self.start()

    def web_processes(self) -> list[psutil.Process]:
        """The web server's master first, then those that answer."""
        assert self._web is not None
        try:
            master = psutil.Process(self._web.pid)
            return [master, *master.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        if self._web is not None:
            self._web.terminate()
            try:
                self._web.wait(10)
            except subprocess.TimeoutExpired:
                self._web.kill()
                self._web.wait()

    def _wait_until_healthy(self) -> None:
        pause = threading.Event()
        for _ in range(HEALTHY_WITHIN_SECONDS * 10):
            with (
                suppress(urllib.error.URLError, OSError),
                urllib.request.urlopen(f"{self.address}/healthz", timeout=5),
            ):
                return
            pause.wait(0.1)
        raise RuntimeError(f"The site did not answer; see {self.folder / 'web.log'}.")


@contextmanager
def served(
    folder: Path,
    *,
    application: str = "certification.wsgi",
    web_workers: int = 2,
    queues: Sequence[str] = (reconcile.QUICK, reconcile.SLOW),
) -> Iterator[Site]:
    """A fresh site for the length of a block, with a worker that hears the bells of `queues`."""
    folder.mkdir(parents=True, exist_ok=True)
    with throwaway(folder):
        broker, worker = Broker(folder), Worker(folder, database_url(), queues)
        site = Site(folder, application=application, web_workers=web_workers, broker=broker, worker=worker)
        try:
            site.start()
            worker.start()
            yield site
        finally:
            worker.kill()
            site.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
