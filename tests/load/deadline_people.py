"""Candidates with complete entries, by the hundred, in a cohort whose window closes when the run says so."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import User
from candidates.documents import publish_documents
from candidates.models import Candidacy, Cohort, CohortYear, Registration
from candidates.services import create_cohort
from candidates.states import SubmissionKind
from certification.kernel import clock
from portfolio.models import Entry, Evidence
from portfolio.states import EntryState
from tests.factories.portfolio import a_pdf, a_small_framework

from . import people

KINDS = ("submit", "replace", "withdraw")


@dataclass(frozen=True, slots=True)
class Target:
    """One entry and what is asked of it; `replacement` is the digest of the file that is sent, if one is."""

    entry_id: uuid.UUID
    kind: str
    request: bytes
    replacement: str = ""


def cohort_that_closes(number: int) -> Cohort:
    """A cohort whose first window is open; `close_at` says until when."""
    now = clock.now()
    publish_documents(now)
    a_small_framework()
    cohort = create_cohort(
        number=number, name=f"Cohort {number}", first_year=now.year + 1, framework_slug="two-entry"
    )
    close_at(cohort, now + timedelta(hours=2))
    return cohort


def close_at(cohort: Cohort, closes_at: datetime) -> None:
    """Let the cohort's first window close at that instant."""
    for year in CohortYear.objects.filter(cohort=cohort).order_by("number"):
        shift = timedelta(days=365 * (year.number - 1))
        CohortYear.objects.filter(pk=year.pk).update(
            submission_opens_at=closes_at - timedelta(days=30) + shift,
            submission_closes_at=closes_at + shift,
            release_at=closes_at + timedelta(days=100) + shift,
        )


def targets(cohort: Cohort, count: int, *, called: str) -> list[Target]:
    """So many entries of as many candidates as needed, a third of them submitted already.

    What is asked of each takes turns: to submit it, to replace its file, to withdraw it.
    """
    accounts = people.candidates((count + 1) // 2, called=called)
    candidacies = _enrolled(cohort, accounts)
    visitors = [people.Visitor.signed_in(account, "http://127.0.0.1:1") for account in accounts]
    made: list[Target] = []
    now = clock.now()
    templates = list(a_small_framework().entries.all())
    for candidacy, visitor in zip(candidacies, visitors, strict=True):
        for template in templates:
            if len(made) == count:
                return made
            kind = KINDS[len(made) % len(KINDS)]
            entry = Entry.objects.create(candidacy=candidacy, template=template, year=1, created_at=now)
            _fill(entry, now)
            if kind == "withdraw":
                Entry.objects.filter(pk=entry.pk).update(state=EntryState.SUBMITTED, submitted_at=now)
            made.append(_target(entry, kind, visitor, len(made)))
    return made


def _enrolled(cohort: Cohort, accounts: Sequence[User]) -> list[Candidacy]:
    now = clock.now()
    registrations = Registration.objects.bulk_create(
        Registration(
            cohort=cohort,
            account=account,
            started_at=now,
            name_on_certificate=account.full_name,
            school="Lincoln School",
            country="USA",
        )
        for account in accounts
    )
    return Candidacy.objects.bulk_create(
        Candidacy(
            number=f"C{cohort.number}-{place:04d}",
            registration=registration,
            account=registration.account,
            cohort=cohort,
            enrolled_at=now,
        )
        for place, registration in enumerate(registrations, start=1)
    )


def _fill(entry: Entry, now: datetime) -> None:
    """Its one required document, on record; nobody opens it in this run."""
    slot = entry.template.slots.get(key="written")
    Evidence.objects.create(
        entry=entry,
        slot=slot,
        original_name="written.pdf",
        storage_key=f"evidence/{now:%Y-%m-%d}/{uuid.uuid4().hex}",
        format="pdf",
        size=1000,
        sha256=hashlib.sha256(entry.pk.bytes).hexdigest(),
        pages=1,
        uploaded_at=now,
    )


def _target(entry: Entry, kind: str, visitor: people.Visitor, number: int) -> Target:
    if kind == "submit":
        affirmed = {str(kind): "on" for kind in SubmissionKind} | {
            f"{kind}-version": 1 for kind in SubmissionKind
        }
        path = reverse("portfolio:submit", args=[entry.pk])
        return Target(entry.pk, kind, _post(visitor, path, urlencode(affirmed).encode()))
    if kind == "withdraw":
        return Target(entry.pk, kind, _post(visitor, reverse("portfolio:withdraw", args=[entry.pk]), b""))
    content = a_pdf(note=f"replacement {number}")
    path = reverse("portfolio:upload", args=[entry.pk, "written"])
    return Target(entry.pk, kind, _upload(visitor, path, content), hashlib.sha256(content).hexdigest())


def _post(visitor: people.Visitor, path: str, body: bytes, content_type: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {visitor.cookies}\r\n"
        f"X-CSRFToken: {visitor.token}\r\n"
        f"Content-Type: {content_type or 'application/x-www-form-urlencoded'}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _upload(visitor: people.Visitor, path: str, content: bytes) -> bytes:
    border = "----volley"
    body = (
        f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="better.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    ).encode()
    body += content + f"\r\n--{border}--\r\n".encode()
    return _post(visitor, path, body, f"multipart/form-data; boundary={border}")


def shot(target: Target, *, port: int, offset: float) -> dict[str, object]:
    """The target as a process of clients reads it."""
    return {
        "id": str(target.entry_id),
        "port": port,
        "offset": offset,
        "request": base64.b64encode(target.request).decode(),
    }
