"""The embedded worker outlives its children."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator

import pytest
from billiard.pool import Pool
from django.conf import settings

from certification.pool import MortalLock, MortalPool, TaskPool


def test_a_lock_is_taken_back_from_a_process_that_was_killed_with_it() -> None:
    lock = MortalLock()
    fork = multiprocessing.get_context("fork")
    holds = fork.Event()

    def hold() -> None:
        with lock:
            holds.set()
            time.sleep(60)

    child = fork.Process(target=hold)
    child.start()
    assert holds.wait(10)
    child.kill()
    child.join()
    signal.alarm(10)  # a lock that is not taken back would wait for ever
    try:
        with lock:
            pass
    finally:
        signal.alarm(0)


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = MortalPool(processes=2)
    yield pool
    pool.terminate()
    pool.join()


def test_a_pool_goes_on_when_all_its_idle_children_are_killed_at_once(pool: Pool) -> None:
    """One of them waits at the pipe and holds its lock."""
    first = pool.apply_async(os.getpid).get(timeout=20)
    for child in list(pool._pool):
        os.kill(child.pid, signal.SIGKILL)
    later = pool.apply_async(os.getpid).get(timeout=20)
    assert later != first


def test_the_embedded_worker_uses_it() -> None:
    assert f"{TaskPool.__module__}:{TaskPool.__name__}" == settings.CELERY_WORKER_POOL
    assert TaskPool.BlockingPool is MortalPool
