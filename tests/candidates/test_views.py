"""Every page of a registration: good input, bad input, twice, late, and somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from candidates import services
from candidates.documents import publish_document
from candidates.models import Registration
from candidates.states import AffirmationKind, RegistrationState
from certification.kernel import clock
from payments.models import Order
from payments.selectors import documents_of, order_card
from payments.services import start_payment
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
NOW = make.REGISTERING
STEPS = ["about", "work", "advisory", "affirm", "review", "outcome", "resume", "reopen", "reminder"]
WORK = {
    "school": "Elm Street School",
    "district": "Elm County",
    "country": "United States",
    "role_title": "Instructional coach",
    "full_time": "yes",
    "years_employed": "4",
    "coaching_percent": "75",
}


@pytest.fixture(autouse=True)
def _december() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def url(step: str, registration: Registration) -> str:
    return reverse(f"candidates:{step}", args=[registration.pk])


def affirmations(**changes: str) -> dict[str, str]:
    every = dict.fromkeys(AffirmationKind.values, "on")
    versions = {f"{kind}-version": "1" for kind in AffirmationKind.values}
    return every | versions | changes


def started(account: User | None = None) -> tuple[Client, Registration]:
    person = account or make.account()
    registration = services.start_registration(account=person, cohort_id=make.cohort().pk, now=NOW)
    return signed_in(person), registration


def closed(registration: Registration) -> Any:
    return clock.fixed(registration.cohort.registration_window.closes)


def test_a_person_registers_from_the_overview_to_the_payment() -> None:
    person, cohort = make.account(), make.cohort()
    client = signed_in(person)
    assert "Start registering" in client.get(reverse("candidates:register")).text
    response = client.post(reverse("candidates:start", args=[cohort.pk]))
    registration = Registration.objects.get(account=person)
    assert response["Location"] == url("about", registration)
    response = client.post(response["Location"], {"name_on_certificate": " Ada   Lovelace "})
    assert response["Location"] == url("work", registration)
    response = client.post(response["Location"], WORK)
    assert response["Location"] == url("affirm", registration)
    response = client.post(response["Location"], affirmations())
    assert response["Location"] == url("review", registration)
    page = client.get(response["Location"]).text
    assert "Ada Lovelace" in page
    assert "Still to do" not in page
    response = client.post(response["Location"])
    order = order_card("registration", registration.pk)
    assert order is not None
    assert response["Location"] == order.url
    assert "the fee" in client.get(url("outcome", registration)).text

    make.pay(registration)
    services.complete_registration(registration_id=registration.pk, now=NOW)
    done = client.get(url("outcome", registration)).text
    assert "C10-0001" in done
    for what in ("What happens next", "1 May 2027, 00:00 CDT", "15 June 2027, 23:59 CDT", "31 October 2027"):
        assert what in done
    (receipt,) = documents_of(order.id)
    assert f'<a href="{receipt.url}">{receipt.number} (PDF)</a>' in done


def test_a_registration_begun_on_one_device_goes_on_on_another() -> None:
    person, cohort = make.account(), make.cohort()
    phone, desk = signed_in(person), signed_in(person)
    phone.post(reverse("candidates:start", args=[cohort.pk]))
    registration = Registration.objects.get(account=person)
    phone.post(url("work", registration), {"school": "Elm"}, headers={"HX-Request": "true"})
    assert url("resume", registration) in desk.get(reverse("dashboard")).text
    response = desk.get(url("resume", registration), follow=True)
    assert response.redirect_chain[-1][0] == url("work", registration)
    assert 'value="Elm"' in response.text
    assert desk.post(url("work", registration), WORK)["Location"] == url("affirm", registration)
    assert phone.get(url("resume", registration))["Location"] == url("affirm", registration)


def test_every_step_says_where_it_stands_and_the_review_shows_everything() -> None:
    registration = make.draft(coaching_percent=Decimal(65))
    client = signed_in(registration.account)
    assert "step 2 of 6" in client.get(url("work", registration)).text
    services.acknowledge_advisory(registration_id=registration.pk, by=registration.account, now=NOW)
    page = client.get(url("review", registration)).text
    assert "step 5 of 6" in page
    assert "$500.00" in page
    assert "You acknowledged it on" in page
    for step in ("about", "work", "advisory", "affirm"):
        assert url(step, registration) in page
    for kind in AffirmationKind.values:
        assert reverse("candidates:document", args=[kind, 1]) in page


@pytest.mark.parametrize(
    "name", ["Łucja Żółć-O’Brien", "מרים לוי", "محمد بن عبد الله", "山田 太郎", "N" * 150]
)
def test_a_name_of_any_script_is_kept_as_typed_and_set_apart(name: str) -> None:
    client, registration = started()
    assert 'dir="auto"' in client.get(url("about", registration)).text
    assert client.post(url("about", registration), {"name_on_certificate": name}).status_code == 302
    registration.refresh_from_db()
    assert registration.name_on_certificate == name
    assert f"<bdi>{name}</bdi>" in client.get(url("review", registration)).text


def test_a_refusal_names_every_reason_at_once() -> None:
    registration = make.sent(full_time=False, years_employed=Decimal("0.5"), coaching_percent=Decimal(10))
    assert registration.state == RegistrationState.REFUSED
    page = signed_in(registration.account).get(url("outcome", registration)).text
    for reason in ("Full-time employment", "At least 2 full school years", "At least 60 % of work time"):
        assert reason in page
    assert registration.account.email in page
    assert "usually opens on 1 November" in page


def test_an_advisory_stands_between_work_and_affirmations() -> None:
    client, registration = started()
    response = client.post(url("work", registration), WORK | {"coaching_percent": "65.5"})
    assert response["Location"] == url("advisory", registration)
    page = client.get(response["Location"]).text
    assert "65.5 %" in page
    assert client.post(response["Location"], {}).status_code == 200
    response = client.post(response["Location"], {"acknowledged": "on"})
    assert response["Location"] == url("affirm", registration)


def test_answers_that_would_be_refused_lead_to_the_reasons_at_once() -> None:
    client, registration = started()
    response = client.post(url("work", registration), WORK | {"coaching_percent": "40"})
    assert response["Location"] == url("review", registration)
    page = client.get(response["Location"]).text
    assert "The requirements are not met" in page
    assert "40 %" in page

    response = client.post(url("review", registration))
    assert response["Location"] == url("outcome", registration)
    page = client.get(response["Location"]).text
    assert "Correct my answers" in page
    assert "next cohort" in page
    assert "We can write to" in page
    page = client.post(url("reminder", registration), {"wanted": "on"}, follow=True).text
    registration.refresh_from_db()
    assert registration.wants_reminder
    assert "We can write to" not in page
    client.post(url("reminder", registration), {})
    registration.refresh_from_db()
    assert not registration.wants_reminder

    assert client.post(url("reopen", registration))["Location"] == url("work", registration)
    assert client.post(url("reopen", registration))["Location"] == url("work", registration)
    registration.refresh_from_db()
    assert registration.state == RegistrationState.DRAFT


def test_what_can_be_used_is_kept_when_something_else_is_wrong() -> None:
    client, registration = started()
    response = client.post(
        url("work", registration), WORK | {"coaching_percent": "seventy", "years_employed": "99"}
    )
    assert response.status_code == 200
    assert "seventy" in response.text
    assert "Write the share as a number" in response.text
    registration.refresh_from_db()
    assert registration.school == "Elm Street School"
    assert registration.full_time is True
    assert registration.coaching_percent is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"coaching_percent": "101"},
        {"coaching_percent": "-1"},
        {"coaching_percent": "NaN"},
        {"coaching_percent": "1e9"},
        {"years_employed": "Infinity"},
        {"full_time": "maybe"},
        {"school": "x" * 151},
        {"school": "a\x00b"},
        {"country": "   "},
    ],
)
def test_bad_answers_are_named_beside_the_field(wrong: dict[str, str]) -> None:
    client, registration = started()
    response = client.post(url("work", registration), WORK | wrong)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == list(wrong)


def test_an_open_payment_page_is_not_called_a_check() -> None:
    registration = make.sent()
    order = Order.objects.get(payer=registration.account)
    start_payment(order_id=order.pk, by=registration.account, gateway="sandbox", now=NOW)
    page = signed_in(registration.account).get(url("outcome", registration)).text
    assert "Finish your payment" in page
    assert "We are checking" not in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"coaching_percent": "0.7"}, "Write the share in percent: 70 rather than 0.7."),
        ({"years_employed": "-1"}, "The years cannot be fewer than 0."),
        ({"years_employed": "99"}, "The years cannot be more than 60."),
    ],
)
def test_a_number_nobody_can_mean_is_asked_for_again_in_plain_words(wrong: dict[str, str], said: str) -> None:
    client, registration = started()
    response = client.post(url("work", registration), WORK | wrong)
    assert response.status_code == 200
    assert said in response.text
    (name,) = wrong
    registration.refresh_from_db()
    assert getattr(registration, name) is None


@pytest.mark.parametrize("share", ["0", "1", "70.5"])
def test_a_share_in_percent_is_taken_as_typed(share: str) -> None:
    client, registration = started()
    assert client.post(url("work", registration), WORK | {"coaching_percent": share}).status_code == 302
    registration.refresh_from_db()
    assert registration.coaching_percent == Decimal(share)


def test_an_empty_name_is_asked_for_and_the_saved_one_stays() -> None:
    client, registration = started()
    response = client.post(url("about", registration), {"name_on_certificate": ""})
    assert "Write your name" in response.text
    registration.refresh_from_db()
    assert registration.name_on_certificate == registration.account.full_name


def test_a_change_is_saved_quietly_while_typing() -> None:
    client, registration = started()
    response = client.post(url("work", registration), {"school": "Oak"}, headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert "Saved" in response.headers["HX-Trigger"]
    registration.refresh_from_db()
    assert registration.school == "Oak"
    with closed(registration):
        late = client.post(url("work", registration), {"school": "Ash"}, headers={"HX-Request": "true"})
    assert "closed on" in late.headers["HX-Trigger"]
    registration.refresh_from_db()
    assert registration.school == "Oak"


def test_ticked_texts_are_recorded_while_others_are_open() -> None:
    client, registration = started()
    response = client.post(
        url("affirm", registration), {"fee": "on", "fee-version": "1", "role": "on", "role-version": "1"}
    )
    assert response.status_code == 200
    assert set(registration.affirmations.values_list("kind", flat=True)) == {"fee", "role"}
    again = client.get(url("affirm", registration)).text
    assert 'name="fee"' not in again
    assert 'name="requirements"' in again
    assert reverse("candidates:document", args=["requirements", 1]) in again


def test_a_text_replaced_while_reading_is_not_affirmed() -> None:
    client, registration = started()
    publish_document(kind="fee", title="The fee", body="Newer.", by=make.account(Role.STAFF), now=NOW)
    response = client.post(url("affirm", registration), affirmations())
    assert response.status_code == 409
    assert "newer version" in response.text
    assert 'name="fee-version" value="2"' in response.text
    assert not registration.affirmations.exists()
    response = client.post(url("affirm", registration), affirmations(**{"fee-version": "2"}))
    assert response.status_code == 302


def test_sending_an_unfinished_registration_lists_what_is_missing() -> None:
    client, registration = started()
    response = client.post(url("review", registration))
    assert response.status_code == 409
    assert "Name your country." in response.text
    registration.refresh_from_db()
    assert registration.state == RegistrationState.DRAFT


def test_sending_twice_leads_to_the_same_order() -> None:
    registration = make.draft()
    client = signed_in(registration.account)
    assert (
        client.post(url("review", registration))["Location"]
        == client.post(url("review", registration))["Location"]
    )
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("step", "data"),
    [
        ("about", {"name_on_certificate": "Somebody Else"}),
        ("work", WORK | {"school": "Late School"}),
        ("affirm", affirmations()),
        ("review", {}),
    ],
)
def test_a_page_opened_in_time_cannot_write_late_and_shows_what_was_typed(
    step: str, data: dict[str, str]
) -> None:
    client, registration = started()
    with closed(registration):
        response = client.post(url(step, registration), data)
    assert response.status_code == 409
    assert "31 January 2027, 23:59" in response.text
    for value in ("Somebody Else", "Late School"):
        if value in data.values():
            assert value in response.text
    unchanged = Registration.objects.get(pk=registration.pk)
    assert unchanged.school == ""
    assert not unchanged.affirmations.exists()


def test_a_late_acknowledgement_and_a_late_correction_are_refused() -> None:
    borderline = make.draft(coaching_percent=Decimal(65))
    refused = make.sent(in_cohort=borderline.cohort, full_time=False)
    with closed(borderline):
        late = signed_in(borderline.account).post(url("advisory", borderline), {"acknowledged": "on"})
        assert late.status_code == 409
        page = signed_in(refused.account).get(url("outcome", refused)).text
        assert "Correct my answers" not in page
        assert signed_in(refused.account).post(url("reopen", refused)).status_code == 409


def test_after_it_lapsed_a_reminder_is_offered() -> None:
    registration = make.draft()
    client = signed_in(registration.account)
    with closed(registration):
        assert "lapsed" in client.get(url("outcome", registration)).text
        assert client.post(url("reminder", registration), {"wanted": "on"}).status_code == 409
        services.lapse_registration(registration_id=registration.pk, now=clock.now())
        assert client.get(url("about", registration))["Location"] == url("outcome", registration)
        assert "Write to me" in client.get(url("outcome", registration)).text
        assert client.post(url("reminder", registration), {"wanted": "on"}).status_code == 302
        assert client.post(url("about", registration), {"name_on_certificate": "X"}).status_code == 409


def test_a_sent_registration_leads_to_its_outcome() -> None:
    registration = make.sent()
    client = signed_in(registration.account)
    for step in ("about", "work", "affirm", "review", "resume"):
        assert client.get(url(step, registration))["Location"] == url("outcome", registration)
    assert client.get(url("advisory", registration))["Location"] == url("resume", registration)
    assert client.post(url("about", registration), {"name_on_certificate": "X"}).status_code == 409


@pytest.mark.parametrize("step", ["about", "work", "affirm"])
def test_a_second_tab_that_is_too_late_is_shown_what_became_of_the_registration(step: str) -> None:
    registration = make.sent()

    response = signed_in(registration.account).post(url(step, registration), WORK | affirmations())

    assert "has been sent and cannot be changed" in response.text
    assert "Your answers are in" in response.text
    assert "Save and go on" not in response.text


def test_who_signed_up_without_a_name_is_named_on_the_receipt() -> None:
    registration = make.draft(of=make.account(full_name=""))

    page = signed_in(registration.account).post(url("review", registration), follow=True).text

    assert "<dt>Payer</dt><dd>Alex Candidate</dd>" in page


def test_a_payment_under_way_is_said_honestly() -> None:
    registration = make.sent()
    make.pay(registration, card=make.PENDING_CARD)
    page = signed_in(registration.account).get(url("outcome", registration)).text
    assert "need not pay again" in page


def test_a_draft_goes_on_where_it_was_left() -> None:
    client, registration = started()
    assert client.get(url("resume", registration))["Location"] == url("work", registration)
    client.post(url("work", registration), WORK)
    assert client.get(url("resume", registration))["Location"] == url("affirm", registration)
    assert client.get(url("outcome", registration))["Location"] == url("resume", registration)


@pytest.mark.parametrize("step", STEPS)
def test_somebody_elses_registration_does_not_exist(step: str) -> None:
    registration = make.draft()
    other = signed_in(make.account())
    before = Registration.objects.filter(pk=registration.pk).values().get()
    for method in (other.get, other.post):
        assert method(url(step, registration)).status_code in (
            {405, 404} if method is other.get else {404, 405}
        )
    assert other.post(url("about", registration), {"name_on_certificate": "Mallory"}).status_code == 404
    assert Registration.objects.filter(pk=registration.pk).values().get() == before


@pytest.mark.parametrize("role", [Role.STAFF, Role.SCORER, Role.LEAD_SCORER, Role.SPONSOR])
def test_another_role_is_told_to_use_another_account(role: Role, settings: Any) -> None:
    settings.MFA_REQUIRED = False
    cohort, registration = make.cohort(), make.draft()
    client = signed_in(make.account(role))
    for response in (
        client.get(reverse("candidates:register")),
        client.post(reverse("candidates:start", args=[cohort.pk])),
    ):
        assert response.status_code == 403
        assert "another e-mail address" in response.text
    assert client.get(url("about", registration)).status_code == 404


def test_a_visitor_reads_but_signs_in_to_start() -> None:
    cohort = make.cohort()
    page = Client().get(reverse("candidates:register"))
    assert "Create an account" in page.text
    response = Client().post(reverse("candidates:start", args=[cohort.pk]))
    assert response.status_code == 302
    assert reverse("account_login") in response["Location"]


def test_starting_is_refused_with_a_sentence() -> None:
    candidacy = make.candidacy()
    other = make.cohort(11)
    response = signed_in(candidacy.account).post(reverse("candidates:start", args=[other.pk]))
    assert response.status_code == 409
    assert "C10-0001" in response.text
    assert signed_in(make.account()).get(reverse("candidates:start", args=[other.pk])).status_code == 302
    with clock.fixed(NOW - timedelta(days=100)):
        early = signed_in(make.account()).post(reverse("candidates:start", args=[other.pk]))
    assert "opens on 1 November 2026" in early.text
    unknown = signed_in(make.account()).post(
        reverse("candidates:start", args=["00000000-0000-4000-8000-000000000000"])
    )
    assert unknown.status_code == 404


@pytest.mark.parametrize("cohorts", [1, 3])
def test_the_overview_takes_the_same_queries(cohorts: int, django_assert_num_queries: Any) -> None:
    for number in range(10, 10 + cohorts):
        make.cohort(number)
    client = Client()
    with django_assert_num_queries(4):
        client.get(reverse("candidates:register"))
