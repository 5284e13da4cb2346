"""Every look of the office at evidence is on record.  Source: the programme's rules, section 10."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import User
from certification.kernel import audit
from certification.kernel.models import AuditEvent

from .models import Blinding, CleanedFile

LOOKED_AT_BLINDING = "looked at blinding"
LOOKED_AT_COPY = "looked at cleaned copy"
# A player asks for one video in dozens of pieces; within this time they are one look.
_ONE_LOOK = timedelta(hours=1)


def record_look(*, by: User, subject: Blinding | CleanedFile, now: datetime) -> None:
    """Put on record that `by` looked at a blinding's page or at one cleaned copy."""
    action, detail = LOOKED_AT_BLINDING, {}
    if isinstance(subject, CleanedFile):
        action, detail = LOOKED_AT_COPY, {"sha256": subject.sha256}
    recent = AuditEvent.objects.filter(
        actor_id=by.pk,
        action=action,
        subject_type=subject._meta.label,
        subject_id=str(subject.pk),
        at__gt=now - _ONE_LOOK,
    )
    if not recent.exists():
        audit.record(actor=by, action=action, subject=subject, detail=detail)
