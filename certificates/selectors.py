"""What pages say about certificates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from .models import Certificate
from .states import CertificateState

_LONGEST_NUMBER = 24


@dataclass(frozen=True, slots=True)
class PublicCertificate:
    """What anybody who knows the number may read: days, as the certificate itself has them."""

    number: str
    name: str
    cohort_name: str
    certified_on: date
    is_valid: bool
    revoked_on: date | None


def normalised(number: str) -> str:
    """A number as it is stored, however it was typed: `icg 2027 4kq7xw2m` is `ICG-2027-4KQ7XW2M`.

    Empty when nothing of what was typed can stand in a number.
    """
    words = re.findall(r"[A-Z0-9]+", number.upper())
    solid = "".join(words)
    found = re.fullmatch(r"(ICG)(\d{4})([A-Z0-9]{8})", solid)
    return "-".join(found.groups() if found else words)[:_LONGEST_NUMBER]


def by_number(number: str) -> PublicCertificate | None:
    """The certificate with this number, however it was typed; None when there is none."""
    row = Certificate.objects.filter(number=normalised(number)).first()
    if row is None:
        return None
    return PublicCertificate(
        number=row.number,
        name=row.name,
        cohort_name=row.cohort_name,
        certified_on=day_of(row.certified_at),
        is_valid=row.state == CertificateState.VALID,
        revoked_on=day_of(row.revoked_at) if row.revoked_at else None,
    )


def day_of(instant: datetime) -> date:
    """The day it was in the programme's zone, which is the day that is printed."""
    return instant.astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).date()


class Standing(StrEnum):
    """Where a certified candidacy's certificate is."""

    BEING_MADE = "being made"
    READY = "ready"
    REVOKED = "revoked"


def standing_of(candidacy_id: UUID) -> Standing:
    """Whether a certified candidacy's certificate is still being made, can be fetched, or was revoked."""
    row = Certificate.objects.filter(candidacy_id=candidacy_id).first()
    if row is None or (row.state == CertificateState.VALID and not row.storage_key):
        return Standing.BEING_MADE
    return Standing.READY if row.state == CertificateState.VALID else Standing.REVOKED


def number_of(candidacy_id: UUID) -> str | None:
    """The number of a candidacy's certificate whose PDF is ready, unless it was revoked."""
    rows = Certificate.objects.filter(candidacy_id=candidacy_id, state=CertificateState.VALID)
    return rows.exclude(storage_key="").values_list("number", flat=True).first()
