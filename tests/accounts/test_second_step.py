"""Staff and scorers set up a second step before anything else, and give it in every session."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings

from accounts.models import Role
from tests.factories.accounts import PASSWORD, code_of, enrol, person, secret_of, sign_in, signed_in

pytestmark = pytest.mark.django_db

CAREFUL = [Role.SCORER, Role.LEAD_SCORER, Role.STAFF]
SET_UP = "/accounts/2fa/totp/activate/"
ANYTHING = [
    "/",
    "/dashboard/",
    "/scoring/",
    "/scoring/packets/ABCD2345/",
    "/scoring/packets/ABCD2345/files/00000000-0000-0000-0000-000000000001",
    "/admin/",
    "/admin/accounts/user/",
    "/portfolio/",
    "/portfolio/evidence/00000000-0000-0000-0000-000000000001/",
    "/verify/",
    "/no/such/page/",
]


def test_a_real_site_requires_it(settings: Settings) -> None:
    assert settings.MFA_REQUIRED


@pytest.mark.parametrize("path", ANYTHING)
@pytest.mark.parametrize("role", CAREFUL)
def test_without_a_second_step_every_page_leads_to_setting_one_up(role: Role, path: str) -> None:
    response = signed_in(person(role)).get(path)
    assert (response.status_code, response["Location"]) == (302, SET_UP)


@pytest.mark.parametrize("path", ["/scoring/packets/ABCD2345/save/", "/admin/accounts/user/add/"])
@pytest.mark.parametrize("role", CAREFUL)
def test_nothing_can_be_sent_either(role: Role, path: str) -> None:
    assert signed_in(person(role)).post(path)["Location"] == SET_UP


@pytest.mark.parametrize("role", CAREFUL)
def test_switched_off_for_a_demo_nobody_is_led_there(role: Role, settings: Settings) -> None:
    """The control of the two tests above."""
    settings.MFA_REQUIRED = False
    browser = signed_in(person(role))
    assert all(browser.get(path).get("Location") != SET_UP for path in ANYTHING)


@pytest.mark.parametrize(
    "path", ["/accounts/2fa/", "/accounts/email/", "/accounts/profile/", "/accounts/logout/"]
)
def test_the_account_pages_stay_open(path: str) -> None:
    assert signed_in(person(Role.SCORER)).get(path).status_code == 200


@pytest.mark.parametrize("path", ["/accountsx/", "/scoring/?next=/accounts/", "/scoring//accounts/"])
def test_no_other_page_passes_for_an_account_page(path: str) -> None:
    assert signed_in(person(Role.SCORER)).get(path)["Location"] == SET_UP


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.SPONSOR])
def test_candidates_and_sponsors_are_not_forced(role: Role) -> None:
    assert signed_in(person(role)).get("/accounts/profile/").status_code == 200
    assert signed_in(person(role)).get("/dashboard/", follow=True).status_code == 200


def test_a_visitor_is_not_asked(client: Client) -> None:
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("role", CAREFUL)
def test_a_session_that_began_without_it_is_asked_for_it_and_goes_on_where_it_was(role: Role) -> None:
    user = person(role)
    browser = signed_in(user)
    enrol(user)
    asked = browser.get("/dashboard/?page=2")
    assert asked["Location"] == "/accounts/2fa/reauthenticate/?next=%2Fdashboard%2F%3Fpage%3D2"
    refused = browser.post(asked["Location"], {"code": "000000"})
    assert refused.status_code == 200
    assert browser.get("/dashboard/")["Location"].startswith("/accounts/2fa/reauthenticate/")
    given = browser.post(asked["Location"], {"code": code_of(secret_of(user))})
    assert given["Location"] == "/dashboard/?page=2"
    assert not browser.get("/dashboard/")["Location"].startswith("/accounts/")


@pytest.mark.django_db(transaction=True)
def test_setting_it_up_asks_for_the_password_then_opens_the_site(client: Client) -> None:
    user = person(Role.SCORER)
    sign_in(client, user.email)
    assert client.get("/scoring/")["Location"] == SET_UP
    asked = client.get(SET_UP)["Location"]
    assert asked.startswith("/accounts/reauthenticate/")
    assert client.post(asked, {"password": PASSWORD})["Location"] == SET_UP
    assert client.get(SET_UP).status_code == 200
    secret = client.session["mfa.totp.secret"]
    done = client.post(SET_UP, {"code": code_of(secret)})
    assert done["Location"] == "/accounts/2fa/recovery-codes/"
    assert Authenticator.objects.filter(user=user).count() == 2
    assert client.get("/scoring/").status_code == 200


def test_signing_in_asks_for_it_before_the_session_is_anybodys(client: Client) -> None:
    user = person(Role.STAFF, second_step=True)
    assert sign_in(client, user.email)["Location"] == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session
    assert client.get("/dashboard/")["Location"].startswith("/accounts/login/")
    opened = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret_of(user))})
    assert opened["Location"] == "/dashboard/"
    assert client.get("/admin/").status_code == 200


def test_a_code_is_taken_once(client: Client) -> None:
    user = person(Role.STAFF, second_step=True)
    code = code_of(secret_of(user))
    for browser, status in ((client, 302), (Client(), 200)):
        sign_in(browser, user.email)
        assert browser.post("/accounts/2fa/authenticate/", {"code": code}).status_code == status


def test_a_candidate_who_set_one_up_is_asked_at_sign_in_too(client: Client) -> None:
    user = person(second_step=True)
    assert sign_in(client, user.email)["Location"] == "/accounts/2fa/authenticate/"
