"""Receipts: what they keep, that anybody can recompute them, and the page, the PDF and the list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from django.test import Client
from django.urls import reverse

from candidates.models import Candidacy
from candidates.states import SubmissionKind
from certification.kernel import clock
from certification.kernel.models import OutboxMessage
from portfolio import services
from portfolio.models import Captions, Entry, EntryAffirmation, Receipt
from portfolio.receipts import manifest_digest
from portfolio.receipts.pages import receipt_page
from portfolio.receipts.pdf import pdf_of
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> Iterator[datetime]:
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield opens


@pytest.fixture
def entry(candidacy: Candidacy, now: datetime) -> Entry:
    """Complete, with a captioned video in which the teacher is seen."""
    entry = make.a_complete_draft(candidacy, now)
    video = make.a_video(entry, now)
    Captions.objects.create(
        evidence=video, original_name="clip.vtt", text="WEBVTT", sha256="c" * 64, size=6, added_at=now
    )
    form = make.a_release_form(entry, now, title="Release of the teacher")
    make.a_person(video, now, form, minors=True, until_on=date(2030, 6, 1))
    return entry


@pytest.fixture
def receipt(entry: Entry, now: datetime) -> Receipt:
    return make.submit(entry, now)


@pytest.fixture
def client(candidacy: Candidacy) -> Client:
    client = Client()
    client.force_login(candidacy.account)
    return client


def test_captions_are_named_after_their_video(receipt: Receipt) -> None:
    assert [(row["slot"], row["name"], row["size"]) for row in receipt.manifest][1:] == [
        ("Clip", "clip.mp4", 1000),
        ("Clip, captions", "clip.vtt", 6),
    ]
    assert receipt.digest == manifest_digest(receipt.manifest)


def test_the_consent_is_kept_as_it_stood(receipt: Receipt) -> None:
    [video] = receipt.consent
    [person] = video.pop("people")
    assert (video["name"], video["nobody_seen"]) == ("clip.mp4", False)
    assert len(person.pop("form_sha256")) == 64
    assert person == {
        "who": "the teacher",
        "minors": True,
        "form": "Release of the teacher",
        "for_scoring": True,
        "for_training": False,
        "for_research": False,
        "until_on": "2030-06-01",
    }


def test_what_is_affirmed_is_kept_with_the_version_of_its_text(
    receipt: Receipt, candidacy: Candidacy
) -> None:
    rows = EntryAffirmation.objects.filter(entry=receipt.entry)
    assert {row.kind for row in rows} == set(SubmissionKind.values)
    assert {row.account_id for row in rows} == {candidacy.account_id}
    for kept in receipt.affirmations:
        row = rows.get(kind=kept["kind"])
        assert (kept["sha256"], kept["version"]) == (row.document.sha256, 1)


def test_the_page_says_what_and_when_in_both_zones(client: Client, receipt: Receipt) -> None:
    shown = client.get(reverse("portfolio:receipt", args=[receipt.number])).text
    for words in (
        "1 May 2027, 00:00 CDT",
        "2027-05-01 05:00:00.000000 UTC",
        receipt.digest,
        "c" * 64,
        "the teacher (minors)",
        "scoring; until 1 June 2030",
        "My own work, version 1",
        reverse("portfolio:receipt_pdf", args=[receipt.number]),
    ):
        assert words in shown


def test_the_list_hashes_to_the_digest_as_it_is_downloaded(client: Client, receipt: Receipt) -> None:
    answer = client.get(reverse("portfolio:receipt_list", args=[receipt.number]))
    assert hashlib.sha256(answer.content).hexdigest() == receipt.digest
    assert answer["Content-Disposition"].startswith("attachment;")


def test_the_pdf_is_the_same_bytes_on_any_day(client: Client, receipt: Receipt, tmp_path: Any) -> None:
    answer = client.get(reverse("portfolio:receipt_pdf", args=[receipt.number]))
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="{receipt.number}.pdf"'
    entry = receipt.entry
    entry.template.title = "Renamed since"
    entry.template.save(update_fields=["title"])

    later = pdf_of(receipt_page(Receipt.objects.select_related("entry__template").get()))

    assert later == answer.content
    (tmp_path / "receipt.pdf").write_bytes(later)
    with pikepdf.open(tmp_path / "receipt.pdf") as pdf:
        assert pdf.docinfo["/Title"] == f"Receipt {receipt.number} for Entry 1: The Impact Cycle"


def test_sizes_and_instants_stay_whole_in_the_pdf_however_long_a_name_is(
    receipt: Receipt, tmp_path: Path
) -> None:
    page = receipt_page(receipt)
    file = replace(page.files[0], name="averylongname" * 18 + ".pdf", size=5_368_709_120)
    (tmp_path / "receipt.pdf").write_bytes(pdf_of(replace(page, files=(file,))))
    with pypdfium2.PdfDocument(tmp_path / "receipt.pdf") as pdf:
        words = pdf[0].get_textpage().get_text_bounded()
    assert "5,368,709,120 bytes" in words
    assert "2027-05-01 05:00:00 UTC" in words


def test_two_videos_of_one_name_are_told_apart(receipt: Receipt) -> None:
    """The slot was kept all along: only how a line is shown names it."""
    assert [row.video for row in receipt_page(receipt).seen] == ["“clip.mp4” in “Clip”"]


def test_the_mail_leads_to_the_page_and_to_the_pdf(receipt: Receipt) -> None:
    body = OutboxMessage.objects.get(kind="submission receipt").body
    for words in (
        receipt.digest,
        f"/receipts/{receipt.number}/\n",
        f"/receipts/{receipt.number}/pdf/",
        "05:00:00 UTC",
    ):
        assert words in body


def test_a_receipt_given_before_it_said_what_it_is_of_is_still_shown(
    client: Client, receipt: Receipt
) -> None:
    old = Receipt.objects.create(
        number="R-OLD",
        entry=receipt.entry,
        submitted_at=receipt.submitted_at,
        manifest=[{key: value for key, value in receipt.manifest[0].items() if key != "received_at"}],
        digest="0" * 64,
    )
    shown = client.get(reverse("portfolio:receipt", args=[old.number])).text
    assert "Entry 1: The Impact Cycle was received" in shown


def test_nobody_else_reads_a_receipt(receipt: Receipt, candidacy: Candidacy) -> None:
    stranger = Client()
    stranger.force_login(make.a_candidate(candidacy.cohort).account)
    for name in ("receipt", "receipt_pdf", "receipt_list"):
        assert stranger.get(reverse(f"portfolio:{name}", args=[receipt.number])).status_code == 404


def test_a_second_submission_affirms_anew(entry: Entry, now: datetime) -> None:
    make.submit(entry, now)
    services.withdraw_entry(entry_id=entry.pk, by=entry.candidacy.account, now=now)
    make.submit(entry, now)
    assert EntryAffirmation.objects.filter(entry=entry).count() == 2 * len(SubmissionKind)
