"""The embedded broker hands out whole messages, and a broken one costs a bell, not the worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import filesystem
from kombu.transport.virtual import BrokerState

from certification.broker import SCHEME, Transport


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """kombu remembers for the whole process which queues it has written down, whatever the folder."""
    for transport in (Transport, filesystem.Transport):
        monkeypatch.setattr(transport, "global_state", BrokerState())


def _connection(folder: Path, scheme: str = SCHEME) -> Connection:
    control = folder / "control"
    control.mkdir(exist_ok=True)
    return Connection(
        f"{scheme}://",
        transport_options={
            "data_folder_in": str(folder),
            "data_folder_out": str(folder),
            "control_folder": str(control),
        },
    )


def test_a_message_comes_back(tmp_path: Path) -> None:
    with _connection(tmp_path) as site:
        bell = site.SimpleQueue("celery")
        bell.put({"task": "reconcile.outbox.deliver"})
        assert bell.get(block=True, timeout=5).payload == {"task": "reconcile.outbox.deliver"}


def test_a_message_has_its_name_only_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def look_first(source: Any, target: Any) -> None:
        seen.extend(path.name for path in tmp_path.glob("*.msg"))
        raise OSError("killed while writing")

    with _connection(tmp_path) as site:
        channel = site.channel()
        monkeypatch.setattr(Path, "replace", look_first)
        with pytest.raises(OSError, match="killed"):
            channel._put("celery", {})
    assert seen == []
    assert list(tmp_path.glob("*.msg")) == []


@pytest.mark.parametrize("left", [b"", b'{"body": "'])
def test_a_broken_message_is_dropped(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "1_broken.celery.msg").write_bytes(left)
    with _connection(tmp_path) as site:
        bell = site.SimpleQueue("celery")
        with pytest.raises(bell.Empty):
            bell.get(block=False)
    assert list(tmp_path.glob("*.msg")) == []


def test_the_stock_transport_would_stop_the_worker(tmp_path: Path) -> None:
    (tmp_path / "1_broken.celery.msg").write_bytes(b"")
    with _connection(tmp_path, "filesystem") as site:
        bell = site.SimpleQueue("celery")
        with pytest.raises(ValueError, match="Expecting value"):
            bell.get(block=False)


def test_while_messages_come_the_next_is_soon_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("kombu.transport.virtual.base.sleep", waits.append)
    with _connection(tmp_path) as site:
        site.connect()
        site.transport.polling_interval = 0.1

        def waited() -> float:
            waits.clear()
            with pytest.raises(TimeoutError):
                site.drain_events(timeout=0.05)
            return waits[0]

        bell = site.SimpleQueue("celery")
        site.transport._last_came_at = float("-inf")
        before = waited()
        bell.put({"task": "reconcile.outbox.deliver"})
        bell.get(block=True, timeout=5)
        after = waited()
    assert before > after
    assert after <= 0.01
