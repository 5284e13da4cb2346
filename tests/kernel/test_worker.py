"""The embedded worker outlives its children."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from certification.kernel import clock, outbox, reconcile
from certification.kernel.models import OutboxMessage
from certification.season.throwaway import database_url
from certification.season.worker import Broker, Worker

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_SECONDS = 60


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker(tmp_path)


@pytest.fixture
def worker(tmp_path: Path, broker: Broker) -> Iterator[Worker]:
    worker = Worker(tmp_path, database_url(), (reconcile.QUICK,))
    worker.start()
    yield worker
    worker.kill()


def until(happened: Any, what: str, worker: Worker) -> None:
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < WITHIN_SECONDS, f"{what}: {worker.log.read_text()[-2000:]}"
        time.sleep(0.1)


def delivers(broker: Broker, worker: Worker, key: str) -> None:
    outbox.queue(
        dedupe_key=key, kind="a trial", to=f"{key}@example.org", subject="Trial", body="Does the worker work?"
    )
    OutboxMessage.objects.update(deliver_after=clock.now() - timedelta(minutes=1))
    broker.ring(["outbox.deliver"])
    until(lambda: OutboxMessage.objects.get(dedupe_key=key).sent_at is not None, key, worker)


def test_a_worker_whose_idle_children_are_all_killed_works_on(broker: Broker, worker: Worker) -> None:
    """Again and again: one of them waits at the pipe of all and holds its lock, but not always the same."""
    delivers(broker, worker, "first")
    for again in range(2):
        leader, *children = worker.processes()
        assert len(children) >= 2
        worker.kill_children()
        psutil.wait_procs(children, timeout=WITHIN_SECONDS)
        delivers(broker, worker, f"again-{again}")
        assert worker.is_alive()
        assert leader.is_running()
