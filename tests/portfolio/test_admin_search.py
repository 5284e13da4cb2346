"""What staff find of a candidate, by whatever they were told; and the list of files on their way."""

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
from portfolio.models import Entry, Rehearsal, Upload, UploadPart
from portfolio.renditions.models import RenditionKind
from portfolio.viewing import looks
from portfolio.viewing.selectors import ShownFile
from tests.factories import portfolio as make
from tests.factories.viewing import a_rendition

pytestmark = pytest.mark.django_db
MB = 1024**2


@pytest.fixture(autouse=True)
def _one_step(settings: Settings) -> None:
    settings.MFA_REQUIRED = False


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    found = make.a_candidate(email="somebody.known@example.org")
    found.registration.name_on_certificate = "Priya Raman"
    found.registration.save(update_fields=["name_on_certificate"])
    return found


@pytest.fixture
def now(candidacy: Candidacy) -> Iterator[datetime]:
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield opens


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(make.a_staff_member())
    return client


def an_upload(entry: Entry, now: datetime, *, parts: int = 2, **other: Any) -> Upload:
    upload = Upload.objects.create(
        entry=entry,
        slot=entry.template.slots.get(key="written"),
        name="written.pdf",
        declared_bytes=20 * MB,
        part_bytes=4 * MB,
        created_at=now,
        **other,
    )
    for number in range(1, parts + 1):
        UploadPart.objects.create(
            upload=upload,
            number=number,
            bytes=4 * MB,
            etag="e",
            received_at=now + timedelta(minutes=number),
        )
    return upload


def listed(staff: Client, model: str, wanted: str) -> int:
    address = reverse(f"admin:portfolio_{model}_changelist")
    found: int = staff.get(address, {"q": wanted}).context["cl"].result_count
    return found


@pytest.mark.parametrize("said", ["Priya", "somebody.known", "the number"])
@pytest.mark.parametrize("model", ["entry", "receipt", "upload", "rehearsal", "mediaview"])
def test_a_candidate_is_found_by_name_address_and_number(
    staff: Client, candidacy: Candidacy, now: datetime, model: str, said: str
) -> None:
    match model:
        case "receipt":
            make.a_submitted_entry(candidacy, now)
        case "rehearsal":
            Rehearsal.objects.create(candidacy=candidacy, rehearsed_at=now, problem="None of it.")
        case "upload":
            an_upload(make.a_draft(candidacy, now), now)
        case "mediaview":
            entry = make.a_draft(candidacy, now)
            evidence = make.add(entry, now)
            drawn = a_rendition(evidence, now, kind=RenditionKind.PAGE)
            shown = ShownFile(drawn.pk, evidence.pk, drawn.kind, "k", "image/webp", "inline", 1, "0" * 64)
            looks.record(link=drawn.pk, viewer=make.a_staff_member(), file=shown, now=now)
        case _:
            make.a_draft(candidacy, now)
    wanted = candidacy.number if said == "the number" else said
    assert listed(staff, model, wanted) == 1
    assert listed(staff, model, "nobody of that name") == 0


def test_the_list_of_uploads_says_what_arrived_and_when_the_last_part_came(
    staff: Client, candidacy: Candidacy, now: datetime
) -> None:
    an_upload(make.a_draft(candidacy, now), now)
    shown = staff.get(reverse("admin:portfolio_upload_changelist")).text.replace("\xa0", " ")
    for words in ("20.0 MB", "8.0 MB", "Priya Raman", "1 May 2027, 00:02 CDT"):
        assert words in shown


def test_what_arrived_whole_still_says_so_when_its_parts_are_gone(
    staff: Client, candidacy: Candidacy, now: datetime
) -> None:
    upload = an_upload(make.a_draft(candidacy, now), now, parts=0)
    Upload.objects.filter(pk=upload.pk).update(completed_at=now + timedelta(minutes=9), state="completing")
    for address in (
        reverse("admin:portfolio_upload_changelist"),
        reverse("admin:portfolio_upload_change", args=[upload.pk]),
    ):
        shown = staff.get(address).text.replace("\xa0", " ")
        assert shown.count("20.0 MB") == 2
        assert "1 May 2027, 00:09 CDT" in shown


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_uploads_asks_as_much_for_many_as_for_one(
    staff: Client, candidacy: Candidacy, now: datetime, django_assert_num_queries: Any, count: int
) -> None:
    entry = make.a_draft(candidacy, now)
    for _ in range(count):
        an_upload(entry, now)
    address = reverse("admin:portfolio_upload_changelist")
    staff.get(address)
    with django_assert_num_queries(6):
        staff.get(address)
