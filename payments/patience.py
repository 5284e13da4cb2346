"""How long one pass over many payments waits for its providers, and what it does when a question fails."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from .gateways import GatewayUnavailableError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Patience:
    """Asks providers in one pass: not one that keeps silent, and none for ever.

    Whoever is not asked now is asked in the next pass, so giving up costs time and nothing else.
    """

    def __init__(self, *, silences: int = 5, seconds: float = 240) -> None:
        """Give up on a provider after `silences` in a row, and on all of them after `seconds`."""
        self._limit = silences
        self._until = time.monotonic() + seconds
        self._silences: Counter[str] = Counter()

    def lasts(self, gateway: str) -> bool:
        return self._silences[gateway] < self._limit and time.monotonic() < self._until

    def ask(
        self,
        gateway: str,
        about: str,
        question: Callable[[], Answer],
        *,
        went_wrong: Callable[[Exception], None] = lambda mistake: None,
    ) -> Answer | None:
        """The answer; None from a provider that is silent, or when the question trips over a mistake of ours.

        Neither holds up the questions after it.  `about` names for the log what is asked about, and
        `went_wrong` hears of a mistake.
        """
        try:
            answer = question()
        except GatewayUnavailableError as silence:
            self._silences[gateway] += 1
            logger.warning("payments: %s stays undecided: %s", about, silence)
            return None
        except Exception as mistake:
            logger.exception("payments: %s could not be asked about", about)
            went_wrong(mistake)
            return None
        self._silences[gateway] = 0
        return answer
