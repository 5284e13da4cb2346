"""How often a candidate may rehearse: enough for every room of a school, too little to wear out the line.

The counts live in the cache.  Should it be emptied, somebody may rehearse a little more.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.cache import cache

from certification.kernel.errors import NotAllowed

from .rules import MB

MOST_TRIALS_AN_HOUR = 12
MOST_CLIPS_AN_HOUR = 12
# The browser stops at 64 MB; what it had begun by then may still arrive.
MOST_BYTES_OF_A_TRIAL = 80 * MB
_HOUR_SECONDS = 3600


def admit_trial(owner_id: UUID, now: datetime) -> None:
    """Count a measurement of the line.

    Raises:
        NotAllowed: there were enough of them within this hour.
    """
    if _counted(f"trials:{owner_id}:{now:%Y%m%d%H}", 1) > MOST_TRIALS_AN_HOUR:
        raise NotAllowed(
            f"You measured your line {MOST_TRIALS_AN_HOUR} times within this hour, as often as may be. "
            "The last result stands; try again after the full hour."
        )


def admit_clip(owner_id: UUID, now: datetime) -> None:
    """Count a clip.

    Raises:
        NotAllowed: there were enough of them within this hour.
    """
    if _counted(f"clips:{owner_id}:{now:%Y%m%d%H}", 1) > MOST_CLIPS_AN_HOUR:
        raise NotAllowed(
            f"You tried {MOST_CLIPS_AN_HOUR} clips within this hour, which is as many as may be. "
            "Try again after the full hour."
        )


def admit_bytes(trial_id: UUID, length: int) -> None:
    """Count what a measurement is about to send.

    Raises:
        NotAllowed: it has sent enough.
    """
    if _counted(f"bytes:{trial_id}", length) > MOST_BYTES_OF_A_TRIAL:
        raise NotAllowed("This measurement has sent enough. Measure again to begin another one.")


def _counted(what: str, amount: int) -> int:
    key = f"rehearsal:{what}"
    cache.add(key, 0, _HOUR_SECONDS)
    try:
        return cache.incr(key, amount)
    except ValueError:  # it ran out between the two
        cache.set(key, amount, _HOUR_SECONDS)
        return amount
