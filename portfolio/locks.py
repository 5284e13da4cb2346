"""Where portfolio rows are locked: one entry at a time, always before anything about it is decided."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User

from .models import Entry, Upload


def entry(entry_id: UUID, *, owner: User) -> Entry:
    """The candidate's entry, locked until the transaction ends.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's; the caller must not tell which.
    """
    return (
        Entry.objects.select_for_update(of=("self",))
        .select_related("candidacy", "template")
        .get(pk=entry_id, candidacy__account=owner)
    )


def upload(upload_id: UUID, *, owner: User) -> Upload:
    """The candidate's upload, locked with its entry, which always comes first.

    Raises:
        Upload.DoesNotExist: there is none, or it is somebody else's; the caller must not tell which.
    """
    own = Upload.objects.filter(pk=upload_id, entry__candidacy__account=owner)
    locked = entry(own.values_list("entry_id", flat=True).get(), owner=owner)
    found = Upload.objects.select_for_update(of=("self",)).select_related("slot").get(pk=upload_id)
    found.entry = locked
    return found
