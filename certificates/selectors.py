"""What pages say about certificates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .models import Certificate
from .states import CertificateState


@dataclass(frozen=True, slots=True)
class PublicCertificate:
    """What anybody who knows the number may read."""

    number: str
    name: str
    cohort_name: str
    certified_at: datetime
    is_valid: bool
    revoked_at: datetime | None


def by_number(number: str) -> PublicCertificate | None:
    """The certificate with this number, however it was typed; None when there is none."""
    wanted = "".join(number.split()).upper()
    row = Certificate.objects.filter(number=wanted).first()
    if row is None:
        return None
    return PublicCertificate(
        number=row.number,
        name=row.name,
        cohort_name=row.cohort_name,
        certified_at=row.certified_at,
        is_valid=row.state == CertificateState.VALID,
        revoked_at=row.revoked_at,
    )


def number_of(candidacy_id: UUID) -> str | None:
    """The number of a candidacy's certificate whose PDF is ready, unless it was revoked."""
    rows = Certificate.objects.filter(candidacy_id=candidacy_id, state=CertificateState.VALID)
    return rows.exclude(storage_key="").values_list("number", flat=True).first()
