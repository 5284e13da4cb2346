"""Candidates whose evidence names them everywhere, and their entries on the way to a packet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.core.files.base import ContentFile, File

from accounts.models import User
from candidates.models import Candidacy
from certification.season.files import make_mp4, make_pdf, named
from portfolio import sealing, services
from portfolio.blinding import copies
from portfolio.blinding import services as blinding_services
from portfolio.blinding.identifiers import Identity
from portfolio.models import Blinding, Entry, Slot
from portfolio.services import captions
from tests.factories import portfolio

NAME = "Ottoline Quillfeather"
EMAIL = "ottoline.quillfeather@tamarackschools.example"
SCHOOL = "Tamarack Elementary School"
DISTRICT = "Wrenwood Unified District"
IDENTITY = Identity(names=(NAME,), emails=(EMAIL,), organisations=(SCHOOL, DISTRICT))
# Any of these in what a scorer receives gives the candidate away.
CANARIES = ("ottoline", "quillfeather", "tamarack", "wrenwood")


@dataclass(frozen=True)
class Instants:
    """Inside the submission window, and just after it."""

    inside: datetime
    after: datetime


def a_named_candidate(*, name: str = NAME, email: str = EMAIL) -> Candidacy:
    """An enrolled person at a school and district of their own."""
    candidacy = portfolio.a_candidate(email=email)
    candidacy.account.full_name = name
    candidacy.account.save()
    registration = candidacy.registration
    registration.name_on_certificate = name
    registration.school, registration.district = SCHOOL, DISTRICT
    registration.save()
    return candidacy


def a_framework_with_video() -> None:
    """Entries of one document and, if the candidate likes, one short video."""
    framework = portfolio.a_small_framework()
    for template in framework.entries.all():
        Slot.objects.create(
            template=template,
            key="clip",
            title="Identify conversation",
            purpose="The talk.",
            kind="video",
            required=False,
            max_minutes=10,
            max_bytes=50 * 1024 * 1024,
            formats=["mp4"],
            ordinal=10,
        )


def instants(candidacy: Candidacy, year: int = 1) -> Instants:
    window = portfolio.window_of(candidacy, year)
    return Instants(window.opens + timedelta(days=1), window.closes + timedelta(minutes=1))


def a_sealed_entry(
    folder: Path, candidacy: Candidacy, *, key: str = "entry-1", video: bool = False, pages: int = 1
) -> Entry:
    """Handed in and sealed through the services, each file naming the candidate all over."""
    at = instants(candidacy)
    entry = portfolio.a_draft(candidacy, at.inside, key=key)
    written = make_pdf(
        named(folder, identity=IDENTITY, label=key, extension="pdf"), identity=IDENTITY, pages=pages
    )
    _hand_in(entry, "written", written, at.inside)
    if video:
        clip = make_mp4(named(folder, identity=IDENTITY, label=key, extension="mp4"), identity=IDENTITY)
        _hand_in(entry, "clip", clip, at.inside)
        _caption(entry, at.inside)
    portfolio.submit(entry, at.inside)
    sealing.seal_due(at.after)
    entry.refresh_from_db()
    return entry


def a_blinding(entry: Entry) -> Blinding:
    """Waiting to be cleaned."""
    blinding_services.prepare()
    return Blinding.objects.get(entry=entry)


def a_cleaned_blinding(entry: Entry, now: datetime) -> Blinding:
    """Waiting for the check."""
    blinding = a_blinding(entry)
    copies.clean(blinding.pk, now)
    blinding.refresh_from_db()
    return blinding


def a_signed_blinding(entry: Entry, now: datetime, *, first: User | None = None) -> Blinding:
    """With its packet minted."""
    blinding = a_cleaned_blinding(entry, now)
    first = first or portfolio.a_staff_member()
    blinding_services.check_blinding(blinding_id=blinding.pk, by=first, now=now)
    blinding_services.sign_off_blinding(blinding_id=blinding.pk, by=portfolio.a_staff_member(), now=now)
    blinding.refresh_from_db()
    return blinding


def _caption(entry: Entry, now: datetime) -> None:
    """What is said in the clip: the candidate introduces themselves."""
    said = f"<v {NAME}>I am {NAME} of {SCHOOL}. Write to {EMAIL}.</v>"
    captions.set_captions(
        evidence_id=entry.evidence.get(slot__key="clip").pk,
        by=entry.candidacy.account,
        file=ContentFile(f"WEBVTT\n\nNOTE {NAME}\n\n00:00.000 --> 00:01.500\n{said}\n".encode()),
        name=f"{NAME}.vtt",
        now=now,
    )


def _hand_in(entry: Entry, slot: str, path: Path, now: datetime) -> None:
    with path.open("rb") as stream:
        services.add_evidence(
            entry_id=entry.pk,
            slot_key=slot,
            by=entry.candidacy.account,
            file=File(stream),
            name=path.name,
            now=now,
        )
