"""Signing up and in: whose account, where to, and who is kept out."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as site
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import Role, User
from tests.factories.accounts import PASSWORD, person, sign_in, signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("written", ["ada@example.org", "ADA@Example.org", " ada@example.org "])
def test_an_address_signs_in_however_it_is_written(client: Client, written: str) -> None:
    person(email="ada@example.org")
    assert sign_in(client, written)["Location"] == "/dashboard/"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: Client) -> None:
    person(email="ada@example.org")
    wrong = sign_in(client, "ada@example.org", "wrong")
    unknown = sign_in(client, "eve@example.org", "wrong")
    assert wrong.status_code == unknown.status_code == 200
    errors = [set(re.findall(r'class="[^"]*error[^"]*"[^>]*>([^<]+)', r.text)) for r in (wrong, unknown)]
    assert errors[0] == errors[1]


def test_signing_up_makes_a_candidate_who_goes_on_after_verifying(client: Client) -> None:
    response = client.post(
        "/accounts/signup/",
        # Fields nobody offers are not taken: a role is given by staff alone.
        {
            "email": "New@Example.org",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "role": "staff",
            "is_superuser": "1",
        },
    )
    assert response["Location"] == "/accounts/confirm-email/"
    user = User.objects.get(email__iexact="new@example.org")
    assert (user.role, user.is_superuser, user.is_active) == (Role.CANDIDATE, False, True)
    assert client.get("/dashboard/").status_code == 302
    link = re.search(r"https?://\S+(/accounts/confirm-email/\S+)", str(mail.outbox[0].body))
    assert link is not None
    client.post(link[1])
    assert EmailAddress.objects.get(user=user).verified
    assert sign_in(client, "new@example.org")["Location"] == "/dashboard/"


def test_signing_up_twice_says_nothing_about_who_has_an_account(client: Client) -> None:
    person(email="ada@example.org")
    response = client.post(
        "/accounts/signup/", {"email": "ADA@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert response["Location"] == "/accounts/confirm-email/"
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "entrance"),
    [
        (Role.CANDIDATE, "/dashboard/"),
        (Role.SPONSOR, "/payments/sponsor/"),
        (Role.SCORER, "/scoring/"),
        (Role.LEAD_SCORER, "/scoring/"),
        (Role.STAFF, "/admin/"),
    ],
)
def test_each_role_arrives_where_its_work_is(
    client: Client, settings: Settings, role: Role, entrance: str
) -> None:
    settings.MFA_REQUIRED = False
    user = person(role)
    response = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD}, follow=True)
    assert response.redirect_chain[0][0] == "/dashboard/"
    assert response.request["PATH_INFO"] == entrance
    assert response.status_code == 200


def test_a_page_asked_for_before_signing_in_is_shown_after(client: Client) -> None:
    user = person()
    asked = client.get("/accounts/profile/")
    assert asked["Location"] == "/accounts/login/?next=/accounts/profile/"
    assert sign_in(client, user.email, next="/accounts/profile/")["Location"] == "/accounts/profile/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example.org/", "//evil.example.org/"])
def test_signing_in_leads_to_no_other_site(client: Client, elsewhere: str) -> None:
    assert sign_in(client, person().email, next=elsewhere)["Location"] == "/dashboard/"


def test_a_closed_account_cannot_sign_in_and_its_open_sessions_end(client: Client) -> None:
    user = person()
    browser = signed_in(user)
    assert browser.get("/accounts/profile/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert browser.get("/accounts/profile/").status_code == 302
    assert sign_in(client, user.email)["Location"] == "/accounts/inactive/"
    assert "_auth_user_id" not in client.session


def test_a_new_password_ends_the_sessions_elsewhere() -> None:
    user = person()
    browser = signed_in(user)
    user.set_password("another horse battery")
    user.save()
    assert browser.get("/accounts/profile/").status_code == 302


def test_on_a_shared_computer_the_session_ends_with_the_browser(client: Client) -> None:
    sign_in(client, person().email)
    assert client.session.get_expire_at_browser_close()


def test_a_remembered_session_ends_too(client: Client) -> None:
    sign_in(client, person().email, remember="on")
    assert not client.session.get_expire_at_browser_close()
    assert client.session.get_expiry_age() == site.SESSION_COOKIE_AGE


def test_guessing_a_password_is_slowed_down(client: Client, settings: Settings) -> None:
    del settings.ACCOUNT_RATE_LIMITS
    settings.ACCOUNT_RATE_LIMITS = {}  # allauth's own limits, as on a real site
    cache.clear()
    user = person()
    for _ in range(10):
        sign_in(client, user.email, "wrong")
    held = sign_in(client, user.email)
    assert held.status_code == 200
    assert "Too many failed login attempts" in held.text
    cache.clear()
    assert sign_in(client, user.email).status_code == 302
