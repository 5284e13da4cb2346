"""Each queue has a worker wherever the site runs, and long work has the time that it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.conf import settings

from certification.celery import app
from certification.kernel import reconcile

PROJECT = Path(__file__).parents[2]
QUEUES = {reconcile.QUICK, reconcile.SLOW}


def _reading(command: str) -> set[str]:
    """The queues that a command line's worker reads."""
    words = command.split()
    return set(words[words.index("--queues") + 1].split(",")) if "--queues" in words else set()


def test_every_queue_has_a_worker_on_one_machine_and_in_containers() -> None:
    lines = (PROJECT / "Procfile").read_text().splitlines()
    commands = [line.partition(": ")[2] for line in lines]
    assert sorted(queue for command in commands for queue in _reading(command)) == sorted(QUEUES)
    services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"].values()
    commands = [" ".join(service["command"]) for service in services if "command" in service]
    assert sorted(queue for command in commands for queue in _reading(command)) == sorted(QUEUES)


@pytest.mark.parametrize("job", reconcile.all_reconcilers(), ids=lambda job: job.name)
def test_beat_wakes_each_job_in_its_queue_and_within_its_limits(job: reconcile.Reconciler) -> None:
    assert job.queue in QUEUES
    app.finalize()
    planned = app.conf.beat_schedule[f"reconcile.{job.name}"]
    assert planned["options"]["queue"] == job.queue
    assert planned["options"]["expires"] == planned["schedule"] == job.every_seconds
    task = app.tasks[f"reconcile.{job.name}"]
    limits = (task.soft_time_limit, task.time_limit)
    if job.queue == reconcile.SLOW:
        assert limits == (21_300, 21_600)
    else:
        assert limits == (settings.CELERY_TASK_SOFT_TIME_LIMIT, settings.CELERY_TASK_TIME_LIMIT)
