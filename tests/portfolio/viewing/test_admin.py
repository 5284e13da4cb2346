"""Staff read who looked at what; nobody changes it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from portfolio.models import MediaView, Rendition
from portfolio.renditions.models import RenditionKind
from portfolio.states import PreparationState
from portfolio.viewing.links import link_to
from tests.factories import portfolio as make
from tests.factories.viewing import BODY, a_rendition, move
from tests.portfolio.viewing.test_links import ask, body_of

pytestmark = pytest.mark.django_db
PIECE = "admin:portfolio_preparation_change"
LIST = "admin:portfolio_mediaview_changelist"


@pytest.fixture
def staff(now: datetime) -> Client:
    client = Client()
    client.force_login(make.a_staff_member())
    return client


def look_at(rendition: Rendition, viewer: User, now: datetime) -> None:
    assert ask(link_to(viewer=viewer, rendition_id=rendition.pk, now=now), viewer).status_code == 200


def test_staff_follow_a_page_of_the_administration_to_what_scorers_will_see(
    staff: Client, rendition: Rendition, owner: User
) -> None:
    page = staff.get(reverse(PIECE, args=[rendition.preparation_id])).content.decode()
    address = reverse("portfolio:rendition", args=[rendition.pk])
    assert f'<a href="{address}">Poster frame</a>' in page

    led = staff.get(address)
    assert (led.status_code, led["Cache-Control"]) == (302, "private, no-store")
    answer = staff.get(led["Location"])

    assert (answer.status_code, body_of(answer)) == (200, BODY)
    look = MediaView.objects.get()
    assert (look.viewer.role, look.evidence) == (Role.STAFF, rendition.preparation.evidence)
    for other in (make.a_staff_member(), owner, make.a_candidate().account):
        assert ask(led["Location"], other).status_code == 404
    assert MediaView.objects.get() == look


def test_staff_watch_a_video_on_a_page_that_plays_it(
    staff: Client, rendition: Rendition, now: datetime
) -> None:
    """Opened by itself a video stands in a sandbox, where it does not play."""
    video = a_rendition(
        rendition.preparation.evidence, now, kind=RenditionKind.VIDEO, content_type="video/mp4"
    )
    listed = staff.get(reverse(PIECE, args=[rendition.preparation_id])).content.decode()
    watched = reverse("admin:portfolio_preparation_shown", args=[rendition.preparation_id])
    assert f'<a href="{watched}">Video</a>' in listed

    page = staff.get(watched).content.decode()

    for file in (video, rendition):
        address = reverse("portfolio:rendition", args=[file.pk])
        assert f'="{address}"' in page
        assert body_of(staff.get(staff.get(address)["Location"])) == BODY
    assert set(MediaView.objects.values_list("viewer__role", "kind")) == {
        ("staff", "video"),
        ("staff", "poster"),
    }


def test_staff_see_the_pages_of_a_document_and_nothing_of_what_is_not_ready(
    staff: Client, rendition: Rendition, now: datetime
) -> None:
    drawn = a_rendition(rendition.preparation.evidence, now, kind=RenditionKind.PAGE)
    url = reverse("admin:portfolio_preparation_shown", args=[rendition.preparation_id])
    address = reverse("portfolio:rendition", args=[drawn.pk])
    assert f'src="{address}"' in staff.get(url).content.decode()
    move(rendition.preparation, PreparationState.RECEIVED, now=now)
    answer = staff.get(url)
    assert "There is nothing to see yet" in answer.content.decode()
    assert address not in answer.content.decode()


def test_the_address_that_staff_follow_leads_no_other_candidate_anywhere(
    rendition: Rendition, now: datetime
) -> None:
    address = reverse("portfolio:rendition", args=[rendition.pk])
    assert ask(address, make.a_candidate().account).status_code == 404


def test_what_is_drawn_anew_is_named_and_not_linked(
    staff: Client, rendition: Rendition, now: datetime
) -> None:
    move(rendition.preparation, PreparationState.RECEIVED, now=now)
    page = staff.get(reverse(PIECE, args=[rendition.preparation_id])).content.decode()
    assert "Poster frame" in page
    assert reverse("portfolio:rendition", args=[rendition.pk]) not in page


@pytest.mark.parametrize("files", [1, 3])
def test_a_piece_asks_as_much_for_many_files_as_for_one(
    staff: Client, rendition: Rendition, now: datetime, django_assert_num_queries: Any, files: int
) -> None:
    for kind in (RenditionKind.PAGE, RenditionKind.DOCUMENT)[: files - 1]:
        a_rendition(rendition.preparation.evidence, now, kind=kind)
    url = reverse(PIECE, args=[rendition.preparation_id])
    staff.get(url)
    with django_assert_num_queries(QUERIES_OF_A_PIECE):
        staff.get(url)


def test_a_look_names_viewer_candidate_and_file(
    staff: Client, rendition: Rendition, owner: User, now: datetime
) -> None:
    look_at(rendition, owner, now)
    page = staff.get(reverse(LIST)).content.decode()
    candidacy = rendition.preparation.evidence.entry.candidacy
    for said in (str(owner), candidacy.number, "written.pdf", "poster frame"):
        assert said in page


def test_the_looks_at_one_piece_are_a_link_away_from_its_entry(
    staff: Client, rendition: Rendition, owner: User, now: datetime, entry: Any
) -> None:
    look_at(rendition, owner, now)
    other = make.add(entry, now, slot="notes", content=make.a_pdf(note="other"), name="notes.pdf")
    look_at(a_rendition(other, now), owner, now)
    page = staff.get(reverse("admin:portfolio_entry_change", args=[entry.pk])).content.decode()
    only = f"{reverse(LIST)}?evidence={other.pk}"
    assert only in page
    shown = staff.get(only).content.decode()
    assert "notes.pdf" in shown
    assert "written.pdf" not in shown


def test_a_look_at_what_was_drawn_anew_still_says_at_what(
    staff: Client, rendition: Rendition, owner: User, now: datetime
) -> None:
    evidence = rendition.preparation.evidence
    look_at(rendition, owner, now)
    rendition.delete()
    look = MediaView.objects.get()
    assert (look.evidence, look.kind) == (evidence, "poster")
    for address in (
        f"{reverse(LIST)}?evidence={evidence.pk}",
        reverse("admin:portfolio_mediaview_change", args=[look.pk]),
    ):
        page = staff.get(address).content.decode()
        for said in (evidence.entry.candidacy.number, "written.pdf", "poster frame"):
            assert said in page


@pytest.mark.parametrize(
    "change",
    [
        {"link": UUID(int=1)},
        {"viewer": None},
        {"subject_type": "x"},
        {"subject_id": "x"},
        {"evidence": None},
        {"kind": "page"},
        {"sha256": "x"},
        {"first_at": datetime(2027, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_database_keeps_what_a_look_was_at_and_whose(
    rendition: Rendition, owner: User, now: datetime, change: dict[str, Any]
) -> None:
    look_at(rendition, owner, now)
    if "viewer" in change:
        change = {"viewer": make.a_staff_member()}
    with pytest.raises(DatabaseError, match="Cannot update rows"), transaction.atomic():
        MediaView.objects.update(**change)
    MediaView.objects.update(requests=2)


def test_the_database_removes_no_look(rendition: Rendition, owner: User, now: datetime) -> None:
    look_at(rendition, owner, now)
    with pytest.raises(DatabaseError, match="Cannot delete rows"), transaction.atomic():
        MediaView.objects.all().delete()
    assert MediaView.objects.exists()


def test_nobody_changes_a_look(staff: Client, rendition: Rendition, owner: User, now: datetime) -> None:
    look_at(rendition, owner, now)
    look = MediaView.objects.get()
    for page in ("change", "delete"):
        assert staff.post(reverse(f"admin:portfolio_mediaview_{page}", args=[look.pk]), {}).status_code == 403
    assert staff.get(reverse("admin:portfolio_mediaview_add")).status_code == 403


@pytest.mark.parametrize("looks", [1, 5])
def test_the_list_asks_as_much_for_many_looks_as_for_one(
    staff: Client,
    rendition: Rendition,
    owner: User,
    now: datetime,
    django_assert_num_queries: Any,
    looks: int,
) -> None:
    for _ in range(looks):
        look_at(rendition, owner, now)
    staff.get(reverse(LIST))
    with django_assert_num_queries(QUERIES):
        staff.get(reverse(LIST))


def test_an_entry_says_whose_it_is_and_how_far_each_file_is(
    staff: Client, rendition: Rendition, now: datetime, entry: Any
) -> None:
    video = make.a_video(entry, now)
    video.seconds = Decimal("65.4")
    video.save(update_fields=["seconds"])
    page = staff.get(reverse("admin:portfolio_entry_change", args=[entry.pk])).text.replace("\xa0", " ")
    preparation = rendition.preparation
    address = reverse(PIECE, args=[preparation.pk])
    for words in (
        f'<a href="{address}">{preparation.get_state_display()}</a>',
        entry.candidacy.registration.name_on_certificate,
        "1:05 minutes",
        "1000 bytes",
    ):
        assert words in page


@pytest.mark.parametrize("files", [1, 3])
def test_an_entry_asks_as_much_for_many_files_as_for_one(
    staff: Client, rendition: Rendition, now: datetime, entry: Any, files: int, django_assert_num_queries: Any
) -> None:
    for number in range(files - 1):
        piece = make.add(entry, now, slot="notes", content=make.a_pdf(note=str(number)), name=f"{number}.pdf")
        a_rendition(piece, now)
    url = reverse("admin:portfolio_entry_change", args=[entry.pk])
    staff.get(url)
    with django_assert_num_queries(QUERIES_OF_AN_ENTRY):
        staff.get(url)


# session, account, how many there are, the days they lie between and are of, the looks with all they are at
QUERIES = 6
# session, account, the piece with its evidence, entry, candidacy, template and slot, its files
QUERIES_OF_A_PIECE = 9
# session, account, the entry with its candidacy, registration and template, its evidence, receipts, consent
QUERIES_OF_AN_ENTRY = 12
