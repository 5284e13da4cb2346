"""Packets find their scorers through the services, also after a recusal and for a retake."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from candidates.models import Candidacy
from certification.kernel import clock, reconcile
from portfolio.matching import services
from portfolio.models import Blinding, Entry
from scoring import services as scoring_services
from scoring.models import Assignment, Packet, Scorer
from scoring.states import AssignmentRole
from tests.factories import blinding as made
from tests.factories import portfolio
from tests.factories import scoring as scoring_made

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidacy() -> Candidacy:
    portfolio.a_small_framework()
    return made.a_named_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> datetime:
    return made.instants(candidacy).after


@pytest.fixture
def minted(tmp_path: Path, candidacy: Candidacy, now: datetime) -> Blinding:
    return made.a_signed_blinding(made.a_sealed_entry(tmp_path, candidacy), now)


def _holders(code: str | None, role: str = AssignmentRole.SCORER) -> set[Scorer]:
    return {one.scorer for one in Assignment.objects.filter(packet__code=code, role=role)}


def test_a_packet_gets_its_two_scorers_and_a_second_sweep_changes_nothing(
    minted: Blinding, now: datetime
) -> None:
    for _ in range(3):
        scoring_made.scorer(employer="Larkspur Academy", district="Larkspur")
    assert reconcile.run("matching.assign", now) == {"assigned": 2}
    assert reconcile.run("matching.assign", now) == {"assigned": 0}
    assert len(_holders(minted.packet_code)) == 2
    assert services.unmatched(now) == []


def test_a_colleague_of_the_candidate_is_passed_over_and_staff_are_told_why(
    minted: Blinding, now: datetime
) -> None:
    scoring_made.scorer(employer=made.SCHOOL)
    scoring_made.scorer(district=made.DISTRICT)
    stranger = scoring_made.scorer(employer="Larkspur Academy")
    reconcile.run("matching.assign", now)
    assert _holders(minted.packet_code) == {stranger}
    (lacking,) = services.unmatched(now)
    assert (lacking.code, lacking.candidate_number) == (minted.packet_code, minted.entry.candidacy.number)
    assert "2 in the candidate's school or district" in " ".join(lacking.reasons)


def test_who_steps_aside_is_replaced_by_somebody_else(minted: Blinding, now: datetime) -> None:
    for _ in range(3):
        scoring_made.scorer()
    reconcile.run("matching.assign", now)
    gone = Assignment.objects.filter(packet__code=minted.packet_code).first()
    assert gone is not None
    scoring_services.recuse(scorer_id=gone.scorer_id, assignment_id=gone.pk, now=now)
    reconcile.run_all(now)
    held = Assignment.objects.filter(packet__code=minted.packet_code).exclude(state="recused")
    assert held.count() == 2
    assert gone.scorer not in {one.scorer for one in held}


def test_a_dispute_goes_to_a_lead_who_did_not_score(minted: Blinding, now: datetime) -> None:
    lead = scoring_made.scorer(lead=True)
    for _ in range(2):
        scoring_made.scorer()
    reconcile.run("matching.assign", now)
    low, high = Assignment.objects.filter(packet__code=minted.packet_code)
    scoring_made.read(low, "1")
    scoring_made.read(high, "4")
    reconcile.run("scoring.close_packets", now)
    assert reconcile.run("matching.assign", now) == {"assigned": 1}
    assert _holders(minted.packet_code, AssignmentRole.ADJUDICATOR) == {lead}


def test_a_retake_goes_to_other_scorers(
    tmp_path: Path, minted: Blinding, candidacy: Candidacy, now: datetime
) -> None:
    scorers = [scoring_made.scorer() for _ in range(2)]
    reconcile.run("matching.assign", now)
    retake = _attempt(candidacy, minted.entry, year=2, now=now)
    reconcile.run("matching.assign", now)
    assert not _holders(retake.packet_code)
    assert "2 scored an earlier attempt" in " ".join(services.unmatched(now)[0].reasons)
    newcomers = {scoring_made.scorer() for _ in range(2)}
    reconcile.run("matching.assign", now)
    assert _holders(retake.packet_code) == newcomers
    assert not newcomers & set(scorers)


def test_somebody_qualified_for_another_entry_is_not_asked(
    minted: Blinding, tmp_path: Path, now: datetime
) -> None:
    scoring_made.scorer(qualified=False)
    assert reconcile.run("matching.assign", now) == {"assigned": 0}
    assert services.unmatched(now)[0].reasons == ("Nobody is qualified for this kind of entry.",)


def _attempt(candidacy: Candidacy, earlier: Entry, *, year: int, now: datetime) -> Blinding:
    """A later year's attempt at the same entry, with a packet of its own."""
    entry = Entry.objects.create(
        candidacy=candidacy, template=earlier.template, year=year, is_retake=True, created_at=now
    )
    for state in ("submitted", "sealed"):
        Entry.objects.filter(pk=entry.pk).update(state=state, submitted_at=now, sealed_at=now)
    packet = scoring_made.packet()
    blinding = Blinding.objects.create(entry=entry)
    first, second = portfolio.a_staff_member(), portfolio.a_staff_member()
    for state in ("cleaned", "checked", "signed_off"):
        Blinding.objects.filter(pk=blinding.pk).update(
            state=state,
            checked_by=first,
            checked_at=now,
            signed_by=second,
            signed_at=now,
            packet_code=packet.code,
        )
    blinding.refresh_from_db()
    return blinding


def test_staff_read_which_packets_nobody_can_score(
    client: Client, minted: Blinding, now: datetime, settings: Settings
) -> None:
    settings.MFA_REQUIRED = False
    client.force_login(portfolio.a_staff_member())
    with clock.fixed(now):
        shown = client.get(reverse("admin:portfolio_blinding_unmatched"))
    assert str(minted.packet_code) in shown.content.decode()
    assert "Nobody is qualified" in shown.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_database_the_same_number_of_times(
    rows: int,
    tmp_path: Path,
    candidacy: Candidacy,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    earlier = made.a_sealed_entry(tmp_path, candidacy)
    for number in range(rows):
        other = made.a_named_candidate(email=f"other{number}@example.org")
        _attempt(other, earlier, year=1, now=now)
    assert Packet.objects.count() == rows
    with django_assert_num_queries(7):
        assert len(services.unmatched(now)) == rows
