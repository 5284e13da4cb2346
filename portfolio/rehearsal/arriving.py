"""How long a clip was on its way: what a browser without a script can tell of the line."""

from __future__ import annotations

import time

from certification.kernel.uploads import LimitHandler

from .rules import Line, line_of_clip


class TimedHandler(LimitHandler):
    """Counts the bytes of a request's files as they come, and the time from the first of them to the last.

    A proxy that collects requests before it passes them on hides the line; then they come too quickly,
    and nothing is said about it.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._began: float | None = None
        self._before = 0
        self._ended = 0.0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        taken = super().receive_data_chunk(raw_data, start)
        self._ended = time.monotonic()
        if self._began is None:
            # What had come by then was on its way before the watch was started.
            self._began, self._before = self._ended, self.seen
        return taken

    @property
    def line(self) -> Line | None:
        """What its way showed of the line; None when it came too quickly to tell."""
        if self._began is None or self.exceeded:
            return None
        return line_of_clip(self.seen - self._before, int(1000 * (self._ended - self._began)))
