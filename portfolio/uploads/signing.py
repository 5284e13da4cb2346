"""Addresses that take one part, for a quarter of an hour, as a bucket's presigned ones do.

Who holds the address may send that part and nothing else: it names upload, part and owner, and needs no
session.  The clock is the programme's, so Django's own timestamps are not used.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.signing import BadSignature, Signer

from certification.kernel.errors import NotAllowed

_SALT = "portfolio.uploads.part"


class Unsigned(NotAllowed):
    """The address is none of ours, or its time is over."""


def signature(upload_id: UUID, number: int, owner_id: UUID, expires_at: datetime) -> str:
    """What makes the address of a part valid until `expires_at`."""
    said = f"{owner_id}:{int(expires_at.timestamp())}"
    return f"{said}:{_signer().signature(_whole(upload_id, number, said))}"


def owner_of(token: str, upload_id: UUID, number: int, now: datetime) -> UUID:
    """Who was given the address.

    Raises:
        Unsigned: forged, made for another part, or its time is over.
    """
    said, _, signed = token.rpartition(":")
    try:
        _signer().unsign(f"{_whole(upload_id, number, said)}:{signed}")
    except BadSignature:
        raise Unsigned(
            "This address takes no part of a file. Reload the page and choose the file again."
        ) from None
    owner, _, expires = said.partition(":")
    if now.timestamp() >= int(expires):
        raise Unsigned("This address was valid for 15 minutes, which are over. Ask for a new one.")
    return UUID(owner)


def _whole(upload_id: UUID, number: int, said: str) -> str:
    return f"{upload_id}:{number}:{said}"


def _signer() -> Signer:
    return Signer(salt=_SALT)
