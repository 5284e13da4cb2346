"""A virus scanner that says what a test tells it to, in clamd's protocol (`zINSTREAM`)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

# Given the file as it was received, what to answer; None hangs up without a word.
Answer = Callable[[bytes], bytes | None]


class FakeClamd:
    """Listens on a Unix socket in `folder`, or on a port of its own, until the block ends."""

    def __init__(self, answer: Answer, *, folder: Path | None = None, most_bytes: int | None = None) -> None:
        self.received: list[bytes] = []
        self.chunks: list[int] = []
        self._answer, self._most_bytes = answer, most_bytes
        if folder is None:
            self._listening = socket.create_server(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        else:
            self._listening = socket.socket(socket.AF_UNIX)
            self._listening.bind(str(folder / "clamd"))
            self._listening.listen()
            self.address = f"unix://{folder / 'clamd'}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as incoming:
                answer = self._instream(incoming.read)
                if answer is not None:
                    connection.sendall(answer)

    def _instream(self, read: Callable[[int], bytes]) -> bytes | None:
        if read(10) != b"zINSTREAM\0":
            return b"UNKNOWN COMMAND\0"
        content = b""
        while length := struct.unpack(">I", read(4))[0]:
            self.chunks.append(length)
            content += read(length)
            if self._most_bytes is not None and len(content) > self._most_bytes:
                return b"INSTREAM size limit exceeded. ERROR\0"
        self.received.append(content)
        return self._answer(content)
