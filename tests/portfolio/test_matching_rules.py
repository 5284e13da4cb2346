"""Who may score which packet, rule by rule, without a database."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.matching import organisations
from portfolio.matching.rules import Matching, PacketFacts, match
from scoring.api import AssignmentRole, PacketNeed, ScorerCard

KIND, OTHER_KIND = UUID(int=1), UUID(int=2)
HERE = ("Tamarack Elementary School", "Wrenwood Unified District")


def _scorer(
    number: int, *, lead: bool = False, employer: str = "", district: str = "", load: int = 0, **more: object
) -> ScorerCard:
    return ScorerCard(
        id=UUID(int=100 + number),
        alias=f"S{number:02d}",
        is_lead=lead,
        employer=employer,
        district=district,
        conflicts=tuple(more.get("conflicts", ())),  # type: ignore[arg-type]
        open_assignments=load,
    )


def _need(
    code: str = "P1",
    *,
    missing: int = 2,
    role: AssignmentRole = AssignmentRole.SCORER,
    involved: frozenset[UUID] = frozenset(),
) -> PacketNeed:
    return PacketNeed(code, KIND, role, missing, involved)


def _match(needs: list[PacketNeed], cards: list[ScorerCard], **facts: PacketFacts) -> Matching:
    known = {need.code: facts.get(need.code, PacketFacts(places=HERE)) for need in needs}
    return match(needs, {KIND: cards}, known)


def _given_to(matching: Matching, code: str = "P1") -> set[str]:
    return {f"S{one.scorer_id.int - 100:02d}" for one in matching.assignments if one.code == code}


def test_a_packet_goes_to_two_different_scorers() -> None:
    matching = _match([_need()], [_scorer(1), _scorer(2), _scorer(3)])
    assert len(_given_to(matching)) == 2
    assert matching.unmatched == ()


def test_only_the_scorers_of_its_kind_of_entry_are_asked() -> None:
    need = _need()
    matching = match([need], {OTHER_KIND: [_scorer(1), _scorer(2)]}, {"P1": PacketFacts()})
    assert matching.assignments == ()
    assert matching.unmatched[0].reasons == ("Nobody is qualified for this kind of entry.",)


@pytest.mark.parametrize(
    "somebody_close",
    [
        _scorer(1, employer="TAMARACK ELEMENTARY SCHOOL"),
        _scorer(1, district="Wrenwood Unified District"),
        _scorer(1, employer="Wrenwood Public Schools"),
        _scorer(1, district="Tamarack Elem. Sch."),
        _scorer(1, conflicts=("wrenwood unified district",)),
    ],
)
def test_nobody_scores_a_candidate_of_their_own_school_or_district(somebody_close: ScorerCard) -> None:
    matching = _match([_need()], [somebody_close, _scorer(2), _scorer(3)])
    assert _given_to(matching) == {"S02", "S03"}


def test_nobody_scores_a_packet_they_had_before_also_when_they_stepped_aside() -> None:
    need = _need(missing=1, involved=frozenset({UUID(int=101), UUID(int=102)}))
    assert _given_to(_match([need], [_scorer(1), _scorer(2), _scorer(3)])) == {"S03"}


def test_a_retake_goes_to_scorers_who_did_not_score_it_before() -> None:
    facts = PacketFacts(scored_before=frozenset({UUID(int=101), UUID(int=102)}))
    matching = _match([_need()], [_scorer(number) for number in (1, 2, 3, 4)], P1=facts)
    assert _given_to(matching) == {"S03", "S04"}


def test_an_adjudicator_is_a_lead_who_did_not_score_it() -> None:
    need = _need(missing=1, role=AssignmentRole.ADJUDICATOR, involved=frozenset({UUID(int=101)}))
    cards = [_scorer(1, lead=True), _scorer(2), _scorer(3, lead=True)]
    assert _given_to(_match([need], cards)) == {"S03"}


def test_leads_score_only_when_nobody_else_can() -> None:
    cards = [_scorer(1, lead=True), _scorer(2, load=9), _scorer(3, load=9)]
    assert _given_to(_match([_need()], cards)) == {"S02", "S03"}
    assert _given_to(_match([_need()], cards[:2])) == {"S01", "S02"}


def test_whoever_has_the_fewest_open_packets_comes_first() -> None:
    cards = [_scorer(1, load=5), _scorer(2, load=1), _scorer(3, load=0)]
    assert _given_to(_match([_need()], cards)) == {"S02", "S03"}


def test_work_is_spread_over_packets_matched_together() -> None:
    needs = [_need(f"P{number}") for number in range(10)]
    matching = _match(needs, [_scorer(number) for number in range(5)])
    each = [one.scorer_id for one in matching.assignments]
    assert {each.count(scorer) for scorer in each} == {4}


def test_a_packet_with_little_choice_is_served_before_one_that_has_any() -> None:
    cards = [_scorer(1), _scorer(2, employer="Tamarack School"), _scorer(3, employer="Tamarack School")]
    facts = {"P1": PacketFacts(places=("Tamarack School",)), "P2": PacketFacts()}
    matching = _match([_need("P2", missing=1), _need("P1", missing=1)], cards, **facts)
    assert _given_to(matching, "P1") == {"S01"}
    assert "S01" not in _given_to(matching, "P2")


def test_who_is_missing_is_said_with_every_reason_counted() -> None:
    need = _need(involved=frozenset({UUID(int=101)}))
    facts = PacketFacts(places=HERE, scored_before=frozenset({UUID(int=103)}))
    cards = [_scorer(1), _scorer(2, employer=HERE[0]), _scorer(3), _scorer(4)]
    (lacking,) = _match([need], cards, P1=facts).unmatched
    assert lacking.missing == 1
    said = " ".join(lacking.reasons)
    assert "Qualified for this kind of entry: 4." in said
    assert "1 had this packet already" in said
    assert "1 scored an earlier attempt" in said
    assert "1 in the candidate's school or district" in said


def test_a_packet_of_which_nothing_is_known_is_given_to_nobody() -> None:
    matching = match([_need()], {KIND: [_scorer(1), _scorer(2)]}, {})
    assert matching.assignments == ()
    assert "conflicts cannot be ruled out" in matching.unmatched[0].reasons[0]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_the_same_facts_give_the_same_matching_in_any_order_and_no_rule_is_broken(seed: int) -> None:
    dice = random.Random(seed)
    places = ["Tamarack School", "Larkspur District", "Foxglove Academy", ""]
    cards = [
        _scorer(number, employer=dice.choice(places), lead=dice.random() < 0.3, load=dice.randrange(4))
        for number in range(dice.randrange(1, 9))
    ]
    everybody = [card.id for card in cards]
    needs, facts = [], {}
    for number in range(dice.randrange(1, 7)):
        role = dice.choice([AssignmentRole.SCORER, AssignmentRole.ADJUDICATOR])
        involved = frozenset(dice.sample(everybody, dice.randrange(len(everybody))))
        missing = 1 if role is AssignmentRole.ADJUDICATOR else dice.choice([1, 2])
        needs.append(_need(f"P{number}", role=role, missing=missing, involved=involved))
        before = frozenset(dice.sample(everybody, dice.randrange(len(everybody))))
        facts[f"P{number}"] = PacketFacts((dice.choice(places),), before)

    first = match(needs, {KIND: cards}, facts)
    dice.shuffle(needs)
    dice.shuffle(cards)
    assert match(needs, {KIND: cards}, facts) == first

    card_of = {card.id: card for card in cards}
    lacking = {one.code: one.missing for one in first.unmatched}
    for need in needs:
        got = [one.scorer_id for one in first.assignments if one.code == need.code]
        assert len(got) == len(set(got))
        assert len(got) + lacking.get(need.code, 0) == need.missing
        assert not set(got) & (need.involved | facts[need.code].scored_before)
        for scorer_id in got:
            card = card_of[scorer_id]
            assert card.employer == "" or card.employer not in facts[need.code].places
            assert card.is_lead or need.role is AssignmentRole.SCORER


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lincoln Public Schools", "LINCOLN  public schools"),
        ("Lincoln Public Schools", "Lincoln School District"),
        ("Núñez Academy", "nunez acad."),
        ("St. Mary's High School", "Saint Marys HS"),
        ("The School of Whitfield", "Whitfield Sch"),
    ],
)
def test_one_place_spelled_in_two_ways_is_one_place(one: str, other: str) -> None:
    assert organisations.keys([one]) & organisations.keys([other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lincoln School", "Tamarack School"),
        ("School 1", "District 1"),
        ("North District", "South District"),
        ("", ""),
        ("Public School 12", "Public School 21"),
    ],
)
def test_two_places_are_two(one: str, other: str) -> None:
    assert not organisations.keys([one]) & organisations.keys([other])
