"""Where preparations are locked: the row for a decision, a name of its own for the long work."""

from __future__ import annotations

from contextlib import AbstractContextManager
from uuid import UUID

from certification.kernel import locks

from .models import Preparation


def preparation(preparation_id: UUID) -> Preparation:
    """The preparation, locked until the transaction ends.

    Raises:
        Preparation.DoesNotExist: there is none with this key.
    """
    return (
        Preparation.objects.select_for_update(of=("self",))
        .select_related("evidence__slot", "evidence__entry__template", "evidence__entry__candidacy__account")
        .get(pk=preparation_id)
    )


def files(preparation_id: UUID) -> AbstractContextManager[bool]:
    """The right to make and remove this preparation's files, without waiting; False when another has it.

    A video takes an hour, so no transaction stays open meanwhile; a killed process lets go.
    """
    return locks.try_advisory(f"preparation:{preparation_id}")
