"""Addresses that show one thing to one person, for five minutes at most.

The token in such an address names a look by a number of its own, so that everything a player asks for
through it is one look on record.  It opens nothing by itself: whoever asks must be signed in as the person
it was made for, and their right to see the thing is asked anew each time.  The clock is the programme's,
so Django's own timestamps are not used.  Source: the programme's rules, section 10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.signing import BadSignature, Signer

from . import ids
from .errors import NotAllowed

LIFE = timedelta(minutes=5)
_SALT = "certification.kernel.links"


class Forged(Exception):
    """The token is none of ours, or was made for another thing or another person."""


class Expired(NotAllowed):
    """The link was this person's own, and its time is over."""


def token(*, subject: str, viewer_id: UUID, now: datetime) -> str:
    """What opens `subject` to the viewer until `LIFE` is over.  Each one is another look."""
    said = f"{ids.uuid().hex}.{int((now + LIFE).timestamp())}"
    return f"{said}.{_signer().signature(_whole(said, subject, viewer_id))}"


@dataclass(frozen=True, slots=True)
class Look:
    """What a token stands for: one look, and how many seconds of it are left."""

    id: UUID
    seconds_left: int


def look(token: str, *, subject: str, viewer_id: UUID, now: datetime) -> Look:
    """The look that the token stands for.

    Raises:
        Forged: the answer must be the one that an absent thing gets.
        Expired: with a sentence for the person.
    """
    said, _, signature = token.rpartition(".")
    try:
        _signer().unsign(f"{_whole(said, subject, viewer_id)}:{signature}")
    except BadSignature:
        raise Forged from None
    number, _, expires = said.partition(".")
    left = math.ceil(int(expires) - now.timestamp())
    if left <= 0:
        raise Expired("This link was good for 5 minutes, which are over. Reload the page it stood on.")
    return Look(UUID(number), left)


def _whole(said: str, subject: str, viewer_id: UUID) -> str:
    return f"{said}.{subject}.{viewer_id}"


def _signer() -> Signer:
    return Signer(salt=_SALT)
