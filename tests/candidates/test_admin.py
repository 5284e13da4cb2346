"""The programme office's pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from candidates import selectors
from candidates.models import Candidacy, Cohort, DeadlineExtension, PolicyDocument, Registration
from certification.kernel import clock
from certification.kernel.models import AuditEvent, OutboxMessage
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
COHORT = {
    "number": "12",
    "name": "Cohort 12",
    "first_year": "2029",
    "framework_slug": "two-entry",
    "fee_minor": "50000",
    "currency": "USD",
    "min_years_employed": "2",
    "refuse_below_percent": "60",
    "clean_from_percent": "70",
    "grace_minutes": "0",
}


@pytest.fixture
def office(settings: Any) -> Client:
    settings.MFA_REQUIRED = False
    client = Client()
    client.force_login(make.account(Role.STAFF), backend=BACKEND)
    return client


def page(model: str, what: str, *args: Any) -> str:
    return reverse(f"admin:candidates_{model}_{what}", args=args)


def test_adding_a_cohort_works_out_its_calendar(office: Client) -> None:
    assert "registration_opens_at" not in office.get(page("cohort", "add")).text
    response = office.post(page("cohort", "add"), COHORT)
    assert response.status_code == 302
    cohort = Cohort.objects.get(number=12)
    assert cohort.registration_opens_at == datetime(2028, 11, 1, 5, tzinfo=UTC)
    assert cohort.years.count() == 3
    assert AuditEvent.objects.filter(action="created cohort").count() == 1


@pytest.mark.parametrize("wrong", [{"fee_minor": "0"}, {"refuse_below_percent": "80"}, {"number": "10"}])
def test_a_cohort_that_cannot_be_is_refused_in_the_form(office: Client, wrong: dict[str, str]) -> None:
    make.cohort(10)
    response = office.post(page("cohort", "add"), COHORT | wrong)
    assert response.status_code == 200
    assert response.context["errors"]
    assert Cohort.objects.count() == 1


def test_moving_a_date_is_audited(office: Client) -> None:
    cohort = make.cohort()
    url = page("cohort", "change", cohort.pk)
    form = office.get(url).context["adminform"].form
    data = {
        name: "" if form.initial[name] is None else form.initial[name]
        for name in form.fields
        if name in COHORT
    }
    data |= {
        "registration_opens_at_0": "2026-11-01",
        "registration_opens_at_1": "00:00:00",
        "registration_closes_at_0": "2027-02-03",
        "registration_closes_at_1": "00:00:00",
        "years-TOTAL_FORMS": "3",
        "years-INITIAL_FORMS": "3",
    }
    for index, year in enumerate(cohort.years.order_by("number")):
        data[f"years-{index}-id"] = str(year.pk)
        data[f"years-{index}-cohort"] = str(cohort.pk)
        for name in ("submission_opens_at", "submission_closes_at", "release_at"):
            local = getattr(year, name).astimezone(ZoneInfo(cohort.zone))
            data[f"years-{index}-{name}_0"] = f"{local:%Y-%m-%d}"
            data[f"years-{index}-{name}_1"] = f"{local:%H:%M:%S}"
    response = office.post(url, data)
    assert response.status_code == 302, response.context["errors"]
    cohort.refresh_from_db()
    assert cohort.registration_closes_at == datetime(2027, 2, 3, 6, tzinfo=UTC)
    event = AuditEvent.objects.get(action="changed cohort")
    assert list(event.detail["after"]) == ["registration_closes_at"]


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_take_the_same_queries(office: Client, rows: int, django_assert_max_num_queries: Any) -> None:
    cohort = make.cohort()
    for _ in range(rows):
        make.candidacy(in_cohort=cohort)
    for model in ("registration", "candidacy", "cohort", "policydocument", "deadlineextension"):
        with clock.fixed(make.REGISTERING), django_assert_max_num_queries(9):
            assert office.get(page(model, "changelist")).status_code == 200


def test_flagged_registrations_come_first(office: Client) -> None:
    cohort = make.cohort()
    make.draft(in_cohort=cohort)
    flagged = make.draft(in_cohort=cohort)
    Registration.objects.filter(pk=flagged.pk).update(flagged_for_staff=True)
    make.draft(in_cohort=cohort)
    listed = office.get(page("registration", "changelist")).context["cl"].result_list
    assert listed[0] == flagged


def test_staff_correct_a_name_but_no_state_and_no_fact(office: Client) -> None:
    registration = make.sent()
    url = page("registration", "change", registration.pk)
    answers = {
        "name_on_certificate": "Right Name",
        "school": registration.school,
        "district": registration.district,
        "country": registration.country,
        "role_title": registration.role_title,
        "affirmations-TOTAL_FORMS": "0",
        "affirmations-INITIAL_FORMS": "0",
    }
    response = office.post(url, answers | {"state": "complete", "coaching_percent": "99"})
    assert response.status_code == 302
    registration.refresh_from_db()
    assert registration.name_on_certificate == "Right Name"
    assert registration.state == "awaiting_payment"
    assert registration.coaching_percent == 75
    assert AuditEvent.objects.get(action="corrected registration").detail["after"] == {
        "name_on_certificate": "Right Name"
    }
    assert office.post(url, answers | {"school": ""}).status_code == 200


def test_staff_extend_a_deadline_with_a_reason(office: Client) -> None:
    candidacy = make.candidacy()
    url = page("candidacy", "extend", candidacy.pk)
    assert url in office.get(page("candidacy", "change", candidacy.pk)).text
    with clock.fixed(datetime(2027, 6, 20, tzinfo=UTC)):
        assert "15 June 2027, 23:59 CDT" in office.get(url).text
        late = {"year": "1", "closes_at_0": "2027-06-25", "closes_at_1": "17:00"}
        assert office.post(url, late).status_code == 200
        early = office.post(url, late | {"closes_at_0": "2027-06-10", "reason": "Ill."})
        assert "Choose a later instant" in early.text
        assert office.post(url, late | {"reason": "Ill."}).status_code == 302
    assert selectors.submission_window(candidacy, 1).closes == datetime(2027, 6, 25, 22, 1, tzinfo=UTC)
    assert DeadlineExtension.objects.get().reason == "Ill."
    assert office.get(page("candidacy", "extend", candidacy.registration_id)).status_code == 404


def test_an_extension_reads_everywhere_as_staff_typed_it(office: Client) -> None:
    candidacy = make.candidacy()
    extend = page("candidacy", "extend", candidacy.pk)
    typed = {"year": "1", "closes_at_0": "2027-06-25", "closes_at_1": "23:59", "reason": "Ill."}
    with clock.fixed(datetime(2027, 6, 20, tzinfo=UTC)):
        assert "Open until and including" in office.get(extend).text
        assert office.post(extend, typed).status_code == 302
        extension = DeadlineExtension.objects.get()
        assert extension.closes_at == datetime(2027, 6, 26, 5, tzinfo=UTC)
        for shown in (
            office.get(extend).text,
            office.get(page("candidacy", "change", candidacy.pk)).text,
            office.get(page("deadlineextension", "changelist")).text,
            office.get(page("deadlineextension", "change", extension.pk)).text,
            OutboxMessage.objects.get(kind="deadline extended").body,
        ):
            assert "25 June 2027, 23:59 CDT" in shown
            assert "26 June 2027" not in shown
    assert AuditEvent.objects.get(action="extended deadline").detail["until"] == "25 June 2027, 23:59 CDT"


def test_a_new_text_is_a_new_version(office: Client) -> None:
    make.cohort()
    add = page("policydocument", "add")
    assert f"{add}?kind=fee" in office.get(page("policydocument", "changelist")).text
    writing = office.get(f"{add}?kind=fee").text
    assert "The fee" in writing
    assert reverse("preview_text") in writing
    response = office.post(add, {"kind": "fee", "title": "The fee", "body": "Changed."})
    assert response.status_code == 302
    assert PolicyDocument.objects.get(kind="fee", version=2).body == "Changed."
    first = PolicyDocument.objects.get(kind="fee", version=1)
    assert (
        reverse("candidates:document", args=["fee", 1])
        in office.get(page("policydocument", "change", first.pk)).text
    )
    assert office.post(page("policydocument", "change", first.pk), {"body": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"body": "See [this](http://example.org/)."}, "begin it with https://"),
        ({"body": " "}, "This field is required"),
        ({"title": "x" * 121}, "at most 120"),
        ({"kind": "soul"}, "Select a valid choice"),
    ],
)
def test_a_text_that_cannot_be_published_is_kept_in_the_form(
    office: Client, answers: dict[str, str], said: str
) -> None:
    make.cohort()
    typed = {"kind": "fees", "title": "Fees, typed", "body": "A long text that somebody typed."} | answers
    response = office.post(page("policydocument", "add"), typed)
    assert response.status_code == 200
    assert said in response.text
    assert typed["title"] in response.text
    assert not PolicyDocument.objects.filter(version=2).exists()


def test_a_preview_shows_the_page_and_what_would_change_and_keeps_nothing(office: Client) -> None:
    make.cohort()
    typed = {"kind": "fees", "title": "Fees", "body": "New <b>words</b>.\n\n## Refunds\nNone."}
    shown = office.post(reverse("preview_text"), typed)
    assert shown.status_code == 200
    assert "Preview: nobody else sees this" in shown.text
    assert "New &lt;b&gt;words&lt;/b&gt;." in shown.text
    assert "Taken out: </span>Fees, and what happens to your money" in shown.text
    assert "$500.00" in shown.text
    bad = office.post(reverse("preview_text"), typed | {"body": "[x](http://y)"})
    assert bad.status_code == 422
    assert "http://y" in bad.text
    assert office.post(reverse("preview_text"), typed | {"kind": "soul"}).status_code == 404
    assert not PolicyDocument.objects.filter(version=2).exists()
    candidate = Client()
    candidate.force_login(make.account(), backend=BACKEND)
    assert candidate.post(reverse("preview_text"), typed).status_code == 404


@pytest.mark.parametrize("model", [Cohort, Registration, Candidacy, PolicyDocument, DeadlineExtension])
def test_nothing_is_deleted_in_the_admin(office: Client, model: Any) -> None:
    candidacy = make.candidacy()
    row = {Cohort: candidacy.cohort, Registration: candidacy.registration, Candidacy: candidacy}.get(
        model, PolicyDocument.objects.first()
    )
    assert row is not None
    name = model._meta.model_name
    assert office.post(page(name, "delete", row.pk), {"post": "yes"}).status_code in {302, 403}
    assert type(row)._default_manager.filter(pk=row.pk).exists()
    assert model in admin.site._registry


def test_a_candidate_finds_no_office_page(settings: Any) -> None:
    candidacy = make.candidacy()
    client = Client()
    client.force_login(candidacy.account, backend=BACKEND)
    for url in (page("candidacy", "changelist"), page("candidacy", "extend", candidacy.pk)):
        response = client.get(url)
        assert response.status_code in {302, 403, 404}
