"""Scoring in the administration."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from certification.kernel import ids
from certification.kernel.errors import BadInput
from certification.kernel.models import AuditEvent
from certification.kernel.windows import civil
from scoring import api, scorers, services
from scoring.models import Assignment, Conflict, Qualification, RuleSetVersion, Scorer
from scoring.rules.catalogue import pilot_data
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> User:
    """An ordinary member of the office."""
    return make.account(Role.STAFF)


@pytest.fixture
def staff(office: User) -> Client:
    client = Client()
    client.force_login(office)
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


def passed(exact: str = "80", within: str = "100", on: str = "2020-07-01") -> dict[str, str]:
    return {
        "rubric_entry": str(make.rubric().entry("entry-1").id),
        "exact_percent": exact,
        "within_one_percent": within,
        "passed_on": on,
    }


def acts_on(scorer: Scorer) -> list[tuple[str, str]]:
    """What is on record about the scorer: what was done, and whose doing it was."""
    acts = AuditEvent.objects.filter(subject_type="scoring.Scorer", subject_id=str(scorer.pk))
    return list(acts.order_by("at").values_list("action", "actor_label"))


def test_staff_record_a_passed_gate_under_their_name(staff: Client, office: User) -> None:
    scorer = make.scorer(qualified=False)
    answer = staff.post(page("scorer_qualify", scorer.pk), passed("70"))
    assert answer.headers["Location"] == page("scorer_change", scorer.pk)
    kept = Qualification.objects.get()
    assert (kept.scorer, kept.exact_percent, kept.rubric_entry.key) == (scorer, Decimal(70), "entry-1")
    assert kept.qualified_at == civil(date(2020, 7, 1), "America/Chicago")
    assert acts_on(scorer)[1:] == [("qualified a scorer", str(office))]
    staff.post(page("scorer_qualify", scorer.pk), passed("90"))
    assert Qualification.objects.get().exact_percent == Decimal(90)


@pytest.mark.parametrize(
    ("exact", "within", "said"),
    [
        ("69.99", "100", "69.99 % of the marks were exact; 70 % are needed."),
        ("90", "99", "99 % were within one level; 100 % are needed."),
        ("101", "100", "less than or equal to 100"),
    ],
)
def test_who_is_under_the_gate_is_refused_with_the_reason(
    staff: Client, exact: str, within: str, said: str
) -> None:
    scorer = make.scorer(qualified=False)
    answer = staff.post(page("scorer_qualify", scorer.pk), passed(exact, within))
    assert answer.status_code == 200
    assert said in answer.text
    assert f'value="{exact}"' in answer.text
    assert not Qualification.objects.exists()
    assert [act for act, _ in acts_on(scorer)] == ["enlisted a scorer"]


def test_a_gate_is_not_passed_on_a_day_to_come(staff: Client) -> None:
    answer = staff.post(page("scorer_qualify", make.scorer(qualified=False).pk), passed(on="2999-01-01"))
    assert "still to come" in answer.text
    assert not Qualification.objects.exists()


def test_staff_declare_a_conflict_once_and_under_their_name(staff: Client, office: User) -> None:
    scorer = make.scorer(qualified=False)
    for organisation in ("Hillside  Schools", "hillside schools "):
        answer = staff.post(page("scorer_conflict", scorer.pk), {"organisation": organisation})
        assert answer.status_code == 302
    assert Conflict.objects.get().organisation == "Hillside Schools"
    assert acts_on(scorer)[1:] == [("declared a conflict", str(office))]
    assert "required" in staff.post(page("scorer_conflict", scorer.pk), {"organisation": " "}).text


def test_a_conflict_names_an_organisation(office: User) -> None:
    with pytest.raises(BadInput, match="Name the organisation"):
        scorers.declare_conflict(scorer_id=make.scorer().pk, organisation=" ", by=office)


def test_the_scorers_page_withdraws_and_never_writes_what_is_declared(staff: Client, office: User) -> None:
    scorer = make.scorer(qualified=False)
    staff.post(page("scorer_qualify", scorer.pk), passed())
    staff.post(page("scorer_conflict", scorer.pk), {"organisation": "Hillside"})
    rows = {"qualifications": Qualification.objects.get(), "conflicts": Conflict.objects.get()}
    sent = {
        "is_active": "on",
        "employer": " Lakeside ",
        "district": "",
        "qualifications-0-exact_percent": "1",
        "conflicts-0-organisation": "Easton",
    }
    for prefix, row in rows.items():
        sent |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "1"}
        sent |= {f"{prefix}-0-id": str(row.pk), f"{prefix}-0-scorer": str(scorer.pk)}
    assert staff.post(page("scorer_change", scorer.pk), sent).status_code == 302
    scorer.refresh_from_db()
    assert scorer.employer == "Lakeside"
    assert Qualification.objects.get().exact_percent == Decimal(80)
    assert Conflict.objects.get().organisation == "Hillside"
    sent |= {f"{prefix}-0-DELETE": "on" for prefix in rows}
    assert staff.post(page("scorer_change", scorer.pk), sent).status_code == 302
    assert not Qualification.objects.exists()
    assert not Conflict.objects.exists()
    assert acts_on(scorer)[3:] == [
        ("edited a scorer", str(office)),
        ("edited a scorer", str(office)),
        ("withdrew a qualification", str(office)),
        ("withdrew a conflict", str(office)),
    ]


def test_what_is_withdrawn_twice_is_withdrawn_once(office: User) -> None:
    scorer = make.scorer()
    conflict = scorers.declare_conflict(scorer_id=scorer.pk, organisation="Hillside", by=office)
    qualification = scorer.qualifications.all()[0]
    for _ in range(2):
        scorers.withdraw_conflict(conflict_id=conflict.pk, by=office)
        scorers.withdraw_qualification(qualification_id=qualification.pk, by=office)
    acts = [act for act, _ in acts_on(scorer)]
    assert (acts.count("withdrew a conflict"), acts.count("withdrew a qualification")) == (1, 1)


@pytest.mark.parametrize("name", ["scorer_qualify", "scorer_conflict"])
def test_only_staff_qualify_and_declare(staff: Client, name: str) -> None:
    scorer = make.scorer(lead=True)
    client = Client()
    client.force_login(make.user_of(scorer))
    sent = {**passed(), "organisation": "Hillside"}
    assert client.post(page(name, scorer.pk), sent).status_code in (302, 404)
    assert not Conflict.objects.exists()
    assert not Qualification.objects.filter(qualified_at__year=2020).exists()
    assert staff.get(page(name, ids.uuid())).status_code == 404


def test_the_list_of_packets_says_how_far_each_is(staff: Client) -> None:
    packet = make.packet()
    make.read(make.assignment(packet, make.scorer()))
    assert "1 of 2" in staff.get(page("packet_changelist")).content.decode()


def test_an_account_becomes_a_qualified_scorer_without_a_shell(staff: Client) -> None:
    person = make.account(Role.LEAD_SCORER)
    rubric_entry = make.rubric().entry("entry-1")
    enlisted = staff.post(
        page("scorer_add"),
        {"account": str(person.pk), "employer": "Elsewhere", "district": ""},
    )
    scorer = Scorer.objects.get(account_id=person.pk)
    assert enlisted.headers["Location"] == page("scorer_qualify", scorer.pk)
    assert scorer.is_lead
    assert person.full_name in staff.get(page("scorer_change", scorer.pk)).text
    assert staff.get(enlisted.headers["Location"]).status_code == 200
    assert "70 % are needed" in staff.post(enlisted.headers["Location"], passed("69")).text
    assert staff.post(enlisted.headers["Location"], passed("70")).status_code == 302
    assert [card.id for card in api.scorer_cards(rubric_entry.id)] == [scorer.pk]
    listing = staff.get(page("scorer_changelist"), {"q": person.full_name}).text
    assert scorer.alias in listing
