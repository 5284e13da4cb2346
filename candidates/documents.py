"""The texts that candidates affirm: published in versions, shown to everybody, never changed.

Every affirmation points at one version and keeps its hash, so that it can be shown years later
what exactly a person agreed to.  Source: the programme's rules, section 3.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from accounts.models import Role, User
from certification.kernel import audit, locks
from certification.kernel.errors import BadInput, NotAllowed

from .models import PolicyDocument
from .states import AffirmationKind

_SHIPPED = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Block:
    """A paragraph (one line) or a list (its items) of a document."""

    lines: tuple[str, ...]
    is_list: bool


def current_documents() -> dict[str, PolicyDocument]:
    """The newest version of every kind, in the order in which they are affirmed."""
    newest = {
        document.kind: document
        for document in PolicyDocument.objects.order_by("kind", "-version").distinct("kind")
    }
    return {kind: newest[kind] for kind in AffirmationKind.values if kind in newest}


def sha256_of(title: str, body: str) -> str:
    """The hash an affirmation keeps: of the title and the body, as published."""
    return hashlib.sha256(f"{title}\n\n{body}".encode()).hexdigest()


@transaction.atomic
def publish_documents(now: datetime) -> list[PolicyDocument]:
    """Publish the shipped text of every kind that has no version yet.  Returns what was published.

    Kinds that staff have published are left alone, so this may run at every start.
    """
    locks.advisory("candidates:documents")
    present = set(PolicyDocument.objects.values_list("kind", flat=True))
    published = []
    for kind in AffirmationKind:
        if kind not in present:
            title, body = (_SHIPPED / f"{kind}.txt").read_text(encoding="utf-8").strip().split("\n\n", 1)
            published.append(_publish(kind, 1, title, body, now))
    return published


@transaction.atomic
def publish_document(*, kind: str, title: str, body: str, by: User, now: datetime) -> PolicyDocument:
    """Publish a new version of one text.  The same text again is the version that stands.

    Registrations still being filled in have to affirm the new version; those sent keep theirs.

    Raises:
        NotAllowed: `by` is not staff.
        BadInput: the kind is unknown, or the title or the text is empty.
    """
    if by.role != Role.STAFF:
        raise NotAllowed("Only staff publish the texts that candidates affirm.")
    title, body = title.strip(), body.replace("\r\n", "\n").strip()
    if kind not in AffirmationKind.values or not title or not body:
        raise BadInput("A text needs its kind, a title and a body. Fill them in and publish again.")
    locks.advisory("candidates:documents")
    latest = PolicyDocument.objects.filter(kind=kind).order_by("-version").first()
    if latest is not None and latest.sha256 == sha256_of(title, body):
        return latest
    document = _publish(kind, latest.version + 1 if latest else 1, title, body, now)
    audit.record(actor=by, action="published policy document", subject=document)
    return document


def blocks(body: str) -> list[Block]:
    """A body cut into paragraphs and lists: blank lines separate, lines starting with “- ” list."""
    result: list[Block] = []
    for chunk in body.replace("\r\n", "\n").split("\n\n"):
        lines = [line.strip() for line in chunk.splitlines() if line.strip()]
        prose = [line for line in lines if not line.startswith("- ")]
        items = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
        if prose:
            result.append(Block((" ".join(prose),), is_list=False))
        if items:
            result.append(Block(tuple(items), is_list=True))
    return result


def _publish(kind: str, version: int, title: str, body: str, now: datetime) -> PolicyDocument:
    return PolicyDocument.objects.create(
        kind=kind, version=version, title=title, body=body, sha256=sha256_of(title, body), published_at=now
    )
