"""Where portfolio rows are locked, always before anything about them is decided.

An entry comes before its upload, and several entries come in the order of their ids: so whoever locks
two of these locks them in the same order as everybody else, and nobody waits in a circle.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

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


def entry_of_anybody(entry_id: UUID) -> Entry:
    """An entry, locked until the transaction ends, for a sweep: it acts for the programme, not for a person.

    Raises:
        Entry.DoesNotExist: there is none with this key.
    """
    return (
        Entry.objects.select_for_update(of=("self",))
        .select_related("candidacy__account", "template")
        .get(pk=entry_id)
    )


def entries(chosen: QuerySet[Entry]) -> list[Entry]:
    """Several entries, locked in the order of their ids until the transaction ends.

    Who waited for one reads it as it is then, and no longer gets it if it is not among the chosen any more.
    """
    return list(chosen.select_for_update(of=("self",)).order_by("pk"))


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


def upload_alone(upload_id: UUID) -> Upload:
    """An upload, locked until the transaction ends, without its entry.

    For what is recorded of its parts: nothing of the entry is read or written there, so parts that arrive
    hold up no submission.  Who needs both takes `upload`, which locks the entry first; who holds this lock
    must not ask for the entry's.

    Raises:
        Upload.DoesNotExist: there is none with this key.
    """
    return Upload.objects.select_for_update(of=("self",)).get(pk=upload_id)
