"""The rehearsal's page and the addresses that take bytes: who, when, how much, and nothing kept of it."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Role, User
from candidates.models import Candidacy
from certification.kernel import bounded, clock
from certification.kernel.models import OutboxMessage
from certification.season.files import make_mp4
from portfolio import announcing
from portfolio.blinding.identifiers import Identity
from portfolio.models import Evidence, Rehearsal, Slot
from portfolio.rehearsal import limits, services, views
from portfolio.rehearsal.arriving import TimedHandler
from portfolio.rehearsal.rules import MB, Line
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db

PAGE, TRIAL, LINE, CLIP = (f"portfolio:rehearsal{which}" for which in ("", "_trial", "_line", "_clip"))
A_VIDEO = "Upload an MP4, MOV, M4V, WebM, MKV, AVI, WMV or MPG video."
SLOW = json.dumps([[65_536, 1000 * second, 1000] for second in range(6)])
QUICK = json.dumps([[8 * MB, 1000 * second, 400] for second in range(6)])


def shown(client: Client) -> str:
    response = client.get(reverse(PAGE))
    assert response.status_code == 200
    return text_of(response)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def measure(client: Client, samples: str = SLOW, breaks: int = 0) -> Any:
    return client.post(reverse(LINE), {"ticket": ticket(client), "samples": samples, "breaks": breaks})


def ticket(client: Client) -> str:
    """Of a measurement that is let in, or no ticket at all."""
    begun = client.post(reverse(TRIAL))
    return str(begun.json()["ticket"]) if begun.status_code == 200 else "none"


def try_clip(client: Client, content: bytes, name: str = "clip.mp4") -> Any:
    return client.post(reverse(CLIP), {"clip": SimpleUploadedFile(name, content)})


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    coach = Identity(names=("Ada Long",), emails=(), organisations=())
    return make_mp4(tmp_path / "clip.mp4", identity=coach, seconds=6).read_bytes()


@pytest.mark.usefixtures("now")
def test_before_anything_was_tried_the_page_says_what_it_will_say(client: Client) -> None:
    page = shown(client)

    assert "Once the line is measured, this says how long your upload will take" in page
    assert "Earlier rehearsals" not in page
    assert "style=" not in page


@pytest.mark.usefixtures("now")
def test_a_slow_line_is_told_with_what_it_means_and_what_to_do(client: Client) -> None:
    assert measure(client)["Location"] == f"{reverse(PAGE)}#line"

    page = shown(client)
    assert "0.5 Mbit/s" in page
    assert "for all seven videos and six documents" in page
    assert "Use another line" in page
    assert "Filmed at 720p, the same would take" in page
    assert "filmed as most phones do, at 1080p" in page
    assert "Identify conversation" in page
    assert "Earlier rehearsals" in page


@pytest.mark.usefixtures("now")
def test_the_newest_measurement_counts(client: Client) -> None:
    measure(client)
    with clock.fixed(clock.now() + timedelta(hours=1)):
        measure(client, QUICK)
        page = shown(client)

    assert "Your line will do" in page
    assert page.count("Mbit/s") >= 2


@pytest.mark.usefixtures("now")
def test_a_line_that_broke_is_told_to_have(client: Client) -> None:
    measure(client, breaks=1)
    assert "The line broke off for a moment" in shown(client)
    with clock.fixed(clock.now() + timedelta(hours=1)):
        measure(client, "[]", breaks=3)
        page = shown(client)
    assert "Nothing could be measured" in page
    assert "for all seven videos" in page, "the measurement before it still counts"


def test_only_what_is_still_to_be_sent_is_reckoned(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    Slot.objects.filter(template__key="entry-1").exclude(key="written").update(required=False)
    draft = make.a_draft(candidacy, now)
    measure(client)
    assert "for the one video and four documents" in shown(client)
    make.add(draft, now)
    assert "for the one video and three documents" in shown(client)
    Slot.objects.filter(template__key="entry-2").delete()
    assert "No required piece of your entries is left to upload" in shown(client)


def test_too_early_says_from_when_and_keeps_what_was(client: Client, candidacy: Candidacy) -> None:
    opens = make.window_of(candidacy).opens - timedelta(days=30)
    with clock.fixed(opens - timedelta(microseconds=1)):
        page = shown(client)
        refused = measure(client)
    assert "It is too early to rehearse" in page
    assert "1 April 2027, 00:00 CDT" in page
    assert "data-measure" not in page
    assert refused.status_code == 409
    assert "opens on 1 April 2027, 00:00 CDT" in text_of(refused)
    assert not Rehearsal.objects.exists()


def test_too_late_says_so_and_shows_what_was_rehearsed(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    measure(client)
    with clock.fixed(make.window_of(candidacy).closes):
        page = shown(client)
    assert "This year’s rehearsal is over" in page
    assert "0.5 Mbit/s" in page


def test_a_rehearsal_of_last_year_is_listed_and_does_not_count(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    measure(client)
    with clock.fixed(make.window_of(candidacy, 2).opens - timedelta(days=7)):
        page = shown(client)
    assert "Once the line is measured" in page
    assert "0.5 Mbit/s" in page


def test_somebody_who_is_not_registered_has_nothing_to_rehearse(now: datetime) -> None:
    client = Client()
    client.force_login(User.objects.create_user("new@example.org", "pass-word-1234"))

    assert "Nothing to rehearse" in shown(client)
    assert client.post(reverse(TRIAL)).status_code == 409


@pytest.mark.parametrize("role", [Role.SCORER, Role.LEAD_SCORER, Role.SPONSOR])
def test_only_candidates_rehearse(role: Role, settings: Any) -> None:
    settings.MFA_REQUIRED = False
    client = Client()
    client.force_login(User.objects.create_user("other@example.org", "pass-word-1234", role=role))

    assert client.get(reverse(PAGE)).status_code == 404


def test_nobody_sees_what_another_candidate_measured(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    measure(client)
    stranger = Client()
    stranger.force_login(make.a_candidate(candidacy.cohort).account)

    assert "Mbit/s" not in shown(stranger)


@pytest.mark.usefixtures("now")
def test_the_page_costs_the_same_for_one_rehearsal_and_for_three(
    client: Client, clip: bytes, django_assert_num_queries: Any
) -> None:
    measure(client)
    with django_assert_num_queries(16):
        shown(client)
    measure(client)
    try_clip(client, clip)
    with django_assert_num_queries(16):
        shown(client)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"samples": SLOW},
        {"samples": "no json", "breaks": 0},
        {"samples": "[[1,2]]", "breaks": 0},
        {"samples": "[[65536,0,true]]", "breaks": 0},
        {"samples": '[["65536",0,1]]', "breaks": 0},
        {"samples": "[" * 9000, "breaks": 0},
        {"samples": "7", "breaks": 0},
        {"samples": "[" + " " * 20_000 + "]", "breaks": 1},
    ],
)
@pytest.mark.usefixtures("now")
def test_a_measurement_that_cannot_be_read_is_refused_with_a_sentence(
    client: Client, fields: dict[str, Any]
) -> None:
    refused = client.post(reverse(LINE), {"ticket": ticket(client), **fields})

    assert refused.status_code == 409
    assert "Measure the line once more" in text_of(refused)
    assert not Rehearsal.objects.exists()


@pytest.mark.usefixtures("now")
def test_bytes_are_taken_at_the_signed_addresses_and_nothing_is_kept(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", str(tmp_path))
    trial = client.post(reverse(TRIAL)).json()
    sizes = [piece["bytes"] for piece in trial["pieces"]]
    assert sizes == sorted(services.LADDER)
    assert trial["mostBytes"] <= limits.MOST_BYTES_OF_A_TRIAL

    anybody = Client()  # the address is enough, as at a bucket
    for piece in (trial["pieces"][0], trial["pieces"][-1]):
        taken = anybody.put(piece["url"], b"x" * piece["bytes"], content_type="application/octet-stream")
        assert taken.status_code == 204
    assert list(tmp_path.iterdir()) == []
    assert not Rehearsal.objects.exists()
    assert not Evidence.objects.exists()


def put(url: str, content: bytes) -> int:
    return Client().put(url, content, content_type="application/octet-stream").status_code


@pytest.mark.usefixtures("now")
def test_an_address_takes_its_own_length_for_five_minutes_and_no_more(client: Client) -> None:
    small, larger = client.post(reverse(TRIAL)).json()["pieces"][:2]

    assert put(small["url"], b"x" * (small["bytes"] + 1)) == 400
    assert put(small["url"], b"x") == 400
    assert put(small["url"].replace(str(small["bytes"]), str(larger["bytes"])), b"x" * larger["bytes"]) == 403
    assert put(small["url"].partition("?")[0], b"x" * small["bytes"]) == 403
    with clock.fixed(clock.now() + timedelta(minutes=5)):
        assert put(small["url"], b"x" * small["bytes"]) == 403
    assert put(small["url"], b"x" * small["bytes"]) == 204


@pytest.mark.usefixtures("now")
def test_a_measurement_sends_so_much_and_then_no_more(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES_OF_A_TRIAL", 2 * 65_536)
    small = client.post(reverse(TRIAL)).json()["pieces"][0]

    assert [put(small["url"], b"x" * small["bytes"]) for _ in range(3)] == [204, 204, 403]


@pytest.mark.usefixtures("now")
def test_a_piece_is_read_in_small_bites(client: Client) -> None:
    piece = client.post(reverse(TRIAL)).json()["pieces"][-1]
    bites: list[int] = []

    class Wire(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            bites.append(size)
            return super().read(size)

    request = RequestFactory().put(piece["url"], content_type="application/octet-stream")
    request.META["CONTENT_LENGTH"] = str(piece["bytes"])
    request._stream = Wire(bytes(piece["bytes"]))
    path = piece["url"].partition("?")[0].rstrip("/").split("/")
    answer = views.piece(request, trial_id=UUID(path[-2]), length=int(path[-1]))

    assert answer.status_code == 204
    assert max(bites) <= 64 * 1024


@pytest.mark.usefixtures("now")
def test_the_limit_of_an_hour_is_told_with_a_sentence(client: Client) -> None:
    for _ in range(limits.MOST_TRIALS_AN_HOUR):
        assert client.post(reverse(TRIAL)).status_code == 200

    refused = client.post(reverse(TRIAL))

    assert refused.status_code == 409
    assert "as often as may be" in refused.json()["problem"]


@pytest.mark.usefixtures("now")
def test_a_clip_is_told_with_what_becomes_of_it_and_nothing_of_it_is_kept(
    client: Client, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "arriving"
    folder.mkdir()
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", str(folder))
    measure(client)

    assert try_clip(client, clip)["Location"] == f"{reverse(PAGE)}#clip"

    row = Rehearsal.objects.get(clip_format="mp4")
    assert (row.clip_codec, row.clip_bytes, row.clip_width, row.clip_height) == ("h264", len(clip), 160, 120)
    assert (row.clip_has_sound, row.clip_treatment, row.problem) == (True, "kept", "")
    page = shown(client)
    assert "H.264, 160 × 120" in page
    assert "Your camera’s video plays everywhere" in page
    assert "filmed like your clip" in page
    assert list(folder.iterdir()) == []
    assert not Evidence.objects.exists()


@pytest.mark.usefixtures("now")
def test_what_asks_for_something_comes_before_what_is_well(client: Client, clip: bytes) -> None:
    Slot.objects.filter(kind="video").update(formats=["webm"])

    try_clip(client, clip)

    page = shown(client)
    assert page.index("Seven slots do not take MP4") < page.index("Your camera’s video plays everywhere")


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "clip.mp4", "is empty (0 bytes)"),
        (b"MZ program" * 50, "clip.mp4", "a Windows program"),
        (
            b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500,
            "clip.mp4",
            "Film another clip with the phone’s usual settings",
        ),
        (make.a_pdf(), "plan.pdf", "is a PDF document"),
        (
            b"Dear reader,",
            "text.txt",
            f"video we can read. {A_VIDEO}",
        ),
        (make.a_pdf(), "plan.mp4", f"ending .mp4 says. {A_VIDEO}"),
        (b"\xff\xd8\xff" * 100, "../../clip\u202e4pm.jpg", "a JPEG picture"),
    ],
    ids=["empty", "program", "broken", "document", "text", "document as video", "picture"],
)
@pytest.mark.usefixtures("now")
def test_a_clip_that_cannot_be_used_is_told_why_and_how_to_film_another(
    client: Client, content: bytes, name: str, sentence: str
) -> None:
    try_clip(client, content, name)

    page = shown(client)
    assert "This clip could not be used" in page
    assert sentence in page
    assert "Most Compatible" in page
    assert Rehearsal.objects.get().clip_format == ""


@pytest.mark.parametrize(
    ("ending", "status", "sentence"),
    [
        (bounded.OutOfBounds("memory"), 302, "needs more memory or time to open"),
        (bounded.Interrupted("killed"), 409, "Try it again in a moment"),
    ],
)
@pytest.mark.usefixtures("now")
def test_a_clip_that_ends_its_reader_is_told_and_one_the_machine_ended_is_tried_again(
    client: Client,
    clip: bytes,
    monkeypatch: pytest.MonkeyPatch,
    ending: Exception,
    status: int,
    sentence: str,
) -> None:
    def end(*_: object, **__: object) -> None:
        raise ending

    monkeypatch.setattr(bounded, "run_bounded", end)

    answer = try_clip(client, clip)

    assert answer.status_code == status
    assert sentence in (text_of(answer) if status == 409 else shown(client))
    assert Rehearsal.objects.count() == (status == 302)


@pytest.mark.usefixtures("now")
def test_without_a_clip_the_form_says_so(client: Client) -> None:
    refused = client.post(reverse(CLIP))

    assert refused.status_code == 422
    assert "Choose a clip first" in text_of(refused)
    assert not Rehearsal.objects.exists()


@pytest.mark.usefixtures("now")
def test_a_clip_beyond_the_limit_is_not_even_written_down(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(views, "MAX_CLIP_BYTES", 100_000)
    looked_at: list[object] = []
    monkeypatch.setattr(services, "record_clip", lambda **given: looked_at.append(given))

    refused = try_clip(client, b"x" * 5_000_000)

    assert refused.status_code == 422
    assert "larger than 200 MB" in text_of(refused)
    assert looked_at == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("now")
def test_a_clip_without_the_token_is_refused(candidacy: Candidacy, clip: bytes) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(candidacy.account)

    assert try_clip(client, clip).status_code == 403
    assert measure(client).status_code == 403
    assert client.post(reverse(TRIAL)).status_code == 403
    assert not Rehearsal.objects.exists()


@pytest.mark.usefixtures("now")
def test_so_many_clips_within_an_hour_are_looked_at(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLIPS_AN_HOUR", 1)
    try_clip(client, b"no video")

    refused = try_clip(client, b"no video")

    assert refused.status_code == 409
    assert "clips within this hour" in text_of(refused)
    assert Rehearsal.objects.count() == 1


def keep(*_: object, **__: object) -> None:
    pytest.fail("a clip that is not looked at was kept")


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("why", ["enough clips", "window"])
def test_a_clip_that_will_not_be_looked_at_is_not_kept_for_a_moment(
    client: Client, candidacy: Candidacy, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", keep)
    at = clock.now()
    if why == "window":
        at = make.window_of(candidacy).opens - timedelta(days=40)
    else:
        monkeypatch.setattr(limits, "MOST_CLIPS_AN_HOUR", 0)

    with clock.fixed(at):
        refused = try_clip(client, b"no video" * 20_000)

    assert refused.status_code == 409
    sentence = "clips within this hour" if why == "enough clips" else "The rehearsal opens"
    assert sentence in text_of(refused)
    assert not Rehearsal.objects.exists()


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that pass with each chunk, one after another."""
    ticks: list[float] = []
    monkeypatch.setattr("portfolio.rehearsal.arriving.time.monotonic", lambda: ticks.pop(0))
    return ticks


def test_the_first_chunk_starts_the_watch_and_does_not_count(ticking: list[float]) -> None:
    handler = TimedHandler(200 * MB)
    ticking += [10.0, 11.0, 12.0]
    for _ in range(3):
        handler.receive_data_chunk(bytes(MB), 0)

    found = handler.line
    assert found is not None
    assert (found.bytes, found.milliseconds) == (2 * MB, 2000)


def test_what_came_at_once_says_nothing_of_the_line(ticking: list[float]) -> None:
    handler = TimedHandler(200 * MB)
    assert handler.line is None
    ticking += [10.0, 10.01, 10.02]
    for _ in range(3):
        handler.receive_data_chunk(bytes(MB), 0)
    assert handler.line is None


@pytest.mark.usefixtures("now")
def test_without_a_script_the_way_of_the_clip_is_the_measurement(
    client: Client, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TimedHandler, "line", property(lambda _: Line(4 * MB, 8000)))

    try_clip(client, clip)

    page = shown(client)
    assert "4.2 Mbit/s" in page
    assert "for all seven videos and six documents" in page


def dashboard(client: Client) -> str:
    return client.get(reverse("dashboard")).content.decode()


def test_the_dashboard_points_here_from_a_month_before_until_it_was_rehearsed(
    client: Client, candidacy: Candidacy
) -> None:
    opens = make.window_of(candidacy).opens - timedelta(days=30)
    with clock.fixed(opens - timedelta(microseconds=1)):
        assert reverse(PAGE) not in dashboard(client)
    with clock.fixed(opens):
        assert reverse(PAGE) in dashboard(client)
        measure(client)
        assert reverse(PAGE) not in dashboard(client)


def test_the_dashboard_points_here_no_more_once_something_is_submitted(
    client: Client, candidacy: Candidacy
) -> None:
    make.a_small_framework()
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        assert reverse(PAGE) in dashboard(client)
        make.a_submitted_entry(candidacy, opens)
        assert reverse(PAGE) not in dashboard(client)


def test_the_entries_lead_here_until_the_window_closes(client: Client, candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    for at, leads in ((closes - timedelta(microseconds=1), True), (closes, False)):
        with clock.fixed(at):
            page = client.get(reverse("portfolio:entries")).content.decode()
        assert (reverse(PAGE) in page) is leads


def test_the_mail_of_the_opening_leads_here_and_those_of_the_closing_do_not(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    for at in (window.opens, window.closes - timedelta(days=6)):
        with clock.fixed(at):
            announcing.announce_due(at)

    opened, closing = OutboxMessage.objects.order_by("queued_at")
    assert reverse(PAGE) in opened.body
    assert reverse(PAGE) not in closing.body


def test_staff_read_a_candidates_line_in_the_administration(
    client: Client, candidacy: Candidacy, now: datetime, settings: Any
) -> None:
    settings.MFA_REQUIRED = False
    measure(client)
    try_clip(client, b"no video")
    staff = Client()
    staff.force_login(User.objects.create_superuser("boss@example.org", "pass-word-1234"))

    page = staff.get(reverse("admin:portfolio_rehearsal_changelist")).content.decode()

    assert candidacy.number in page
    assert "0.5 Mbit/s" in page
    assert "could not be used" in page
    assert staff.get(reverse("admin:portfolio_rehearsal_add")).status_code == 403
