"""Find out what a stranger's file is without letting it harm the process that asks.

Decoding happens in a process of its own, within bounds (docs/adr/0016); the digest is taken here, so
that not even a file that took its decoder over can lie about which bytes it has.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path

from certification.kernel import bounded
from certification.kernel.errors import BadInput

from . import names
from .formats import DEMUXERS, EVERY_FORMAT, FAMILIES, VIDEO, kinds_of
from .inspect import Facts, Inspection, facts

MIB = 1024**2
MAX_MEMORY_BYTES = 1024 * MIB
MAX_CPU_SECONDS = 15
MAX_WALL_SECONDS = 300
# A long file without an index is read through once; slow disks are the machine's fault, not the file's.
_BYTES_PER_CPU_SECOND = 100 * MIB
_BYTES_PER_WALL_SECOND = 5 * MIB


def inspected(
    path: Path, declared_name: str, sha256: str = "", *, takes: Collection[str] = EVERY_FORMAT
) -> Inspection:
    """What the file at `path` is, decoded within bounds; `sha256` if this process knows it already.

    `takes` are the formats that its slot takes: see `inspect.facts`.

    Raises:
        BadInput: as `inspect.facts` does, or it needs more than its bounds or ends its reader.
        bounded.Interrupted: the machine ended the work; nothing is known of the file.
    """
    size = path.stat().st_size
    limits = bounded.Limits(
        memory_bytes=MAX_MEMORY_BYTES,
        cpu_seconds=MAX_CPU_SECONDS + size // _BYTES_PER_CPU_SECOND,
        wall_seconds=MAX_WALL_SECONDS + size // _BYTES_PER_WALL_SECOND,
    )
    try:
        found = bounded.run_bounded(
            facts, path, declared_name, tuple(takes), limits=limits, results=(Facts, Decimal)
        )
    except bounded.OutOfBounds:
        raise _beyond_bounds(declared_name, takes) from None
    return Inspection.of(found, path, sha256)


def _beyond_bounds(declared_name: str, takes: Collection[str]) -> BadInput:
    kinds = kinds_of(takes)
    is_video = kinds == {VIDEO} or (
        VIDEO in kinds and FAMILIES.get(names.ending_of(declared_name)) in DEMUXERS
    )
    anew = "Export it as MP4 (H.264)" if is_video else "Print it to a new PDF"
    return BadInput(
        f"{names.shown(declared_name)} needs more memory or time to open than a file of its size should. "
        f"{anew}, check that it opens, and upload that."
    )
