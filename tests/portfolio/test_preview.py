"""What a candidate sees of a file before scorers do: how far it is, what names them, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from candidates.models import Candidacy
from certification.kernel import clock
from certification.season.files import make_mp4
from portfolio.models import Captions, Entry, Evidence, MediaView, Slot
from portfolio.renditions.pages import place_in_words
from tests.factories import blinding, previews
from tests.factories import portfolio as make
from tests.factories.uploads import told

pytestmark = pytest.mark.django_db

VTT = b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nGood morning.\n"


@pytest.fixture
def candidacy() -> Candidacy:
    blinding.a_framework_with_video()
    Slot.objects.filter(key="notes").update(max_files=3)
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> Iterator[datetime]:
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield opens


@pytest.fixture
def entry(candidacy: Candidacy, now: datetime) -> Entry:
    return make.a_draft(candidacy, now)


@pytest.fixture
def client(candidacy: Candidacy) -> Client:
    return signed_in(candidacy.account)


@pytest.fixture
def document(entry: Entry, now: datetime) -> Evidence:
    return make.add(entry, now)


@pytest.fixture
def video(entry: Entry, now: datetime, tmp_path: Path) -> Evidence:
    file = make_mp4(tmp_path / "clip.mp4", identity=blinding.IDENTITY)
    piece = make.add(entry, now, slot="clip", content=file.read_bytes(), name="clip.mp4")
    previews.ready_video(piece, now, file=file)
    return piece


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(client: Client, piece: Evidence) -> str:
    answer = client.get(reverse("portfolio:preview", args=[piece.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def entry_page(client: Client, entry: Entry) -> str:
    return client.get(reverse("portfolio:entry", args=[entry.pk])).content.decode()


# ---- how far it is ----


def test_a_file_just_received_says_so_and_is_asked_about_again(
    client: Client, entry: Entry, document: Evidence
) -> None:
    for shown in (entry_page(client, entry), page_of(client, document)):
        assert "Received" in shown
        assert "You may leave this page." in shown
        assert "data-follow" in shown


def test_what_is_being_checked_shows_its_step_and_percent(
    client: Client, entry: Entry, document: Evidence, now: datetime
) -> None:
    previews.checking(document, now, step="Drawing page 3 of 12", percent=40)

    for shown in (entry_page(client, entry), page_of(client, document)):
        assert "Drawing page 3 of 12" in shown
        assert 'value="40"' in shown


def test_a_ready_file_is_shown_as_it_is_and_no_longer_asked_about(
    client: Client, entry: Entry, document: Evidence, now: datetime
) -> None:
    ready = previews.ready_document(document, now, pages=3)
    first, *_ = ready.files.filter(kind="page").order_by("page_number")

    listed, shown = entry_page(client, entry), page_of(client, document)

    for text in (listed, shown):
        assert "Ready" in listed
        assert "data-follow" not in text
        assert reverse("portfolio:rendition", args=[first.pk]) in text
    assert 'alt="Page 3 of 3; its text follows"' in shown
    assert "The words of page 2, by [removed]." in shown
    assert "Download the clean PDF" in shown
    assert 'loading="lazy"' in shown


def test_a_rejected_file_says_why_and_keeps_its_slot_from_being_complete(
    client: Client, entry: Entry, document: Evidence, now: datetime
) -> None:
    previews.rejected(document, now, problem="It is encrypted.")

    listed, shown = entry_page(client, entry), page_of(client, document)

    assert "“written.pdf” cannot be used: It is encrypted. Replace or remove it." in listed
    assert "0 of 1" in listed
    assert "Review and submit" not in listed
    assert "This file cannot be used" in shown
    assert "data-follow" not in listed + shown


def test_a_file_that_was_not_scanned_is_kept_and_explained(
    client: Client, entry: Entry, document: Evidence, now: datetime
) -> None:
    previews.unscannable(document, now)

    listed = entry_page(client, entry)

    assert "Not scanned" in listed
    assert "It is kept and counts" in listed
    assert "1 of 1" in listed


def test_the_parts_that_change_come_alone_for_the_page_that_is_open(
    client: Client, entry: Entry, document: Evidence, now: datetime
) -> None:
    previews.checking(document, now)

    answer = client.get(reverse("portfolio:standing", args=[entry.pk])).content.decode()

    assert f'data-fresh="file-{document.pk}"' in answer
    assert 'data-fresh="gaps"' in answer
    assert "<html" not in answer


# ---- what names them ----


def test_identifiers_are_pointed_at_with_place_words_and_what_to_do(
    client: Client, entry: Entry, document: Evidence, now: datetime
) -> None:
    ready = previews.ready_document(document, now)
    previews.seen(ready, "page 2", "name", "as Coach 1 said", page=2, covered=False)
    previews.seen(ready, "metadata:Author", "name", "Coach 1")
    previews.seen(ready, "file name", "name part", "coach.pdf")

    shown, listed = page_of(client, document), entry_page(client, entry)

    assert "1 place could not be covered by machine." in shown
    assert '<a href="#page-2">Page 2</a>' in shown
    assert "as Coach 1 said" in shown
    assert "The file’s properties, “Author”" in shown
    assert "2 covered for you" in shown
    assert "1 place to look at" in listed


def test_what_is_covered_needs_nothing_to_be_done(client: Client, document: Evidence, now: datetime) -> None:
    previews.seen(previews.ready_document(document, now), "page 1", "name", "Coach 1", page=1)

    shown = page_of(client, document)

    assert "All covered" in shown
    assert "you need do nothing" in shown
    assert "write the sentence without the name" in shown


@pytest.mark.parametrize("where", ["file name", "metadata:title", "track 1:handler_name", "chapter:title"])
def test_nobody_is_told_to_rewrite_what_lies_around_their_words(
    client: Client, document: Evidence, now: datetime, where: str
) -> None:
    previews.seen(previews.ready_document(document, now), where, "name", "Coach 1")

    shown = page_of(client, document)

    assert "Scorers get neither the file’s name nor its properties." in shown
    assert "write the sentence without the name" not in shown


@pytest.mark.parametrize(
    ("where", "page", "words"),
    [
        ("page 3", 3, "Page 3"),
        ("annotation", 2, "A comment in the file, page 2"),
        ("metadata:XMP", None, "The file’s properties, “XMP”"),
        ("track 1:handler_name", None, "The video’s properties, “handler_name”"),
        ("part:word/settings.xml", None, "Inside the Word file"),
        ("captions, 0:12", None, "Captions, 0:12"),
        ("something new", None, "Something new"),
    ],
)
def test_places_are_told_as_people_say_them(where: str, page: int | None, words: str) -> None:
    assert place_in_words(where, page) == words


# ---- a video and its captions ----


def test_a_video_is_shown_with_poster_captions_and_transcript(client: Client, video: Evidence) -> None:
    shown = page_of(client, video)

    assert "<video" in shown
    assert 'kind="captions"' in shown
    assert "They asked each other more than me." in shown
    for file in video.preparation.files.all():
        assert reverse("portfolio:rendition", args=[file.pk]) in shown


def test_captions_are_added_replaced_and_removed(client: Client, video: Evidence) -> None:
    address = reverse("portfolio:captions", args=[video.pk])
    preview = reverse("portfolio:preview", args=[video.pk])

    added = client.post(address, {"captions": SimpleUploadedFile("clip.vtt", VTT)})
    assert added["Location"] == f"{preview}#captions"
    assert "Replace the captions" in page_of(client, video)
    client.post(address, {"captions": SimpleUploadedFile("better.vtt", VTT.replace(b"Good", b"Fine"))})
    assert Captions.objects.get().original_name == "better.vtt"
    client.post(address, {"captions": SimpleUploadedFile("the %22best%22.vtt", VTT)})
    assert Captions.objects.get().original_name == 'the "best".vtt'
    client.post(reverse("portfolio:take_captions_away", args=[video.pk]))
    assert not Captions.objects.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "Choose a file first"),
        (b"", "is empty (0 bytes)"),
        (b"no captions at all", "holds no captions we can read"),
        pytest.param(VTT + b"x" * 1024 * 1024, "larger than 1 MB", id="a megabyte"),
    ],
)
def test_bad_captions_are_refused_beside_their_field(
    client: Client, video: Evidence, content: bytes | None, sentence: str
) -> None:
    sent = {} if content is None else {"captions": SimpleUploadedFile("clip.vtt", content)}

    answer = client.post(reverse("portfolio:captions", args=[video.pk]), sent)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert 'id="id_captions_error"' in answer.content.decode()


# ---- the lasting address ----


def test_a_renditions_address_leads_to_a_fresh_link_each_time(
    client: Client, document: Evidence, now: datetime
) -> None:
    page = previews.ready_document(document, now).files.filter(kind="page").first()
    assert page is not None
    address = reverse("portfolio:rendition", args=[page.pk])

    first = client.get(address)
    with clock.fixed(now + timedelta(minutes=6)):
        gone = client.get(first["Location"])
        second = client.get(client.get(address)["Location"])

    assert first.status_code == 302
    assert "no-store" in first["Cache-Control"]
    assert gone.status_code == 410
    assert second.status_code == 200
    assert second["Content-Type"] == "image/jpeg"
    assert MediaView.objects.count() == 1


def test_captions_without_the_token_are_refused(candidacy: Candidacy, video: Evidence) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(candidacy.account)

    sent = {"captions": SimpleUploadedFile("clip.vtt", VTT)}

    assert client.post(reverse("portfolio:captions", args=[video.pk]), sent).status_code == 403
    assert not Captions.objects.exists()


def test_nobody_else_sees_any_of_it(
    entry: Entry, document: Evidence, video: Evidence, now: datetime, settings: Any
) -> None:
    settings.MFA_REQUIRED = False
    page = previews.ready_document(document, now).files.first()
    assert page is not None
    stranger = make.a_candidate(entry.candidacy.cohort).account
    others = [User.objects.create_user(f"{role}@example.org", "x", role=role) for role in Role]
    absent = "00000000-0000-4000-8000-000000000000"

    for method, name, theirs in (
        ("get", "preview", document.pk),
        ("get", "rendition", page.pk),
        ("get", "standing", entry.pk),
        ("post", "captions", video.pk),
        ("post", "take_captions_away", video.pk),
        ("post", "move", document.pk),
    ):
        for other in (stranger, *others):
            if (name, other.role) == ("rendition", Role.STAFF):
                continue  # the administration leads there
            client = signed_in(other)
            seen = getattr(client, method)(reverse(f"portfolio:{name}", args=[theirs]))
            nothing = getattr(client, method)(reverse(f"portfolio:{name}", args=[absent]))
            assert seen.status_code == 404, (name, other)
            assert told(seen) == told(nothing)


def test_a_removed_piece_has_no_preview(client: Client, document: Evidence) -> None:
    client.post(reverse("portfolio:remove", args=[document.pk]))

    assert client.get(reverse("portfolio:preview", args=[document.pk])).status_code == 404


def test_after_submitting_it_can_be_looked_at_and_not_changed(
    client: Client, entry: Entry, document: Evidence, now: datetime
) -> None:
    previews.ready_document(document, now)
    make.submit(entry, now)

    shown = page_of(client, document)
    moved = client.post(reverse("portfolio:move", args=[document.pk]), {"direction": "up"})

    assert "Page 1 of 2" in shown
    assert "Replace or remove it" not in shown
    assert moved.status_code == 409


# ---- forms without a script ----


def test_files_are_moved_with_plain_forms(client: Client, entry: Entry, now: datetime) -> None:
    first, second = (
        make.add(entry, now, slot="notes", content=make.a_pdf(note=name), name=f"{name}.pdf") for name in "ab"
    )
    address = reverse("portfolio:move", args=[second.pk])

    answer = client.post(address, {"direction": "up", "seen_place": "2"}, follow=True)

    assert answer.redirect_chain[0][0].endswith(f"#file-{second.pk}")
    shown = answer.content.decode()
    assert "“b.pdf” is file 1 of 2." in shown
    assert shown.index(f"file-{second.pk}") < shown.index(f"file-{first.pk}")
    for bad in ({"direction": "sideways"}, {"direction": "up", "seen_place": "two"}):
        assert client.post(address, bad).status_code == 404


def test_one_of_several_is_replaced_with_a_plain_form_and_refused_beside_it(
    client: Client, entry: Entry, now: datetime
) -> None:
    first, second = (
        make.add(entry, now, slot="notes", content=make.a_pdf(note=name), name=f"{name}.pdf") for name in "ab"
    )
    address = reverse("portfolio:upload", args=[entry.pk, "notes"])

    refused = client.post(
        address, {"replaces": first.pk, "file": SimpleUploadedFile("n.pdf", b"no document")}
    )
    assert refused.status_code == 422
    shown = refused.content.decode()
    assert 'id="notes_1_file_error"' in shown
    assert '<details class="piece-replace" open>' in shown

    client.post(address, {"replaces": first.pk, "file": make.an_upload(note="n", name="n.pdf")})
    live = Evidence.objects.filter(removed_at__isnull=True).order_by("place")
    assert [piece.original_name for piece in live] == ["n.pdf", "b.pdf"]
    assert second in live
    elsewhere = make.add(entry, now)
    for wrong in (elsewhere.pk, "no number", "00000000-0000-4000-8000-000000000000"):
        sent = {"replaces": wrong, "file": make.an_upload(note="x")}
        assert client.post(address, sent).status_code in (404, 422)
    assert live.filter(slot__key="notes").count() == 2


# ---- cost ----


def test_the_preview_costs_the_same_for_one_page_and_for_three(
    client: Client, entry: Entry, document: Evidence, now: datetime, django_assert_num_queries: Any
) -> None:
    ready = previews.ready_document(document, now, pages=1)
    page_of(client, document)
    with django_assert_num_queries(17):
        page_of(client, document)
    for note in ("one", "two"):
        other = make.add(entry, now, slot="notes", content=make.a_pdf(note=note))
        previews.seen(previews.ready_document(other, now), "page 1", "name", note, page=1)
        previews.seen(ready, "page 1", "name", note, page=1)
    with django_assert_num_queries(17):
        page_of(client, document)
    with django_assert_num_queries(12):
        client.get(reverse("portfolio:standing", args=[entry.pk]))
