"""A disk that is full now and then.

As root it is a small file system of its own, filled to the last byte by somebody else.  Without root no
file system can be mounted; the processes of the site are then kept from letting files grow, which fails at
the same call with another error.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from .senders import Book
from .site import Site

MIB = 1024 * 1024
_FULL_SECONDS, _FREE_SECONDS = 0.6, 0.6
_MAY_GROW_TO = 1 * MIB


class Disk:
    """Where the site keeps its files, `bytes_` large."""

    def __init__(self, folder: Path, *, is_own: bool) -> None:
        self._ballast = folder / "ballast"
        self._is_own = is_own
        self.how = "a file system filled to the last byte" if is_own else "processes whose files may not grow"

    @contextmanager
    def full_now_and_then(self, site: Site, book: Book) -> Iterator[None]:
        """Fill the disk and free it, again and again, for the length of the block."""
        over = threading.Event()

        def run() -> None:
            while True:
                if over.wait(_FREE_SECONDS):
                    return
                self._fill(site)
                book.happened("disk_full")
                over.wait(_FULL_SECONDS)
                self._free(site)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._free(site)

    def _fill(self, site: Site) -> None:
        if not self._is_own:
            _let_files_grow_to(site, _MAY_GROW_TO)
            return
        with suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            for step in (MIB, 4096):
                with suppress(OSError):
                    while True:
                        file.write(bytes(step))

    def _free(self, site: Site) -> None:
        if self._is_own:
            self._ballast.unlink(missing_ok=True)
        else:
            _let_files_grow_to(site, resource.RLIM_INFINITY)


@contextmanager
def disk(folder: Path, bytes_: int) -> Iterator[Disk]:
    """A disk of so many bytes at `folder`, if this process may mount one."""
    folder.mkdir(parents=True)
    is_own = os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={bytes_}", "tmpfs", str(folder))
    try:
        yield Disk(folder, is_own=is_own)
    finally:
        if is_own:
            for _ in range(50):
                if _run("umount", str(folder)):
                    break
                time.sleep(0.1)


def _let_files_grow_to(site: Site, limit: int) -> None:
    for process in [*site.web_processes(), *site.worker.processes()]:
        with suppress(psutil.NoSuchProcess):
            process.rlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
