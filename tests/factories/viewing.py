"""Renditions as the worker leaves them, without its work."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.core.files.base import ContentFile

from portfolio.models import Evidence, Preparation, Rendition
from portfolio.renditions.models import RenditionKind
from portfolio.states import PreparationState
from portfolio.uploads.storing import originals

BODY = bytes(range(256)) * 40


def a_rendition(
    evidence: Evidence,
    now: datetime,
    *,
    kind: RenditionKind = RenditionKind.POSTER,
    content_type: str = "image/jpeg",
    body: bytes = BODY,
) -> Rendition:
    """One file of a preparation that is ready."""
    preparation = Preparation.objects.get(evidence=evidence)
    if preparation.state == PreparationState.RECEIVED:
        move(preparation, PreparationState.CHECKING, PreparationState.READY, now=now)
    key = originals().save(f"renditions/{now:%Y-%m-%d}/{secrets.token_hex(20)}", ContentFile(body))
    return Rendition.objects.create(
        preparation=preparation,
        kind=kind,
        storage_key=key,
        content_type=content_type,
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def move(preparation: Preparation, *states: PreparationState, now: datetime, problem: str = "") -> None:
    """Through the states in turn."""
    for state in states:
        preparation.state, preparation.ended_at, preparation.problem = state, now, problem
        preparation.save(update_fields=["state", "ended_at", "problem"])
