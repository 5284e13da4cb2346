"""The main pages of every role, as somebody sees them who needs them to be well made.

Each page is opened once in a wide window in the light theme and once as wide as a phone in the dark one;
axe looks at both.  What it calls serious or critical is a failure, as are a page without a title, without
exactly one first heading, and one that has to be pushed sideways on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as site_settings
from django.urls import reverse
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from candidates.models import Cohort
from certification.kernel import clock
from certification.season.files import make_mp4
from portfolio.models import Entry, Evidence, Slot
from portfolio.states import EntryState
from tests.factories import blinding, candidates, portfolio, previews
from tests.factories.accounts import signed_in
from tests.factories.worlds import NOW, two_worlds

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDE, PHONE = (1280, 900), (390, 844)
AXE = Axe()
SIZES = {"light": WIDE, "dark": PHONE}


@dataclass(frozen=True)
class Stop:
    """A page: who opens it, its name in the resolver, and what its address names.

    A value that the world knows is looked up there; any other stands for itself.
    """

    who: str
    name: str
    values: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.who}-{self.name}"


_REGISTRATION = {"registration_id": "registration_id"}
_ENTRY = {"entry_id": "entry_id"}
STOPS = [
    Stop("visitor", "home"),
    Stop("visitor", "process"),
    Stop("visitor", "requirements"),
    Stop("visitor", "standards"),
    Stop("visitor", "how_scoring_works"),
    Stop("visitor", "fees"),
    Stop("visitor", "questions"),
    Stop("visitor", "for_districts"),
    Stop("visitor", "contact"),
    Stop("visitor", "privacy"),
    Stop("visitor", "candidates:documents"),
    Stop("visitor", "verify"),
    Stop("visitor", "verify_number", {"number": "certificate"}),
    Stop("visitor", "portfolio:frameworks"),
    Stop("visitor", "portfolio:directions", {"slug": "two-entry"}),
    Stop("visitor", "candidates:register"),
    Stop("visitor", "candidates:document", {"kind": "requirements", "version": "1"}),
    Stop("visitor", "account_login"),
    Stop("visitor", "account_signup"),
    Stop("candidate", "dashboard"),
    Stop("candidate", "payments:order", {"order_id": "order_id"}),
    Stop("candidate", "portfolio:entries"),
    Stop("candidate", "portfolio:entry", _ENTRY),
    Stop("candidate", "portfolio:self_assessment", _ENTRY),
    Stop("candidate", "portfolio:preview", {"evidence_id": "read_id"}),
    Stop("candidate", "portfolio:preview", {"evidence_id": "watched_id"}),
    Stop("candidate", "portfolio:submit", _ENTRY),
    Stop("candidate", "portfolio:submit_at_close", _ENTRY),
    Stop("candidate", "portfolio:consent", _ENTRY),
    Stop("candidate", "portfolio:add_person", {"evidence_id": "video_id"}),
    Stop("candidate", "portfolio:rehearsal"),
    Stop("candidate", "portfolio:receipt", {"number": "receipt"}),
    Stop("candidate", "portfolio:results", {"candidacy_id": "candidacy_id", "year": "year"}),
    Stop("candidate", "portfolio:report", {"entry_id": "released_entry_id"}),
    Stop("candidate", "accounts:profile"),
    Stop("applicant", "candidates:about", _REGISTRATION),
    Stop("applicant", "candidates:work", _REGISTRATION),
    Stop("applicant", "candidates:affirm", _REGISTRATION),
    Stop("applicant", "candidates:review", _REGISTRATION),
    Stop("holder", "dashboard"),
    Stop("scorer", "scoring:queue"),
    Stop("scorer", "scoring:packet", {"code": "code"}),
    Stop("staff", "admin:index"),
    Stop("staff", "admin:candidates_candidacy_changelist"),
    Stop("staff", "admin:candidates_candidacy_change", {"object_id": "candidacy_id"}),
    Stop("staff", "admin:portfolio_blinding_look", {"blinding_id": "blinding_id"}),
]


@dataclass(frozen=True)
class Site:
    """Everybody who visits the site, and what the addresses of their pages name."""

    people: dict[str, User]
    names: dict[str, object]

    def address(self, stop: Stop) -> str:
        named = {key: self.names.get(value, value) for key, value in stop.values.items()}
        return reverse(stop.name, kwargs=named)


@pytest.fixture
def site(tmp_path: Path, settings: Settings) -> Iterator[Site]:
    """One world at NOW, and an entry of somebody else that waits for the second pair of eyes."""
    # The second step has tests of its own; here it would hide the pages behind it.
    settings.MFA_REQUIRED = False
    world, _ = two_worlds()
    of_the_world = Cohort.objects.get(candidacies__account=world.candidate)
    sealed = blinding.a_sealed_entry(tmp_path, candidates.candidacy(in_cohort=of_the_world), pages=2)
    to_check = blinding.a_cleaned_blinding(sealed, NOW)
    draft = Entry.objects.get(candidacy__account=world.candidate, state=EntryState.DRAFT)
    read, watched = _previewed(draft, tmp_path)
    people = {
        "candidate": world.candidate,
        "applicant": world.applicant,
        "holder": world.holder,
        "scorer": world.scorer,
        "staff": portfolio.a_staff_member(),
    }
    clock.travel_to(NOW)
    more = {"blinding_id": to_check.pk, "read_id": read.pk, "watched_id": watched.pk}
    yield Site(people, {**world.names, **more})
    clock.travel_back()


def _previewed(entry: Entry, folder: Path) -> tuple[Evidence, Evidence]:
    """A document and a video of a draft as scorers will see them, with something found in each."""
    Slot.objects.create(
        template=entry.template,
        key="watched",
        title="The lesson, filmed",
        purpose="The talk.",
        kind="video",
        required=False,
        max_minutes=10,
        max_bytes=50 * 1024 * 1024,
        formats=["mp4"],
        ordinal=10,
    )
    read = portfolio.add(entry, NOW, slot="notes", content=portfolio.a_pdf(note="read"), name="read.pdf")
    found = previews.ready_document(read, NOW)
    previews.seen(found, "page 2", "unread", page=2, covered=False)
    previews.seen(found, "page 1", "name", "as Coach 1 said", page=1)
    clip = make_mp4(folder / "clip.mp4", identity=blinding.IDENTITY)
    watched = portfolio.add(entry, NOW, slot="watched", content=clip.read_bytes(), name="clip.mp4")
    previews.seen(previews.ready_video(watched, NOW, file=clip), "metadata:artist", "name", "Coach 1")
    return read, watched


@pytest.fixture
def tabs(site: Site, chromium: Browser, live_server: LiveServer) -> Iterator[dict[str, Page]]:
    """One browser for each person, who is signed in."""
    opened = {
        who: chromium.new_context(base_url=live_server.url, reduced_motion="reduce")
        for who in ("visitor", *site.people)
    }
    for who, person in site.people.items():
        session = signed_in(person).cookies[site_settings.SESSION_COOKIE_NAME].value
        opened[who].add_cookies(
            [{"name": site_settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
    yield {who: profile.new_page() for who, profile in opened.items()}
    for profile in opened.values():
        profile.close()


@pytest.mark.django_db(transaction=True)
def test_every_page_is_open_to_everybody(
    site: Site, tabs: dict[str, Page], subtests: pytest.Subtests
) -> None:
    """One test of many parts: making the world takes longer than looking at a page of it."""
    titles: set[tuple[str, str]] = set()
    for stop in STOPS:
        page = tabs[stop.who]
        _look(page, "light")
        with subtests.test(page=str(stop), check="it opens"):
            _open(page, site.address(stop))
        for theme in SIZES:
            _look(page, theme)
            with subtests.test(page=str(stop), check=f"no serious fault, {theme}"):
                faults = serious_faults(page)
                assert not faults, "\n".join(faults)
        with subtests.test(page=str(stop), check="no wider than a phone"):
            assert too_wide(page) == []
        with subtests.test(page=str(stop), check="one first heading"):
            (heading,) = page.locator("h1").all_inner_texts()
            assert heading.strip()
        with subtests.test(page=str(stop), check="a title that no other page of this person has"):
            title = page.title()
            assert title.partition("·")[0].strip()
            assert (stop.who, title) not in titles
            titles.add((stop.who, title))


def _open(page: Page, address: str) -> None:
    response = page.goto(address)
    assert response is not None
    assert response.status == 200
    assert page.url.endswith(address), f"{address} led to {page.url}"


def _look(page: Page, theme: str) -> None:
    width, height = SIZES[theme]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    # A colour on its way to the other theme would be measured halfway.
    page.evaluate(
        """async () => {
             const moving = () => document.getAnimations().filter(one => one instanceof CSSTransition);
             while (moving().length) await Promise.allSettled(moving().map(one => one.finished));
           }"""
    )


def serious_faults(page: Page) -> list[str]:
    """One line for each element with a fault that keeps somebody out or makes it hard for them."""
    # Brought to each page once, and asked for its faults alone: what it tells besides is most of the wait.
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE.axe_script)
    found: list[dict[str, Any]] = page.evaluate(
        """async () => (await axe.run({ resultTypes: ["violations"] })).violations"""
    )
    return [
        f"{fault['id']} ({fault['impact']}): {' '.join(map(str, node['target']))} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


def too_wide(page: Page) -> list[str]:
    """What reaches beyond the right edge of a page that can be pushed sideways; empty when it cannot be."""
    found: list[str] = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
             ["page: " + document.documentElement.scrollWidth + " px",
              ...[...document.body.querySelectorAll("*")]
               .filter(element => element.getBoundingClientRect().right > innerWidth + 0.5)
               .map(element => element.tagName.toLowerCase() + "." + element.classList)]"""
    )
    return found


def test_planted_faults_are_reported(page: Page) -> None:
    """The control: the same looks find what is known to be wrong."""
    _look(page, "dark")
    page.set_content(
        """<!doctype html><html lang="en"><head><title>Planted</title>
           <meta name="viewport" content="width=device-width"></head>
           <body style="background: #fff"><h1>Planted</h1><img src="data:," width="9" height="9">
           <p style="color: #ccc">Hardly to be read</p><div class="shelf" style="width: 800px">Wide</div>"""
    )
    rules = {fault.partition(" ")[0] for fault in serious_faults(page)}
    assert {"image-alt", "color-contrast"} <= rules
    assert "div.shelf" in too_wide(page)
