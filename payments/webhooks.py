"""Where providers' messages arrive: the sender is made sure of, the message is kept, and that is all.

Whatever a message is about is found out afterwards, by asking; so the answer takes as long as one
row takes to write.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from certification.kernel import clock

from . import gateways, services
from .gateways import ForgedEvent, GatewayUnavailableError

# A provider's message has a few thousand bytes.
MAX_BODY_BYTES = 256 * 1024


@csrf_exempt  # the provider's signature stands in for the token
@login_not_required
@require_POST
def receive(request: HttpRequest, gateway: str) -> HttpResponse:
    """Keep a provider's message; one it delivers again is kept already."""
    provider = next((one for one in gateways.enabled() if one.name == gateway), None)
    if provider is None:
        return _said("no such provider", 404)
    if _announced_bytes(request) > MAX_BODY_BYTES:
        return _said("too large", 413)
    now = clock.now()
    try:
        event = provider.read_event(request.headers, request.body, now=now)
    except ForgedEvent:
        return _said("not signed by its provider", 400)
    except GatewayUnavailableError:
        return _said("the sender cannot be made sure of now; deliver it again", 503)
    services.store_event(gateway=provider.name, event=event, now=now)
    return _said("kept", 200)


def _announced_bytes(request: HttpRequest) -> int:
    """The body's length; more than announced is never read, and a body of unknown length is none."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    return int(announced) if announced.isdigit() else 0


def _said(words: str, status: int) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain")
