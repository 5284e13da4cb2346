"""Certificates.  Source: the programme's rules, section 9."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import frozen_fields, state_is_known, state_machine

from .states import CERTIFICATE_ALLOWED, CertificateState


class Certificate(models.Model):
    """A certificate as it was given.  Personal data: the holder's name, public to whoever has the number."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    number = models.CharField(max_length=24, unique=True)
    candidacy = models.OneToOneField(
        "candidates.Candidacy", on_delete=models.PROTECT, related_name="certificate"
    )
    name = models.CharField(max_length=150)
    cohort_name = models.CharField(max_length=100)
    certified_at = models.DateTimeField()
    issued_at = models.DateTimeField()
    storage_key = models.CharField(max_length=200, blank=True, help_text="Its PDF; empty until it is made.")
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=20, choices=CertificateState, default=CertificateState.VALID)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            state_is_known(CertificateState, name="certificate_state_known"),
            models.CheckConstraint(
                condition=Q(state=CertificateState.VALID)
                | (Q(revoked_at__isnull=False, revoked_by__isnull=False) & ~Q(revoked_reason="")),
                name="certificate_revoked_is_signed",
                violation_error_message="Revoking a certificate needs a reason, a person and an instant.",
            ),
        ]
        triggers = [
            *state_machine(CERTIFICATE_ALLOWED, initial=[CertificateState.VALID]),
            *frozen_fields("number", "candidacy", "name", "cohort_name", "certified_at"),
        ]

    def __str__(self) -> str:
        return self.number
