"""The portfolio's pages: who opens them, what a form sent wrong, twice, late or elsewhere comes to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from candidates.models import Candidacy
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from portfolio import cards, sealing, services
from portfolio.models import Entry, Evidence, Framework, Receipt, Slot
from portfolio.states import EntryState
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


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def client(candidacy: Candidacy) -> Client:
    return signed_in(candidacy.account)


def send(client: Client, entry: Entry, file: SimpleUploadedFile, slot: str = "written") -> Any:
    return client.post(reverse("portfolio:upload", args=[entry.pk, slot]), {"file": file})


def without_token(response: Any) -> str:
    """The page without the one thing that differs each time: the masked form token."""
    return re.sub(r"\b\w{64}\b", "", response.content.decode())


# ---- everybody ----


def test_the_directions_are_public_and_carry_slots_limits_and_look_fors() -> None:
    make.a_framework()

    listed = Client().get(reverse("portfolio:frameworks")).content.decode()
    shown = Client().get(reverse("portfolio:directions", args=["two-entry"])).content.decode()

    assert reverse("portfolio:directions", args=["pilot-seven"]) in listed
    for words in (
        "Identify conversation",
        "At most 10 minutes",
        "To be confirmed by ICG",
        "Sustained growth",
    ):
        assert words in shown
    assert Client().get(reverse("portfolio:directions", args=["no-such"])).status_code == 404


def test_the_directions_cost_the_same_for_two_entries_and_for_seven(django_assert_num_queries: Any) -> None:
    make.a_framework()
    for slug in ("two-entry", "pilot-seven"):
        # A fixed clock asks the database nothing; a travelled one does so once in a while.
        with clock.fixed(clock.now()), django_assert_num_queries(6):
            Client().get(reverse("portfolio:directions", args=[slug]))


# ---- the way through ----


def test_a_candidate_begins_uploads_submits_withdraws_and_reads_receipts(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    begin = reverse("portfolio:begin", args=["entry-1"])
    assert "Start preparing" in client.get(begin).content.decode()

    began = client.post(begin)
    entry = Entry.objects.get()
    page = reverse("portfolio:entry", args=[entry.pk])
    assert began["Location"] == page
    assert client.get(begin)["Location"] == page
    assert "is empty" in client.get(page).content.decode()

    sent = send(client, entry, make.an_upload(2))
    assert sent["Location"] == f"{page}#slot-written"
    shown = client.get(page).content.decode()
    assert "written.pdf" in shown
    assert "Review and submit" in shown

    submit = reverse("portfolio:submit", args=[entry.pk])
    assert client.get(submit).status_code == 200
    unconfirmed = client.post(submit)
    assert unconfirmed.status_code == 422
    assert "Affirm this before you submit." in unconfirmed.content.decode()
    submitted = client.post(submit, make.AFFIRMED)
    receipt = Receipt.objects.get()
    assert submitted["Location"] == reverse("portfolio:receipt", args=[receipt.number])
    proof = client.get(submitted["Location"]).content.decode()
    assert Evidence.objects.get().sha256 in proof
    assert receipt.digest in proof
    assert client.post(submit, make.AFFIRMED)["Location"] == submitted["Location"]

    assert client.post(reverse("portfolio:withdraw", args=[entry.pk]))["Location"] == page
    assert "An earlier submission" in client.get(submitted["Location"]).content.decode()
    client.post(reverse("portfolio:remove", args=[Evidence.objects.get().pk]))
    assert (
        "written.pdf"
        not in client.get(page).content.decode().partition("Receipts")[0].partition("slot-written")[2]
    )


def test_the_original_comes_back_byte_for_byte_and_the_look_is_on_record(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    content = make.a_pdf(2)
    piece = make.add(make.a_draft(candidacy, now), now, content=content, name='Ms. "Ä" <b>.pdf')

    response = client.get(reverse("portfolio:original", args=[piece.pk]))

    assert response.getvalue() == content
    assert response["Content-Disposition"].startswith("attachment;")
    assert "no-store" in response["Cache-Control"]
    look = AuditEvent.objects.get(action="opened original")
    assert (look.actor_id, look.subject_id) == (candidacy.account_id, str(piece.pk))


# ---- wrong, twice, late, elsewhere ----


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "empty.pdf", "is empty (0 bytes)"),
        (b"MZ program", "written.pdf", "a Windows program"),
        (b"%PDF-1.4 cut", "written.pdf", "broken or incomplete PDF"),
    ],
)
def test_a_bad_file_is_refused_beside_its_slot_and_nothing_is_kept(
    client: Client, candidacy: Candidacy, now: datetime, content: bytes, name: str, sentence: str
) -> None:
    entry = make.a_draft(candidacy, now)

    response = send(client, entry, SimpleUploadedFile(name, content))

    assert response.status_code == 422
    shown = response.content.decode()
    assert sentence in shown
    assert 'id="written_file_error"' in shown
    assert not Evidence.objects.exists()


def test_a_name_that_a_browser_escaped_is_kept_as_it_was(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    entry = make.a_draft(candidacy, now)

    sent = send(client, entry, make.an_upload(name="My %22best%22%0D%0A 100%25 essay.pdf"))

    assert "“My &quot;best&quot; 100%25 essay.pdf” is in" in client.get(sent["Location"]).text
    evidence = Evidence.objects.get()
    assert evidence.original_name == 'My "best" 100%25 essay.pdf'
    given = client.get(reverse("portfolio:original", args=[evidence.pk]))
    assert "My%20%22best%22%20100%2525%20essay.pdf" in given["Content-Disposition"]


def test_no_file_at_all_says_so(client: Client, candidacy: Candidacy, now: datetime) -> None:
    entry = make.a_draft(candidacy, now)

    response = client.post(reverse("portfolio:upload", args=[entry.pk, "written"]))

    assert response.status_code == 422
    assert "Choose a file first" in response.content.decode()


def test_a_file_beyond_the_limit_is_not_even_written_down(
    client: Client, candidacy: Candidacy, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", str(tmp_path))
    entry = make.a_draft(candidacy, now)
    Slot.objects.filter(template=entry.template, key="written").update(max_bytes=100_000)
    received: list[object] = []
    monkeypatch.setattr(services, "add_evidence", lambda **given: received.append(given))

    response = send(client, entry, SimpleUploadedFile("big.pdf", b"%PDF-1.4" + b"x" * 5_000_000))

    assert response.status_code == 422
    assert "yours is larger" in response.content.decode()
    assert received == []
    assert list(tmp_path.iterdir()) == []


def test_an_upload_without_the_token_is_refused(candidacy: Candidacy, now: datetime) -> None:
    entry = make.a_draft(candidacy, now)

    response = send(signed_in(candidacy.account, enforce_csrf_checks=True), entry, make.an_upload())

    assert response.status_code == 403
    assert not Evidence.objects.exists()


def test_the_same_upload_twice_is_one_file(client: Client, candidacy: Candidacy, now: datetime) -> None:
    entry = make.a_draft(candidacy, now)

    assert (
        send(client, entry, make.an_upload())["Location"] == send(client, entry, make.an_upload())["Location"]
    )
    assert Evidence.objects.count() == 1


def test_late_forms_change_nothing_and_say_when_it_closed(client: Client, candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    last = closes - timedelta(microseconds=1)
    draft = make.a_complete_draft(candidacy, last)
    submitted = make.a_submitted_entry(candidacy, last, key="entry-2")

    with clock.fixed(closes):
        late = [
            send(client, draft, make.an_upload(3)),
            client.post(reverse("portfolio:submit", args=[draft.pk]), make.AFFIRMED),
            client.post(reverse("portfolio:withdraw", args=[submitted.pk])),
        ]

    assert [response.status_code for response in late] == [422, 409, 409]
    for response in late:
        assert "closed on 15 June 2027, 23:59 CDT" in response.content.decode()
    assert set(Entry.objects.values_list("state", flat=True)) == {EntryState.DRAFT, EntryState.SUBMITTED}
    assert Evidence.objects.count() == 2


def test_too_early_is_told_with_the_day(client: Client, candidacy: Candidacy) -> None:
    before = make.window_of(candidacy).opens - timedelta(days=10)
    entry = make.a_complete_draft(candidacy, before)

    with clock.fixed(before):
        response = client.post(reverse("portfolio:submit", args=[entry.pk]), make.AFFIRMED)

    assert response.status_code == 409
    assert "opens on 1 May 2027, 00:00 CDT" in response.content.decode()


def test_another_candidate_sees_the_same_as_for_what_does_not_exist(
    candidacy: Candidacy, now: datetime
) -> None:
    entry = make.a_complete_draft(candidacy, now)
    receipt = make.submit(entry, now)
    piece = entry.evidence.get()
    stranger = signed_in(make.a_candidate(candidacy.cohort).account)
    absent = "00000000-0000-4000-8000-000000000000"

    for method, name, args, missing in (
        ("get", "entry", [entry.pk], [absent]),
        ("get", "submit", [entry.pk], [absent]),
        ("post", "submit", [entry.pk], [absent]),
        ("post", "withdraw", [entry.pk], [absent]),
        ("post", "upload", [entry.pk, "written"], [absent, "written"]),
        ("get", "original", [piece.pk], [absent]),
        ("post", "remove", [piece.pk], [absent]),
        ("get", "receipt", [receipt.number], ["R-0000000000"]),
    ):
        theirs = getattr(stranger, method)(reverse(f"portfolio:{name}", args=args))
        nobodys = getattr(stranger, method)(reverse(f"portfolio:{name}", args=missing))
        assert (theirs.status_code, nobodys.status_code) == (404, 404), name
        assert without_token(theirs) == without_token(nobodys), name
    entry.refresh_from_db()
    assert entry.state == EntryState.SUBMITTED


@pytest.mark.parametrize("role", [Role.SCORER, Role.LEAD_SCORER, Role.SPONSOR])
def test_only_candidates_have_entries(role: Role, settings: Any) -> None:
    settings.MFA_REQUIRED = False
    user = User.objects.create_user("other@example.org", "pass-word-1234", role=role)

    assert signed_in(user).get(reverse("portfolio:entries")).status_code == 404


def test_somebody_who_is_not_registered_is_told_where_to_begin() -> None:
    user = User.objects.create_user("new@example.org", "pass-word-1234")

    shown = signed_in(user).get(reverse("portfolio:entries"))

    assert shown.status_code == 200
    assert "No entries yet" in shown.content.decode()


def test_after_the_deadline_the_pages_are_honest_before_and_after_the_sweep(
    client: Client, candidacy: Candidacy
) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_submitted_entry(candidacy, closes - timedelta(days=1))
    page = reverse("portfolio:entry", args=[entry.pk])

    with clock.fixed(closes):
        before = client.get(page).content.decode()
        sealing.seal_due(closes)
        after = client.get(page).content.decode()

    for shown in (before, after):
        assert "Being scored" in shown
        assert "Withdraw" not in shown


def test_whether_the_limits_hold_and_what_consent_asks_follow_the_clock_and_the_state(
    client: Client, candidacy: Candidacy, now: datetime
) -> None:
    Framework.objects.update(to_be_confirmed=True)
    entry = make.a_complete_draft(candidacy, now)
    make.a_video(entry, now)
    page = reverse("portfolio:entry", args=[entry.pk])

    with clock.fixed(now - timedelta(days=1)):
        assert "will confirm or change them before submission opens" in client.get(page).text
    within = client.get(page).text
    assert "These limits hold for this window unless the office tells you otherwise." in within
    assert "can be submitted once a release form covers everybody" in within
    assert "Review and submit" not in within

    receipt = make.submit(entry, now)
    assert "once a release form covers everybody" not in client.get(page).text
    proof = client.get(reverse("portfolio:receipt", args=[receipt.number])).text
    assert "here since <span" in " ".join(proof.split())
    assert proof.count("<time") >= 5  # submitted, each file, each affirmation


# ---- cost ----


def test_the_page_tells_its_script_how_large_a_file_of_one_part_may_be(
    client: Client, candidacy: Candidacy, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "LEAST_PART_BYTES", 12 * 1024 * 1024)
    entry = make.a_draft(candidacy, now)
    make.a_video(entry, now)
    page = client.get(reverse("portfolio:entry", args=[entry.pk])).text
    assert 'data-one-part="12582912"' in page
    assert "A file of more than 12 MB starts as soon as it is chosen." in page


def test_the_entry_page_costs_the_same_for_one_file_and_for_three(
    client: Client, candidacy: Candidacy, now: datetime, django_assert_num_queries: Any
) -> None:
    entry = make.a_complete_draft(candidacy, now)
    page = reverse("portfolio:entry", args=[entry.pk])
    with django_assert_num_queries(16):
        client.get(page)
    for note in ("one", "two"):
        make.add(entry, now, slot="notes", content=make.a_pdf(note=note))
    with django_assert_num_queries(16):
        client.get(page)


def test_a_file_that_fills_several_slots_says_so_beside_each(
    client: Client, candidacy: Candidacy, now: datetime, django_assert_num_queries: Any
) -> None:
    entry, other = (make.a_complete_draft(candidacy, now, key=key) for key in ("entry-1", "entry-2"))
    written = Slot.objects.get(template=entry.template, key="written").title
    pages = [reverse(f"portfolio:{page}", args=[entry.pk]) for page in ("entry", "submit")]
    make.add(other, now, slot="notes", content=make.a_pdf(note="mine"))
    twin = make.add(entry, now, slot="notes", content=make.a_pdf(note="mine"))
    for page in pages:
        assert "The same file is also in" not in client.get(page).text

    services.remove_evidence(evidence_id=twin.pk, by=candidacy.account, now=now)
    make.add(entry, now, slot="notes", name="again.pdf")

    with django_assert_num_queries(16):
        client.get(pages[0])
    for page in pages:
        shown = client.get(page).text
        assert shown.count("The same file is also in") == 2
        assert shown.count("The same file is also in “Notes”.") == 1
        assert f"The same file is also in “{written}”." in shown


def test_the_list_of_entries_costs_the_same_for_one_begun_and_for_two(
    client: Client, candidacy: Candidacy, now: datetime, django_assert_num_queries: Any
) -> None:
    for key in ("entry-1", "entry-2"):
        make.a_submitted_entry(candidacy, now, key=key)
        with django_assert_num_queries(18):
            client.get(reverse("portfolio:entries"))


# ---- staff ----


def test_staff_open_an_original_through_the_administration_and_leave_a_trace(
    candidacy: Candidacy, now: datetime, settings: Any
) -> None:
    settings.MFA_REQUIRED = False
    piece = make.add(make.a_draft(candidacy, now), now)
    staff = User.objects.create_superuser("boss@example.org", "pass-word-1234")
    client = signed_in(staff)

    entry_page = client.get(reverse("admin:portfolio_entry_change", args=[piece.entry_id]))
    original = client.get(reverse("admin:portfolio_original", args=[piece.pk]))

    assert reverse("admin:portfolio_original", args=[piece.pk]) in entry_page.content.decode()
    assert original.status_code == 200
    assert AuditEvent.objects.get(action="opened original").actor_id == staff.pk


def test_staff_change_a_slot_without_code(candidacy: Candidacy, settings: Any) -> None:
    settings.MFA_REQUIRED = False
    client = signed_in(User.objects.create_superuser("boss@example.org", "pass-word-1234"))
    for name in ("framework", "entrytemplate", "entry", "receipt"):
        assert client.get(reverse(f"admin:portfolio_{name}_changelist")).status_code == 200
    slot = Slot.objects.filter(key="written").first()
    assert slot is not None
    assert (
        client.get(reverse("admin:portfolio_entrytemplate_change", args=[slot.template_id])).status_code
        == 200
    )
