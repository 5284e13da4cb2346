"""The document behind a purchase order: decoded before it is kept, and handed out as a download only.

Nothing is stored that was not opened first, so a refused file leaves no trace.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from urllib.parse import quote
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.http import HttpRequest, HttpResponseBase

from accounts.models import Role, User
from certification.kernel import bounded, media
from certification.kernel.errors import BadInput

from .look_inside import Look, look
from .models import PurchaseOrder, PurchaseOrderFile
from .models.purchase_orders import originals

MAX_BYTES = 10 * 1024 * 1024
MAX_PAGES = 50
MOST_FILES = 10
MAX_PIXELS = 40_000_000
MAX_MEMORY_BYTES = 768 * 1024**2
MAX_CPU_SECONDS = 5
ACCEPT = ".pdf,.png,.jpg,.jpeg"
_FOLDER = "purchase-orders"
_NAME_LENGTH = 150
_WANTED = "Send a PDF, or a scan as PNG or JPEG, of at most 10 MB."
_PICTURES = {"PNG": "image/png", "JPEG": "image/jpeg"}
# How each ends; cameras write a little behind it.
_ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
_TAIL_BYTES = 64 * 1024
# The other bounds are on work; this one is for a machine that has none to spare.
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was decoded and found to be a document.  `name` is its sender's and never a path."""

    name: str
    content_type: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def read(file: File, name: str) -> Document:
    """Open an uploaded file and make sure that it is a document somebody can read.

    Raises:
        BadInput: it is too large, no PDF, PNG or JPEG, broken, protected, or has too many pages.
    """
    shown = _plain(name)
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise too_large()
    if not content:
        raise BadInput(f"“{shown}” is empty. {_WANTED}")
    if content.startswith(b"%PDF-"):
        _require_readable_pdf(content, shown)
        return Document(shown, "application/pdf", content)
    return Document(shown, _picture_type(content, shown), content)


def too_large() -> BadInput:
    """The refusal of a file that has more bytes than we take, however many they are."""
    return BadInput("The file has more than 10 MB. Scan it at a lower resolution and send it again.")


@dataclass(slots=True)
class Keeper:
    """What was stored in a block that may still fail."""

    keys: list[str] = field(default_factory=list)

    def keep(self, request: PurchaseOrder, document: Document | None, now: datetime) -> None:
        """Store a document with its purchase order.  The same bytes twice are one file.

        Raises:
            BadInput: so many came with it already that nobody would read one more.
        """
        if document is None or request.files.filter(sha256=document.sha256).exists():
            return
        if request.files.count() >= MOST_FILES:
            raise BadInput(
                f"{MOST_FILES} files came with this purchase order already. Write to the programme office."
            )
        key = originals().save(f"{_FOLDER}/{secrets.token_hex(20)}", ContentFile(document.content))
        self.keys.append(key)
        PurchaseOrderFile.objects.create(
            purchase_order=request,
            file=key,
            name=document.name,
            content_type=document.content_type,
            size=len(document.content),
            sha256=document.sha256,
            uploaded_at=now,
        )


@contextmanager
def keeper() -> Iterator[Keeper]:
    """Outside a transaction: when the block fails, what it stored is removed with what it wrote."""
    stored = Keeper()
    try:
        yield stored
    except BaseException:
        for key in stored.keys:
            originals().delete(key)
        raise


def served(request: HttpRequest, *, file_id: UUID, by: User) -> HttpResponseBase:
    """The file as a download, for its sender and for staff.

    Raises:
        PurchaseOrderFile.DoesNotExist: there is none, or it is nobody else's business.
    """
    files = PurchaseOrderFile.objects.all()
    if by.role != Role.STAFF:
        files = files.filter(purchase_order__order__payer=by)
    file = files.get(pk=file_id)
    response = media.serve(
        request,
        storage=originals(),
        key=str(file.file.name),
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
    )
    response["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(file.name)}"
    return response


def _require_readable_pdf(content: bytes, name: str) -> None:
    found = _look_inside(content)
    if found is None:
        raise BadInput(f"“{name}” is a broken PDF. Export it again, and check that it opens.")
    pages = found.pages
    if found.encrypted:
        raise BadInput(f"“{name}” is protected, so it cannot be kept. Save a copy without protection.")
    if pages == 0:
        raise BadInput(f"“{name}” has no pages. Export it again.")
    if pages > MAX_PAGES:
        raise BadInput(
            f"“{name}” has {pages:,} pages, and we take {MAX_PAGES}. "
            "Send the purchase order’s own pages only."
        )


def _picture_type(content: bytes, name: str) -> str:
    """Decode a scan: a picture cut short or grown beyond memory is refused.

    Raises:
        BadInput: it is no PNG or JPEG, is broken, or is larger than any scanner makes it.
    """
    found = _look_inside(content)
    if found is None:
        raise BadInput(f"“{name}” is not a document we can open. {_WANTED}")
    if found.pixels > MAX_PIXELS:
        raise BadInput(f"“{name}” is larger than any scan. Scan it at a lower resolution.")
    if _ENDS[found.format] not in content[-_TAIL_BYTES:]:
        raise BadInput(f"“{name}” is cut short: its end is missing. Copy it again and send that.")
    return _PICTURES[found.format]


def _look_inside(content: bytes) -> Look | None:
    """What a document is, as a process of its own finds out; None when it cannot be opened within bounds.

    Anybody may sign up and send a file, and a small one can unfold to gigabytes (docs/adr/0016).

    Raises:
        BadInput: the machine has no room to look at it just now.
    """
    limits = bounded.Limits(MAX_MEMORY_BYTES, MAX_CPU_SECONDS, _PATIENCE_SECONDS)
    try:
        return bounded.run_bounded(look, content, MAX_PIXELS, limits=limits, results=(Look,))
    except bounded.OutOfBounds:
        return None
    except bounded.Interrupted:
        raise BadInput("The file could not be looked at just now. Wait a minute and send it again.") from None


def _plain(name: str) -> str:
    """The file's own name, without folders and whatever does not print, its ending kept."""
    last = PurePath(name.replace("\\", "/")).name
    printed = "".join(letter for letter in last if letter.isprintable()).strip() or "file"
    ending = PurePath(printed).suffix[:10]
    return printed if len(printed) <= _NAME_LENGTH else printed[: _NAME_LENGTH - len(ending)] + ending
