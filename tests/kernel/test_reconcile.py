"""Sweeps run one at a time, settle, and never need the broker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

from certification.kernel import clock, locks, reconcile
from certification.kernel.reconcile import Counts

NOW = datetime(2027, 6, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, reconcile.Reconciler]:
    """An empty registry, for this test alone."""
    empty: dict[str, reconcile.Reconciler] = {}
    monkeypatch.setattr(reconcile, "_registry", empty)
    return empty


def sweeper(work: list[int]) -> Callable[[datetime], Counts]:
    """A sweep that takes one piece of work a round."""

    def sweep(now: datetime) -> Counts:
        return {"done": 1 if work and work.pop() else 0}

    return sweep


def in_another_connection(job: Callable[[], object]) -> object:
    """What `job` answers in a thread, with a database connection of its own."""
    answer: list[object] = []

    def run() -> None:
        try:
            answer.append(job())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    return answer[0]


def test_two_reconcilers_cannot_share_a_name() -> None:
    first = sweeper([])
    reconcile.reconciler("entries.seal")(first)
    reconcile.reconciler("entries.seal")(first)
    with pytest.raises(ValueError, match=r"entries\.seal"):
        reconcile.reconciler("entries.seal")(sweeper([]))


def test_a_sweep_is_handed_the_programmes_clock(db: None) -> None:
    asked: list[datetime] = []

    def look(now: datetime) -> Counts:
        asked.append(now)
        return {}

    reconcile.reconciler("look", every=5)(look)
    with clock.fixed(NOW):
        reconcile.run("look")
    reconcile.run("look", datetime(2028, 1, 1, tzinfo=UTC))
    assert asked == [NOW, datetime(2028, 1, 1, tzinfo=UTC)]
    assert [job.every_seconds for job in reconcile.all_reconcilers()] == [5]


@pytest.mark.django_db(transaction=True)
def test_a_second_worker_leaves_a_running_sweep_alone() -> None:
    met: list[object] = []

    def sweep(now: datetime) -> Counts:
        if not met:
            met.append("first")
            met.append(in_another_connection(lambda: reconcile.run("slow", NOW)))
        return {"done": 1}

    reconcile.reconciler("slow")(sweep)
    assert reconcile.run("slow", NOW) == {"done": 1}
    assert met == ["first", None]
    assert in_another_connection(lambda: reconcile.run("slow", NOW)) == {"done": 1}


@pytest.mark.django_db(transaction=True)
def test_a_shared_sweep_is_run_by_several_workers_side_by_side() -> None:
    met: list[object] = []

    def sweep(now: datetime) -> Counts:
        if not met:
            met.append("first")
            met.append(in_another_connection(lambda: reconcile.run("shared", NOW)))
        return {"done": 1}

    reconcile.reconciler("shared", shared=True)(sweep)
    assert reconcile.run("shared", NOW) == {"done": 1}
    assert met == ["first", {"done": 1}]


@pytest.mark.django_db(transaction=True)
def test_two_different_sweeps_run_side_by_side() -> None:
    reconcile.reconciler("other")(lambda now: {"done": 7})
    with locks.try_advisory("reconcile:slow") as held:
        assert held
        assert in_another_connection(lambda: reconcile.run("other", NOW)) == {"done": 7}


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_fails_lets_go_of_its_lock() -> None:
    def sweep(now: datetime) -> Counts:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return {}

    reconcile.reconciler("broken")(sweep)
    with pytest.raises(Exception, match="division by zero"):
        reconcile.run("broken", NOW)

    def free() -> bool:
        with locks.try_advisory("reconcile:broken") as held:
            return held

    assert in_another_connection(free) is True


@pytest.mark.django_db(transaction=True)
def test_a_waiting_lock_ends_with_its_transaction() -> None:
    def free() -> bool:
        with locks.try_advisory("release") as held:
            return held

    with transaction.atomic():
        locks.advisory("release")
        assert in_another_connection(free) is False
    assert in_another_connection(free) is True


class TestRunAll:
    pytestmark = pytest.mark.django_db

    def test_it_goes_on_until_nothing_changes(self) -> None:
        reconcile.reconciler("seal")(sweeper([1, 1, 1]))
        reconcile.reconciler("mail")(sweeper([1]))
        assert reconcile.run_all(NOW) == {"seal": {"done": 3}, "mail": {"done": 1}}
        assert reconcile.run_all(NOW) == {"seal": {"done": 0}, "mail": {"done": 0}}

    def test_work_that_one_sweep_makes_for_an_earlier_one_is_done_too(self) -> None:
        mails: list[int] = []
        seals = [1]
        reconcile.reconciler("mail")(sweeper(mails))

        def seal(now: datetime) -> Counts:
            if not seals:
                return {"done": 0}
            mails.append(seals.pop())
            return {"done": 1}

        reconcile.reconciler("seal")(seal)
        assert reconcile.run_all(NOW)["mail"] == {"done": 1}

    def test_a_quarrel_is_an_error(self) -> None:
        reconcile.reconciler("up")(lambda now: {"moved": 1})
        with pytest.raises(RuntimeError, match="do not settle after 4 rounds"):
            reconcile.run_all(NOW, rounds=4)


class TestRing:
    @pytest.fixture
    def rung(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        heard: list[str] = []
        monkeypatch.setattr(
            current_app, "send_task", lambda name, **options: heard.append(f"{name} in {options['queue']}")
        )
        reconcile.reconciler("outbox.deliver")(sweeper([]))
        reconcile.reconciler("convert", queue=reconcile.SLOW)(sweeper([]))
        return heard  # type: ignore[return-value]

    def test_the_bell_rings_after_the_commit(
        self, db: None, rung: list[str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            reconcile.ring("outbox.deliver")
            reconcile.ring("convert")
            assert rung == []
        assert rung == ["reconcile.outbox.deliver in celery", "reconcile.convert in slow"]

    @pytest.mark.django_db(transaction=True)
    def test_a_change_that_is_rolled_back_rings_nothing(self, rung: list[str]) -> None:
        with transaction.atomic():
            reconcile.ring("outbox.deliver")
            transaction.set_rollback(True)
        assert rung == []

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "trouble", [OperationalError("away"), ConnectionRefusedError("away"), RuntimeError("strange")]
    )
    def test_a_broker_that_is_away_fails_nothing(
        self, monkeypatch: pytest.MonkeyPatch, trouble: Exception
    ) -> None:
        def away(name: str, **options: object) -> None:
            raise trouble

        monkeypatch.setattr(current_app, "send_task", away)
        with transaction.atomic():
            reconcile.ring("outbox.deliver")
        reconcile.ring("outbox.deliver")
