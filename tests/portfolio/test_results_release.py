"""The release: everybody at one moment, not a second before, all of it or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from unittest.mock import patch

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from candidates.models import Candidacy, Cohort
from candidates.states import CandidacyState
from certification.kernel import clock, reconcile
from certification.kernel.models import OutboxMessage
from portfolio.models import BankedScore, Decision, EntryScore, Release
from portfolio.results import notices, selectors, services
from portfolio.states import EntryState, Outcome
from tests.factories import portfolio as people
from tests.factories import results as factory

pytestmark = pytest.mark.django_db

MOMENT = timedelta(microseconds=1)
NOTHING = {"releases": 0, "entries": 0, "decisions": 0}


@pytest.fixture
def cohort():
    return factory.a_cohort()


def outcome_of(candidacy: Candidacy, year: int = 1) -> Decision:
    return Decision.objects.get(candidacy=candidacy, year=year)


def test_nothing_is_written_a_microsecond_before_and_everything_at_the_instant(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "3", "3")
    at = factory.release_instant(cohort)

    assert services.release_due(at - MOMENT) == NOTHING
    assert not Release.objects.exists()
    assert not EntryScore.objects.exists()
    assert not Decision.objects.exists()
    assert not BankedScore.objects.exists()
    assert not OutboxMessage.objects.filter(kind="scores released").exists()
    assert set(candidacy.entries.values_list("state", flat=True)) == {EntryState.SEALED}

    assert services.release_due(at) == {"releases": 1, "entries": 2, "decisions": 1}
    assert set(candidacy.entries.values_list("state", flat=True)) == {EntryState.RELEASED}


def test_release_is_nine_in_the_morning_of_the_programme_on_europes_change_day() -> None:
    """31 October 2027: Europe has left summer time that night, Chicago has not."""
    cohort = factory.a_cohort()

    assert factory.release_instant(cohort, 1) == datetime(2027, 10, 31, 14, 0, tzinfo=UTC)


def test_release_is_nine_in_the_morning_the_day_before_the_us_clocks_change() -> None:
    """In 2026 the clocks of the United States go back on 1 November, the day after."""
    cohort = factory.a_cohort(number=9, first_year=2026)
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "3", "3")
    at = datetime(2026, 10, 31, 14, 0, tzinfo=UTC)

    assert services.release_due(at - MOMENT) == NOTHING
    assert services.release_due(at)["releases"] == 1


def test_the_database_refuses_a_release_before_its_instant(cohort) -> None:
    at = factory.release_instant(cohort)

    with pytest.raises(IntegrityError, match="release_never_early"), transaction.atomic():
        Release.objects.create(due_at=at, released_at=at - MOMENT, entries=0, decisions=0)


def test_a_sweep_a_week_late_releases_everything_just_the_same(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "3", "3")

    reconcile.run("results.release", factory.release_instant(cohort) + timedelta(days=7))

    assert outcome_of(candidacy).outcome == Outcome.CERTIFIED


def test_the_sweep_run_twice_changes_nothing(cohort) -> None:
    factory.all_scored(people.a_candidate(cohort), "3", "3")
    people.a_candidate(cohort)
    at = factory.release_instant(cohort)

    services.release_due(at)

    assert services.release_due(at) == NOTHING
    assert services.release_due(at + timedelta(days=1)) == NOTHING
    assert OutboxMessage.objects.filter(kind="scores released").count() == 2


def test_one_entry_without_its_result_holds_up_everybody(cohort) -> None:
    ready, waiting = people.a_candidate(cohort), people.a_candidate(cohort)
    factory.all_scored(ready, "3", "3")
    entry = factory.a_sealed_entry(waiting)
    at = factory.release_instant(cohort)

    assert services.release_due(at) == NOTHING
    assert not EntryScore.objects.exists()

    (blocker,) = selectors.blockers(at)
    assert blocker.entry_id == entry.pk
    assert blocker.candidate_number == waiting.number
    assert blocker.why == "its evidence is not cleaned yet"


def test_cohorts_that_share_the_instant_come_out_together_or_not_at_all() -> None:
    older, newer = factory.a_cohort(number=9, first_year=2026), factory.a_cohort()
    blocked, certified = people.a_candidate(older), people.a_candidate(newer)
    services.release_due(factory.release_instant(older))
    factory.all_scored(certified, "3", "3")
    at = factory.release_instant(newer)
    assert at == factory.release_instant(older, 2)
    factory.a_sealed_entry(blocked, year=2)

    services.release_due(at)

    assert not Decision.objects.filter(candidacy=certified).exists()


def test_a_year_that_staff_move_to_a_release_that_was_comes_out_at_once() -> None:
    older, newer = factory.a_cohort(number=9, first_year=2026), factory.a_cohort()
    people.a_candidate(older)
    candidacy = people.a_candidate(newer)
    factory.all_scored(candidacy, "3", "3")
    at = factory.release_instant(newer)
    newer.years.filter(number=1).update(release_at=at + timedelta(days=2))
    services.release_due(at)
    newer.years.filter(number=1).update(release_at=at)

    assert services.release_due(at + timedelta(hours=1))["decisions"] == 1
    assert outcome_of(candidacy).outcome == Outcome.CERTIFIED


def test_a_later_year_never_overtakes_an_earlier_one_that_waits(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.a_sealed_entry(candidacy, year=1)
    factory.a_scored_entry(candidacy, "entry-2", year=2)

    assert services.release_due(factory.release_instant(cohort, 2)) == NOTHING
    assert not Decision.objects.exists()


def test_a_crash_in_the_middle_leaves_nothing_and_the_next_sweep_completes(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "3", "3")
    at = factory.release_instant(cohort)

    with (
        patch.object(notices, "scores_are_out", side_effect=RuntimeError("killed")),
        pytest.raises(RuntimeError),
    ):
        services.release_due(at)
    assert not Release.objects.exists()
    assert not EntryScore.objects.exists()
    assert not Decision.objects.exists()
    assert set(candidacy.entries.values_list("state", flat=True)) == {EntryState.SEALED}
    candidacy.refresh_from_db()
    assert candidacy.state == CandidacyState.ACTIVE

    assert services.release_due(at)["releases"] == 1
    candidacy.refresh_from_db()
    assert candidacy.state == CandidacyState.CERTIFIED


def test_a_blocker_says_what_is_missing_step_by_step(cohort) -> None:
    from scoring import api
    from scoring.states import AssignmentRole
    from tests.factories import scoring as scorers

    candidacy = people.a_candidate(cohort)
    entry = factory.a_sealed_entry(candidacy)
    at = factory.release_instant(cohort) - timedelta(days=60)

    def why() -> str:
        (found,) = selectors.blockers(at, timedelta(days=90))
        return found.why

    assert why() == "its evidence is not cleaned yet"
    packet = factory.a_packet(entry)
    assert why() == "it has no scorers yet"
    first, second = scorers.scorer(), scorers.scorer()
    assigned = [scorers.assignment(packet, scorer) for scorer in (first, second)]
    assert why() == "it waits for 2 of 2 readings"
    scorers.read(assigned[0], "4")
    assert why() == "it waits for 1 of 2 readings"
    scorers.read(assigned[1], "2")
    reconcile.run("scoring.close_packets", scorers.NOW)
    assert why() == "it waits for its adjudicator"
    judge = scorers.scorer(lead=True)
    api.assign(code=packet.code, scorer_id=judge.pk, role=AssignmentRole.ADJUDICATOR, now=scorers.NOW)
    scorers.read(packet.assignments.get(scorer=judge), "3")
    reconcile.run("scoring.close_packets", scorers.NOW)
    assert selectors.blockers(at, timedelta(days=90)) == []


def test_blockers_are_named_weeks_ahead_but_not_beyond_the_horizon(cohort) -> None:
    factory.a_sealed_entry(people.a_candidate(cohort))
    eight_weeks_before = factory.release_instant(cohort) - timedelta(weeks=8)

    assert len(selectors.blockers(eight_weeks_before, timedelta(weeks=9))) == 1
    assert selectors.blockers(eight_weeks_before, timedelta(weeks=7)) == []


def test_readings_become_a_released_score(cohort) -> None:
    from tests.factories import scoring as scorers

    candidacy = people.a_candidate(cohort)
    packet = factory.a_packet(factory.a_sealed_entry(candidacy))
    for scorer, mark in ((scorers.scorer(), "3"), (scorers.scorer(), "2.75")):
        scorers.read(scorers.assignment(packet, scorer), mark)
    reconcile.run("scoring.close_packets", scorers.NOW)

    services.release_due(factory.release_instant(cohort))

    assert EntryScore.objects.get().score == Fraction(23, 8)
    banked = BankedScore.objects.get()
    assert (banked.score, banked.earned_in_year) == (Fraction(23, 8), 1)


@pytest.mark.parametrize(
    ("scores", "outcome"),
    [
        (["2.75"] * 7, Outcome.CERTIFIED),
        (["3"] * 6 + ["1.25"], Outcome.CONTINUING),
        (["3"] * 6 + ["1.75"], Outcome.CERTIFIED),
        (["2.75"] * 6 + ["2.74"], Outcome.CONTINUING),
        (["3"] * 6, Outcome.CONTINUING),
    ],
    ids=["all at the threshold", "mean passes, floor fails", "at the floor", "a hair below", "one missing"],
)
def test_the_published_boundary_cases_through_the_whole_release(scores: list[str], outcome: Outcome) -> None:
    cohort = factory.a_cohort("pilot-seven")
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, *scores)

    services.release_due(factory.release_instant(cohort))

    decision = outcome_of(candidacy)
    assert decision.outcome == outcome
    assert (decision.overall is None) == (len(scores) == 6)
    candidacy.refresh_from_db()
    assert (candidacy.state == CandidacyState.CERTIFIED) == (outcome == Outcome.CERTIFIED)


def test_a_strong_entry_is_not_open_again_when_only_a_floor_failed(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "4", "1.5")
    services.release_due(factory.release_instant(cohort, 1))
    services.release_due(factory.release_instant(cohort, 2))

    assert outcome_of(candidacy, 2).open_next_year == ["entry-2"]


def test_whoever_submitted_nothing_reads_a_decision_too(cohort) -> None:
    idle = people.a_candidate(cohort)

    services.release_due(factory.release_instant(cohort, 1))
    assert outcome_of(idle, 1).outcome == Outcome.CONTINUING

    services.release_due(factory.release_instant(cohort, 2))
    decision = outcome_of(idle, 2)
    assert (decision.outcome, decision.ended_as) == (Outcome.ENDED, "incomplete")
    idle.refresh_from_db()
    assert (idle.state, idle.ended_as) == (CandidacyState.ENDED, "incomplete")


def test_an_unscorable_retake_leaves_the_banked_score(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "3", "1.5")
    services.release_due(factory.release_instant(cohort, 1))
    services.release_due(factory.release_instant(cohort, 2))
    factory.a_scored_entry(candidacy, "entry-2", year=3, condition="no_audio")

    services.release_due(factory.release_instant(cohort, 3))

    banked = BankedScore.objects.get(candidacy=candidacy, entry_key="entry-2", year=3)
    assert (banked.score, banked.earned_in_year) == (Fraction(3, 2), 1)
    decision = outcome_of(candidacy, 3)
    assert (decision.outcome, decision.ended_as) == (Outcome.ENDED, "years over")


def test_the_better_attempt_counts_after_a_retake(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "4", "1.5")
    for year in (1, 2):
        services.release_due(factory.release_instant(cohort, year))
    factory.a_scored_entry(candidacy, "entry-2", year=3, score="2")

    services.release_due(factory.release_instant(cohort, 3))

    assert outcome_of(candidacy, 3).outcome == Outcome.CERTIFIED
    assert outcome_of(candidacy, 3).overall == Fraction(3)


def test_whoever_enrolled_after_a_release_has_no_part_in_it(cohort) -> None:
    """A payment may settle long after the window closed."""
    at = factory.release_instant(cohort)
    factory.all_scored(people.a_candidate(cohort), "3", "3")
    services.release_due(at)
    late = people.a_candidate(cohort)
    Candidacy.objects.filter(pk=late.pk).update(enrolled_at=at + timedelta(days=3))

    assert services.release_due(at + timedelta(days=4)) == NOTHING

    services.release_due(factory.release_instant(cohort, 2))
    assert list(Decision.objects.filter(candidacy=late).values_list("year", flat=True)) == [2]


def test_the_mail_says_that_scores_are_out_and_never_what_they_are(cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "3.21", "1.23")

    services.release_due(factory.release_instant(cohort))

    mail = OutboxMessage.objects.get(kind="scores released")
    assert mail.recipient == candidacy.account.email
    for secret in ("3.21", "1.23", "2.22", "certified", "floor"):
        assert secret not in mail.body + mail.subject


@pytest.mark.parametrize("model", [Release, EntryScore, BankedScore, Decision])
def test_what_was_released_can_be_neither_changed_nor_deleted(cohort, model) -> None:
    factory.all_scored(people.a_candidate(cohort), "3", "3")
    services.release_due(factory.release_instant(cohort))
    row = model.objects.first()

    for change in (row.save, row.delete):
        with pytest.raises(DatabaseError, match=r"Cannot (update or )?delete"), transaction.atomic():
            change()


def test_the_number_of_queries_of_a_release_does_not_grow_with_it(cohort) -> None:
    """But for the one mail that each candidate is owed."""
    larger = factory.a_cohort(number=14, first_year=2031)

    def queries(of: Cohort, candidates: int) -> int:
        for _ in range(candidates):
            factory.a_scored_entry(people.a_candidate(of), score="2")
        at = factory.release_instant(of)
        with clock.fixed(at), CaptureQueriesContext(connection) as captured:
            assert services.release_due(at)["decisions"] == candidates
        return sum("kernel_outboxmessage" not in query["sql"] for query in captured.captured_queries)

    of_one = queries(cohort, 1)
    services.release_due(factory.release_instant(cohort, 2))
    assert queries(larger, 3) == of_one
