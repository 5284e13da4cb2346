"""The pages of the consent ledger: filling it in, and that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from candidates.models import Candidacy
from certification.kernel import bounded, clock
from certification.kernel.models import AuditEvent
from portfolio.consent import keeping, ledger
from portfolio.models import Entry, Evidence, PersonSeen, ReleaseForm
from portfolio.uploads import storing
from portfolio.uploads.storing import originals
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
    return make.a_complete_draft(candidacy, now)


@pytest.fixture
def video(entry: Entry, now: datetime) -> Evidence:
    return make.a_video(entry, now)


@pytest.fixture
def client(candidacy: Candidacy) -> Client:
    client = Client()
    client.force_login(candidacy.account)
    return client


def page_of(entry: Entry) -> str:
    return reverse("portfolio:consent", args=[entry.pk])


def adding(video: Evidence) -> str:
    return reverse("portfolio:add_person", args=[video.pk])


def a_scan(name: str = "release.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, make.a_scan(), content_type="image/png")


def test_a_person_is_added_with_a_form_sent_along(client: Client, entry: Entry, video: Evidence) -> None:
    assert "Nothing recorded" in client.get(page_of(entry)).text
    sent = client.post(adding(video), {"who": "the teacher", "for_scoring": "on", "file": a_scan()})

    assert sent["Location"] == f"{page_of(entry)}#video-{video.pk}"
    line = PersonSeen.objects.get()
    assert (line.release_form, line.for_scoring) == (ReleaseForm.objects.get(), True)
    shown = client.get(page_of(entry)).text
    assert "Everybody who is seen is covered." in shown
    assert "release.png" in shown


def test_a_name_that_a_browser_escaped_is_kept_as_it_was(
    client: Client, entry: Entry, video: Evidence
) -> None:
    client.post(adding(video), {"who": "the teacher", "for_scoring": "on", "file": a_scan("a%22.png")})
    other = SimpleUploadedFile("b%22.png", make.a_scan(7), content_type="image/png")
    client.post(reverse("portfolio:add_release_form", args=[entry.pk]), {"title": "Other", "file": other})

    assert set(ReleaseForm.objects.values_list("original_name", flat=True)) == {'a".png', 'b".png'}


def test_an_error_loses_neither_what_was_typed_nor_the_file(client: Client, video: Evidence) -> None:
    answer = client.post(
        adding(video), {"who": "", "minors": "on", "until_on": "soon", "for_research": "on", "file": a_scan()}
    )

    assert answer.status_code == 422
    form = ReleaseForm.objects.get()
    for kept in (
        f'<option value="{form.pk}" selected>',
        'value="soon"',
        "Say who is seen",
        "Write the day as year-month-day",
    ):
        assert kept in answer.text
    assert answer.text.count(" checked") == 2
    assert not PersonSeen.objects.exists()


def test_a_bad_form_is_refused_beside_its_field_and_the_rest_stays(client: Client, video: Evidence) -> None:
    answer = client.post(adding(video), {"who": "the teacher", "file": SimpleUploadedFile("x.pdf", b"MZ")})
    assert answer.status_code == 422
    assert "not a form we can open" in answer.text
    assert 'value="the teacher"' in answer.text
    assert not ReleaseForm.objects.exists()


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (bounded.Interrupted(), "could not be looked at just now. Wait a minute and send it again."),
        (bounded.Failed("Traceback"), "not a form we can open"),
        (bounded.OutOfBounds("time"), "not a form we can open"),
    ],
    ids=["interrupted", "failed", "beyond"],
)
def test_a_form_that_nobody_could_look_at_costs_nothing_that_was_typed(
    client: Client, video: Evidence, monkeypatch: pytest.MonkeyPatch, ending: Exception, said: str
) -> None:
    def end(*_: object, **__: object) -> None:
        raise ending

    monkeypatch.setattr(keeping, "run_bounded", end)
    answer = client.post(adding(video), {"who": "the teacher", "file": a_scan()})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="the teacher"' in answer.text
    assert not ReleaseForm.objects.exists()


def test_a_form_is_on_the_disk_before_it_is_acknowledged(
    entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(storing, "_sync", synced.append)
    form = make.a_release_form(entry, now)
    kept = Path(originals().path(form.storage_key))
    assert kept.is_relative_to(Path(originals().path("release-forms")))
    assert synced == [kept, kept.parent, kept.parent.parent]


def test_a_year_without_dates_is_a_sentence(
    client: Client, entry: Entry, video: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger.candidates, "cohort_years", list)
    answer = client.get(page_of(entry))
    assert answer.status_code == 409
    assert "has no dates yet" in answer.text
    assert "has no dates yet" in " ".join(gap.sentence for gap in ledger.gaps_of(entry))


def test_a_form_beyond_the_limit_is_not_even_written_down(
    client: Client, video: Evidence, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_settings, "FILE_UPLOAD_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(keeping, "MAX_BYTES", 1000)
    answer = client.post(adding(video), {"who": "x", "file": SimpleUploadedFile("x.pdf", b"x" * 5_000_000)})
    assert answer.status_code == 422
    assert "at most 20 MB" in answer.text
    assert list(tmp_path.iterdir()) == []


def test_without_the_token_nothing_is_taken(candidacy: Candidacy, entry: Entry, video: Evidence) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(candidacy.account)
    for address in (adding(video), reverse("portfolio:add_release_form", args=[entry.pk])):
        assert client.post(address, {"who": "x", "file": a_scan()}).status_code == 403
    assert not ReleaseForm.objects.exists()


def test_a_line_is_edited_and_removed(client: Client, entry: Entry, video: Evidence, now: datetime) -> None:
    line = make.a_person(video, now, make.a_release_form(entry, now))
    page = reverse("portfolio:person", args=[line.pk])
    assert 'value="the teacher"' in client.get(page).text

    client.post(page, {"who": "Ms. Lee", "release_form": str(line.release_form_id), "until_on": "2030-01-02"})

    line.refresh_from_db()
    assert (line.who, line.for_scoring, str(line.until_on)) == ("Ms. Lee", False, "2030-01-02")
    assert "does not allow scoring" in client.get(page_of(entry)).text
    client.post(reverse("portfolio:remove_person", args=[line.pk]))
    assert not PersonSeen.objects.exists()


def test_people_are_taken_over_with_one_press(
    client: Client, entry: Entry, video: Evidence, now: datetime
) -> None:
    make.a_person(video, now, make.a_release_form(entry, now))
    other = make.a_video(entry, now, name="two.mp4")
    assert "Take these people over" in client.get(page_of(entry)).text

    client.post(reverse("portfolio:copy_people", args=[other.pk]), {"source": str(video.pk)})

    assert "Everybody who is seen is covered." in client.get(page_of(entry)).text


def test_nobody_is_stated_and_taken_back(client: Client, entry: Entry, video: Evidence) -> None:
    address = reverse("portfolio:nobody_seen", args=[video.pk])
    client.post(address)
    assert "nobody can be recognised in this video" in client.get(page_of(entry)).text
    client.post(address, {"take_back": "1"})
    assert "Nobody is recorded for this video yet." in client.get(page_of(entry)).text


def test_forms_are_uploaded_downloaded_and_removed(client: Client, entry: Entry) -> None:
    sent = client.post(
        reverse("portfolio:add_release_form", args=[entry.pk]), {"file": a_scan(), "title": "Class list"}
    )
    form = ReleaseForm.objects.get()
    assert sent["Location"] == f"{page_of(entry)}#forms"
    download = client.get(reverse("portfolio:release_form", args=[form.pk]))
    assert download.getvalue() == make.a_scan()
    assert download["Content-Disposition"].startswith("attachment;")
    assert AuditEvent.objects.filter(action="opened release form").count() == 1

    client.post(reverse("portfolio:remove_release_form", args=[entry.pk, form.pk]))
    assert client.get(reverse("portfolio:release_form", args=[form.pk])).status_code == 404


def test_a_form_leaves_with_the_headers_of_every_file(client: Client, entry: Entry, now: datetime) -> None:
    form = make.a_release_form(entry, now)
    address = reverse("portfolio:release_form", args=[form.pk])
    whole = client.get(address)
    for header, said in {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": "attachment; filename*=utf-8''release.png",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "private, no-store",
        "ETag": f'"{form.sha256}"',
    }.items():
        assert whole[header] == said
    rest = client.get(address, headers={"Range": "bytes=4-"})
    assert (rest.status_code, rest.getvalue()) == (206, make.a_scan()[4:])


def test_a_look_at_a_form_is_on_record_before_the_form_is_opened(
    client: Client, entry: Entry, now: datetime
) -> None:
    form = make.a_release_form(entry, now)
    originals().delete(form.storage_key)
    assert client.get(reverse("portfolio:release_form", args=[form.pk])).status_code == 404
    assert AuditEvent.objects.filter(action="opened release form").count() == 1


def test_what_is_submitted_is_shown_and_not_changed(
    client: Client, entry: Entry, video: Evidence, now: datetime
) -> None:
    line = make.a_person(video, now, make.a_release_form(entry, now))
    make.submit(entry, now)
    shown = client.get(page_of(entry)).text
    assert "cannot change now" in shown
    assert "Add somebody" not in shown
    answer = client.post(reverse("portfolio:remove_person", args=[line.pk]))
    assert answer.status_code == 409
    assert "Withdraw it first" in answer.text


def test_the_page_costs_the_same_for_one_video_and_for_three(
    client: Client, entry: Entry, now: datetime, django_assert_max_num_queries: Any
) -> None:
    form, counts = make.a_release_form(entry, now), []
    for name in ("one.mp4", "two.mp4", "three.mp4"):
        make.a_person(make.a_video(entry, now, name=name), now, form)
        with django_assert_max_num_queries(30) as asked:
            client.get(page_of(entry))
        counts.append(len(asked.captured_queries))
    assert len(set(counts)) == 1, counts


def test_staff_read_the_ledger_beside_the_entry(
    entry: Entry, video: Evidence, now: datetime, settings: Any
) -> None:
    settings.MFA_REQUIRED = False
    form = make.a_release_form(entry, now, title="Class list")
    make.a_person(video, now, form, who="the class")
    staff = Client()
    staff.force_login(User.objects.create_superuser("boss@example.org", "pass-word-1234"))

    shown = staff.get(reverse("admin:portfolio_entry_change", args=[entry.pk])).text

    download = reverse("admin:portfolio_release_form", args=[form.pk])
    for words in ("the class", "Class list", download, "Extend the deadline"):
        assert words in shown
    assert staff.get(download).getvalue() == make.a_scan()
