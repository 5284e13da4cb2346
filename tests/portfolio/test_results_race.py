"""Two workers at the same release: one does it, the other finds it done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import patch

import pytest
from django.db import connection

from certification.kernel.models import OutboxMessage
from portfolio.models import Decision, EntryScore, Release
from portfolio.results import services
from tests.factories import portfolio as people
from tests.factories import results as factory


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_the_same_instant_release_once() -> None:
    cohort = factory.a_cohort()
    factory.all_scored(people.a_candidate(cohort), "3", "3")
    at = factory.release_instant(cohort)
    both_saw_it_due = Barrier(2, timeout=30)
    release = services._release

    def together(*args):
        both_saw_it_due.wait()
        return release(*args)

    def worker(_: int) -> int:
        try:
            return services.release_due(at)["releases"]
        finally:
            connection.close()

    with patch.object(services, "_release", together), ThreadPoolExecutor(2) as pool:
        done = list(pool.map(worker, range(2)))

    assert sorted(done) == [0, 1]
    assert (Release.objects.count(), EntryScore.objects.count(), Decision.objects.count()) == (1, 2, 1)
    assert OutboxMessage.objects.filter(kind="scores released").count() == 1
