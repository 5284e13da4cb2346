"""States of a certificate, and the moves between them."""

from django.db import models


class CertificateState(models.TextChoices):
    VALID = "valid", "Valid"
    REVOKED = "revoked", "Revoked"


CERTIFICATE_ALLOWED: dict[str, frozenset[str]] = {
    CertificateState.VALID: frozenset({CertificateState.REVOKED}),
    CertificateState.REVOKED: frozenset(),
}
