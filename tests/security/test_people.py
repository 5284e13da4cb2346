"""Who may make whom what; where mails lead; what a name may hold; what a page tells a browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from accounts.services import change_account, open_account
from candidates.forms import AboutForm
from candidates.models import Registration
from certification.kernel import clock
from certification.kernel.errors import NotAllowed
from tests.factories import candidates as make
from tests.factories.accounts import PASSWORD, person, sign_in, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _without_second_step(settings: Any) -> None:
    settings.MFA_REQUIRED = False


# ---- a second person is a person ----


def test_staff_make_no_second_account_of_staff_to_sign_off_their_own_work(client: Client) -> None:
    office, helper = person(Role.STAFF), person()
    fields = {"email": "me.too@example.org", "full_name": "Me Too", "timezone": "", "role": Role.STAFF}
    change = reverse("admin:accounts_user_change", args=[helper.pk])
    given = {"full_name": helper.full_name, "timezone": "", "role": Role.STAFF, "is_active": "on"}

    made = signed_in(office).post(reverse("admin:accounts_user_add"), fields)
    raised = signed_in(office).post(change, given)

    for answer in (made, raised):
        assert "Only an administrator of the site may make somebody staff" in answer.text
    with pytest.raises(NotAllowed):
        open_account(**fields, by=office, now=clock.now())
    with pytest.raises(NotAllowed):
        change_account(
            account_id=helper.pk, full_name="", timezone="", role=Role.STAFF, is_active=True, by=office
        )
    assert list(User.objects.filter(role=Role.STAFF)) == [office]


def test_an_administrator_makes_staff() -> None:
    root = signed_in(person(Role.STAFF, is_superuser=True))
    helper = person()
    given = {"full_name": helper.full_name, "timezone": "", "role": Role.STAFF, "is_active": "on"}
    assert root.post(reverse("admin:accounts_user_change", args=[helper.pk]), given).status_code == 302
    helper.refresh_from_db()
    assert helper.role == Role.STAFF
    # Staff may still correct the name of one who is staff already.
    given |= {"full_name": "Right Name"}
    office = signed_in(person(Role.STAFF))
    assert office.post(reverse("admin:accounts_user_change", args=[helper.pk]), given).status_code == 302


@pytest.mark.parametrize("lookup", ["password__startswith", "password", "password__regex", "is_superuser"])
def test_no_list_spells_out_a_password(lookup: str) -> None:
    office = signed_in(person(Role.STAFF))
    for model in admin.site._registry:
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for asked in {lookup, f"actor__{lookup}", f"payer__{lookup}", f"account__{lookup}"}:
            answer = office.get(page, {asked: "md5"})
            if asked.startswith("is_superuser"):
                continue
            assert answer.status_code in (302, 400), (page, asked)


# ---- names ----


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\n", "\x1b", "\u200f", "\ufeff", "\u2028"])
def test_a_name_that_turns_the_line_around_is_refused_beside_its_field(hidden: str) -> None:
    name = f"Ann{hidden}Lee"
    registration = make.draft()
    client = signed_in(registration.account)
    answer = client.post(reverse("candidates:about", args=[registration.pk]), {"name_on_certificate": name})
    assert answer.status_code == 200
    assert "cannot be printed" in answer.text
    before = registration.name_on_certificate
    assert Registration.objects.get(pk=registration.pk).name_on_certificate == before
    profile = client.post(reverse("accounts:profile"), {"full_name": name, "timezone": ""})
    assert "cannot be printed" in profile.text


@pytest.mark.parametrize("name", ["می\u200cخواهم", "क्\u200dष", "Zoë O’Brien-Ŋ", "田中", "😀 Ann", "שרה"])
def test_names_of_every_script_are_taken(name: str) -> None:
    assert AboutForm({"name_on_certificate": name}).is_valid()


@pytest.mark.parametrize("text", ["\0", "a\0b", "x" * 100_000])
def test_a_text_the_database_cannot_hold_is_refused_beside_its_field(text: str) -> None:
    registration = make.draft()
    client = signed_in(registration.account)
    for name, field in (("about", "name_on_certificate"), ("work", "school")):
        answer = client.post(reverse(f"candidates:{name}", args=[registration.pk]), {field: text})
        assert answer.status_code == 200
        assert f'id="id_{field}_error"' in answer.text


# ---- sign-in ----


@pytest.mark.parametrize("page", ["/accounts/password/reset/", "/accounts/signup/"])
def test_a_mail_leads_to_the_sites_own_address(client: Client, page: str, settings: Any) -> None:
    settings.SITE_URL = "https://certification.example.org"
    person(email="ada@example.org")
    fields = {"email": "ada@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post(page, fields, headers={"host": "testserver:6666"})
    sent = f"{mail.outbox[0].subject} {mail.outbox[0].body}"
    assert "testserver" not in sent
    assert "6666" not in sent
    assert "https://certification.example.org/accounts/" in sent


def test_a_session_planted_before_sign_in_is_nobodys_after() -> None:
    client, user = Client(), person()
    client.get("/accounts/password/reset/key/1-set-password/")
    session = client.session
    session["planted"] = "yes"
    session.save()
    planted = str(session.session_key)
    client.cookies["sessionid"] = planted
    sign_in(client, user.email)
    assert client.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert thief.get("/dashboard/").status_code == 302


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("/accounts/login/", {"login": "ada@example.org", "password": "wrong"}),
        ("/accounts/password/reset/", {"email": "ada@example.org"}),
        ("/accounts/signup/", {"email": "ada@example.org", "password1": PASSWORD, "password2": PASSWORD}),
    ],
)
def test_a_real_site_slows_down_whoever_asks_again_and_again(
    page: str, fields: dict[str, str], settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}
    cache.clear()
    person(email="ada@example.org")
    answers = [Client().post(page, fields) for _ in range(25)]
    cache.clear()
    assert answers[0].status_code in (200, 302)
    assert answers[-1].status_code == 429 or "Too many" in answers[-1].text


def test_an_unknown_address_gets_the_same_answer_to_a_password_reset(client: Client) -> None:
    person(email="ada@example.org")
    pages = [
        client.post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in ("ada@example.org", "eve@example.org")
    ]
    texts = {re.sub(r"\b\w{64}\b", "", page.text) for page in pages}
    assert len(texts) == 1
    assert len({page.request["PATH_INFO"] for page in pages}) == 1


# ---- what a page tells the browser ----

PAGES = [
    (None, "/"),
    (None, "/accounts/login/"),
    (None, "/verify/nowhere/"),
    (None, "/nowhere/"),
    (None, "/healthz"),
    (None, "/verify/a%00b/"),
    (None, "/demo/clock/"),
    (Role.CANDIDATE, "/dashboard/"),
    (Role.CANDIDATE, "/register/"),
    (Role.SCORER, "/scoring/"),
    (Role.SCORER, "/scoring/packets/ZZZZZZZZ/"),
    (Role.STAFF, "/admin/"),
    (Role.STAFF, "/admin/accounts/user/"),
    (Role.STAFF, "/admin/accounts/user/add/"),
    (Role.STAFF, "/admin/nowhere/"),
]


@pytest.mark.parametrize(("role", "page"), PAGES)
def test_every_page_runs_only_our_own_scripts_and_stands_in_no_frame(role: Role | None, page: str) -> None:
    client = signed_in(person(role)) if role else Client()
    _require_guarded(client.get(page))


def _require_guarded(answer: Any) -> None:
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(?<![\w.])(\*|http:|https:)(?=[\s;]|$)", policy)
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", answer.text)
    assert not [tag for tag in inline if "nonce=" not in tag]
    assert not re.search(r"<[^>]+\s(on\w+|style)=", answer.text)


def test_a_crash_says_nothing_about_itself(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def crash(*args: Any) -> None:
        raise RuntimeError("row (ada@example.org, Ada Secret)")

    monkeypatch.setattr("certification.pages.views.text_page", crash)
    answer = Client(raise_request_exception=False).get("/", {"token": "tok-123"})
    assert answer.status_code == 500
    _require_guarded(answer)
    for secret in ("Secret", "RuntimeError", "Traceback", "tok-123", settings.SECRET_KEY):
        assert secret not in answer.text


def test_a_form_without_its_token_is_refused_with_a_page(client: Client) -> None:
    for page in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/demo/clock/"):
        answer = Client(enforce_csrf_checks=True).post(page, {"login": "a"})
        assert answer.status_code == 403
        _require_guarded(answer)
