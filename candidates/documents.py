"""The texts of the programme: published in versions, shown to everybody, never changed.

There is one way of writing them, for what candidates affirm and for the words of public pages alike.
Every affirmation points at one version and keeps its hash, so that it can be shown years later
what exactly a person agreed to.  Source: the programme's rules, section 3; ADR 0013.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.db import transaction

from accounts.models import Role, User
from certification.kernel import audit, locks
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.prose import refused_addresses

from .models import PolicyDocument
from .states import TEXT_KINDS, AffirmationKind, SubmissionKind

MAX_TITLE = 120
MAX_LETTERS = 60_000
_SHIPPED = Path(__file__).parent / "texts"
_KINDS = [kind for kind, _ in TEXT_KINDS]


def current_documents() -> dict[str, PolicyDocument]:
    """The newest version of every text affirmed on registering, in the order in which they are."""
    return _newest(AffirmationKind.values)


def texts_to_submit_with(now: datetime) -> dict[str, PolicyDocument]:
    """The version in force of every text affirmed on submitting, in the order in which they are.

    An affirmation points at a published version, so what only ships so far is published by this.
    """
    texts = _newest(SubmissionKind.values)
    if len(texts) < len(SubmissionKind):
        publish_documents(now)
        texts = _newest(SubmissionKind.values)
    return texts


def hashes_to_submit_with(now: datetime) -> dict[SubmissionKind, str]:
    """The SHA-256 of each of these texts: what somebody sends along who has read them all just now."""
    return {SubmissionKind(kind): text.sha256 for kind, text in texts_to_submit_with(now).items()}


def current_texts() -> dict[str, PolicyDocument]:
    """The newest version of every text, first those that are affirmed."""
    return _newest(_KINDS)


def text_in_force(kind: str) -> PolicyDocument:
    """The newest version of one text; as it ships, and as version 0, while none is published.

    Raises:
        PolicyDocument.DoesNotExist: there is no such kind.
    """
    found = PolicyDocument.objects.filter(kind=kind).order_by("-version").first()
    if found is None and kind not in _KINDS:
        raise PolicyDocument.DoesNotExist(f"There is no text of the kind {kind!r}.")
    return found or draft_of(kind, *_shipped(kind))


def draft_of(kind: str, title: str, body: str) -> PolicyDocument:
    """A text that is not published, for a look at it: version 0, and never saved."""
    return PolicyDocument(kind=kind, version=0, title=title, body=body, sha256=sha256_of(title, body))


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
    return [_publish(kind, 1, *_shipped(kind), now) for kind in _KINDS if kind not in present]


@transaction.atomic
def publish_document(*, kind: str, title: str, body: str, by: User, now: datetime) -> PolicyDocument:
    """Publish a new version of one text.  The same text again is the version that stands.

    Registrations still being filled in have to affirm the new version; those sent keep theirs.

    Raises:
        NotAllowed: `by` is not staff.
        BadInput: the kind is unknown, the title or the text is empty or too long, or a link leads where
            the site does not link to.
    """
    if by.role != Role.STAFF:
        raise NotAllowed("Only staff publish the programme's texts.")
    title, body = cleaned(title, body)
    if kind not in _KINDS:
        raise BadInput("There is no such text. Choose one of the list and publish again.")
    if problems := problems_of(title, body):
        raise BadInput("This text cannot be published. Mend it and publish again.", problems)
    locks.advisory("candidates:documents")
    latest = PolicyDocument.objects.filter(kind=kind).order_by("-version").first()
    if latest is not None and latest.sha256 == sha256_of(title, body):
        return latest
    document = _publish(kind, latest.version + 1 if latest else 1, title, body, now)
    audit.record(actor=by, action="published policy document", subject=document)
    return document


def cleaned(title: str, body: str) -> tuple[str, str]:
    """Title and body as they are kept: one kind of line end, nothing around them."""
    return title.strip(), body.replace("\r\n", "\n").replace("\r", "\n").strip()


def problems_of(title: str, body: str) -> list[str]:
    """What keeps a text from being published, a sentence each."""
    problems = []
    if not title:
        problems.append("Give the text a title.")
    if len(title) > MAX_TITLE:
        problems.append(f"The title is longer than {MAX_TITLE} letters. Shorten it.")
    if not body:
        problems.append("Write the text itself.")
    if len(body) > MAX_LETTERS:
        problems.append(f"The text is longer than {MAX_LETTERS:,} letters. Shorten it.")
    if "\x00" in title + body:
        problems.append("The text holds a character that cannot be kept. Type it by hand instead of pasting.")
    problems += [
        f"The link to “{address}” is not one the site makes: begin it with https://, mailto: or /."
        for address in refused_addresses(body)
    ]
    return problems


def _newest(kinds: Iterable[str]) -> dict[str, PolicyDocument]:
    kinds = list(kinds)
    rows = PolicyDocument.objects.filter(kind__in=kinds).order_by("kind", "-version").distinct("kind")
    newest = {document.kind: document for document in rows}
    return {kind: newest[kind] for kind in kinds if kind in newest}


def _shipped(kind: str) -> tuple[str, str]:
    title, body = (_SHIPPED / f"{kind}.txt").read_text(encoding="utf-8").strip().split("\n\n", 1)
    return title, body.strip()


def _publish(kind: str, version: int, title: str, body: str, now: datetime) -> PolicyDocument:
    return PolicyDocument.objects.create(
        kind=kind, version=version, title=title, body=body, sha256=sha256_of(title, body), published_at=now
    )
