"""Write beside the target and move into place when complete, so a failure leaves nothing behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder(final: Path) -> Iterator[Path]:
    """A working folder that becomes `final` when the block succeeds and vanishes when it does not.

    Raises:
        FileExistsError: `final` holds something already.
    """
    if final.exists() and any(final.iterdir()):
        raise FileExistsError(f"{final} is not empty; a cleaned copy never mixes with other files.")
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".cleaning-", dir=final.parent))
    try:
        yield work
        work.replace(final)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def file(final: Path) -> Iterator[Path]:
    """A working path that becomes `final` when the block succeeds and vanishes when it does not."""
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".cleaning-", dir=final.parent))
    try:
        yield work / "copy"
        (work / "copy").replace(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
