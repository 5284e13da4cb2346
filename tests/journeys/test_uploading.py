"""A large file on its way: the line breaks, the page is reloaded, the browser crashes; no part goes twice."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.core.signals import request_started
from django.test import Client

from certification.kernel import clock, reconcile
from certification.season.files import make_mp4
from portfolio.blinding.identifiers import Identity
from portfolio.models import Entry, Evidence, Slot, Upload
from tests.factories import portfolio as make

from .test_accessibility import serious_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

MIB = 1024 * 1024
COACH = Identity(
    names=("Philomena Oyelaran-Whitcombe",),
    emails=("philomena@brightwater-schools.example",),
    organisations=("Brightwater Elementary School",),
)
_PART = re.compile(r"/uploads/[0-9a-f-]+/parts/(\d+)/$")


@pytest.fixture
def entry() -> Iterator[Entry]:
    """A draft that asks for one video, and takes up to three more."""
    framework = make.a_small_framework()
    for template in framework.entries.all():
        for ordinal, (key, most) in enumerate((("lesson", 1), ("clips", 3)), start=10):
            Slot.objects.create(
                template=template,
                key=key,
                title=f"Video: {key}",
                purpose="What happened, as it happened.",
                kind="video",
                required=key == "lesson",
                min_files=1,
                max_files=most,
                max_minutes=10,
                max_bytes=64 * MIB,
                formats=["mp4"],
                ordinal=ordinal,
            )
    candidacy = make.a_candidate()
    now = make.window_of(candidacy).opens + timedelta(days=1)
    clock.travel_to(now)
    yield make.a_draft(candidacy, now)
    clock.travel_back()


@pytest.fixture
def browse(
    chromium: Browser, live_server: LiveServer, entry: Entry, settings: Settings
) -> Iterator[Callable[[], Page]]:
    """The entry's page in a browser of its own, as if on another device each time."""
    settings.SITE_URL = live_server.url
    client = Client()
    client.force_login(entry.candidacy.account)
    name = django_settings.SESSION_COOKIE_NAME
    value = client.cookies[name].value
    opened: list[BrowserContext] = []

    def anew() -> Page:
        profile = chromium.new_context(
            base_url=live_server.url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        profile.set_default_timeout(10_000)
        profile.add_cookies([{"name": name, "value": value, "url": live_server.url}])
        opened.append(profile)
        page = profile.new_page()
        page.goto(f"/portfolio/entries/{entry.pk}/")
        return page

    yield anew
    for profile in opened:
        profile.close()


@pytest.fixture
def parts_sent() -> Iterator[Counter[int]]:
    """How often each part reached the server."""
    sent: Counter[int] = Counter()

    def count(environ: dict[str, Any], **_: object) -> None:
        part = _PART.search(environ["PATH_INFO"])
        if part and environ["REQUEST_METHOD"] == "PUT":
            sent[int(part[1])] += 1

    request_started.connect(count)
    yield sent
    request_started.disconnect(count)


def a_video(path: Path, *, size: int, seed: int = 0) -> Path:
    """A video that plays, made `size` bytes long by a box that players skip."""
    make_mp4(path, identity=COACH, seconds=1, seed=seed)
    padding = size - path.stat().st_size
    with path.open("ab") as file:
        file.write(padding.to_bytes(4, "big") + b"free" + random.Random(seed).randbytes(padding - 8))
    return path


class Held:
    """Requests for one part that go nowhere until the test says what becomes of them."""

    def __init__(self, page: Page, number: int) -> None:
        self.page = page
        self.pattern = re.compile(rf"/parts/{number}/")
        self.routes: list[Route] = []
        page.route(self.pattern, lambda route: self.routes.append(route))

    def wait(self) -> None:
        while not self.routes:
            self.page.wait_for_timeout(20)

    def cut(self) -> None:
        """Lose what is held, and hold no more."""
        for route in self.routes:
            route.abort("internetdisconnected")
        self.page.unroute(self.pattern)

    def release(self) -> None:
        """Let what is held go on, and hold no more."""
        for route in self.routes:
            route.continue_()
        self.page.unroute(self.pattern)


def choose(slot: Locator, *files: Path) -> None:
    slot.locator("form:not([data-replaces]) input[type=file]").set_input_files(files)


def wait_for_verdict(slot: Locator) -> None:
    slot.get_by_text("Being checked", exact=True).wait_for()
    reconcile.run("uploads.take_in")


def test_a_video_survives_two_cuts_a_reload_and_a_crash_and_no_part_is_sent_twice(
    browse: Callable[[], Page], parts_sent: Counter[int], tmp_path: Path
) -> None:
    video = a_video(tmp_path / "lesson.mp4", size=42 * MIB)
    page = browse()
    page.get_by_role("heading", level=1).click()
    slot = page.locator("#slot-lesson")

    second = Held(page, 2)
    choose(slot, video)
    second.wait()
    assert page.locator("#announcements").inner_text() == "Uploading lesson.mp4."
    page.context.set_offline(True)
    second.cut()
    slot.get_by_text("No connection", exact=True).wait_for()
    assert "8.0 MB of 42.0 MB arrived" in slot.inner_text()
    third = re.compile("/parts/3/")
    page.route(third, lambda route: route.abort("connectionreset"))
    page.context.set_offline(False)

    slot.get_by_text("Uploading", exact=True).wait_for()
    slot.get_by_text("No connection", exact=True).wait_for()
    fourth = Held(page, 4)
    page.unroute(third)
    fourth.wait()
    warned: list[str] = []

    def leave(dialog: Any) -> None:
        warned.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.reload()
    assert warned == ["beforeunload"]
    page.unroute(fourth.pattern)
    slot.get_by_text("To be continued").wait_for()
    assert "24.0 MB of 42.0 MB arrived. Choose the same file to go on." in slot.inner_text()

    fifth = Held(page, 5)
    choose(slot, video)
    fifth.wait()
    page.context.close()

    page = browse()
    slot = page.locator("#slot-lesson")
    assert "32.0 MB of 42.0 MB arrived" in slot.inner_text()
    choose(slot, video)
    wait_for_verdict(slot)
    slot.get_by_text("Complete", exact=True).wait_for()
    assert slot.get_by_role("link", name="lesson.mp4", exact=True).is_visible()
    assert slot.locator("[data-uploads] li").count() == 0

    digest = sha256(video.read_bytes()).hexdigest()
    assert Evidence.objects.get().sha256 == digest
    assert Upload.objects.get().sha256 == digest
    assert parts_sent == dict.fromkeys(range(1, 7), 1)


def test_by_keyboard_one_file_after_another_is_paused_goes_on_and_is_cancelled(
    browse: Callable[[], Page], parts_sent: Counter[int], tmp_path: Path
) -> None:
    page = browse()
    slot = page.locator("#slot-clips")
    held = Held(page, 2)
    choose(
        slot,
        a_video(tmp_path / "first.mp4", size=10 * MIB, seed=1),
        a_video(tmp_path / "second.mp4", size=10 * MIB, seed=2),
    )
    held.wait()
    first, second = slot.locator("[data-uploads] li").all()
    assert "Starts when the file before it has arrived" in second.inner_text()
    meter = first.get_by_role("progressbar", name="Upload of first.mp4")
    assert re.match(r"\d+ %, ", meter.get_attribute("aria-valuetext") or "")

    first.get_by_role("button", name="Pause the upload of first.mp4").focus()
    page.keyboard.press("Enter")
    first.get_by_text("Paused", exact=True).wait_for()
    assert page.evaluate("document.activeElement.innerText").startswith("Go on")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert serious_faults(page) == []
    held.release()
    second.get_by_text("Being checked", exact=True).wait_for()
    page.keyboard.press("Enter")
    first.get_by_text("Being checked", exact=True).wait_for()
    reconcile.run("uploads.take_in")
    slot.get_by_role("link", name="first.mp4", exact=True).wait_for()
    slot.get_by_role("link", name="second.mp4", exact=True).wait_for()

    held = Held(page, 2)
    choose(slot, a_video(tmp_path / "third.mp4", size=10 * MIB, seed=3))
    held.wait()
    page.get_by_role("button", name="Cancel the upload of third.mp4").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert Upload.objects.get(name="third.mp4").state == "open"
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_text("The upload of third.mp4 was cancelled. Nothing of it is kept.").wait_for()
    assert slot.locator("[data-uploads] li").count() == 0
    assert Upload.objects.get(name="third.mp4").state == "aborted"
    assert Evidence.objects.count() == 2


def test_what_is_left_of_an_upload_can_be_cancelled_after_a_reload(
    browse: Callable[[], Page], tmp_path: Path
) -> None:
    page = browse()
    held = Held(page, 2)
    choose(page.locator("#slot-lesson"), a_video(tmp_path / "lesson.mp4", size=10 * MIB))
    held.wait()
    page.context.close()
    page = browse()
    page.get_by_role("button", name="Cancel the upload of lesson.mp4").click()
    page.locator("dialog[open]").get_by_role("button", name="Cancel the upload").click()
    page.get_by_text("was cancelled. Nothing of it is kept.").wait_for()
    assert Upload.objects.get().state == "aborted"
    page.reload()
    assert page.locator("[data-uploads] li").count() == 0


def test_an_upload_goes_on_after_the_next_sign_in_and_when_its_file_is_chosen_again(
    browse: Callable[[], Page], parts_sent: Counter[int], tmp_path: Path
) -> None:
    page = browse()
    slot = page.locator("#slot-lesson")
    held = Held(page, 2)
    video = a_video(tmp_path / "lesson.mp4", size=18 * MIB)
    choose(slot, video)
    held.wait()
    session = page.context.cookies()
    page.context.clear_cookies()
    held.release()
    slot.get_by_text("You are signed out.").wait_for()
    page.context.add_cookies(session)  # type: ignore[arg-type]
    held = Held(page, 3)
    slot.get_by_role("button", name="Go on").click()
    held.wait()
    slot.get_by_role("button", name="Pause").click()
    held.cut()
    choose(slot, video)
    wait_for_verdict(slot)
    slot.get_by_text("Complete", exact=True).wait_for()
    assert Upload.objects.count() == 1
    assert parts_sent == dict.fromkeys(range(1, 4), 1)


def test_a_refused_file_says_why_beside_its_slot_and_stays_until_it_is_read(
    browse: Callable[[], Page], tmp_path: Path
) -> None:
    broken = tmp_path / "lesson.mp4"
    broken.write_bytes(random.Random(4).randbytes(9 * MIB))
    page = browse()
    slot = page.locator("#slot-lesson")
    choose(slot, broken)
    wait_for_verdict(slot)
    slot.get_by_text("Not accepted", exact=True).wait_for()
    reason = Upload.objects.get().problem
    assert reason in slot.locator("[data-uploads]").inner_text()
    assert reason in page.locator("#announcements").inner_text()

    too_large = tmp_path / "too-large.mp4"
    with too_large.open("wb") as file:
        file.truncate(65 * MIB)
    choose(slot, too_large)
    slot.get_by_text("Not accepted", exact=True).nth(1).wait_for()
    assert "64 MB" in slot.locator("[data-uploads] li").last.inner_text()
    assert reason in slot.locator("[data-uploads]").inner_text()
    for button in slot.get_by_role("button", name="Close the message").all()[::-1]:
        button.click()
    assert slot.locator("[data-uploads] li").count() == 0
    assert not Evidence.objects.exists()
