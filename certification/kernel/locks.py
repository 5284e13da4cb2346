"""Advisory locks: one holder per name, database-wide."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def lock_number(name: str) -> int:
    """The signed 64-bit key PostgreSQL locks for `name`."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@contextmanager
def try_advisory(name: str) -> Iterator[bool]:
    """Hold the session-level lock `name` inside the block, without waiting.

    Yields False when somebody else holds it; the caller then leaves the work to them.
    """
    key = lock_number(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        row = cursor.fetchone()
    held = bool(row and row[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def advisory(name: str) -> None:
    """Wait for the lock `name` and hold it until the current transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_number(name)])
