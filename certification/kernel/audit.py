"""The audit trail: one append-only row for each act that somebody may have to answer for."""

from __future__ import annotations

from typing import Any

from django.db import models

from . import clock
from .models import AuditEvent


def record(
    *,
    actor: Any,
    action: str,
    subject: models.Model | tuple[str, str],
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    """Write what `actor` did, in the current transaction.

    Args:
        actor: the account that acts, or None for the system itself.
        action: a short past-tense phrase, e.g. `extended deadline`.
        subject: a row, or (type, id) where the row may not be read.
        detail: JSON-able facts: reasons, before and after.
    """
    if isinstance(subject, models.Model):
        subject_type, subject_id = subject._meta.label, str(subject.pk)
    else:
        subject_type, subject_id = subject
    return AuditEvent.objects.create(
        at=clock.now(),
        actor_id=getattr(actor, "pk", None),
        actor_label=str(actor) if actor is not None else "the system",
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        detail=detail or {},
    )
