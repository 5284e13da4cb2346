"""Temporary files of processes that were killed: whoever ends by itself takes its own along.

They may hold what candidates sent, and fill the disk that the next file needs.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

# Ours, and those in which Django keeps a file while a request brings it.
_PATTERNS = (
    "icg-upload-*",
    "icg-preparing-*",
    "icg-blinding-*",
    "icg-form-*",
    "icg-bounded-*",
    "tmp*.upload*",
)
# The longest job ends after six hours.
_SPARED = timedelta(days=1)


def sweep() -> int:
    """Remove what nobody wrote into for a day, and return how much that was."""
    removed = 0
    for folder in {Path(tempfile.gettempdir()), Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir())}:
        for path in list(_abandoned(folder)):
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError:
                logger.exception("%s could not be removed; it is tried again", path)
            else:
                removed += 1
    return removed


def _abandoned(folder: Path) -> Iterator[Path]:
    """What has one of the names, belongs to our account, and is old; nothing that is only a link."""
    too_young = _now_on(folder) - _SPARED.total_seconds()
    with os.scandir(folder) as found:
        for entry in found:
            if not any(fnmatch(entry.name, pattern) for pattern in _PATTERNS) or entry.is_symlink():
                continue
            with suppress(FileNotFoundError):  # its own process was quicker
                known = entry.stat(follow_symlinks=False)
                if known.st_uid == os.geteuid() and known.st_mtime < too_young:
                    yield Path(entry.path)


def _now_on(folder: Path) -> float:
    """The time by the clock that stamps the files there; the programme's may be set to another season."""
    with tempfile.TemporaryFile(dir=folder) as stamped:
        return os.fstat(stamped.fileno()).st_mtime
