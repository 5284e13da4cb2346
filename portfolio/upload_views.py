"""The addresses a browser sends a file to in parts; they answer as S3 does, so that one script serves both.

`sign` is asked first and says where the next request goes: to the site for everything about the upload as
a whole, and for a part to the bucket or, on local disk, to the site under a signed address.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import json
import logging
import re
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.middleware.csrf import get_token
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import require_role
from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.errors import BadInput, Refusal

from . import services
from .models import Entry, Evidence, Upload
from .services.uploading import NewFile
from .uploads import s3_xml, signing
from .uploads.parts import Promised
from .uploads.progress import card_of
from .uploads.rules import BadPart

logger = logging.getLogger(__name__)

CONFLICT = 409
UNPROCESSABLE = 422
FORBIDDEN = 403
UNAVAILABLE = 503
_SILENT_SECONDS = 90
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL = "There is no room for more files just now. What arrived is kept; go on later."
_NO_LETTER = re.compile("[\0\ud800-\udfff]")
# Ten thousand parts, each with its number and digest, and nothing more.
_MAX_LIST_BYTES = 2 * 1024 * 1024


@require_role(Role.CANDIDATE)
@require_POST
def sign(request: HttpRequest, entry_id: UUID, slot_key: str) -> HttpResponse:
    """Where the browser sends its next request about a file for this slot."""
    by = _user(request)
    try:
        return JsonResponse(_signed(request, _asked(request.body), entry_id, slot_key, by))
    except ObjectDoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        # Whose entry it is not learns nothing of what is wrong with a question about it.
        if not Entry.objects.filter(
            pk=entry_id, candidacy__account=by, template__slots__key=slot_key
        ).exists():
            raise Http404 from None
        return JsonResponse({"problem": str(refusal)}, status=_status(refusal))


@require_role(Role.CANDIDATE)
@require_http_methods(["GET", "POST", "DELETE"])
def multipart(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """An upload as a whole, in S3's words: begin it, list its parts, complete it, call it off."""
    named = request.GET.get("uploadId")
    if named not in (None, str(upload_id)):
        raise Http404
    try:
        return _multipart(request, upload_id, _user(request))
    except ObjectDoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        return _refused(refusal)


@csrf_exempt
@login_not_required
@require_http_methods(["PUT"])
def part(request: HttpRequest, upload_id: UUID, part_number: int) -> HttpResponse:
    """Take one part in; the signature says who was allowed to send it, so no session is needed."""
    _give_up_when_silent(request)
    try:
        owner_id = signing.owner_of(request.GET.get("signature", ""), upload_id, part_number, clock.now())
        received = services.receive_part(
            upload_id=upload_id,
            by=_sender(request, owner_id),
            stream=request,
            promised=_promised(request, part_number),
        )
    except ObjectDoesNotExist:
        raise Http404 from None
    except UnreadablePostError:
        return _refused(BadPart("IncompleteBody", f"Part {part_number} broke off. Send it again."))
    except OSError as trouble:
        if trouble.errno not in _NO_ROOM:
            raise
        logger.error("part %s of upload %s found no room on the disk", part_number, upload_id)
        return _xml(s3_xml.error("SlowDown", _FULL), status=UNAVAILABLE)
    except Refusal as refusal:
        return _refused(refusal)
    return HttpResponse(headers={"ETag": f'"{received.etag}"', "Cache-Control": "no-store"})


@require_role(Role.CANDIDATE)
@require_GET
def state(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Where an upload stands, for the page that shows it."""
    try:
        card = card_of(upload_id, owner_id=_user(request).pk)
    except ObjectDoesNotExist:
        raise Http404 from None
    return JsonResponse(card.as_data())


def _signed(
    request: HttpRequest, asked: dict[str, Any], entry_id: UUID, slot_key: str, by: User
) -> dict[str, Any]:
    """The answer to one question of the browser; every one of them names what it is about by `key`."""
    operation = asked.get("operation")
    if operation == "create":
        upload = services.create_upload(
            entry_id=entry_id,
            slot_key=slot_key,
            by=by,
            file=NewFile(
                name=_text(asked, "name"),
                declared_type=_type(asked),
                size=_number(asked, "size"),
                replaces=_replaced(asked),
            ),
            now=clock.now(),
        )
        return _to_site(request, upload, "POST", "uploads") | {"partSize": upload.part_bytes}
    upload = _own(asked, entry_id, slot_key, by)
    match operation:
        case "list":
            return _to_site(request, upload, "GET", f"uploadId={upload.pk}") | {"partSize": upload.part_bytes}
        case "part":
            url = services.address_of_part(
                upload_id=upload.pk, number=_number(asked, "partNumber"), by=by, now=clock.now()
            )
            return {"url": url, "method": "PUT", "headers": {}, "key": str(upload.pk)}
        case "complete":
            return _to_site(request, upload, "POST", f"uploadId={upload.pk}")
        case "abort":
            return _to_site(request, upload, "DELETE", f"uploadId={upload.pk}")
    raise BadInput("The operation must be create, list, part, complete or abort.")


def _to_site(request: HttpRequest, upload: Upload, method: str, query: str) -> dict[str, Any]:
    key = str(upload.pk)
    headers = {} if method == "GET" else {"X-CSRFToken": get_token(request)}
    return {
        "url": f"{reverse('portfolio:multipart', args=[upload.pk])}?{query}",
        "method": method,
        "headers": headers,
        "key": key,
        "uploadId": key,
        "stateUrl": reverse("portfolio:upload_state", args=[upload.pk]),
    }


def _own(asked: dict[str, Any], entry_id: UUID, slot_key: str, by: User) -> Upload:
    try:
        key = UUID(_text(asked, "key"))
    except ValueError:
        raise Upload.DoesNotExist from None
    return Upload.objects.get(pk=key, entry_id=entry_id, slot__key=slot_key, entry__candidacy__account=by)


def _replaced(asked: dict[str, Any]) -> UUID | None:
    """The piece in whose place the file comes, if the browser names one."""
    if asked.get("replaces") is None:
        return None
    try:
        return UUID(_text(asked, "replaces"))
    except ValueError:
        raise Evidence.DoesNotExist from None


def _asked(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise BadInput("Ask with a JSON object that names an operation.")
    return asked


def _text(asked: dict[str, Any], name: str) -> str:
    """A text that a row can hold: JSON also spells letters that are none."""
    value = asked.get(name)
    if not isinstance(value, str) or not value or _NO_LETTER.search(value):
        raise BadInput(f"“{name}” must be a text.")
    return value


def _type(asked: dict[str, Any]) -> str:
    """What the browser takes the file for; it may not know."""
    if not asked.get("type"):
        return ""
    value = _text(asked, "type")
    if not value.isprintable():
        raise BadInput("“type” must be a text on one line.")
    return value


def _number(asked: dict[str, Any], name: str) -> int:
    value = asked.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**50:
        raise BadInput(f"“{name}” must be a whole number.")
    return value


def _multipart(request: HttpRequest, upload_id: UUID, by: User) -> HttpResponse:
    key = str(upload_id)
    if request.method == "DELETE":
        services.abort_upload(upload_id=upload_id, by=by, now=clock.now())
        return HttpResponse(status=204)
    if request.method == "POST" and "uploadId" in request.GET:
        if int(request.headers.get("Content-Length") or 0) > _MAX_LIST_BYTES:
            raise BadPart("EntityTooLarge", "The list of parts is too long.")
        claimed = s3_xml.claimed_parts(request.body)
        services.complete_upload(upload_id=upload_id, by=by, claimed=claimed, now=clock.now())
        location = request.build_absolute_uri(reverse("portfolio:upload_state", args=[upload_id]))
        return _xml(s3_xml.completed(key, location, _etag_of(claimed)))
    upload, parts = services.list_parts(upload_id=upload_id, by=by)
    if request.method == "GET":
        return _xml(s3_xml.listed(key, key, parts))
    if "uploads" not in request.GET:
        raise BadPart("InvalidRequest", "Say “uploads” to begin, or “uploadId” to complete.")
    return _xml(s3_xml.initiated(key, str(upload.pk)))


def _sender(request: HttpRequest, owner_id: UUID) -> User:
    """Whose address it is; a browser of ours sends along who that is, other clients need not."""
    if isinstance(request.user, User) and request.user.pk == owner_id:
        return request.user
    return User.objects.get(pk=owner_id, is_active=True)


def _give_up_when_silent(request: HttpRequest) -> None:
    """Wait so long for the next bytes and no longer: a machine that vanished says nothing for ever.

    The web server itself would wait, and each line holds one of its few threads.
    """
    line = request.META.get("gunicorn.socket")
    if line is not None:
        line.settimeout(_SILENT_SECONDS)


def _promised(request: HttpRequest, number: int) -> Promised:
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise BadPart("MissingContentLength", "A part is sent with its length.")
    return Promised(
        number=number,
        length=int(length),
        md5=_digest(request, "Content-MD5", hashlib.md5(usedforsecurity=False).digest_size),
        sha256=_digest(request, "x-amz-checksum-sha256", hashlib.sha256().digest_size),
    )


def _digest(request: HttpRequest, header: str, length: int) -> bytes | None:
    said = request.headers.get(header)
    if said is None:
        return None
    try:
        digest = base64.b64decode(said, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != length:
        raise BadPart("InvalidDigest", f"{header} is no digest in base64.")
    return digest


def _etag_of(claimed: list[tuple[int, str]]) -> str:
    """In the form of S3's: a digest of the parts' own, and how many there are."""
    joined = hashlib.md5("".join(etag for _, etag in claimed).encode(), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(claimed)}"


def _refused(refusal: Refusal) -> HttpResponse:
    if isinstance(refusal, signing.Unsigned):
        return _xml(s3_xml.error("AccessDenied", str(refusal)), status=FORBIDDEN)
    code = refusal.code if isinstance(refusal, BadPart) else "InvalidRequest"
    return _xml(s3_xml.error(code, str(refusal)), status=_status(refusal))


def _status(refusal: Refusal) -> int:
    if isinstance(refusal, BadPart):
        return 400
    return UNPROCESSABLE if isinstance(refusal, BadInput) else CONFLICT


def _xml(body: str, status: int = 200) -> HttpResponse:
    """The type stands alone: browsers' S3 clients compare it to the letter."""
    return HttpResponse(body.encode(), content_type="application/xml", status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
