"""Receipts as staff read them, and the PDF they hand on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from candidates.models import Candidacy
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from portfolio.models import Receipt
from portfolio.receipts import admin as receipts_admin
from portfolio.receipts.pages import receipt_page
from portfolio.receipts.pdf import pdf_of
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db
LIST = "admin:portfolio_receipt_changelist"


@pytest.fixture(autouse=True)
def _one_step(settings: Settings) -> None:
    settings.MFA_REQUIRED = False


@pytest.fixture
def now() -> Iterator[datetime]:
    make.a_small_framework()
    candidacy = make.a_candidate()
    now = make.window_of(candidacy).opens
    with clock.fixed(now):
        yield now


@pytest.fixture
def receipt(now: datetime) -> Receipt:
    entry = make.a_complete_draft(Candidacy.objects.get(), now)
    video = make.a_video(entry, now)
    form = make.a_release_form(entry, now, title="Release of the teacher")
    make.a_person(video, now, form, minors=True)
    return make.submit(entry, now)


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(make.a_staff_member())
    return client


def pdf_address(receipt: Receipt) -> str:
    return reverse("admin:portfolio_receipt_pdf", args=[receipt.pk])


def test_a_receipt_reads_as_words_and_not_as_data(staff: Client, receipt: Receipt) -> None:
    shown = staff.get(reverse("admin:portfolio_receipt_change", args=[receipt.pk])).text
    page = receipt_page(receipt)
    for words in (
        "clip.mp4",
        "1000 bytes",
        page.files[0].sha256,
        page.files[0].received,
        "“clip.mp4” in “Clip”",
        "the teacher (minors)",
        "Release of the teacher",
        "My own work",
        receipt.entry.candidacy.registration.name_on_certificate,
        f'href="{reverse("admin:portfolio_entry_change", args=[receipt.entry_id])}"',
        f'href="{pdf_address(receipt)}"',
    ):
        assert words in shown.replace("\xa0", " ")
    for raw in ("received_at", "nobody_seen", "affirmed_at"):
        assert raw not in shown


def test_a_receipt_from_before_it_kept_all_that_is_still_read(staff: Client, receipt: Receipt) -> None:
    old = Receipt.objects.create(
        number="R-OLD", entry=receipt.entry, submitted_at=receipt.submitted_at, manifest=[], digest="0" * 64
    )
    assert staff.get(reverse("admin:portfolio_receipt_change", args=[old.pk])).status_code == 200


def test_an_entrys_receipt_leads_to_the_receipt(staff: Client, receipt: Receipt) -> None:
    shown = staff.get(reverse("admin:portfolio_entry_change", args=[receipt.entry_id])).text
    address = reverse("admin:portfolio_receipt_change", args=[receipt.pk])
    assert f'<a href="{address}">{receipt.number}</a>' in shown


def test_staff_get_the_candidates_pdf_and_that_is_on_record(staff: Client, receipt: Receipt) -> None:
    answer = staff.get(pdf_address(receipt))
    assert answer.content == pdf_of(receipt_page(receipt))
    assert answer["Content-Disposition"] == f'attachment; filename="{receipt.number}.pdf"'
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
    look = AuditEvent.objects.get(action="opened receipt")
    assert (look.subject_id, look.detail) == (str(receipt.pk), {"digest": receipt.digest})


def test_nobody_but_staff_gets_it_there(receipt: Receipt) -> None:
    owner = Client()
    owner.force_login(receipt.entry.candidacy.account)
    for client in (owner, Client()):
        assert client.get(pdf_address(receipt)).status_code in {302, 404}
    assert not AuditEvent.objects.filter(action="opened receipt").exists()


def test_a_receipt_that_cannot_be_printed_says_so(
    staff: Client, receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(page: object) -> bytes:
        raise receipts_admin.CannotPrint("no font has “ꙮ”.")

    monkeypatch.setattr(receipts_admin, "pdf_of", refuse)
    answer = staff.get(pdf_address(receipt), follow=True)
    assert "cannot be printed: no font has “ꙮ”." in answer.text
    assert not AuditEvent.objects.filter(action="opened receipt").exists()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_as_much_for_many_as_for_one(
    staff: Client, receipt: Receipt, django_assert_num_queries: Any, count: int
) -> None:
    for number in range(count - 1):
        Receipt.objects.create(
            number=f"R-{number}",
            entry=receipt.entry,
            submitted_at=receipt.submitted_at + timedelta(minutes=number),
            manifest=[],
            digest="0" * 64,
        )
    staff.get(reverse(LIST))
    with django_assert_num_queries(6):
        staff.get(reverse(LIST))
