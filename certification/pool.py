"""Celery's pool of processes, for a broker that it cannot wait on (the embedded one).

There all children take their work from one pipe, and whoever waits at it holds its lock.  Celery's lock is
a semaphore, which outlives its holder: a single idle child that was killed, by hand or for want of memory,
left the worker alive and deaf for ever.  The kernel takes this lock back from the dead.
"""

from __future__ import annotations

import fcntl
import tempfile
from types import TracebackType
from typing import Any

from billiard.pool import Pool
from celery.concurrency import prefork


class MortalLock:
    """A lock between processes that ends with the process that holds it.  Not between threads."""

    def __init__(self) -> None:
        # Locks of this kind belong to a process, not to the file that a child inherits.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115

    def acquire(self) -> bool:
        """Wait for it and take it."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class MortalPool(Pool):
    """Billiard's pool, whose two pipes can be read and written again after anybody's death."""

    def _setup_queues(self) -> None:
        super()._setup_queues()
        for queue in (self._inqueue, self._outqueue):
            queue._rlock, queue._wlock = MortalLock(), MortalLock()


class TaskPool(prefork.TaskPool):
    """Celery's own pool in all else; with a broker that it can wait on, no pipe is shared anyway."""

    BlockingPool: Any = MortalPool
