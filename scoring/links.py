"""Links under which a scorer is shown one file, for five minutes; made and read without the database."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from certification.kernel import links
from certification.kernel.links import Look


def token_for(scorer_id: UUID, file_id: UUID, now: datetime) -> str:
    """What opens the file to this scorer for five minutes from `now`."""
    return links.token(subject=_subject(file_id), viewer_id=scorer_id, now=now)


def look_of(token: str, *, scorer_id: UUID, file_id: UUID, now: datetime) -> Look:
    """The look that a link stands for.

    Raises:
        links.Forged, links.Expired: it opens nothing to this scorer, or not any more.
    """
    return links.look(token, subject=_subject(file_id), viewer_id=scorer_id, now=now)


def _subject(file_id: UUID) -> str:
    return f"scoring.PacketFile:{file_id}"
