"""What a short clip says about a device's camera.  The clip is looked at as evidence is, and not kept."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from certification.kernel import bounded
from certification.kernel.errors import BadInput, NotAllowed

from .looking import Clip, look_at
from .rules import MB

# A clip is small and somebody waits: less than what evidence is given.
_LIMITS = bounded.Limits(memory_bytes=1024 * MB, cpu_seconds=20, wall_seconds=60)


def found_in(path: Path, name: str) -> Clip:
    """What the clip at `path` is, found out within bounds.

    Raises:
        BadInput: no video, or one that could not be taken as evidence; the message says why.
        NotAllowed: the machine ended the work, and nothing is known of the clip.
    """
    try:
        return bounded.run_bounded(look_at, path, name, limits=_LIMITS, results=(Clip, Decimal))
    except bounded.OutOfBounds:
        raise BadInput(
            "The clip needs more memory or time to open than one of its size should. Film another one."
        ) from None
    except bounded.Interrupted:
        raise NotAllowed("The clip could not be looked at just now. Try it again in a moment.") from None
