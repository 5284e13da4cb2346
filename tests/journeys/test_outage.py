"""Killing the worker and emptying the broker at any point of the season only delays it.

A real Celery worker, with its own processes, does the season's jobs; it is killed in the middle of them.
Longer and harsher: script/faults season.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from certification.kernel import clock, reconcile
from certification.season import invariants, outage, play, record
from certification.season.plan import Fate
from certification.season.rehearsal import last_release
from certification.season.throwaway import throwaway

KILLS = 5
FATES = (
    Fate.CERTIFIED_BY_RETAKE,  # pays with a card that stays pending
    Fate.ADJUDICATED,
    Fate.UNSCORABLE_THEN_RETAKE,
    Fate.ADVISORY_BY_PURCHASE_ORDER,
    Fate.UNPAID,
    Fate.REFUSED,
)
OPTIONS = play.Options(candidates=len(FATES), years=1, seed=2, fates=FATES)


@pytest.fixture
def server(django_db_setup: None, django_db_blocker: Any) -> Any:
    """The database server without a transaction around the test, so that a worker sees what happens."""
    with django_db_blocker.unblock():
        yield


def test_killed_workers_and_emptied_brokers_only_delay_the_season(server: None, tmp_path: Path) -> None:
    with throwaway(tmp_path / "calm"):
        undisturbed, verdicts = _play(tmp_path / "calm", play.converge)
        assert _broken(verdicts) == []

    stormy = tmp_path / "stormy"
    with throwaway(stormy, clock_travel=True), outage.outages(OPTIONS, stormy, kills=KILLS) as outages:
        disturbed, verdicts = _play(stormy, outages)
        done = outages.worker.done()

    assert _broken(verdicts) == []
    assert outage.determined(disturbed) == outage.determined(undisturbed)
    # The outages were real: every planned kill happened, and some hit a sweep in its middle.
    assert len(outages.struck) == KILLS
    assert outages.worker.starts == KILLS + 1
    assert outages.kills == []
    assert any(outages.struck), "no kill hit the worker at work"
    # And the worker was no bystander: it did most of what is written in logs.
    assert done["submission.seal: sealed"] > 0, _shares(done, outages)
    assert done["outbox.deliver: sent"] > 0, _shares(done, outages)
    assert done.total() > outages.finished_here.total(), _shares(done, outages)


def _play(folder: Path, settle: play.Converge) -> tuple[dict[str, Any], list[invariants.Verdict]]:
    season = play.play(OPTIONS, folder / "files", settle=settle)
    # Mails the worker queued a moment after the release are due a moment after it.
    with clock.fixed(last_release(OPTIONS) + timedelta(hours=1)):
        reconcile.run_all()
        played = record.record(season)
        return played, invariants.judge(invariants.Played(season, played, clock.now()))


def _broken(verdicts: list[invariants.Verdict]) -> list[tuple[str, tuple[str, ...]]]:
    return [(verdict.title, verdict.problems) for verdict in verdicts if not verdict.holds]


def _shares(done: Counter[str], outages: outage.Outages) -> str:
    return f"worker {dict(done)}, here {dict(outages.finished_here)}, struck {outages.struck}"
