"""The programme's one clock.

Every rule about time asks `now()`; the linter bans every other source.  In a demo or a test the
clock can travel: `fixed()` holds it in this process (tests, the played season), `travel_to()`
moves it for every process that shares the database (a demo on somebody's laptop).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection

_fixed: ContextVar[datetime | None] = ContextVar("fixed_clock", default=None)

# Every process re-reads the stored offset at most this often.
_OFFSET_FRESH_SECONDS = 1.0
_cached_offset: tuple[float, timedelta] | None = None


def now() -> datetime:
    """The present instant, aware, in UTC."""
    held = _fixed.get()
    if held is not None:
        return held
    return datetime.now(UTC) + _offset()


def agreed(asked_at: datetime) -> datetime:
    """The present instant by the one clock all processes share: the database's.

    Ask inside the transaction that writes, once the rows it is about are locked: whoever had to wait for
    the lock is judged by when they got it, and a web server's clock that runs fast or slow does not
    matter.  Where the clock may travel (demo, tests), `asked_at` stands.  Source: ADR 0015.
    """
    if settings.CLOCK_TRAVEL or is_fixed():
        return asked_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (instant,) = cursor.fetchone()
    return instant.astimezone(UTC)


@contextmanager
def fixed(instant: datetime) -> Iterator[None]:
    """Hold the clock at `instant` inside the block, in this process only."""
    if instant.tzinfo is None:
        raise ValueError("clock.fixed() needs an aware datetime.")
    token = _fixed.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)


def is_fixed() -> bool:
    """Whether this process holds the clock, so that no other process sees the same time."""
    return _fixed.get() is not None


def travel_to(instant: datetime) -> None:
    """Move the clock of every process on this database; it keeps ticking from there.

    Raises:
        RuntimeError: the clock may not travel here (`CLOCK_TRAVEL` is off).
        ValueError: the instant is naive.
    """
    if instant.tzinfo is None:
        raise ValueError("clock.travel_to() needs an aware datetime.")
    _store_offset(instant - datetime.now(UTC))


def travel_back() -> None:
    """Return every process on this database to the real time."""
    _store_offset(timedelta(0))


def _store_offset(offset: timedelta) -> None:
    global _cached_offset
    if not settings.CLOCK_TRAVEL:
        raise RuntimeError("The clock may not travel here: set ICG_DEMO=1 for a demo, never in production.")
    from .models import ClockTravel

    ClockTravel.objects.update_or_create(pk=1, defaults={"offset": offset})
    _cached_offset = None


def _offset() -> timedelta:
    global _cached_offset
    if not settings.CLOCK_TRAVEL:
        return timedelta(0)
    tick = time.monotonic()
    if _cached_offset is not None and tick - _cached_offset[0] < _OFFSET_FRESH_SECONDS:
        return _cached_offset[1]
    from .models import ClockTravel

    stored = ClockTravel.objects.filter(pk=1).values_list("offset", flat=True).first()
    offset = stored if stored is not None else timedelta(0)
    _cached_offset = (tick, offset)
    return offset
