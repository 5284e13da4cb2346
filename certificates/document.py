"""The certificate's PDF, drawn from its row."""

from __future__ import annotations

import hashlib
from zoneinfo import ZoneInfo

import segno
from django.conf import settings
from django.template.loader import render_to_string

from certification.kernel import typesetting

from .models import Certificate
from .typesetting import name_points

# The engraved rosette: each angle is one ellipse, turned about the same centre.
_ROSETTE = [step * 180 / 36 for step in range(36)]
_ROSETTE_HEART = [step * 180 / 24 for step in range(24)]


def pdf_of(certificate: Certificate, *, verify_url: str) -> bytes:
    """The certificate as an A4 landscape PDF, with a QR code to `verify_url`.

    Raises:
        CannotPrint: a font is not installed, or no font has a character of the name.
    """
    certified = certificate.certified_at.astimezone(ZoneInfo(settings.PROGRAMME_ZONE))
    page = render_to_string(
        "certificates/certificate_pdf.html",
        {
            "certificate": certificate,
            "name_points": name_points(certificate.name),
            "certified_on": f"{certified.day} {certified:%B %Y}",
            "certified_date": f"{certified:%Y-%m-%d}",
            "verify_url": verify_url,
            "verify_shown": verify_url.partition("://")[2].rstrip("/"),
            "code": segno.make(verify_url, error="m").svg_inline(border=0, dark="#0a3034", omitsize=True),
            "rosette": _ROSETTE,
            "rosette_heart": _ROSETTE_HEART,
        },
    )
    identifier = hashlib.sha256(f"{certificate.number}:{verify_url}".encode()).digest()[:16]
    return typesetting.pdf_from(
        page,
        what=f"Certificate {certificate.number}",
        dated=certificate.certified_at,
        identifier=identifier,
    )
