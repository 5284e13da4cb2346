"""What a rehearsal signs: addresses that take bytes for five minutes, and the ticket of a measurement.

Each is signed for its one purpose, so that neither opens the other, nor an address that takes a part of
evidence.  The clock is the programme's, so Django's own timestamps are not used.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core.signing import BadSignature, Signer

from certification.kernel.errors import BadInput, NotAllowed

PIECE_LIFE = timedelta(minutes=5)
TICKET_LIFE = timedelta(minutes=15)
_PIECE = "portfolio.rehearsal.piece"
_TICKET = "portfolio.rehearsal.ticket"


def for_piece(trial_id: UUID, length: int, now: datetime) -> str:
    """What makes an address take pieces of `length` bytes until `PIECE_LIFE` is over, from whoever has it."""
    return _signed(_PIECE, f"{trial_id}:{length}", now + PIECE_LIFE)


def require_piece(token: str, trial_id: UUID, length: int, now: datetime) -> None:
    """Let a piece in under an address of ours only.

    Raises:
        NotAllowed: forged, made for another measurement or length, or its time is over.
    """
    try:
        expires = _expiry(_PIECE, token, f"{trial_id}:{length}")
    except BadSignature:
        raise NotAllowed("This address takes no piece of a rehearsal. Measure the line once more.") from None
    if now.timestamp() >= expires:
        raise NotAllowed(
            "This address was good for 5 minutes, which are over. Measure the line once more for new ones."
        )


def ticket(trial_id: UUID, owner_id: UUID, now: datetime) -> str:
    """What lets its owner write a measurement down until `TICKET_LIFE` is over."""
    return f"{trial_id}/{_signed(_TICKET, f'{trial_id}:{owner_id}', now + TICKET_LIFE)}"


def trial_of(ticket: str, owner_id: UUID, now: datetime) -> UUID:
    """The measurement that the ticket was given for.

    Raises:
        BadInput: forged, somebody else's, or its time is over.
    """
    number, _, token = ticket.partition("/")
    try:
        trial_id = UUID(number)
        expires = _expiry(_TICKET, token, f"{trial_id}:{owner_id}")
    except (ValueError, BadSignature):
        raise BadInput("The measurement did not arrive whole. Measure the line once more.") from None
    if now.timestamp() >= expires:
        raise BadInput(
            "The measurement arrived more than 15 minutes after it began, so it says little about now. "
            "Measure the line once more."
        )
    return trial_id


def _signed(purpose: str, subject: str, expires_at: datetime) -> str:
    expires = int(expires_at.timestamp())
    return f"{expires}:{Signer(salt=purpose).signature(f'{subject}:{expires}')}"


def _expiry(purpose: str, token: str, subject: str) -> int:
    """Until when the token holds, in seconds of the epoch; raises `BadSignature` if it is none of ours."""
    expires, _, signature = token.rpartition(":")
    Signer(salt=purpose).unsign(f"{subject}:{expires}:{signature}")
    return int(expires)
