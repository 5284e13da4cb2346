"""Candidates with entries, made through the services; files small enough for hundreds of tests."""

from __future__ import annotations

import io
import itertools
from datetime import datetime, timedelta
from typing import Any

import pikepdf
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import Role, User
from candidates import selectors as candidates
from candidates import services as candidate_services
from candidates.documents import hashes_to_submit_with
from candidates.models import Candidacy, Cohort, Registration
from candidates.states import SubmissionKind
from certification.kernel.windows import Window
from portfolio import services
from portfolio.consent import services as consent
from portfolio.frameworks import load_frameworks
from portfolio.models import Entry, Evidence, Framework, PersonSeen, Receipt, ReleaseForm, Slot

_numbers = itertools.count(1)
# What a browser sends of the submission's form while the texts are those that ship.
AFFIRMED = {kind.value: "on" for kind in SubmissionKind} | {
    f"{kind.value}-version": "1" for kind in SubmissionKind
}


def a_framework(slug: str = "two-entry") -> Framework:
    load_frameworks()
    return Framework.objects.get(slug=slug)


def a_small_framework() -> Framework:
    """Two entries that ask for one page and, if the candidate likes, up to two more: quick to fill."""
    framework = a_framework()
    Slot.objects.filter(template__framework=framework).exclude(key="written").delete()
    for template in framework.entries.all():
        Slot.objects.create(
            template=template,
            key="notes",
            title="Notes",
            purpose="Anything else.",
            kind="form",
            required=False,
            min_files=1,
            max_files=2,
            max_pages=1,
            max_bytes=1024 * 1024,
            formats=["pdf"],
            ordinal=9,
        )
    return framework


def a_cohort(*, number: int = 10, first_year: int = 2027, **policy: Any) -> Cohort:
    return candidate_services.create_cohort(
        number=number,
        name=f"Cohort {number}",
        first_year=first_year,
        framework_slug=policy.pop("framework_slug", "two-entry"),
        **policy,
    )


def a_candidate(cohort: Cohort | None = None, *, email: str = "") -> Candidacy:
    """An enrolled person."""
    cohort = cohort or a_cohort()
    number = next(_numbers)
    user = User.objects.create_user(
        email or f"coach{number}@example.org", "pass-word-1234", full_name=f"Coach {number}"
    )
    enrolled_at = cohort.registration_opens_at + timedelta(days=30)
    registration = Registration.objects.create(
        cohort=cohort,
        account=user,
        started_at=enrolled_at,
        name_on_certificate=f"Coach {number}",
        school="Lincoln School",
        country="USA",
    )
    return Candidacy.objects.create(
        number=f"C{cohort.number}-{number:04d}",
        registration=registration,
        account=user,
        cohort=cohort,
        enrolled_at=enrolled_at,
    )


def a_staff_member() -> User:
    return User.objects.create_user(f"staff{next(_numbers)}@example.org", "pass-word-1234", role=Role.STAFF)


def window_of(candidacy: Candidacy, year: int = 1) -> Window:
    return candidates.submission_window(candidacy.pk, year)


def a_pdf(pages: int = 1, *, note: str = "") -> bytes:
    """The bytes of a PDF; another `note` is another file."""
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(200, 200))
        pdf.docinfo["/Title"] = note or "Evidence"
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


def an_upload(pages: int = 1, *, note: str = "", name: str = "written.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, a_pdf(pages, note=note), content_type="application/pdf")


def a_draft(candidacy: Candidacy, now: datetime, *, key: str = "entry-1") -> Entry:
    return services.start_entry(candidacy_id=candidacy.pk, entry_key=key, by=candidacy.account, now=now)


def add(
    entry: Entry, now: datetime, *, slot: str = "written", content: bytes = b"", name: str = "written.pdf"
) -> Evidence:
    return services.add_evidence(
        entry_id=entry.pk,
        slot_key=slot,
        by=entry.candidacy.account,
        file=ContentFile(content or a_pdf()),
        name=name,
        now=now,
    )


def a_complete_draft(candidacy: Candidacy, now: datetime, *, key: str = "entry-1") -> Entry:
    """Complete in the small framework: its one required slot is filled."""
    entry = a_draft(candidacy, now, key=key)
    add(entry, now)
    return entry


def a_submitted_entry(candidacy: Candidacy, now: datetime, *, key: str = "entry-1") -> Entry:
    entry = a_complete_draft(candidacy, now, key=key)
    submit(entry, now)
    entry.refresh_from_db()
    return entry


def submit(entry: Entry, now: datetime) -> Receipt:
    """As its candidate, who affirms everything and says of each video that nobody can be recognised."""
    by = entry.candidacy.account
    for video in Evidence.objects.filter(entry=entry, removed_at__isnull=True, slot__kind="video"):
        if not hasattr(video, "nobody_seen") and not video.people_seen.exists():
            consent.state_nobody(evidence_id=video.pk, by=by, now=now)
    return services.submit_entry(entry_id=entry.pk, by=by, affirmed=hashes_to_submit_with(now), now=now)


def a_video(entry: Entry, now: datetime, *, name: str = "clip.mp4", slot: str = "clip") -> Evidence:
    """A video on record, of which nobody opens the file."""
    template = entry.template
    found, _ = Slot.objects.get_or_create(
        template=template,
        key=slot,
        defaults={
            "title": slot.capitalize(),
            "purpose": "What happened.",
            "kind": "video",
            "required": False,
            "max_files": 3,
            "max_minutes": 10,
            "max_bytes": 50 * 1024 * 1024,
            "formats": ["mp4"],
            "ordinal": 10,
        },
    )
    number = next(_numbers)
    return Evidence.objects.create(
        entry=entry,
        slot=found,
        original_name=name,
        storage_key=f"evidence/{now:%Y-%m-%d}/video-{number}",
        format="mp4",
        size=1000,
        sha256=f"{number:064x}",
        seconds=60,
        uploaded_at=now,
    )


def a_scan(shade: int = 255) -> bytes:
    """A signed form as a scan; another shade is another form."""
    out = io.BytesIO()
    Image.new("L", (16, 16), shade).save(out, "PNG")
    return out.getvalue()


def a_release_form(
    entry: Entry, now: datetime, *, content: bytes = b"", title: str = "Release"
) -> ReleaseForm:
    return consent.add_release_form(
        entry_id=entry.pk,
        by=entry.candidacy.account,
        file=ContentFile(content or a_scan()),
        name="release.png",
        title=title,
        now=now,
    )


def somebody(form: ReleaseForm | None = None, **other: Any) -> consent.NewPerson:
    """The teacher, covered by the form for scoring without end."""
    said: dict[str, Any] = {
        "who": "the teacher",
        "minors": False,
        "release_form_id": form.pk if form else None,
        "for_scoring": True,
        "for_training": False,
        "for_research": False,
        "until_on": None,
    }
    return consent.NewPerson(**said | other)


def a_person(video: Evidence, now: datetime, form: ReleaseForm | None = None, **other: Any) -> PersonSeen:
    return consent.add_person(
        evidence_id=video.pk, by=video.entry.candidacy.account, person=somebody(form, **other), now=now
    )
