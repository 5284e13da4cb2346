"""The scorers' pages."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role
from certification.kernel import clock
from scoring import outcomes, services
from scoring.models import Assignment, EvidenceShown, Reading, Scorer
from scoring.states import AssignmentState
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db

VIDEO = bytes(range(256)) * 40


def url(assignment: Assignment, name: str = "packet", *args: object) -> str:
    return reverse(f"scoring:{name}", args=[assignment.packet.code, *args])


def typed(assignment: Assignment, mark: str = "3", **fields: str) -> dict[str, str]:
    """What the form sends when every look-for has the same mark."""
    return {
        **{f"mark-{key}": mark for key in make.marks(assignment.packet)},
        "condition": "",
        "note": "",
        **fields,
    }


def state(assignment: Assignment) -> str:
    assignment.refresh_from_db()
    return assignment.state


def neutral(content: bytes, code: str) -> bytes:
    """A page without the asked-for code and the form token, which differs each time."""
    return re.sub(rb"[A-Za-z0-9]{64}", b"-", content.replace(code.encode(), b"-"))


# ---- who may come in ----


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.SPONSOR, Role.STAFF])
@pytest.mark.parametrize("name", ["queue", "packet", "save", "recuse", "file"])
def test_other_roles_get_the_404_of_a_page_that_does_not_exist(
    mine: Assignment, role: str, name: str
) -> None:
    client = Client()
    client.force_login(make.account(role))
    args = {"queue": [], "file": [mine.packet.code, mine.packet.files.get().pk]}.get(name, [mine.packet.code])
    assert client.post(reverse(f"scoring:{name}", args=args)).status_code == 404
    assert client.get(reverse(f"scoring:{name}", args=args)).status_code == 404


def test_visitors_are_sent_to_sign_in(mine: Assignment) -> None:
    assert Client().get(reverse("scoring:queue")).status_code == 302
    assert Client().get(url(mine, "file", mine.packet.files.get().pk)).status_code == 302


@pytest.mark.parametrize("role", ["scorer", "lead"])
def test_scorers_and_leads_come_in(role: str) -> None:
    client = Client()
    client.force_login(make.user_of(make.scorer(lead=role == "lead")))
    assert client.get(reverse("scoring:queue")).status_code == 200


def test_somebody_elses_packet_and_no_packet_are_the_same_404(signed_in: Client) -> None:
    theirs = make.assignment(make.packet(), make.scorer())
    absent = signed_in.get(reverse("scoring:packet", args=["ZZZZZZZZ"]))
    hidden = signed_in.get(url(theirs))
    assert (absent.status_code, hidden.status_code) == (404, 404)
    assert neutral(absent.content, "ZZZZZZZZ") == neutral(hidden.content, theirs.packet.code)
    assert signed_in.post(url(theirs), typed(theirs)).status_code == 404
    assert signed_in.post(url(theirs, "save"), typed(theirs)).status_code == 404
    assert signed_in.post(url(theirs, "recuse")).status_code == 404


def test_no_page_may_be_stored_on_the_way(signed_in: Client, mine: Assignment) -> None:
    for page in (reverse("scoring:queue"), url(mine), url(mine, "file", mine.packet.files.get().pk)):
        assert signed_in.get(page)["Cache-Control"] == "private, no-store"


# ---- the queue ----


def test_an_empty_queue_says_so(signed_in: Client) -> None:
    assert "No packets now" in signed_in.get(reverse("scoring:queue")).content.decode()


def test_an_account_that_was_not_enlisted_is_told_so() -> None:
    client = Client()
    client.force_login(make.account(Role.SCORER))
    assert "not enlisted" in client.get(reverse("scoring:queue")).content.decode()


def test_the_queue_parts_packets_by_what_is_left_and_gives_no_dates(
    signed_in: Client, scorer: Scorer
) -> None:
    to_do, begun, done, aside = (make.assignment(make.packet(), scorer) for _ in range(4))
    services.save_draft(
        scorer_id=scorer.pk,
        assignment_id=begun.pk,
        ratings={"learn": Decimal(4)},
        condition=None,
        note="",
        now=make.NOW,
    )
    make.read(done)
    services.recuse(scorer_id=scorer.pk, assignment_id=aside.pk, now=make.NOW)
    page = signed_in.get(reverse("scoring:queue")).content.decode()
    assert "1 of 8" in page
    assert page.index("In progress") < page.index("To do") < page.index(">Done")
    assert [row.packet.code in page for row in (to_do, begun, done, aside)] == [True, True, True, False]
    assert "2027" not in page


def test_the_queue_marks_an_adjudication_and_shows_no_other_marks() -> None:
    packet, lead = make.packet(), make.scorer(lead=True)
    for mark in ("1", "4.25"):
        make.read(make.assignment(packet, make.scorer()), mark)
    outcomes.close_packets(make.NOW)
    case = make.assignment(packet, lead, "adjudicator")
    client = Client()
    client.force_login(make.user_of(lead))
    assert "Adjudication" in client.get(reverse("scoring:queue")).content.decode()
    page = client.get(url(case)).content.decode()
    assert "You adjudicate this packet" in page
    assert page.count(" checked") == 1  # only that it can be scored


QUEUE_QUERIES = 9


@pytest.mark.parametrize("count", [1, 3])
def test_the_queue_asks_the_same_questions_for_any_number_of_packets(
    signed_in: Client, scorer: Scorer, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        make.assignment(make.packet(), scorer)
    # session, account, scorer; the wall up and down; the queue itself.
    with clock.fixed(make.NOW), django_assert_num_queries(QUEUE_QUERIES):
        signed_in.get(reverse("scoring:queue"))


# ---- scoring ----


def test_the_page_shows_evidence_beside_every_look_for_with_its_points(
    signed_in: Client, scorer: Scorer
) -> None:
    files = [
        make.file_spec(1),
        make.file_spec(2),
        make.file_spec(
            3, "video", VIDEO, slot_title="Conversation", label="Conversation", seconds=Decimal("61")
        ),
    ]
    mine = make.assignment(make.packet(files=files), scorer)
    page = signed_in.get(url(mine)).content.decode()
    for file in mine.packet.files.all():
        assert url(mine, "file", file.pk) in page
        assert file.storage_key not in page
        assert file.text in page
    assert page.count('type="radio" name="mark-') == 8 * 12
    assert "identify, level 4" in page
    assert state(mine) == AssignmentState.IN_PROGRESS


def test_the_page_takes_any_scale(signed_in: Client, scorer: Scorer) -> None:
    points = [{"value": str(value), "level": value, "label": str(value)} for value in (0, 5, 10)]
    packet = make.packet(scale={"points": points, "levels": []}, floor=None, threshold=None)
    mine = make.assignment(packet, scorer)
    assert signed_in.get(url(mine)).content.decode().count('type="radio" name="mark-') == 8 * 3
    assert signed_in.post(url(mine), typed(mine, "10")).status_code == 302
    assert Reading.objects.get().score == 10


def test_a_script_saves_and_is_told_when(signed_in: Client, mine: Assignment) -> None:
    sent = {"mark-learn": "2.75", "condition": "", "note": "Look again at page 2."}
    answer = signed_in.post(url(mine, "save"), sent, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Saved " in answer.content.decode()
    assert "1 of 8" in answer.content.decode()
    mine.refresh_from_db()
    assert mine.draft["ratings"] == {"learn": "2.75"}
    page = signed_in.get(url(mine)).content.decode()
    assert "Look again at page 2." in page
    assert page.count(" checked") == 2  # the mark, and that it can be scored


def test_without_a_script_saving_is_a_button(signed_in: Client, mine: Assignment) -> None:
    assert signed_in.post(url(mine, "save"), {"mark-learn": "2.75"}).status_code == 302
    assert "Saved." in signed_in.get(url(mine)).content.decode()


@pytest.mark.parametrize("script", [True, False])
def test_a_mark_off_the_scale_is_not_saved(signed_in: Client, mine: Assignment, script: bool) -> None:
    headers = {"HX-Request": "true"} if script else {}
    answer = signed_in.post(url(mine, "save"), {"mark-learn": "2.5"}, headers=headers)
    assert answer.status_code == (422 if script else 200)
    mine.refresh_from_db()
    assert mine.draft == {}


def test_every_missing_mark_is_shown_beside_its_look_for_and_nothing_is_lost(
    signed_in: Client, mine: Assignment
) -> None:
    answer = signed_in.post(url(mine), {"mark-learn": "2.75", "note": "Kept.", "condition": ""})
    page = answer.content.decode()
    assert page.count('_error"><li>Choose a mark.') == 7
    assert "Kept." in page
    assert state(mine) == AssignmentState.IN_PROGRESS
    assert mine.draft["ratings"] == {"learn": "2.75"}
    assert not Reading.objects.exists()


def test_submitting_twice_is_one_reading_shown_read_only(signed_in: Client, mine: Assignment) -> None:
    for _ in range(2):
        assert signed_in.post(url(mine), typed(mine, "3.25")).status_code == 302
    assert Reading.objects.count() == 1
    page = signed_in.get(url(mine)).content.decode()
    assert "3+ (3.25)" in page
    assert 'type="radio"' not in page


def test_other_marks_after_submission_change_nothing(signed_in: Client, mine: Assignment) -> None:
    signed_in.post(url(mine), typed(mine, "3.25"))
    answer = signed_in.post(url(mine), typed(mine, "4"), follow=True)
    assert "stay as they are" in answer.content.decode()
    assert "3+ (3.25)" in answer.content.decode()
    assert signed_in.post(url(mine, "save"), {}, headers={"HX-Request": "true"}).status_code == 409
    assert "no longer open" in signed_in.post(url(mine, "save"), {}, follow=True).content.decode()


def test_a_condition_leaves_the_marks_out(signed_in: Client, mine: Assignment) -> None:
    signed_in.post(url(mine), typed(mine, condition="no_audio"))
    reading = Reading.objects.get()
    assert (reading.condition, reading.marks.count()) == ("no_audio", 0)
    assert "A video has no sound" in signed_in.get(url(mine)).content.decode()


def test_stepping_aside_takes_the_packet_and_its_evidence_away(signed_in: Client, mine: Assignment) -> None:
    file = url(mine, "file", mine.packet.files.get().pk)
    link = signed_in.get(file)["Location"]
    assert signed_in.get(link).status_code == 200
    answer = signed_in.post(url(mine, "recuse"), follow=True)
    assert answer.redirect_chain == [(reverse("scoring:queue"), 302)]
    assert state(mine) == AssignmentState.RECUSED
    assert signed_in.get(url(mine)).status_code == 404
    assert signed_in.get(file).status_code == signed_in.get(link).status_code == 404
    assert signed_in.post(url(mine), typed(mine)).status_code == 404
    assert not Reading.objects.exists()


def test_nobody_steps_aside_from_what_they_submitted(signed_in: Client, mine: Assignment) -> None:
    make.read(mine)
    assert "programme office" in signed_in.post(url(mine, "recuse"), follow=True).content.decode()


# ---- evidence ----


@pytest.fixture
def with_video(scorer: Scorer) -> Assignment:
    return make.assignment(make.packet(files=[make.file_spec(1, "video", VIDEO)]), scorer)


def test_a_file_comes_whole_without_a_name_and_is_put_on_record(
    signed_in: Client, with_video: Assignment
) -> None:
    file = with_video.packet.files.get()
    answer = signed_in.get(url(with_video, "file", file.pk), follow=True)
    assert answer.getvalue() == VIDEO
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Disposition"] == "inline"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Accept-Ranges"] == "bytes"
    shown = EvidenceShown.objects.get()
    assert (shown.assignment, shown.file, shown.sha256) == (with_video, file, file.sha256)


def test_a_video_with_captions_has_them_in_the_player_and_as_text(signed_in: Client, scorer: Scorer) -> None:
    captions = b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nWhat did you see?\n"
    said = "What did you see?\n\nI saw <b>nothing</b>."
    files = [make.file_spec(1, "video", VIDEO), make.file_spec(2, "captions", captions, text=said)]
    mine = make.assignment(make.packet(files=files), scorer)
    page = signed_in.get(url(mine)).content.decode()
    track = url(mine, "file", mine.packet.files.get(kind="captions").pk)
    assert f'<track kind="captions" src="{track}"' in page
    assert "<p>What did you see?</p><p>I saw &lt;b&gt;nothing&lt;/b&gt;.</p>" in page
    answer = signed_in.get(track, follow=True)
    assert answer["Content-Type"] == "text/vtt; charset=utf-8"
    assert b"".join(answer.streaming_content) == captions  # type: ignore[attr-defined]


def test_a_player_gets_the_piece_it_asks_for(signed_in: Client, with_video: Assignment) -> None:
    file = signed_in.get(url(with_video, "file", with_video.packet.files.get().pk))["Location"]
    answer = signed_in.get(file, headers={"Range": "bytes=100-299"})
    assert answer.getvalue() == VIDEO[100:300]
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes 100-299/{len(VIDEO)}"
    assert answer["Content-Length"] == "200"
    assert EvidenceShown.objects.count() == 1
    beyond = signed_in.get(file, headers={"Range": f"bytes={len(VIDEO)}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(VIDEO)}")


def test_a_link_is_one_look_of_one_scorer_at_one_file_for_five_minutes(
    signed_in: Client, with_video: Assignment
) -> None:
    file = with_video.packet.files.get()
    lasting = url(with_video, "file", file.pk)
    with clock.fixed(make.NOW):
        links = [signed_in.get(lasting)["Location"] for _ in range(2)]
        for link in (*links, *links):
            assert signed_in.get(link, headers={"Range": "bytes=0-1"}).status_code == 206
    assert EvidenceShown.objects.count() == 2

    other = make.assignment(with_video.packet, make.scorer())
    client = Client()
    client.force_login(make.user_of(other.scorer))
    with clock.fixed(make.NOW):
        assert client.get(links[0]).status_code == 404
        assert client.get(links[0] + "x").status_code == 404
    with clock.fixed(make.NOW + timedelta(minutes=5)):
        gone = signed_in.get(links[0])
        assert signed_in.get(lasting, follow=True).status_code == 200
    assert gone.status_code == 410
    assert "5 minutes" in gone.content.decode()
    assert EvidenceShown.objects.count() == 3


def test_evidence_closes_with_the_submission(signed_in: Client, with_video: Assignment) -> None:
    make.read(with_video)
    assert signed_in.get(url(with_video, "file", with_video.packet.files.get().pk)).status_code == 404


def test_a_file_of_another_packet_is_not_reached_through_mine(signed_in: Client, mine: Assignment) -> None:
    elsewhere = make.packet().files.get()
    assert signed_in.get(url(mine, "file", elsewhere.pk)).status_code == 404
    assert not EvidenceShown.objects.exists()


def test_a_file_that_the_store_lost_is_a_404_and_no_showing(signed_in: Client, mine: Assignment) -> None:
    file = mine.packet.files.get()
    storages["blind"].delete(file.storage_key)
    assert signed_in.get(url(mine, "file", file.pk), follow=True).status_code == 404
    assert not EvidenceShown.objects.exists()


def test_a_queue_of_two_hundred_packets_takes_as_many_questions_as_one_of_two(
    signed_in: Client, scorer: Scorer
) -> None:
    asked = []
    for more in (2, 198):
        for _ in range(more):
            make.assignment(make.packet(), scorer)
        with clock.fixed(make.NOW), CaptureQueriesContext(connection) as queries:
            page = signed_in.get("/scoring/")
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert page.text.count("/scoring/packets/") >= 200
