"""The worker and its bell.

Beat carries no dates and no business arguments: it only wakes each registered reconciler every so
often, and the reconciler finds out from the clock and the rows what there is to do.  So losing the
broker's folder, or a worker for a week, delays work and loses none.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import suppress
from typing import Any

import psutil
from billiard.pool import Pool
from celery import Celery
from celery.concurrency.asynpool import AsynPool
from celery.signals import beat_init, worker_init, worker_ready
from celery.worker import state

logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certification.settings")

_END_WITHIN_SECONDS = 3

app = Celery("certification")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def ring_every_reconciler(sender: Celery, **kwargs: Any) -> None:
    """Make one task, and one line of beat's schedule, of each registered reconciler."""
    import django
    from django.apps import apps

    from certification.kernel import reconcile

    if not apps.ready:
        django.setup()
    from django.conf import settings

    for job in reconcile.all_reconcilers():
        # Only what waits in the slow queue may take longer than the settings allow everybody.
        limits = settings.SLOW_TASK_LIMITS if job.queue == reconcile.SLOW else {}
        task = sender.task(name=f"reconcile.{job.name}", ignore_result=True, **limits)(_sweep_of(job.name))
        # A bell nobody answered before the next one is worth nothing, so it expires.
        sender.add_periodic_task(
            job.every_seconds,
            task.s(),
            name=f"reconcile.{job.name}",
            expires=job.every_seconds,
            queue=job.queue,
        )


def _sweep_of(name: str) -> Any:
    def sweep() -> None:
        from certification.kernel import reconcile

        reconcile.run(name)

    return sweep


@worker_init.connect
@beat_init.connect
def make_folders(**kwargs: Any) -> None:
    """Make what a process writes to before its first message: the broker's folders and beat's diary."""
    from django.conf import settings

    for folder in settings.BROKER_FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)


@worker_ready.connect
def outlive_killed_children(sender: Any, **kwargs: Any) -> None:
    """Let a worker of the embedded broker begin anew when one of its children was killed from outside.

    There all children read from one pipe under one lock, and whoever is killed while it waits there takes
    the lock along: no other would ever be given work again.  With Redis each child has a pipe of its own.
    """
    pool = getattr(sender.pool, "_pool", None)
    if isinstance(pool, Pool) and not isinstance(pool, AsynPool):
        pool.on_process_down = _begin_anew_if_killed


def _begin_anew_if_killed(child: Any) -> None:
    """Put a new worker in the place of this one, with its arguments and process number.

    Jobs are reconcilers: what other children have in hand is done again.
    """
    if child.exitcode != -signal.SIGKILL or state.should_stop is not None:
        return
    logger.error("process %s of the worker was killed; the worker begins anew", child.pid)
    others = psutil.Process().children(recursive=True)
    for other in others:
        with suppress(psutil.NoSuchProcess):
            other.terminate()
    _, left = psutil.wait_procs(others, timeout=_END_WITHIN_SECONDS)
    for other in left:
        other.kill()
    psutil.wait_procs(left)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # no shell: its own arguments
