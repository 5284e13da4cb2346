"""Where blindings are locked: the row for a decision, a name of its own for the long work of cleaning."""

from __future__ import annotations

from contextlib import AbstractContextManager
from uuid import UUID

from certification.kernel import locks

from .models import Blinding


def blinding(blinding_id: UUID) -> Blinding:
    """The blinding, locked until the transaction ends.

    Raises:
        Blinding.DoesNotExist: there is none with this key.
    """
    return (
        Blinding.objects.select_for_update(of=("self",))
        .select_related("entry__template__framework", "entry__candidacy")
        .get(pk=blinding_id)
    )


def copies(blinding_id: UUID) -> AbstractContextManager[bool]:
    """The right to store and remove this blinding's copies, without waiting; False when another has it.

    Cleaning a video takes minutes, so no transaction stays open meanwhile; a killed process lets go.
    """
    return locks.try_advisory(f"blinding:{blinding_id}")
