"""Identifiers: unguessable keys for rows, readable codes for people."""

from __future__ import annotations

import secrets
import uuid as _uuid

# Crockford-like: no 0/O, 1/I/L, U; a code can be read over the telephone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid() -> _uuid.UUID:
    """A random primary key."""
    return _uuid.uuid4()


def code(length: int = 8) -> str:
    """A random code people can read aloud, drawn from 30 unambiguous characters."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
