"""From readings to a packet's result, by the reconciler."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django import DjangoAssertNumQueries

from certification.kernel import reconcile
from scoring import api
from scoring.models import Mark, Packet, PacketResult
from scoring.states import AssignmentRole, PacketState
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db


def sweep() -> dict[str, int]:
    counts = reconcile.run("scoring.close_packets", make.NOW)
    assert counts is not None
    return {name: count for name, count in counts.items() if count}


def read_by_two(first: str, second: str, **rule_changes: Any) -> Packet:
    packet = make.packet(**rule_changes)
    for given in (first, second):
        condition = given if given.isidentifier() else None
        make.read(make.assignment(packet, make.scorer()), given, condition=condition)
    return packet


def outcome(packet: Packet) -> api.PacketOutcome:
    return api.outcomes([packet.code])[packet.code]


def test_agreeing_readings_close_the_packet_with_their_exact_mean_once() -> None:
    packet = read_by_two("3", "3.25")
    assert api.outcomes([packet.code]) == {}
    assert sweep() == {"closed": 1}
    assert sweep() == {}
    found = outcome(packet)
    assert found.score == Fraction("3.125")
    assert found.look_fors["identify"] == Fraction("3.125")
    assert (found.condition, found.rule_set_digest) == (None, packet.rule_set.digest)
    assert found.reasons
    packet.refresh_from_db()
    assert (packet.state, packet.closed_at) == (PacketState.CLOSED, make.NOW)


def test_a_mean_of_thirds_stays_exact() -> None:
    packet = make.packet(scorers_per_entry=3)
    for mark in ("3", "3", "3.25"):
        make.read(make.assignment(packet, make.scorer()), mark)
    assert sweep() == {"closed": 1}
    assert outcome(packet).score == Fraction(37, 12)


def test_nothing_closes_before_every_reading_is_in() -> None:
    packet = make.packet()
    make.read(make.assignment(packet, make.scorer()))
    assert sweep() == {}
    make.assignment(packet, make.scorer())
    assert sweep() == {}
    assert api.progress([packet.code])[packet.code] == api.PacketProgress(PacketState.ASSIGNED, 1, 2)


def test_scorers_too_far_apart_send_the_packet_to_an_adjudicator_whose_score_stands() -> None:
    packet = read_by_two("1", "2.75")
    assert sweep() == {"to_adjudication": 1}
    assert sweep() == {}
    assert api.outcomes([packet.code]) == {}
    assert api.progress([packet.code])[packet.code] == api.PacketProgress(PacketState.ADJUDICATION, 2, 3)
    case = make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR)
    assert sweep() == {}
    make.read(case, "2.25")
    assert sweep() == {"closed": 1}
    assert outcome(packet).score == Fraction("2.25")
    assert api.progress([packet.code])[packet.code] == api.PacketProgress(PacketState.CLOSED, 3, 3)


@pytest.mark.parametrize(
    ("resolution", "score"), [("mean_of_three", Fraction(2)), ("closest_two", Fraction("2.5"))]
)
def test_how_a_discrepancy_resolves_is_the_rule_sets_word(resolution: str, score: Fraction) -> None:
    packet = read_by_two("1", "2.75", resolution=resolution)
    sweep()
    make.read(make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR), "2.25")
    sweep()
    assert outcome(packet).score == score


def test_two_who_find_it_unscorable_close_it_without_a_score() -> None:
    packet = read_by_two("no_audio", "missing_piece")
    assert sweep() == {"closed": 1}
    assert (outcome(packet).score, outcome(packet).condition) == (None, "missing_piece")


def test_one_who_finds_it_unscorable_calls_the_adjudicator() -> None:
    packet = read_by_two("no_audio", "3")
    assert sweep() == {"to_adjudication": 1}
    case = make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR)
    make.read(case, condition="no_audio")
    assert sweep() == {"closed": 1}
    assert outcome(packet).condition == "no_audio"


def test_readings_are_given_by_alias_with_their_marks() -> None:
    packet = read_by_two("3", "no_audio")
    cards = api.readings([packet.code])[packet.code]
    assert [card.condition for card in cards] == [None, "no_audio"]
    assert cards[0].ratings == make.marks(packet, "3")
    assert all(card.scorer_alias.startswith("S") for card in cards)
    assert api.readings(["NOTTHERE"]) == {"NOTTHERE": []}


def test_one_unfit_packet_does_not_hold_up_the_rest() -> None:
    unfit, fit = make.packet(), read_by_two("3", "3")
    for _ in range(2):
        reading = make.read(make.assignment(unfit, make.scorer()))
        Mark.objects.create(reading=reading, look_for="strange", points=Decimal(3))
    assert sweep() == {"closed": 1}
    assert set(api.outcomes([unfit.code, fit.code])) == {fit.code}


@pytest.mark.parametrize("count", [1, 3])
def test_outcomes_readings_and_progress_ask_a_constant_number_of_questions(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    codes = [read_by_two("3", "3").code for _ in range(count)]
    sweep()
    with django_assert_num_queries(1):
        api.outcomes(codes)
    with django_assert_num_queries(2):
        api.readings(codes)
    with django_assert_num_queries(1):
        api.progress(codes)


def test_a_result_cannot_be_changed_and_a_closed_packet_not_reopened() -> None:
    packet = read_by_two("3", "3")
    sweep()
    with pytest.raises(DatabaseError, match="pgtrigger"):
        Packet.objects.filter(pk=packet.pk).update(state=PacketState.READY)


def test_a_result_is_append_only() -> None:
    read_by_two("3", "3")
    sweep()
    with pytest.raises(DatabaseError, match="pgtrigger"):
        PacketResult.objects.update(condition="no_audio")


def test_a_packet_is_born_ready() -> None:
    packet = make.packet()
    with pytest.raises(DatabaseError, match="cannot start as"):
        Packet.objects.create(
            code="BORNLATE",
            rubric_entry=packet.rubric_entry,
            rule_set=packet.rule_set,
            state=PacketState.CLOSED,
            minted_at=make.NOW,
            closed_at=make.NOW,
        )
