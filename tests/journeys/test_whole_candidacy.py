"""The whole job in a browser: from the sign-up of a person nobody knows to a certificate a visitor checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from allauth.account.models import EmailAddress

from accounts.models import Role, User
from candidates.documents import publish_documents
from candidates.models import CohortYear
from candidates.services import create_cohort
from certification.kernel import clock, reconcile
from certification.season import files
from portfolio.blinding.identifiers import Identity
from portfolio.frameworks import load_frameworks
from scoring import api as scoring
from scoring.models import RubricEntry

from .steps import PASSWORD, Visit, create_account, register, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)

COACH = Identity(
    names=("Philomena Oyelaran-Whitcombe",),
    emails=("philomena@brightwater-schools.example",),
    organisations=("Brightwater Elementary School", "Brightwater Unified District"),
)


@pytest.fixture(autouse=True)
def _travelled_clock() -> Iterator[None]:
    yield
    clock.travel_back()


def test_a_person_registers_pays_submits_is_scored_and_is_certified(visit: Visit, tmp_path: Path) -> None:
    _announce_a_cohort()
    _travel_to(datetime(2026, 11, 5, 15, tzinfo=UTC))
    coach = visit("coach")
    _sign_up(coach)
    register(coach, name=COACH.names[0], school=COACH.organisations[0], district=COACH.organisations[1])
    _pay(coach)

    year = CohortYear.objects.get(number=1)
    _travel_to(year.submission_opens_at + timedelta(days=10))
    for title in ("Entry 1", "Entry 2"):
        _fill_and_submit(coach, title, tmp_path)

    _travel_to(year.submission_closes_at + timedelta(days=1))
    _check_blinding(visit("office"), visit("second"))
    reconcile.run_all()

    for name in ("scorer-a", "scorer-b"):
        _score_everything(visit(name), name)
    reconcile.run_all()

    _travel_to(year.release_at - timedelta(minutes=1))
    coach.goto("/dashboard/")
    assert "Your results" not in coach.locator("main").inner_text()

    _travel_to(year.release_at)
    coach.goto("/dashboard/")
    assert "You are certified" in coach.locator("main").inner_text()
    coach.get_by_role("link", name="Year 1").click()
    assert "3.50" in coach.locator("main").inner_text()
    coach.goto("/dashboard/")
    with coach.expect_download() as download:
        coach.get_by_role("link", name="Download your certificate").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    number = download.value.suggested_filename.removesuffix(".pdf")

    visitor = visit("visitor")
    visitor.goto("/")
    visitor.get_by_role("navigation", name="Main").get_by_role("link", name="Verify").click()
    visitor.get_by_label("Certificate number").fill(f" {number.lower()} ")
    visitor.get_by_role("button", name="Verify").click()
    assert "This certificate is valid" in visitor.locator("main").inner_text()
    assert "Philomena Oyelaran-Whitcombe" in visitor.locator("main").inner_text()


# ---- the stage ----


def _announce_a_cohort() -> None:
    load_frameworks()
    publish_documents(clock.now())
    create_cohort(number=10, name="Cohort 10", first_year=2027, framework_slug="two-entry")
    for name in ("office", "second"):
        _account(name, Role.STAFF, is_superuser=True)
    for number, name in enumerate(("scorer-a", "scorer-b"), start=1):
        scorer_id = scoring.enlist_scorer(
            account_id=_account(name, Role.SCORER).pk,
            alias=f"S{number:02d}",
            is_lead=False,
            employer="",
            district="",
        )
        for entry in RubricEntry.objects.filter(rubric__slug="two-entry"):
            scoring.qualify(
                scorer_id=scorer_id,
                rubric_entry_id=entry.pk,
                exact_percent=Decimal(80),
                within_one_percent=Decimal(100),
                now=clock.now(),
            )


def _account(name: str, role: Role, *, is_superuser: bool = False) -> User:
    account = User.objects.create_user(
        _address(name), PASSWORD, full_name=name.title(), role=role, is_superuser=is_superuser
    )
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account


def _address(name: str) -> str:
    return f"{name}@programme.example"


def _travel_to(instant: datetime) -> None:
    """Move the clock, and let the reconcilers do what beat would wake them for."""
    clock.travel_to(instant)
    reconcile.run_all()


# ---- the coach ----


def _sign_up(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Register", exact=True).click()
    page.get_by_role("link", name="Create an account").click()
    create_account(page, COACH.emails[0])


def _pay(page: Page) -> None:
    page.get_by_role("button", name="card").first.click()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url("**/payments/**")
    assert "Paid" in page.locator("main").inner_text()
    page.goto("/dashboard/")
    assert "C10-0001" in page.locator("main").inner_text()


def _fill_and_submit(page: Page, title: str, folder: Path) -> None:
    """Put a PDF into each document slot and an MP4 into each video slot, and hand the entry in."""
    pdf = files.make_pdf(
        files.named(folder, identity=COACH, label="Reflection", extension="pdf"), identity=COACH, pages=1
    )
    mp4 = files.make_mp4(
        files.named(folder, identity=COACH, label="Clip", extension="mp4"), identity=COACH, seconds=1
    )
    page.goto("/portfolio/")
    page.get_by_role("link", name=re.compile(title)).first.click()
    page.get_by_role("button", name="Start preparing").click()
    page.wait_for_url("**/portfolio/entries/**")
    slots = page.locator("section.card[id^=slot-]")
    for index in range(slots.count()):
        slot = slots.nth(index)
        if "Optional" in slot.inner_text():
            continue
        accepts = slot.locator("input[type=file]").get_attribute("accept") or ""
        slot.locator("input[type=file]").set_input_files(mp4 if ".mp4" in accepts else pdf)
        slot.get_by_role("button", name=re.compile("Upload")).click()
        slot.get_by_text("Filled", exact=True).wait_for()
    if page.locator("input[type=file][accept*='.mp4']").count():
        _record_consent(page, folder)
    page.get_by_role("link", name="Review and submit").click()
    for affirmation in page.get_by_role("checkbox").all():
        affirmation.check()
    page.get_by_role("button", name=f"Submit {title}").click()
    page.locator("dialog[open]").get_by_role("button", name="Submit it").click()
    page.wait_for_url("**/receipts/**")
    assert "SHA-256" in page.locator("main").inner_text()


def _record_consent(page: Page, folder: Path) -> None:
    """One form covers the teacher in the first clip; the other clips show the same people."""
    entry = page.url.partition("#")[0]
    page.goto(f"{entry}consent/")
    page.get_by_role("link", name="Add somebody").first.click()
    page.get_by_label("Who is seen or heard").fill("the teacher")
    form = files.make_pdf(folder / "release.pdf", identity=COACH, pages=1)
    page.locator("input[type=file]").set_input_files(form)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/consent/**")
    while (take_over := page.get_by_role("button", name="Take these people over")).count():
        with page.expect_navigation():
            take_over.first.click()
    assert "Everybody who is seen is covered." in page.locator("main").inner_text()
    page.goto(entry)


# ---- staff ----


def _check_blinding(office: Page, second: Page) -> None:
    """One staff person looks at every cleaned entry, another signs it off."""
    sign_in(office, _address("office"))
    sign_in(second, _address("second"))
    for person, button in (
        (office, "Checked: nobody can be recognised"),
        (second, "Sign off and hand to scorers"),
    ):
        person.goto("/admin/portfolio/blinding/")
        rows = person.locator("#result_list tbody th a")
        links = [row.get_attribute("href") or "" for row in rows.all()]
        assert len(links) == 2
        for link in links:
            person.goto(link)
            person.get_by_role("checkbox").check()
            with person.expect_navigation():
                person.get_by_role("button", name=button).click()
                if person is second:
                    person.locator("dialog[open]").get_by_role("button", name="Sign off").click()


# ---- scorers ----


def _score_everything(page: Page, name: str) -> None:
    sign_in(page, _address(name))
    for _ in range(2):
        page.goto("/scoring/")
        page.get_by_role("link", name="Start scoring").click()
        for word in ("Philomena", "Whitcombe", "Brightwater"):
            assert word not in page.content()
        points = "3.25" if name == "scorer-a" else "3.75"
        for mark in page.locator(f"input[type=radio][value='{points}']").all():
            mark.check(force=True)
        page.get_by_role("button", name="Submit marks").first.click()
        with page.expect_navigation():
            page.locator("dialog[open]").get_by_role("button", name="Submit marks").click()
