"""How kills are spread, what a worker's log tells, and what no outage may change."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from certification.season import outage, play
from certification.season.worker import Worker


@pytest.mark.parametrize(("kills", "rests"), [(0, 12), (6, 12), (12, 12), (31, 12)])
def test_kills_are_spread_over_the_whole_season(kills: int, rests: int) -> None:
    spread = outage._spread(random.Random(1), kills, rests)
    assert len(spread) == rests
    assert sum(spread) == kills
    assert max(spread) - min(spread) <= 1


def test_worker_is_credited_with_what_its_log_says(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "postgresql://nobody@localhost/nothing")
    say = "certification.kernel.reconcile"
    lines = [
        json.dumps({"logger": say, "message": "reconcile blinding.clean: {'cleaned': 2, 'failed': 0}"}),
        json.dumps({"logger": say, "message": "reconcile blinding.clean: {'cleaned': 1, 'failed': 0}"}),
        json.dumps({"logger": say, "message": "reconcile outbox.deliver: another worker holds it"}),
        json.dumps({"logger": "celery", "message": "reconcile x: {'y': 1}"}),
        '{"logger": "certification.kernel.reconcile", "mess',
        "Traceback (most recent call last):",
    ]
    worker.log.write_text("\n".join(lines))
    assert dict(worker.done()) == {"blinding.clean: cleaned": 3}


def test_worker_inherits_neither_buckets_nor_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMAIL_URL", "REDIS_URL", "IDENTITY_BUCKET", "BLIND_ACCESS_KEY_ID", "S3_ENDPOINT_URL"):
        monkeypatch.setenv(name, "somewhere real")
    monkeypatch.setenv("BLIND_ROLE", "icg_blind")
    environment = Worker(tmp_path, "postgresql://nobody@localhost/nothing")._environment
    assert "somewhere real" not in environment.values()
    assert environment["BLIND_ROLE"] == "icg_blind"
    assert environment["ICG_VAR"] == str(tmp_path)


def test_steps_and_rests_are_counted_right() -> None:
    """A wrong count would show a progress bar that never ends, or kills that never come."""
    assert play.steps(play.Options(years=1)) == 8
    assert play.rests(play.Options(years=2)) == 20
