"""The dice of a rehearsal: for the block, identifiers are drawn from a seed instead of from chance.

Who scores what hangs on random codes, and scorers differ in severity.  Only with codes from the seed
do two seasons of one seed come to the same scores, in this process and in a throwaway database.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from certification.environment import REHEARSAL
from certification.kernel import ids


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Make `kernel.ids` predictable inside the block.

    Raises:
        ImproperlyConfigured: this is a real site, whose identifiers must not be guessable.
    """
    if not REHEARSAL:
        raise ImproperlyConfigured("Identifiers come from a seed in a demo or a test only (ICG_DEMO=1).")
    dice = random.Random(f"identifiers of season {seed}")

    def uuid4() -> UUID:
        return UUID(int=dice.getrandbits(128), version=4)

    with patch.object(ids, "secrets", dice), patch.object(ids, "_uuid", SimpleNamespace(uuid4=uuid4)):
        yield
