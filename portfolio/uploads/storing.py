"""Where originals are kept: the `identity` storage, under random keys that say nothing about anybody.

A key begins with the programme's day on which it was made.  The sweep can so leave today's uploads
alone by the same clock that named them, without asking the store when each object was written.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db.models import Q, QuerySet

from ..models import Evidence

logger = logging.getLogger(__name__)

FOLDER = "evidence"
# What is younger may be stored and not on record yet, or removed while somebody still reads it.
SPARED = timedelta(days=1)


def originals() -> Storage:
    """The store of originals."""
    return storages["identity"]


def keep(path: Path, now: datetime, folder: str = FOLDER) -> str:
    """Store the local file under a fresh random key and return the key; it outlasts a power cut from now on.

    On a disk that holds them both the bytes are not copied: the file gets a second name.  So the caller
    must not write into it any more.
    """
    key = f"{folder}/{now.astimezone(UTC):%Y-%m-%d}/{secrets.token_hex(20)}"
    store = originals()
    if not isinstance(store, FileSystemStorage):
        with path.open("rb") as stream:
            return store.save(key, File(stream))
    _name_too(path, Path(store.path(key)), store)
    return key


def _name_too(path: Path, name: Path, store: FileSystemStorage) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    try:
        name.hardlink_to(path)
    except OSError:  # another disk, or one whose files have one name only
        _copy(path, name)
    if store.file_permissions_mode is not None:
        name.chmod(store.file_permissions_mode)
    for written in (name, name.parent, name.parent.parent):
        _sync(written)


def _copy(path: Path, name: Path) -> None:
    try:
        shutil.copyfile(path, name)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(key: str) -> None:
    """Remove an object nobody refers to; the sweep comes back for one that could not be removed."""
    try:
        originals().delete(key)
    except Exception:  # each store raises its own kind, and the reason why we discard matters more
        logger.exception("an unreferenced upload could not be removed; the sweep will")


def sweep(now: datetime) -> dict[str, int]:
    """Remove objects that no evidence refers to any more and that are older than a day.

    They come from a process that died between storing and recording, and from evidence that was
    removed or replaced by the candidate.
    """
    return {"removed": sweep_folder(FOLDER, Evidence.objects.all(), now)}


def sweep_folder(folder: str, rows: QuerySet[Any], now: datetime) -> int:
    """Remove the folder's objects that are older than a day and that no live row refers to; says how many.

    Args:
        rows: all that may refer to them, with `storage_key` and `removed_at`; one that was removed less
            than a day ago is as good as live.
    """
    spared_from = now.astimezone(UTC) - SPARED
    live = rows.filter(Q(removed_at__isnull=True) | Q(removed_at__gte=spared_from))
    removed = 0
    for day in _days(folder):
        if day >= spared_from.date():
            continue
        keys = set(_keys(folder, day))
        wanted = live.filter(storage_key__in=keys).values_list("storage_key", flat=True)
        for key in sorted(keys - set(wanted)):
            originals().delete(key)
            removed += 1
    return removed


def _days(folder: str) -> Iterator[date]:
    try:
        names, _ = originals().listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(names):
        if (day := _day_of(name)) is not None:
            yield day


def _day_of(name: str) -> date | None:
    """The day a folder is named for; None when it is none of ours."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return None
    return day if str(day) == name else None


def _keys(folder: str, day: date) -> Iterator[str]:
    _, names = originals().listdir(f"{folder}/{day:%Y-%m-%d}")
    for name in names:
        yield f"{folder}/{day:%Y-%m-%d}/{name}"
