"""The embedded broker: messages are files in a folder, each there whole or not at all.

kombu's own filesystem transport opens a message's file under its final name and then writes it, so a
worker may take an empty file and stop for good.  Here a message is written aside and renamed.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from queue import Empty
from time import monotonic, monotonic_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

SCHEME = "whole-files"
_HURRY_SECONDS = 0.01
_HURRY_FOR_SECONDS = 1.0


class Channel(filesystem.Channel):
    """Writes messages whole, and loses a broken one instead of the worker."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as its parent
        folder = Path(self.data_folder_out)
        aside = folder / f".{uuid.uuid4()}"
        aside.write_text(dumps(payload), encoding="utf-8")
        # The name kombu reads: sortable by age, then the queue.
        aside.replace(folder / f"{monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except ValueError:  # broken off by a power cut; beat rings again
            raise Empty from None


class Transport(filesystem.Transport):
    """The filesystem transport with that channel; while messages come, it soon looks for the next.

    A worker takes as many at once as it has children, and would wait a whole interval after each handful.
    """

    Channel = Channel
    _last_came_at = float("-inf")

    def drain_events(self, connection: Any, timeout: Any = None) -> Any:  # type: ignore[override]
        usual = self.polling_interval
        if monotonic() - self._last_came_at < _HURRY_FOR_SECONDS:
            self.polling_interval = min(usual, _HURRY_SECONDS)
        try:
            return super().drain_events(connection, timeout)
        finally:
            self.polling_interval = usual

    def _deliver(self, message: Any, queue: str) -> None:
        self._last_came_at = monotonic()
        super()._deliver(message, queue)


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
