"""A large file on its way: the line breaks, the page is reloaded, the browser crashes; no part goes twice."""

from __future__ import annotations

import random
import re
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil
import pytest
from django.conf import settings as django_settings
from django.core.signals import request_started
from django.test import Client

from certification.kernel import clock, reconcile
from portfolio.models import Entry, Evidence, Slot, Upload
from portfolio.uploads import storing
from portfolio.uploads.inspect import digest_of
from portfolio.uploads.parts import FOLDER, key_of
from portfolio.uploads.rules import part_bytes_for, part_count
from tests.conftest import own_chromium
from tests.factories import portfolio as make
from tests.factories.uploads import a_video
from tests.fakes import buckets
from tests.fakes.buckets import Peer

from .test_accessibility import serious_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

MIB = 1024 * 1024
_HELD_WITHIN_SECONDS = 120
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
) -> Iterator[Callable[..., Page]]:
    """The entry's page in a profile of its own, as if on another device each time; in any browser."""
    settings.SITE_URL = live_server.url
    client = Client()
    client.force_login(entry.candidacy.account)
    name = django_settings.SESSION_COOKIE_NAME
    value = client.cookies[name].value
    opened: list[BrowserContext] = []

    def anew(browser: Browser = chromium, *, patience_seconds: int = 10) -> Page:
        profile = browser.new_context(
            base_url=live_server.url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        profile.set_default_timeout(1000 * patience_seconds)
        profile.add_cookies([{"name": name, "value": value, "url": live_server.url}])
        if browser is chromium:
            opened.append(profile)
        page = profile.new_page()
        page.goto(f"/portfolio/entries/{entry.pk}/")
        return page

    yield anew
    for profile in opened:
        profile.close()


class OwnBrowser:
    """A Chromium of the test's own, with a profile that begins empty, to be killed."""

    def __init__(self, like: Browser) -> None:
        self._mark = f"--of-the-test={uuid4().hex}"
        self.browser = like.browser_type.launch(
            executable_path=own_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", self._mark]
        )

    def kill(self) -> None:
        """SIGKILL, to every process of it at once: nothing can be saved or said goodbye to."""
        for process in psutil.process_iter(["cmdline"]):
            if self._mark in (process.info["cmdline"] or []):
                for child in [process, *process.children(recursive=True)]:
                    with suppress(psutil.NoSuchProcess):
                        child.kill()


@pytest.fixture
def another_browser(chromium: Browser) -> Iterator[Callable[[], OwnBrowser]]:
    started: list[OwnBrowser] = []

    def start() -> OwnBrowser:
        started.append(OwnBrowser(chromium))
        return started[-1]

    yield start
    for browser in started:
        browser.kill()


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


class Held:
    """Requests for one part that go nowhere until the test says what becomes of them."""

    def __init__(self, page: Page, number: int, pattern: str = "") -> None:
        self.page = page
        self.pattern = re.compile(pattern or rf"/parts/{number}/")
        self.routes: list[Route] = []
        page.route(self.pattern, lambda route: self.routes.append(route))

    def wait(self) -> None:
        until = monotonic() + _HELD_WITHIN_SECONDS
        while not self.routes:
            assert monotonic() < until, f"nothing was sent to {self.pattern.pattern}"
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


def test_300_megabytes_survive_two_cuts_a_reload_and_a_killed_browser_and_no_part_is_sent_twice(
    another_browser: Callable[[], OwnBrowser],
    browse: Callable[..., Page],
    parts_sent: Counter[int],
    tmp_path: Path,
) -> None:
    Slot.objects.filter(key="lesson").update(max_bytes=512 * MIB)
    video = a_video(tmp_path / "lesson.mp4", size=300 * MIB)
    step = part_bytes_for(300 * MIB)
    first = another_browser()
    page = browse(first.browser, patience_seconds=120)
    page.get_by_role("heading", level=1).click()
    slot = page.locator("#slot-lesson")

    held = Held(page, 8)
    choose(slot, video)
    page.locator("#announcements").get_by_text("Uploading lesson.mp4.").wait_for(state="attached")
    held.wait()
    page.context.set_offline(True)
    held.cut()
    slot.get_by_text("No connection", exact=True).wait_for()
    assert arrived(7, step) in slot.inner_text()
    cut_again = re.compile("/parts/14/")
    page.route(cut_again, lambda route: route.abort("connectionreset"))
    page.context.set_offline(False)

    slot.get_by_text("Uploading", exact=True).wait_for()
    slot.get_by_text("No connection", exact=True).wait_for()
    held = Held(page, 19)
    page.unroute(cut_again)
    held.wait()
    warned: list[str] = []

    def leave(dialog: Any) -> None:
        warned.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.reload()
    assert warned == ["beforeunload"]
    page.unroute(held.pattern)
    slot.get_by_text("To be continued").wait_for()
    assert f"{arrived(18, step)}. Choose the same file to go on." in slot.inner_text()

    held = Held(page, 24)
    choose(slot, video)
    held.wait()
    first.kill()

    second = another_browser()
    page = browse(second.browser, patience_seconds=120)
    slot = page.locator("#slot-lesson")
    assert arrived(23, step) in slot.inner_text()
    choose(slot, video)
    wait_for_verdict(slot)
    slot.get_by_text("Filled", exact=True).wait_for()
    assert slot.get_by_role("link", name="lesson.mp4", exact=True).is_visible()
    assert slot.locator("[data-uploads] li").count() == 0

    digest = digest_of(video)
    evidence = Evidence.objects.get()
    assert digest_of(Path(storing.originals().path(evidence.storage_key))) == digest
    assert evidence.sha256 == Upload.objects.get().sha256 == digest
    assert parts_sent == dict.fromkeys(range(1, 1 + part_count(300 * MIB, step)), 1)
    video.unlink()
    storing.originals().delete(evidence.storage_key)


def arrived(parts: int, step: int) -> str:
    return f"{parts * step / MIB:.1f} MB of 300.0 MB arrived"


def test_parts_go_straight_into_a_bucket_of_another_origin_when_policy_and_bucket_allow_it(
    browse: Callable[..., Page],
    parts_sent: Counter[int],
    live_server: LiveServer,
    settings: Settings,
    tmp_path: Path,
) -> None:
    """The bucket is moto's, with the rule for other origins that docs/operations.md asks for."""
    policy = settings.CONTENT_SECURITY_POLICY
    with buckets.moto() as peer:
        settings.STORAGES = {**settings.STORAGES, "identity": peer.storage}
        rule = {"AllowedOrigins": [live_server.url], "AllowedMethods": ["PUT"], "ExposeHeaders": ["ETag"]}
        peer.client.put_bucket_cors(
            Bucket=buckets.BUCKET, CORSConfiguration={"CORSRules": [rule | {"AllowedHeaders": ["*"]}]}
        )
        video = a_video(tmp_path / "lesson.mp4", size=18 * MIB)
        page = browse(patience_seconds=60)
        choose(page.locator("#slot-lesson"), video)
        page.locator("#slot-lesson").get_by_text("No connection", exact=True).wait_for()
        assert parts_in(peer) == []
        page.context.close()

        connect = [*policy["DIRECTIVES"]["connect-src"], peer.endpoint]
        settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**policy["DIRECTIVES"], "connect-src": connect}}
        page = browse(patience_seconds=60)
        slot = page.locator("#slot-lesson")
        third = Held(page, 3, "partNumber=3&")
        choose(slot, video)
        third.wait()
        assert parts_in(peer) == [1, 2]
        page.context.close()

        page = browse(patience_seconds=60)
        slot = page.locator("#slot-lesson")
        put: Counter[str] = Counter()
        page.on("request", lambda request: put.update([request.url] if request.method == "PUT" else []))
        choose(slot, video)
        wait_for_verdict(slot)
        slot.get_by_text("Filled", exact=True).wait_for()
        assert [url.startswith(peer.endpoint) and "partNumber=3&" in url for url in put] == [True]

        evidence = Evidence.objects.get()
        digest = sha256(video.read_bytes()).hexdigest()
        assert evidence.sha256 == digest
        with storing.originals().open(evidence.storage_key) as stored:
            assert sha256(stored.read()).hexdigest() == digest
        assert parts_sent == {}
        assert peer.begun() == []


def parts_in(peer: Peer) -> list[int]:
    """The parts of the one upload that was begun in the bucket."""
    upload = Upload.objects.get()
    key = f"{FOLDER}/{key_of(upload.pk, upload.created_at)}"
    listed = peer.client.list_parts(Bucket=buckets.BUCKET, Key=key, UploadId=upload.storage_id)
    return [part["PartNumber"] for part in listed.get("Parts", [])]


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


def test_the_button_beside_a_file_that_began_by_itself_ends_nothing(
    browse: Callable[[], Page], tmp_path: Path
) -> None:
    """A large file is sent as soon as it is chosen; tired people press "Upload" all the same."""
    page = browse()
    slot = page.locator("#slot-lesson")
    upload = slot.get_by_role("button", name=re.compile("^Upload"))
    upload.click()
    page.get_by_text("Choose a file first.").wait_for()

    held = Held(page, 2)
    choose(slot, a_video(tmp_path / "lesson.mp4", size=10 * MIB))
    held.wait()
    upload.click()
    page.get_by_text("lesson.mp4 is on its way already.").wait_for()
    held.release()
    wait_for_verdict(slot)
    slot.get_by_role("link", name="lesson.mp4", exact=True).wait_for()


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
    slot.get_by_text("Filled", exact=True).wait_for()
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
