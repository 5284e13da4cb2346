"""What every page may say about time: the programme's zone, the viewer's, and a demo's travelled clock."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from . import clock


def programme(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    return {
        "demo": settings.DEMO,
        "programme_now": clock.now(),
        "programme_zone": settings.PROGRAMME_ZONE,
        "viewer_zone": getattr(user, "timezone", "") or settings.PROGRAMME_ZONE,
    }
