"""Issuing and revoking certificates.  Source: the programme's rules, section 9."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
from django.urls import reverse

from accounts.models import Role, User
from candidates import selectors as candidates
from candidates.models import Candidacy
from candidates.states import CandidacyState
from certification.kernel import audit, ids, outbox, states
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.typesetting import CannotPrint

from .models import Certificate
from .states import CERTIFICATE_ALLOWED, CertificateState

logger = logging.getLogger(__name__)


def issue_due(now: datetime) -> dict[str, int]:
    """Give every certified candidacy its certificate, and every certificate its PDF.

    The row comes first and holds all that the PDF says, so a crash between the two loses nothing.
    A certificate that cannot be printed waits, is logged, and holds up nobody else's.
    """
    counts = {"issued": 0, "printed": 0}
    certified = Candidacy.objects.filter(state=CandidacyState.CERTIFIED, certificate__isnull=True)
    for candidacy_id in certified.values_list("pk", flat=True):
        counts["issued"] += _issue(candidacy_id, now)
    for certificate_id in Certificate.objects.filter(storage_key="").values_list("pk", flat=True):
        try:
            counts["printed"] += _print(certificate_id)
        except CannotPrint as refusal:
            logger.error("%s", refusal)
    return counts


@transaction.atomic
def _issue(candidacy_id: UUID, now: datetime) -> int:
    """One certificate, unless another worker was faster."""
    candidacy = Candidacy.objects.select_for_update().get(pk=candidacy_id)
    if Certificate.objects.filter(candidacy=candidacy).exists():
        return 0
    person = candidates.person(candidacy_id)
    certified_at = candidacy.ended_at
    assert certified_at is not None  # the database refuses a certified candidacy without it
    year = certified_at.astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).year
    Certificate.objects.create(
        number=f"ICG-{year}-{ids.code(8)}",
        candidacy=candidacy,
        name=person.name_on_certificate,
        cohort_name=person.cohort_name,
        certified_at=certified_at,
        issued_at=now,
    )
    return 1


@transaction.atomic
def _print(certificate_id: UUID) -> int:
    """Make and keep the PDF of one certificate, and tell its holder; the same row makes the same bytes."""
    certificate = Certificate.objects.select_for_update(skip_locked=True).filter(pk=certificate_id).first()
    if certificate is None or certificate.storage_key:
        return 0
    # Here, because the engine that draws pages takes a second to load, which only workers spend.
    from . import document

    pdf = document.pdf_of(certificate, verify_url=certificate_url(certificate.number))
    store = storages["certificates"]
    key = f"{certificate.pk.hex}.pdf"
    if store.exists(key):  # left by a crash before the row was saved
        store.delete(key)
    certificate.storage_key = store.save(key, ContentFile(pdf))
    certificate.sha256 = hashlib.sha256(pdf).hexdigest()
    certificate.save(update_fields=["storage_key", "sha256"])
    _announce(certificate)
    return 1


def _announce(certificate: Certificate) -> None:
    person = candidates.person(certificate.candidacy_id)
    outbox.queue(
        dedupe_key=f"certificate:{certificate.pk}",
        to=person.email,
        kind="certificate",
        subject="Your certificate is ready",
        body=(
            f"Dear {person.name_on_certificate},\n\n"
            f"Congratulations: your certificate {certificate.number} is ready. Sign in to download it:\n"
            f"{settings.SITE_URL}/dashboard/\n\n"
            f"Anyone can check it here: {certificate_url(certificate.number)}\n"
        ),
    )


@transaction.atomic
def revoke_certificate(*, certificate_id: UUID, by: User, reason: str, now: datetime) -> Certificate:
    """Take a certificate back; the public page says so from then on.

    Raises:
        NotAllowed: `by` is not staff, or it is revoked already for another reason.
        BadInput: no reason was given.
    """
    if by.role != Role.STAFF:
        raise NotAllowed("Only staff may revoke a certificate.")
    reason = " ".join(reason.split())
    if not reason:
        raise BadInput("Revoking a certificate needs a reason. Write down why it is taken back.")
    certificate = Certificate.objects.select_for_update().get(pk=certificate_id)
    if certificate.state == CertificateState.REVOKED and certificate.revoked_reason == reason:
        return certificate
    states.require(
        CERTIFICATE_ALLOWED,
        certificate.state,
        CertificateState.REVOKED,
        what=f"Certificate {certificate.number}",
    )
    certificate.state = CertificateState.REVOKED
    certificate.revoked_at = now
    certificate.revoked_by = by
    certificate.revoked_reason = reason
    certificate.save(update_fields=["state", "revoked_at", "revoked_by", "revoked_reason"])
    audit.record(actor=by, action="revoked certificate", subject=certificate, detail={"reason": reason})
    return certificate


def certificate_url(number: str) -> str:
    """Where anyone can check the certificate: what its QR code says."""
    return f"{settings.SITE_URL}{reverse('verify_number', args=[number])}"
