"""The worker and its bell.

Beat carries no dates and no business arguments: it only wakes each registered reconciler every so
often, and the reconciler finds out from the clock and the rows what there is to do.  So losing the
broker's folder, or a worker for a week, delays work and loses none.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certification.settings")

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
