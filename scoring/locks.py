"""Row locks of scoring: always taken through here, always before the check they protect."""

from __future__ import annotations

from uuid import UUID

from certification.kernel.errors import NotAllowed

from .models import Assignment, Packet


def assignment(assignment_id: UUID, *, scorer_id: UUID) -> Assignment:
    """The scorer's own assignment, locked.  Works behind the wall: it joins nothing.

    Raises:
        NotAllowed: there is none, or it is somebody else's.
    """
    mine = (
        Assignment.objects.select_for_update(of=("self",))
        .filter(pk=assignment_id, scorer_id=scorer_id)
        .first()
    )
    if mine is None:
        raise NotAllowed("This packet is not in your queue. Go back to the queue to see what is.")
    return mine


def packet(code: str) -> Packet:
    """The packet of that code, locked, with its rule set.

    Raises:
        Packet.DoesNotExist: nothing has this code.
    """
    return (
        Packet.objects.select_for_update(of=("self",))
        .select_related("rule_set", "rubric_entry")
        .get(code=code)
    )
