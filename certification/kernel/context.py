"""What every page may say: whom to write to, and the time in the programme's zone and the viewer's."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from . import clock


def programme(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    return {
        "contact_email": settings.CONTACT_EMAIL,
        "demo": settings.DEMO,
        "programme_now": clock.now(),
        "programme_zone": settings.PROGRAMME_ZONE,
        "viewer_zone": getattr(user, "timezone", "") or settings.PROGRAMME_ZONE,
    }
