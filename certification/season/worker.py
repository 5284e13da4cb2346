"""A real Celery worker beside a played season, and a broker that can be emptied under it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from ast import literal_eval
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
from django.db import connection
from kombu import Connection

from certification.broker import SCHEME
from certification.celery import app
from certification.environment import BASE_DIR
from certification.kernel import reconcile
from certification.kernel.locks import lock_number

# What the worker must not inherit: it boots as a demo on this database and this folder, with no one's mail.
_NOT_INHERITED = ("ICG_TEST", "REDIS_URL", "EMAIL_URL", "SITE_URL", "SECRET_KEY")
_BUCKETS = ("IDENTITY_", "BLIND_BUCKET", "BLIND_ACCESS", "BLIND_SECRET", "CERTIFICATES_", "S3_")
_UNSIGNED = 2**64


class Broker:
    """The filesystem broker of a site whose ICG_VAR is `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "broker"
        self._queue, self._control = self._folder / "queue", self._folder / "control"
        self.empty()

    def empty(self) -> None:
        """Lose every message, as a flushed or a new broker does."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for folder in (self._queue, self._control):
            folder.mkdir(parents=True)

    def ring(self, names: Sequence[str]) -> None:
        """Ask for reconcilers by name, exactly as beat does."""
        folders = {"data_folder_in": self._queue, "data_folder_out": self._queue}
        options = {key: str(path) for key, path in (folders | {"control_folder": self._control}).items()}
        with Connection(f"{SCHEME}://", transport_options=options) as bell:
            for name in names:
                app.send_task(f"reconcile.{name}", connection=bell, ignore_result=True, retry=False)

    def waiting(self, queue: str = "*") -> int:
        """How many bells nobody has heard yet, in one queue or in all."""
        return sum(1 for _ in self._queue.glob(f"*.{queue}.msg"))


class Worker:
    """A worker process with two children that hears the bells of its queues; it can only be killed."""

    def __init__(
        self, folder: Path, database_url: str, queues: Sequence[str] = (reconcile.QUICK, reconcile.SLOW)
    ) -> None:
        self._queues = queues
        self.log = folder / "worker.log"
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        scratch = folder / "scratch"
        scratch.mkdir()
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in _NOT_INHERITED and not name.startswith(_BUCKETS)
        }
        self._environment = kept | {
            "ICG_DEMO": "1",
            "ICG_VAR": str(folder),
            "DATABASE_URL": database_url,
            "LOG_LEVEL": "INFO",
            "TMPDIR": str(scratch),
            "PYTHONWARNINGS": "ignore",
        }

    def start(self) -> None:
        self.starts += 1
        command = [sys.executable, "-m", "celery", "--quiet", "--app", "certification", "worker"]
        command += ["--queues", ",".join(self._queues)]
        command += ["--concurrency", "2", "--loglevel", "INFO"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill the worker and its children with SIGKILL: nothing of them can tidy up."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def kill_children(self) -> None:
        """Kill the processes that do the work, all at once; the one that hears the bells lives on."""
        for child in self.processes()[1:]:
            with suppress(psutil.NoSuchProcess):
                child.kill()

    def processes(self) -> list[psutil.Process]:
        """The one that hears the bells first, then those that do the work."""
        if self._process is None:
            return []
        try:
            hearing = psutil.Process(self._process.pid)
            return [hearing, *hearing.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def freeze(self) -> None:
        """Stop it where it is."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def done(self) -> Counter[str]:
        """What its log says it changed, as `reconciler: what`."""
        counts: Counter[str] = Counter()
        if self.log.exists():
            with self.log.open("rb") as lines:
                for name, changed in _sweeps(lines):
                    counts.update({f"{name}: {what}": count for what, count in changed.items() if count})
        return counts


def sweeping() -> list[str]:
    """The reconcilers that somebody is in the middle of, in this database, by their advisory locks."""
    names = {
        lock_number(f"reconcile:{job.name}") % _UNSIGNED: job.name for job in reconcile.all_reconcilers()
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT classid::bigint << 32 | objid::bigint FROM pg_locks"
            " JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
        )
        held = {key % _UNSIGNED for (key,) in cursor.fetchall()}
    return sorted(names[key] for key in held & names.keys())


def _sweeps(lines: IO[bytes]) -> list[tuple[str, dict[str, int]]]:
    found = []
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue  # torn by a kill, or not ours
        words = str(said.get("message", "")).removeprefix("reconcile ").split(": ", 1)
        if said.get("logger") == reconcile.__name__ and words[-1].startswith("{"):
            found.append((words[0], literal_eval(words[1])))
    return found
