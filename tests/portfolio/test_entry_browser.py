"""An entry's pages in a browser: what changes by itself, what stays, and how one gets on without a mouse."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from pytest_django.live_server_helper import LiveServer

from candidates.models import Candidacy
from certification.kernel import clock, reconcile
from certification.season.files import make_mp4
from portfolio.models import Entry, Evidence, Slot
from tests.factories import blinding, previews
from tests.factories import portfolio as make
from tests.factories.uploads import a_video

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> Iterator[datetime]:
    blinding.a_framework_with_video()
    Slot.objects.filter(key="notes").update(max_files=3)
    now = make.window_of(make.a_candidate()).opens + timedelta(days=1)
    clock.travel_to(now)
    yield now
    clock.travel_back()


@pytest.fixture
def entry(now: datetime) -> Entry:
    return make.a_draft(Candidacy.objects.get(), now)


@pytest.fixture
def notes(entry: Entry, now: datetime) -> list[Evidence]:
    """Three files in one slot: a, b, c."""
    return [
        make.add(entry, now, slot="notes", content=make.a_pdf(note=name), name=f"{name}.pdf")
        for name in "abc"
    ]


@pytest.fixture
def visit(page: Page, live_server: LiveServer, entry: Entry) -> Callable[[str], Page]:
    """Open an address of the site as the candidate."""
    client = Client()
    client.force_login(entry.candidacy.account)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])

    def go(path: str) -> Page:
        page.goto(f"{live_server.url}/portfolio/{path}")
        return page

    return go


def focused(page: Page) -> str:
    return " ".join(str(page.evaluate("document.activeElement.innerText")).split())


def order_of(page: Page) -> list[str]:
    return page.locator("#slot-notes .piece-name").all_inner_texts()


# ---- a file on its way to being ready ----


def test_a_file_becomes_ready_before_ones_eyes_and_then_nothing_more_is_asked(
    visit: Callable[[str], Page], entry: Entry, now: datetime
) -> None:
    piece = make.add(entry, now)
    page = visit(f"entries/{entry.pk}/")
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/standing/"):
            asked.append(request.url)

    page.on("request", note)
    row = page.locator(f"#file-{piece.pk}")
    row.get_by_text("Received", exact=True).wait_for()

    previews.checking(piece, now, step="Drawing page 3 of 12", percent=40)
    row.get_by_text("Drawing page 3 of 12").wait_for()
    row.get_by_role("link", name="written.pdf").first.focus()
    previews.ready_document(piece, now)
    row.get_by_text("Ready", exact=True).wait_for()

    assert "“written.pdf”: ready." in page.locator("#announcements").inner_text()
    assert focused(page) == "written.pdf"
    assert row.locator("img").evaluate("async image => { await image.decode(); return image.naturalWidth; }")
    before = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked) == before


def test_a_file_that_fails_says_so_and_is_missing_from_then_on(
    visit: Callable[[str], Page], entry: Entry, now: datetime
) -> None:
    piece = make.add(entry, now)
    page = visit(f"entries/{entry.pk}/")

    previews.rejected(piece, now, problem="It is encrypted.")

    page.locator("#slot-written").get_by_text("Not usable").first.wait_for()
    page.locator("#standing").get_by_text("“written.pdf” cannot be used").wait_for()


def test_the_preview_appears_by_itself(visit: Callable[[str], Page], entry: Entry, now: datetime) -> None:
    piece = make.add(entry, now)
    page = visit(f"evidence/{piece.pk}/preview/")
    page.get_by_text("Being prepared").wait_for()

    previews.ready_document(piece, now)

    page.get_by_role("img", name="Page 1 of 2").wait_for()
    assert not page.get_by_text("Being prepared").count()


# ---- order and replacing ----


def test_a_file_is_moved_by_keyboard_and_keeps_the_focus(
    visit: Callable[[str], Page], entry: Entry, notes: list[Evidence]
) -> None:
    page = visit(f"entries/{entry.pk}/")
    page.get_by_role("button", name="Move down a.pdf").focus()

    page.keyboard.press("Enter")
    page.locator("#announcements").get_by_text("“a.pdf” is file 2 of 3.").wait_for()
    assert order_of(page) == ["b.pdf", "a.pdf", "c.pdf"]
    assert focused(page).startswith("↓ Move down")
    page.keyboard.press("Enter")
    page.locator("#announcements").get_by_text("“a.pdf” is file 3 of 3.").wait_for()

    assert order_of(page) == ["b.pdf", "c.pdf", "a.pdf"]
    assert focused(page).startswith("↑ Move up")


def test_one_of_several_is_replaced_and_what_was_chosen_beside_another_stays(
    visit: Callable[[str], Page], entry: Entry, notes: list[Evidence], tmp_path: Path
) -> None:
    (tmp_path / "n.pdf").write_bytes(make.a_pdf(note="n"))
    page = visit(f"entries/{entry.pk}/")
    first, second = (page.locator(f"#file-{piece.pk}") for piece in notes[:2])
    for row in (first, second):
        row.locator("summary").click()
        row.locator("input[type=file]").set_input_files(tmp_path / "n.pdf")

    second.get_by_role("button", name="Replace it").click()
    page.locator("#announcements").get_by_text("“n.pdf” is in “Notes”.").wait_for()

    assert order_of(page) == ["a.pdf", "n.pdf", "c.pdf"]
    kept = page.locator(f"#file-{notes[0].pk} input[type=file]")
    assert kept.is_visible()
    assert kept.evaluate("input => input.files[0].name") == "n.pdf"


def test_a_large_file_in_place_of_another_goes_in_parts_and_continues_there(
    visit: Callable[[str], Page], entry: Entry, now: datetime, tmp_path: Path
) -> None:
    Slot.objects.filter(key="clip").update(max_files=2)
    old, _ = (
        make.add(
            entry,
            now,
            slot="clip",
            content=make_mp4(tmp_path / f"{name}.mp4", identity=blinding.IDENTITY, seed=seed).read_bytes(),
            name=f"{name}.mp4",
        )
        for seed, name in enumerate(("old", "other"))
    )
    new = a_video(tmp_path / "new.mp4", size=9 * 1024 * 1024)
    page = visit(f"entries/{entry.pk}/")
    page.route("**/parts/2/**", lambda route: route.abort())
    choose_instead(page, old, new)
    page.get_by_text("No connection", exact=True).wait_for()

    page = visit(f"entries/{entry.pk}/")
    page.locator("#slot-clip").get_by_text("in place of old.mp4").wait_for()
    page.unroute("**/parts/2/**")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose the file new.mp4 again").click()
    choosing.value.set_files(new)
    page.locator("#slot-clip").get_by_text("All of it arrived.").wait_for()
    reconcile.run("uploads.take_in")

    page.locator("#slot-clip").get_by_role("link", name="new.mp4", exact=True).wait_for()
    assert page.locator("#slot-clip .piece-name").all_inner_texts() == ["new.mp4", "other.mp4"]


def choose_instead(page: Page, piece: Evidence, file: Path) -> None:
    row = page.locator(f"#file-{piece.pk}")
    row.locator("summary").click()
    row.locator("input[type=file]").set_input_files(file)


# ---- a video that is looked at for longer than its link holds ----


def test_a_seek_after_the_link_has_run_out_goes_on_where_it_should(
    visit: Callable[[str], Page], entry: Entry, now: datetime, tmp_path: Path
) -> None:
    file = a_heavy_video(tmp_path / "clip.mp4", seconds=24)
    piece = make.add(entry, now, slot="clip", content=file.read_bytes(), name="clip.mp4")
    previews.ready_video(piece, now, file=file)
    page = visit(f"evidence/{piece.pk}/preview/")
    video = page.locator("video")
    until(video, "video => video.readyState >= 1")
    assert video.evaluate("video => video.duration") > 20
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "/media/" in answer.url else None)

    clock.travel_to(now + timedelta(minutes=10))
    page.wait_for_timeout(1100)  # a process looks up the travelled clock once a second
    video.evaluate("video => { video.currentTime = 20; }")

    until(video, "video => video.currentTime >= 20 && video.readyState >= 2 && !video.error")
    assert answers[-1] == 206


def until(element: Locator, holds: str) -> None:
    """Wait until the expression holds; the page's policy lets nothing in it evaluate a text."""
    for _ in range(100):
        if element.evaluate(holds):
            return
        element.page.wait_for_timeout(100)
    raise AssertionError(f"It never came to hold: {holds}")


def a_heavy_video(path: Path, *, seconds: int) -> Path:
    """Noise, which no encoder can make small: a player keeps only the beginning of it."""
    noise, size = random.Random(7), (640, 360)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=5)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        stream.options = {"preset": "ultrafast", "qp": "12", "g": "5"}
        for _ in range(seconds * 5):
            picture = Image.frombytes("RGB", size, noise.randbytes(3 * size[0] * size[1]))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    return path


# ---- the self-assessment ----


def test_what_one_judges_is_saved_as_one_goes_and_survives_a_dead_line(
    visit: Callable[[str], Page], entry: Entry
) -> None:
    page = visit(f"entries/{entry.pk}/self-assessment/")
    part = page.locator("#look-for-identify")
    part.get_by_role("radio", name="Level 3").check()
    page.get_by_text("1 of 8").wait_for()

    page.route("**/self-assessment/", lambda route: route.abort())
    part.get_by_role("textbox").fill("The goal is the teacher's own.")
    page.locator("[data-autosave-status]").get_by_text("Not saved: the connection failed").wait_for()
    assert part.get_by_role("textbox").input_value() == "The goal is the teacher's own."
    page.unroute("**/self-assessment/")
    page.get_by_role("button", name="Save").click()
    page.locator("[data-autosave-status]").get_by_text("Saved.").wait_for()

    kept = entry.self_assessments.get(look_for="identify")
    assert (kept.level, kept.note) == (3, "The goal is the teacher's own.")
