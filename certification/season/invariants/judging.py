"""The bench: every registered invariant is asked in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..play import Season

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Played:
    """A season with its record, looked at from the instant `now`."""

    season: Season
    record: dict[str, Any]
    now: datetime


@dataclass(slots=True)
class Look:
    """What one invariant has looked at so far, and what it found wrong."""

    count: int = 0
    problems: list[str] = field(default_factory=list)

    def at(self, *, holds: bool, otherwise: str) -> None:
        """Count one thing looked at; when it does not hold, `otherwise` says what is wrong."""
        self.count += 1
        if not holds:
            self.problems.append(otherwise)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One invariant, how many things it was held against, and what breaks it."""

    title: str
    count: int
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.problems


Check = Callable[[Played, Look], None]
_checks: list[tuple[str, Check]] = []


def invariant(title: str) -> Callable[[Check], Check]:
    """Register a check under what it promises."""

    def register(check: Check) -> Check:
        _checks.append((title, check))
        return check

    return register


def judge(played: Played) -> list[Verdict]:
    """Every invariant's verdict, in order of registration."""
    return [_verdict(title, check, played) for title, check in _checks]


def _verdict(title: str, check: Check, played: Played) -> Verdict:
    look = Look()
    try:
        check(played, look)
    except Exception as error:  # one that cannot be judged must not hide the others
        logger.exception("invariant %r could not be judged", title)
        look.problems.append(f"could not be judged: {type(error).__name__}: {error}")
    if not look.count:
        look.problems.append("nothing was there to look at, so nothing is shown")
    return Verdict(title, look.count, tuple(look.problems))
