"""Packets from the mint to their scorers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError

from certification.kernel.errors import BadInput, NotAllowed
from scoring import api, outcomes, services
from scoring.models import Assignment, Packet, PacketFile, RuleSetVersion, Scorer
from scoring.states import AssignmentRole, PacketState
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db


def need_of(packet: Packet) -> api.PacketNeed | None:
    return next((need for need in api.packets_to_staff() if need.code == packet.code), None)


def disputed() -> Packet:
    packet = make.packet()
    for mark in ("1", "4"):
        make.read(make.assignment(packet, make.scorer()), mark)
    outcomes.close_packets(make.NOW)
    packet.refresh_from_db()
    assert packet.state == PacketState.ADJUDICATION
    return packet


# ---- minting ----


def test_minting_marks_the_rule_set_used_and_twice_is_once() -> None:
    files = [make.file_spec(1)]
    card = make.rubric().entry("entry-2")
    for _ in range(2):
        api.mint_packet(
            code="AAAA2222",
            rubric_entry_id=card.id,
            rule_set_id=make.rule_set(),
            files=files,
            now=make.NOW,
        )
    assert PacketFile.objects.filter(packet__code="AAAA2222").count() == 1
    assert RuleSetVersion.objects.get().used_at == make.NOW


def test_a_code_that_is_taken_by_other_files_is_refused() -> None:
    packet = make.packet()
    with pytest.raises(NotAllowed, match="other files"):
        api.mint_packet(
            code=packet.code,
            rubric_entry_id=packet.rubric_entry_id,
            rule_set_id=packet.rule_set_id,
            files=[make.file_spec(1)],
            now=make.NOW,
        )


def test_a_rule_set_with_other_look_fors_is_refused() -> None:
    with pytest.raises(BadInput, match="differ in the look-fors"):
        api.mint_packet(
            code="AAAA2222",
            rubric_entry_id=make.rubric("two-entry").entry("entry-1").id,
            rule_set_id=make.rule_set("pilot-seven"),
            files=[make.file_spec(1)],
            now=make.NOW,
        )


@pytest.mark.parametrize("kinds", [[], ["spreadsheet"]])
def test_a_packet_without_files_or_with_a_strange_one_is_refused(kinds: list[str]) -> None:
    with pytest.raises(BadInput, match="at least one file"):
        make.packet(files=[make.file_spec(1, kind) for kind in kinds])


def test_a_used_rule_set_and_a_minted_file_cannot_change() -> None:
    packet = make.packet()
    with pytest.raises(DatabaseError, match="pgtrigger"):
        RuleSetVersion.objects.filter(pk=packet.rule_set_id).update(title="Softer")


# ---- who is needed ----


def test_a_new_packet_needs_as_many_scorers_as_its_rule_set_says() -> None:
    packet = make.packet(scorers_per_entry=3)
    need = need_of(packet)
    assert need == api.PacketNeed(packet.code, packet.rubric_entry_id, AssignmentRole.SCORER, 3, frozenset())


def test_a_packet_with_its_scorers_needs_nobody_and_is_being_scored() -> None:
    packet = make.packet()
    first, second = make.scorer(), make.scorer()
    make.assignment(packet, first)
    need = need_of(packet)
    assert need is not None
    assert (need.missing, need.involved) == (1, frozenset({first.pk}))
    make.assignment(packet, second)
    assert need_of(packet) is None
    packet.refresh_from_db()
    assert packet.state == PacketState.ASSIGNED
    assert api.involved([packet.code]) == {packet.code: frozenset({first.pk, second.pk})}


def test_after_a_recusal_one_is_needed_and_it_is_not_who_stepped_aside() -> None:
    packet = make.packet()
    aside = make.assignment(packet, make.scorer())
    make.assignment(packet, make.scorer())
    services.recuse(scorer_id=aside.scorer_id, assignment_id=aside.pk, now=make.NOW)
    need = need_of(packet)
    assert need is not None
    assert need.missing == 1
    assert aside.scorer_id in need.involved
    assert outcomes.close_packets(make.NOW)["reopened"] == 1
    assert outcomes.close_packets(make.NOW)["reopened"] == 0
    with pytest.raises(NotAllowed, match="with this scorer before"):
        make.assignment(packet, Scorer.objects.get(pk=aside.scorer_id))
    make.assignment(packet, make.scorer())
    packet.refresh_from_db()
    assert (packet.state, need_of(packet)) == (PacketState.ASSIGNED, None)


def test_a_disputed_packet_needs_an_adjudicator_who_was_not_its_scorer() -> None:
    packet = disputed()
    need = need_of(packet)
    assert need is not None
    assert (need.role, need.missing, len(need.involved)) == (AssignmentRole.ADJUDICATOR, 1, 2)
    lead = make.scorer(lead=True)
    make.assignment(packet, lead, AssignmentRole.ADJUDICATOR)
    assert need_of(packet) is None
    with pytest.raises(NotAllowed, match="lacks no adjudicator"):
        make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR)


def test_an_adjudicator_who_steps_aside_is_replaced() -> None:
    packet = disputed()
    case = make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR)
    services.recuse(scorer_id=case.scorer_id, assignment_id=case.pk, now=make.NOW)
    need = need_of(packet)
    assert need is not None
    assert (need.role, case.scorer_id in need.involved) == (AssignmentRole.ADJUDICATOR, True)
    make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR)


# ---- who may be assigned ----


def test_assigning_twice_is_once() -> None:
    packet, scorer = make.packet(), make.scorer()
    assert make.assignment(packet, scorer).pk == make.assignment(packet, scorer).pk
    assert Assignment.objects.count() == 1


def test_only_an_active_qualified_scorer_is_assigned_and_only_a_lead_adjudicates() -> None:
    packet = make.packet()
    with pytest.raises(NotAllowed, match="not qualified"):
        make.assignment(packet, make.scorer(qualified=False))
    gone = make.scorer()
    Scorer.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(NotAllowed, match="no longer scores"):
        make.assignment(packet, gone)
    with pytest.raises(NotAllowed, match="no lead scorer"):
        make.assignment(disputed(), make.scorer(), AssignmentRole.ADJUDICATOR)


def test_nobody_is_assigned_beyond_what_is_needed() -> None:
    packet = make.packet()
    for _ in range(2):
        make.assignment(packet, make.scorer())
    with pytest.raises(NotAllowed, match="lacks no scorer"):
        make.assignment(packet, make.scorer())
    with pytest.raises(NotAllowed, match="lacks no adjudicator"):
        make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR)


def test_the_database_keeps_one_adjudicator_and_one_turn_per_scorer() -> None:
    packet = disputed()
    case = make.assignment(packet, make.scorer(lead=True), AssignmentRole.ADJUDICATOR)
    with pytest.raises(IntegrityError, match="assignment_one_adjudicator"):
        Assignment.objects.create(
            packet=packet, scorer=make.scorer(lead=True), role=case.role, assigned_at=make.NOW
        )


# ---- scorers ----


def test_scorers_are_known_by_aliases_and_enlisted_once() -> None:
    account = make.account()
    first = services.enlist_scorer(account_id=account.pk, employer=" Lakeside Schools ", district="North")
    assert services.enlist_scorer(account_id=account.pk, alias="S99") == first
    second = services.enlist_scorer(account_id=make.account().pk)
    found = {scorer.pk: scorer for scorer in Scorer.objects.all()}
    assert (found[first].alias, found[first].employer, found[second].alias) == (
        "S01",
        "Lakeside Schools",
        "S02",
    )
    assert services.scorer_of(account) == first
    assert services.scorer_of(make.account()) is None


@pytest.mark.parametrize(
    ("exact", "within", "passes"), [("70", "100", True), ("69.99", "100", False), ("90", "99.9", False)]
)
def test_the_gate_is_seventy_exact_and_all_within_one_level(exact: str, within: str, passes: bool) -> None:
    entry = make.rubric().entry("entry-1")
    scorer = make.scorer(qualified=False)

    def qualify() -> None:
        services.qualify(
            scorer_id=scorer.pk,
            rubric_entry_id=entry.id,
            exact_percent=Decimal(exact),
            within_one_percent=Decimal(within),
            now=make.NOW,
        )

    if passes:
        qualify()
    else:
        with pytest.raises(BadInput, match="needed"):
            qualify()
    assert [card.id for card in api.scorer_cards(entry.id)] == ([scorer.pk] if passes else [])


def test_a_card_says_what_matching_must_know() -> None:
    scorer = make.scorer(lead=True, employer="Lakeside", district="North")
    for organisation in ("Hillside", "Easton"):
        scorer.conflicts.create(organisation=organisation)
    done, open_ = make.packet(), make.packet()
    make.read(make.assignment(done, scorer))
    make.assignment(open_, scorer)
    card = api.scorer_cards(done.rubric_entry_id)[0]
    assert card == api.ScorerCard(
        scorer.pk, scorer.alias, True, "Lakeside", "North", ("Easton", "Hillside"), 1
    )
