"""How long one pass over many payments waits for its providers."""

from __future__ import annotations

import time
from collections import Counter


class Patience:
    """Says whether a provider is still asked in this pass: not one that keeps silent, and none for ever.

    Whoever is not asked now is asked in the next pass, so giving up costs time and nothing else.
    """

    def __init__(self, *, silences: int = 5, seconds: float = 240) -> None:
        """Give up on a provider after `silences` in a row, and on all of them after `seconds`."""
        self._limit = silences
        self._until = time.monotonic() + seconds
        self._silences: Counter[str] = Counter()

    def lasts(self, gateway: str) -> bool:
        return self._silences[gateway] < self._limit and time.monotonic() < self._until

    def heard(self, gateway: str) -> None:
        self._silences[gateway] = 0

    def met_silence(self, gateway: str) -> None:
        self._silences[gateway] += 1
