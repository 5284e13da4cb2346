"""A small process that forks one process for each bounded job of the site process that started it.

It has one thread, and has loaded the libraries that jobs need, so a job starts within milliseconds; a
threaded web server could neither fork safely nor import them each time.  It begins with an environment
of its own and never loads the settings, so a job that a hostile file took over finds no secret in it.

It lives as long as somebody holds the other end of its control socket.  A job lives as long as somebody
listens to it, and dies with its server; its temporary files are removed after it, however it ended.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

# A site process that needs a server again starts another.
_IDLE_MS = 15 * 60 * 1000


@dataclass(frozen=True, slots=True)
class _Job:
    pid: int
    ended: int  # a descriptor that is readable when the process has ended
    channel: socket.socket
    scratch: str | None


class Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._by_end: dict[int, _Job] = {}
        self._by_channel: dict[int, _Job] = {}

    def serve(self) -> None:
        """Start and reap jobs until the site process is gone, or has wanted nothing for long."""
        while True:
            events = self._poll.poll(_IDLE_MS)
            if not events and not self._by_end:
                return
            for descriptor, _event in events:
                if descriptor == self._control.fileno():
                    if not self._start():
                        self._end_all()
                        return
                elif descriptor in self._by_end:
                    self._reap(self._by_end[descriptor])
                elif descriptor in self._by_channel:
                    self._abandon(self._by_channel[descriptor])

    def _start(self) -> bool:
        from . import job, wire

        header, descriptors, _flags, _address = socket.recv_fds(self._control, wire.MOST_HEADER_BYTES, 1)
        if not header:
            return False
        channel = socket.socket(fileno=descriptors[0])
        module, _, wants_scratch = header.decode().partition(" ")
        with suppress(Exception):  # the job meets the same problem, and tells it
            import_module(module)
        scratch = tempfile.mkdtemp(prefix="icg-bounded-") if wants_scratch else None
        server_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._let_go()
            job.run(channel, server_pid, scratch)
        started = _Job(pid, os.pidfd_open(pid), channel, scratch)
        self._by_end[started.ended] = self._by_channel[channel.fileno()] = started
        self._poll.register(started.ended, select.POLLIN)
        self._poll.register(channel, 0)  # only whether the listener is still there
        return True

    def _let_go(self) -> None:
        """In a new process: close what belongs to the server and to other jobs."""
        self._control.close()
        for other in self._by_end.values():
            os.close(other.ended)
            other.channel.close()

    def _abandon(self, job: _Job) -> None:
        with suppress(KeyError):  # abandoned before
            self._poll.unregister(job.channel)
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(job.ended, signal.SIGKILL)

    def _reap(self, job: _Job) -> None:
        from . import wire

        code = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
        del self._by_end[job.ended], self._by_channel[job.channel.fileno()]
        self._poll.unregister(job.ended)
        with suppress(KeyError):
            self._poll.unregister(job.channel)
        os.close(job.ended)
        # Before the listener learns of the end, so that it finds nothing left behind.
        if job.scratch:
            shutil.rmtree(job.scratch, ignore_errors=True)
        job.channel.settimeout(0)
        with suppress(OSError):
            wire.send(job.channel, wire.ENDED, str(code).encode())
        job.channel.close()

    def _end_all(self) -> None:
        jobs = list(self._by_end.values())
        for job in jobs:
            self._abandon(job)
        for job in jobs:
            self._reap(job)


def main() -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    Server(control).serve()
    sys.exit()
