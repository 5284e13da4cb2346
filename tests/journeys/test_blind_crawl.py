"""Everything a scorer can reach, searched for the person whose work it is.

An entry whose files name the candidate everywhere goes through the real services and reconcilers to two
scorers and an adjudicator.  Each of them follows every link and presses every button; nothing that
comes back, is mailed to them or is logged meanwhile may hold the person's name, address, school,
district, number, or any key of the other side of the wall.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from pytest_django import Settings

from candidates.models import Candidacy
from certification.kernel import clock, reconcile
from certification.kernel.models import OutboxMessage
from portfolio.blinding import services as blinding
from portfolio.blinding.identifiers import search_terms
from portfolio.models import Blinding, Entry, Evidence
from scoring.models import Assignment, EvidenceShown, PacketFile, Scorer
from scoring.states import AssignmentRole
from tests.factories import blinding as made
from tests.factories import portfolio
from tests.factories import scoring as scoring_made
from tests.journeys.crawling import Crawl, crawl, leaks

pytestmark = pytest.mark.django_db

TERMS = search_terms(made.IDENTITY)


@dataclass(frozen=True)
class World:
    """One candidate's packet, and who has it in hand."""

    candidacy: Candidacy
    entry: Entry
    code: str
    scorers: tuple[Scorer, ...]
    lead: Scorer
    now: datetime

    @property
    def canaries(self) -> set[str]:
        """What tells who it is, and every key that leads there."""
        rows = Evidence.objects.filter(entry=self.entry).values_list("pk", "storage_key", "original_name")
        keys = {str(value) for row in rows for value in row}
        owners = (self.candidacy, self.candidacy.account, self.candidacy.registration, self.entry)
        keys |= {str(row.pk) for row in owners} | {str(self.entry.blinding.pk), self.candidacy.number}
        keys |= {key.replace("-", "") for key in keys}
        return {*made.CANARIES, made.EMAIL, *keys}


@pytest.fixture
def world(tmp_path: Path, settings: Settings) -> World:
    """Through the services: handed in, sealed, cleaned, checked, signed off, matched, disputed."""
    settings.MFA_REQUIRED = False
    made.a_framework_with_video()
    candidacy = made.a_named_candidate()
    now = made.instants(candidacy).after
    entry = made.a_sealed_entry(tmp_path, candidacy, video=True, pages=2)
    for _ in range(2):
        scoring_made.scorer(employer="Larkspur Academy", district="Larkspur")
    lead = scoring_made.scorer(lead=True, employer="Foxglove Academy")
    with clock.fixed(now):
        reconcile.run_all(now)
        row = Blinding.objects.get(entry=entry)
        blinding.check_blinding(blinding_id=row.pk, by=portfolio.a_staff_member(), now=now)
        code = blinding.sign_off_blinding(blinding_id=row.pk, by=portfolio.a_staff_member(), now=now)
        reconcile.run_all(now)
    entry.refresh_from_db()
    held = Assignment.objects.filter(packet__code=code, role=AssignmentRole.SCORER)
    return World(candidacy, entry, code, tuple(one.scorer for one in held), lead, now)


def _client(scorer: Scorer) -> Client:
    client = Client()
    client.force_login(scoring_made.user_of(scorer))
    return client


def _scoring_urls() -> set[str]:
    """The names of every route of the scorers' side."""
    (scoring,) = [part for part in get_resolver().url_patterns if _namespace(part) == "scoring"]
    assert isinstance(scoring, URLResolver)
    return {str(route.name) for route in scoring.url_patterns if isinstance(route, URLPattern)}


def _namespace(part: URLPattern | URLResolver) -> str | None:
    return part.namespace if isinstance(part, URLResolver) else None


def _everything(scorer: Scorer, world: World) -> Crawl:
    """Every link followed, then every button pressed: half-finished, wrong, and stepping aside last."""
    client = _client(scorer)
    with clock.fixed(world.now):
        done = crawl(client, [reverse("scoring:queue")], within=[reverse("scoring:queue"), "/dashboard/"])
        packet = reverse("scoring:packet", args=[world.code])
        done.add(f"{packet}#empty", client.post(packet, {}))
        done.add(f"{packet}#wrong", client.post(packet, {"condition": "no such reason", "note": "?"}))
        save = reverse("scoring:save", args=[world.code])
        done.add(save, client.post(save, {"note": "unfinished"}, headers={"HX-Request": "true"}))
        for url, seen in list(done.answers.items()):
            if "/files/" in url:
                done.add(f"{url}#part", client.get(url, headers={"Range": f"bytes=0-{len(seen.body) // 2}"}))
        recuse = reverse("scoring:recuse", args=[world.code])
        done.add(recuse, client.post(recuse))
        done.add(f"{packet}#gone", client.get(packet))
        done.add(f"{reverse('scoring:queue')}#after", client.get(reverse("scoring:queue")))
    return done


def _dispute(world: World) -> None:
    """The scorers differ so much that a lead has to adjudicate."""
    with clock.fixed(world.now):
        for one, mark in zip(Assignment.objects.filter(packet__code=world.code), ("1", "4"), strict=True):
            scoring_made.read(one, mark)
        reconcile.run_all(world.now)


def _visited(done: Crawl) -> set[str]:
    """The names of the scorers' routes that were asked for."""
    found = (urlsplit(url).path for url, seen in done.answers.items() if seen.status != 404)
    return {str(resolve(path).url_name) for path in found if path.startswith(reverse("scoring:queue"))}


def test_a_scorer_is_shown_nothing_that_tells_who_it_is(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        done = _everything(world.scorers[0], world)
    assert _visited(done) == _scoring_urls()
    assert leaks(done.answers.values(), world.canaries, TERMS) == []
    assert not [canary for canary in world.canaries if canary.casefold() in caplog.text.casefold()]


def test_an_adjudicator_is_shown_nothing_that_tells_who_it_is(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    _dispute(world)
    with caplog.at_level(logging.DEBUG):
        done = _everything(world.lead, world)
    assert world.code in done.answers[reverse("scoring:queue")].body.decode()
    assert _visited(done) == _scoring_urls()
    assert leaks(done.answers.values(), world.canaries, TERMS) == []
    assert not [canary for canary in world.canaries if canary.casefold() in caplog.text.casefold()]


def test_no_mail_to_a_scorer_tells_who_it_is(world: World) -> None:
    _dispute(world)
    addresses = [scoring_made.user_of(one).email for one in (*world.scorers, world.lead)]
    for mail in OutboxMessage.objects.filter(recipient__in=addresses):
        said = f"{mail.subject}\n{mail.body}".casefold()
        assert not [canary for canary in world.canaries if canary.casefold() in said]


def test_doors_of_the_other_side_are_shut_without_a_word(world: World) -> None:
    staff_side = [
        reverse("admin:portfolio_blinding_look", args=[world.entry.blinding.pk]),
        reverse("admin:portfolio_blinding_unmatched"),
        reverse("admin:portfolio_blinding_changelist"),
    ]
    for scorer in (world.scorers[0], world.lead):
        client = _client(scorer)
        for url in staff_side:
            seen = Crawl().add("", client.get(url, follow=True))
            assert seen.status == 404
            assert leaks([seen], world.canaries - {str(world.entry.blinding.pk)}) == []


def test_the_same_search_finds_the_person_on_a_staff_page(world: World) -> None:
    client = Client()
    client.force_login(portfolio.a_staff_member())
    start = reverse("admin:portfolio_blinding_look", args=[world.entry.blinding.pk])
    done = crawl(client, [start], within=[start])
    found = " ".join(leaks(done.answers.values(), world.canaries, TERMS))
    for canary in (*made.CANARIES, made.EMAIL, world.candidacy.number):
        assert repr(canary) in found


def test_the_same_search_finds_the_person_in_the_originals(world: World) -> None:
    client = Client()
    client.force_login(world.candidacy.account)
    for evidence in Evidence.objects.filter(entry=world.entry):
        seen = Crawl().add("original", client.get(reverse("portfolio:original", args=[evidence.pk])))
        assert seen.status == 200
        assert leaks([seen], made.CANARIES, TERMS)


def test_what_a_scorer_was_shown_is_on_record_to_the_byte(world: World) -> None:
    scorer = world.scorers[0]
    with clock.fixed(world.now):
        done = crawl(_client(scorer), [reverse("scoring:queue")], within=[reverse("scoring:queue")])
    served = {hashlib.sha256(body).hexdigest() for body in done.bodies("/files/") if body}
    recorded = EvidenceShown.objects.filter(assignment__scorer=scorer)
    assert set(recorded.values_list("sha256", flat=True)) == served
    assert set(recorded.values_list("file__sha256", flat=True)) == served
    assert len(served) == PacketFile.objects.filter(packet__code=world.code).count() == 5
    assert set(world.entry.blinding.files.values_list("sha256", flat=True)) == served
