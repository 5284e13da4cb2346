"""The site behind a web server whose clock is wrong, which says of each answer at what instant it was judged.

Only a fault run serves this.  SKEW_SECONDS moves every clock of this process; the database keeps its own.
With WITHOUT_THE_RULE the process's own clock decides, as if nobody asked the database: the run must notice.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

SKEW = timedelta(seconds=float(os.environ.get("SKEW_SECONDS", "0")))
_RULE = "WITHOUT_THE_RULE" not in os.environ
_true_time = time.time  # noqa: TID251
time.time = lambda: _true_time() + SKEW.total_seconds()  # noqa: TID251

from django.utils import timezone  # noqa: E402

from certification.kernel import clock  # noqa: E402
from certification.wsgi import application as _site  # noqa: E402

_judged = threading.local()
_agreed = clock.agreed


class _Skewed(datetime):
    """The class `datetime` as this process's clock has it."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + SKEW  # noqa: TID251


def _noted(asked_at: datetime) -> datetime:
    instant = _agreed(asked_at)
    _judged.at = instant
    return instant if _RULE else asked_at


clock.datetime = _Skewed  # type: ignore[misc]
timezone.now = lambda: datetime.now(UTC) + SKEW  # noqa: TID251
clock.agreed = _noted


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The site, with the instant of the last decision in the header X-Judged-At."""
    _judged.at = None

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        if _judged.at is not None:
            headers = [*headers, ("X-Judged-At", _judged.at.isoformat())]
        return start_response(status, headers, *rest)

    return _site(environ, start)
