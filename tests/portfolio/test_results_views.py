"""The results pages: one's own, after the release, with reasons; and staff's preview before it."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from certification.kernel import clock
from certification.kernel.models import AuditEvent
from portfolio.models import Decision
from portfolio.results import preview, services
from portfolio.results.feedback import entry_bounds, levels_of, overall_bounds
from portfolio.states import Outcome
from scoring.rules.catalogue import pilot_data
from scoring.rules.parsing import parse_rule_set
from tests.factories import portfolio as people
from tests.factories import results as factory

pytestmark = pytest.mark.django_db

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def cohort():
    return factory.a_cohort()


def results_url(candidacy, year: int = 1) -> str:
    return reverse("portfolio:results", args=[candidacy.pk, year])


def report_url(entry) -> str:
    return reverse("portfolio:report", args=[entry.pk])


def read(client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_nothing_is_to_be_read_a_microsecond_before_the_release(client, cohort) -> None:
    candidacy = people.a_candidate(cohort)
    entry, _ = factory.all_scored(candidacy, "3.21", "1.23")
    at = factory.release_instant(cohort)
    client.force_login(candidacy.account)

    with clock.fixed(at - MOMENT):
        services.release_due(clock.now())
        assert client.get(results_url(candidacy)).status_code == 404
        assert client.get(report_url(entry)).status_code == 404
        dashboard = read(client, reverse("dashboard"))
        assert "3.21" not in dashboard
        assert "1.23" not in dashboard
    with clock.fixed(at):
        services.release_due(clock.now())
        assert "3.21" in read(client, results_url(candidacy))
        assert "3.21" in read(client, report_url(entry))
        assert results_url(candidacy) in read(client, reverse("dashboard"))


def test_another_candidates_results_and_report_do_not_exist(client, cohort) -> None:
    owner, other = people.a_candidate(cohort), people.a_candidate(cohort)
    entry, _ = factory.all_scored(owner, "3", "3")
    services.release_due(factory.release_instant(cohort))
    client.force_login(other.account)

    assert client.get(results_url(owner)).status_code == 404
    assert client.get(report_url(entry)).status_code == 404
    assert client.get(results_url(other)).status_code == 200


@pytest.mark.parametrize("year", [0, 2, 99])
def test_a_year_without_a_decision_has_no_page(client, cohort, year: int) -> None:
    candidacy = people.a_candidate(cohort)
    services.release_due(factory.release_instant(cohort))
    client.force_login(candidacy.account)

    assert client.get(results_url(candidacy, year)).status_code == 404


def test_the_results_say_what_is_open_next_year_and_why(client, cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "4", "1.5")
    for year in (1, 2):
        services.release_due(factory.release_instant(cohort, year))
    client.force_login(candidacy.account)

    text = read(client, results_url(candidacy, 2))

    assert "Your candidacy goes on" in text
    assert "What is open in year 3" in text
    assert "below the floor of 1.75" in text
    assert "15 June 2029, 23:59" in text
    assert results_url(candidacy, 1) in text


def test_a_hair_below_the_threshold_is_not_shown_as_the_threshold(client) -> None:
    candidacy = people.a_candidate(factory.a_cohort("pilot-seven"))
    factory.all_scored(candidacy, *["2.75"] * 6, "2.74")
    services.release_due(factory.release_instant(candidacy.cohort))
    client.force_login(candidacy.account)

    assert "2.749" in read(client, results_url(candidacy))


def test_a_report_explains_each_look_for_by_the_rubrics_words_and_names_no_scorer(client, cohort) -> None:
    from certification.kernel import reconcile
    from scoring import api
    from tests.factories import scoring as scorers

    candidacy = people.a_candidate(cohort)
    entry = factory.a_sealed_entry(candidacy)
    packet = factory.a_packet(entry)
    readers = [scorers.scorer(), scorers.scorer()]
    for scorer, mark in zip(readers, ("3", "2"), strict=True):
        scorers.read(scorers.assignment(packet, scorer), mark)
    reconcile.run("scoring.close_packets", scorers.NOW)
    services.release_due(factory.release_instant(cohort))
    client.force_login(candidacy.account)

    text = read(client, report_url(entry))

    rubric = api.rubric(entry.template.framework.rubric_id).entry("entry-1")
    assert len(rubric.look_fors) == 8
    for look_for in rubric.look_fors:
        assert look_for.title in text
    assert "2.50" in text
    assert "Level 2" in text
    assert "Level 3" in text
    for scorer in readers:
        assert scorer.alias not in text
        assert scorers.user_of(scorer).full_name not in text
    assert packet.code not in text


def test_an_unscorable_entry_says_why(client, cohort) -> None:
    candidacy = people.a_candidate(cohort)
    entry = factory.a_scored_entry(candidacy, condition="no_audio")
    services.release_due(factory.release_instant(cohort))
    client.force_login(candidacy.account)

    assert "could not be scored" in read(client, report_url(entry))
    assert "could not be scored" in read(client, results_url(candidacy))
    with clock.fixed(factory.release_instant(cohort) + MOMENT):
        assert "Year 1: could not be scored" in read(client, reverse("portfolio:entries"))


def test_pages_cost_the_same_however_many_entries_there_are(client) -> None:
    def queries(scored: int, number: int) -> tuple[int, int]:
        cohort = factory.a_cohort("pilot-seven", number=number, first_year=2027 + number)
        candidacy = people.a_candidate(cohort)
        entries = factory.all_scored(candidacy, *["3"] * scored)
        services.release_due(factory.release_instant(cohort))
        client.force_login(candidacy.account)
        read(client, results_url(candidacy))
        counts = []
        for url in (results_url(candidacy), report_url(entries[0])):
            with clock.fixed(candidacy.enrolled_at), CaptureQueriesContext(connection) as captured:
                read(client, url)
            counts.append(len(captured))
        return counts[0], counts[1]

    assert queries(1, 0) == queries(3, 5)


@pytest.mark.parametrize(
    ("score", "levels"),
    [
        ("0.75", [1]),
        ("2.25", [2]),
        ("5/2", [2, 3]),
        ("23/8", [3]),
        ("3.25", [3]),
        ("3.5", [3, 4]),
        ("4.25", [4]),
    ],
)
def test_a_score_between_two_levels_is_explained_by_both(score: str, levels: list[int]) -> None:
    found = levels_of(parse_rule_set(pilot_data("two-entry")), Fraction(score), {2: "some", 3: "clear"})

    assert [level.level for level in found] == levels


def test_scores_that_are_sums_are_drawn_on_the_scale_of_sums() -> None:
    data = {**pilot_data("two-entry"), "combine_look_fors": "sum", "combine_entries": "sum"}
    ruleset = parse_rule_set({**data, "floor": None, "threshold": None, "gap": None})
    weights = sum(look_for.weight for look_for in ruleset.entry("entry-1").look_fors)

    assert entry_bounds(ruleset, "entry-1").highest == Fraction("4.25") * Fraction(weights)
    assert overall_bounds(ruleset).lowest > 0


def test_the_preview_shows_what_the_release_then_writes(cohort) -> None:
    certified, continuing, idle = (people.a_candidate(cohort) for _ in range(3))
    factory.all_scored(certified, "3", "3")
    factory.all_scored(continuing, "2", "2")
    at = factory.release_instant(cohort)

    shown = preview.preview(at)
    services.release_due(at)

    assert {line.candidate_number: line.outcome for line in shown.lines} == {
        decision.candidacy.number: Outcome(decision.outcome)
        for decision in Decision.objects.select_related("candidacy")
    }
    assert {line.candidate_number: line.reasons for line in shown.lines} == {
        decision.candidacy.number: tuple(decision.reasons)
        for decision in Decision.objects.select_related("candidacy")
    }
    assert idle.number in {line.candidate_number for line in shown.lines}
    assert shown.tally == (("Certified", 1), ("Continuing", 2))


def test_the_preview_names_blockers_and_judges_nobody_whose_scores_are_missing(cohort) -> None:
    ready, waiting = people.a_candidate(cohort), people.a_candidate(cohort)
    factory.all_scored(ready, "3", "3")
    factory.a_scored_entry(waiting, "entry-1")
    factory.a_sealed_entry(waiting, "entry-2")

    shown = preview.preview(factory.release_instant(cohort))

    assert [blocker.candidate_number for blocker in shown.blockers] == [waiting.number]
    outcomes = {line.candidate_number: line.outcome for line in shown.lines}
    assert outcomes == {ready.number: Outcome.CERTIFIED, waiting.number: None}
    assert not Decision.objects.exists()


@pytest.fixture
def staff_client(client, settings):
    settings.MFA_REQUIRED = False
    client.force_login(people.a_staff_member())
    return client


def test_staff_preview_the_next_release_and_each_look_is_on_record(staff_client, cohort) -> None:
    candidacy = people.a_candidate(cohort)
    factory.all_scored(candidacy, "3", "3")
    at = factory.release_instant(cohort)
    url = reverse("admin:portfolio_release_preview")

    with clock.fixed(at - timedelta(weeks=6)):
        text = read(staff_client, url)
        assert staff_client.get(url, {"due": at.isoformat()}).status_code == 200
        assert staff_client.get(url, {"due": "yesterday"}).status_code == 404

    assert candidacy.number in text
    assert "Certified" in text
    assert "Nothing. It comes out by itself" in text
    assert AuditEvent.objects.filter(action="previewed release").count() == 2


def test_the_preview_is_for_staff_alone(client, cohort) -> None:
    candidacy = people.a_candidate(cohort)
    client.force_login(candidacy.account)

    assert client.get(reverse("admin:portfolio_release_preview")).status_code in {302, 404}


def test_the_preview_costs_the_same_for_one_candidate_and_three(cohort) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            preview.preview(factory.release_instant(cohort))
        return len(captured)

    factory.all_scored(people.a_candidate(cohort), "3", "3")
    of_one = queries()
    for _ in range(2):
        factory.all_scored(people.a_candidate(cohort), "2", "2")
    assert queries() == of_one


@pytest.mark.parametrize("model", ["release", "entryscore", "bankedscore", "decision"])
def test_records_are_read_only_in_the_administration(staff_client, cohort, model: str) -> None:
    from django.apps import apps

    factory.all_scored(people.a_candidate(cohort), "3", "3")
    services.release_due(factory.release_instant(cohort))
    row = apps.get_model("portfolio", model).objects.first()

    assert staff_client.get(reverse(f"admin:portfolio_{model}_changelist")).status_code == 200
    page = staff_client.get(reverse(f"admin:portfolio_{model}_change", args=[row.pk]))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert staff_client.get(reverse(f"admin:portfolio_{model}_add")).status_code == 403
    assert staff_client.post(reverse(f"admin:portfolio_{model}_delete", args=[row.pk])).status_code == 403
