"""A line of known speed: passes connections on to a site, and what goes up no quicker than it may."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_BITE_BYTES = 8 * 1024
# Little waits on the way, as little does in front of a real slow line.
_BUFFER_BYTES = 32 * 1024
# What a thread that woke too late may catch up on.
_CREDIT_SECONDS = 0.1


class SlowLine:
    """Listens at `port`; `bytes_per_second` upward may be changed at any time, None for no limit."""

    def __init__(self, host: str, port: int, bytes_per_second: int | None) -> None:
        self.bytes_per_second = bytes_per_second
        self._site = (host, port)
        self._turn = threading.Lock()
        self._free_at = 0.0
        self._open: list[socket.socket] = []
        self._door = socket.socket()
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._door.bind((host, 0))
        self._door.listen()
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._receive, daemon=True).start()

    def close(self) -> None:
        for wire in (self._door, *self._open):
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            wire.close()

    def _receive(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._door.accept()
                site = socket.create_connection(self._site)
                self._open += [browser, site]
                for source, target in ((browser, site), (site, browser)):
                    upward = {"is_upward": source is browser}
                    way = threading.Thread(target=self._pass_on, args=(source, target), kwargs=upward)
                    way.daemon = True
                    way.start()

    def _pass_on(self, source: socket.socket, target: socket.socket, *, is_upward: bool) -> None:
        with suppress(OSError):
            while bite := source.recv(_BITE_BYTES):
                if is_upward:
                    self._wait_for(len(bite))
                target.sendall(bite)
            target.shutdown(socket.SHUT_WR)

    def _wait_for(self, length: int) -> None:
        """All connections share the one line."""
        if self.bytes_per_second is None:
            return
        with self._turn:
            earliest = time.monotonic() - _CREDIT_SECONDS
            self._free_at = max(self._free_at, earliest) + length / self.bytes_per_second
            time.sleep(max(0.0, self._free_at - time.monotonic()))


@contextmanager
def slow_line(host: str, port: int, bytes_per_second: int | None) -> Iterator[SlowLine]:
    """A line to the site at `host:port`, gone after the block."""
    line = SlowLine(host, port, bytes_per_second)
    try:
        yield line
    finally:
        line.close()
