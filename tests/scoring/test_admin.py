"""Scoring in the administration."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from certification.kernel.models import AuditEvent
from scoring import api, services
from scoring.models import Assignment, Conflict, Qualification, RuleSetVersion, Scorer
from scoring.rules.catalogue import pilot_data
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db

FORMSETS = {
    f"{prefix}-{field}": value
    for prefix in ("qualifications", "conflicts")
    for field, value in (("TOTAL_FORMS", "0"), ("INITIAL_FORMS", "0"))
}


@pytest.fixture
def staff() -> Client:
    """An ordinary member of the office."""
    client = Client()
    client.force_login(make.account(Role.STAFF))
    return client


def page(name: str, *args: object) -> str:
    return reverse(f"admin:scoring_{name}", args=args)


@pytest.mark.parametrize(
    "name", ["rubric", "rubricentry", "rulesetversion", "scorer", "packet", "reading", "evidenceshown"]
)
def test_every_list_and_every_row_can_be_opened(staff: Client, name: str) -> None:
    mine = make.assignment(make.packet(), make.scorer())
    services.record_shown(
        scorer_id=mine.scorer_id, assignment_id=mine.pk, file_id=mine.packet.files.get().pk, now=make.NOW
    )
    make.read(mine)
    answer = staff.get(page(f"{name}_changelist"))
    row = answer.context["cl"].result_list[0]
    assert staff.get(page(f"{name}_change", row.pk)).status_code == 200


@pytest.mark.parametrize("name", ["packet", "reading", "evidenceshown"])
def test_what_scoring_wrote_can_only_be_looked_at(staff: Client, name: str) -> None:
    assert staff.get(page(f"{name}_add")).status_code == 403


def test_scorers_do_not_enter(mine: Assignment, signed_in: Client) -> None:
    assert signed_in.get(page("reading_changelist")).status_code in (302, 404)


def test_looking_at_somebodys_marks_is_on_record(staff: Client, mine: Assignment) -> None:
    reading = make.read(mine)
    staff.get(page("reading_change", reading.pk))
    assert AuditEvent.objects.get(action="looked at a reading").subject_id == str(reading.pk)


def test_a_rule_set_that_is_none_is_refused_with_every_problem(staff: Client) -> None:
    data = {**pilot_data("two-entry"), "gap": "wide", "floor": "low"}
    answer = staff.post(
        page("rulesetversion_add"), {"slug": "ours", "version": 1, "title": "Ours", "data": json.dumps(data)}
    )
    text = answer.content.decode()
    assert "gap: must be" in text
    assert "floor: must be" in text
    assert not RuleSetVersion.objects.exists()


def test_a_rule_set_is_edited_until_it_is_used_and_then_copied(staff: Client) -> None:
    unused = RuleSetVersion.objects.get(pk=make.rule_set(scorers_per_entry=1))
    change = {"slug": unused.slug, "version": unused.version, "title": "Ours"}
    data = {**unused.data, "scorers_per_entry": 3}
    staff.post(page("rulesetversion_change", unused.pk), {**change, "data": json.dumps(data)})
    before = unused.digest
    unused.refresh_from_db()
    assert (unused.title, unused.data["scorers_per_entry"]) == ("Ours", 3)
    assert unused.digest != before
    used = make.packet().rule_set
    assert staff.post(page("rulesetversion_change", used.pk), {**change, "data": "{}"}).status_code == 403
    staff.post(
        page("rulesetversion_changelist"), {"action": "start_new_version", "_selected_action": [str(used.pk)]}
    )
    assert RuleSetVersion.objects.filter(slug=used.slug, used_at__isnull=True, data=used.data).exists()


def test_staff_enlist_an_account_whose_role_says_whether_it_leads(staff: Client) -> None:
    lead = make.account(Role.LEAD_SCORER)
    candidate = make.account(Role.CANDIDATE)
    form = {"employer": "Lakeside", "district": "North"}
    assert staff.post(page("scorer_add"), {**form, "account": str(candidate.pk)}).status_code == 200
    assert not Scorer.objects.exists()
    assert staff.post(page("scorer_add"), {**form, "account": str(lead.pk)}).status_code == 302
    scorer = Scorer.objects.get()
    assert (scorer.account_id, scorer.alias, scorer.is_lead, scorer.employer) == (
        lead.pk,
        "S01",
        True,
        "Lakeside",
    )
    assert str(lead.pk) not in staff.get(page("scorer_add")).content.decode()


@pytest.mark.parametrize(("exact", "kept"), [("80", True), ("60", False)])
def test_staff_note_conflicts_and_qualifications_through_the_gate(
    staff: Client, exact: str, kept: bool
) -> None:
    scorer = make.scorer(qualified=False)
    sent = {
        **FORMSETS,
        "is_active": "on",
        "employer": "",
        "district": "",
        "conflicts-TOTAL_FORMS": "1",
        "conflicts-0-organisation": "Hillside",
        "qualifications-TOTAL_FORMS": "1",
        "qualifications-0-rubric_entry": str(make.rubric().entry("entry-1").id),
        "qualifications-0-exact_percent": exact,
        "qualifications-0-within_one_percent": "100",
        "qualifications-0-qualified_at_0": "2027-07-01",
        "qualifications-0-qualified_at_1": "12:00:00",
    }
    answer = staff.post(page("scorer_change", scorer.pk), sent)
    assert answer.status_code == (302 if kept else 200)
    assert Conflict.objects.exists() is kept
    assert list(Qualification.objects.values_list("exact_percent", flat=True)) == (
        [Decimal(80)] if kept else []
    )


def test_the_list_of_packets_says_how_far_each_is(staff: Client) -> None:
    packet = make.packet()
    make.read(make.assignment(packet, make.scorer()))
    assert "1 of 2" in staff.get(page("packet_changelist")).content.decode()


def test_an_account_becomes_a_qualified_scorer_without_a_shell(staff: Client) -> None:
    person = make.account(Role.LEAD_SCORER)
    rubric_entry = make.rubric().entry("entry-1")
    enlisted = staff.post(
        reverse("admin:scoring_scorer_add"),
        {"account": str(person.pk), "employer": "Elsewhere", "district": ""},
    )
    scorer = Scorer.objects.get(account_id=person.pk)
    assert enlisted.headers["Location"] == reverse("admin:scoring_scorer_change", args=[scorer.pk])
    assert scorer.is_lead
    page = staff.get(enlisted.headers["Location"]).text
    assert person.full_name in page
    answers = {
        "is_lead": "on",
        "is_active": "on",
        "employer": "Elsewhere",
        "qualifications-TOTAL_FORMS": "1",
        "qualifications-INITIAL_FORMS": "0",
        "qualifications-0-rubric_entry": str(rubric_entry.id),
        "qualifications-0-exact_percent": "69",
        "qualifications-0-within_one_percent": "100",
        "qualifications-0-qualified_at_0": "2027-07-01",
        "qualifications-0-qualified_at_1": "12:00",
        "conflicts-TOTAL_FORMS": "0",
        "conflicts-INITIAL_FORMS": "0",
    }
    assert "70 % are needed" in staff.post(enlisted.headers["Location"], answers).text
    answers["qualifications-0-exact_percent"] = "70"
    assert staff.post(enlisted.headers["Location"], answers).status_code == 302
    assert [card.id for card in api.scorer_cards(rubric_entry.id)] == [scorer.pk]
    listing = staff.get(reverse("admin:scoring_scorer_changelist"), {"q": person.full_name}).text
    assert scorer.alias in listing
