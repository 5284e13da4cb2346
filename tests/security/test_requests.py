"""Requests no browser sends: each gets a page that says no, never a crash, and leaves nothing behind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Role
from certification.kernel.media import _ONE_RANGE
from tests.factories.accounts import person, signed_in

pytestmark = pytest.mark.django_db

NUL_ADDRESSES = [
    "/verify/a%00b/",
    "/verify/?number=%00",
    "/payments/sandbox/a%00b/",
    "/certificates/a%00b.pdf",
    "/admin/payments/order/?state__exact=%00",
    "/admin/kernel/auditevent/_00/history/",
    "/?%00=1",
]


@pytest.fixture
def office(settings: Any) -> Client:
    settings.MFA_REQUIRED = False
    return signed_in(person(Role.STAFF))


@pytest.mark.parametrize("address", NUL_ADDRESSES)
def test_a_nul_in_an_address_is_refused_before_the_database_sees_it(office: Client, address: str) -> None:
    for client in (Client(), office):
        assert client.get(address).status_code in (302, 400, 404)


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "messages"])
def test_a_nul_in_a_cookie_is_refused(client: Client, name: str) -> None:
    escaped = "\\000" * 32
    answer = client.get("/dashboard/", headers={"cookie": f'{name}="{escaped}"'})
    assert answer.status_code == 400
    assert "We did not understand that" in answer.text


@pytest.mark.parametrize(
    "text", ["a/b", "../..", "//evil.example", "\\evil.example", "?x=1#y", "‮ICG", "😀" * 9]
)
def test_a_certificate_is_looked_up_by_whatever_is_typed(client: Client, text: str) -> None:
    answer = client.get("/verify/", {"number": text}, follow=True)
    assert answer.status_code in (200, 404)
    assert answer.request["PATH_INFO"].startswith("/verify/")


@pytest.mark.parametrize(
    "header", [f"bytes={'9' * 5000}-", f"bytes=-{'9' * 5000}", f"bytes=0-{'9' * 5000}", "bytes=0-1," * 900]
)
def test_a_range_of_thousands_of_digits_or_ranges_is_answered_with_the_whole_file(header: str) -> None:
    assert _ONE_RANGE.fullmatch(header) is None


@pytest.mark.parametrize(
    "address", ["/accounts/login/", "/accounts/signup/", "/demo/clock/", "/verify/", "/nowhere/"]
)
def test_a_page_that_takes_no_files_keeps_none(
    client: Client, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "FILE_UPLOAD_TEMP_DIR", str(tmp_path))
    kept: list[Path] = []
    monkeypatch.setattr(
        "django.core.files.uploadhandler.TemporaryUploadedFile.__init__", lambda *given: kept.append(tmp_path)
    )
    for enforcing in (client, Client(enforce_csrf_checks=True)):
        answer = enforcing.post(address, {"file": SimpleUploadedFile("big.bin", b"x" * 3_000_000)})
        assert answer.status_code in (200, 403, 404, 405)
    assert kept == []


@pytest.mark.parametrize("fields", [{str(number): "" for number in range(2_001)}, {"login": "x" * 2_700_000}])
def test_a_form_of_too_many_or_too_long_fields_is_refused(client: Client, fields: dict[str, str]) -> None:
    assert client.post("/accounts/login/", fields).status_code == 400
    urlencoded = "&".join(f"{name}={value}" for name, value in fields.items())
    answer = client.post("/accounts/login/", urlencoded, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "127.0.0.1@evil.example", "a b"])
def test_another_sites_name_is_refused(host: str, client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    for address in ("/", "/accounts/password/reset/"):
        assert client.get(address, headers={"host": host}).status_code == 400
        told = {"host": "127.0.0.1", "x-forwarded-host": host}
        assert host not in client.get(address, headers=told).text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
@pytest.mark.parametrize(
    "address",
    [
        "/accounts/login/",
        "/accounts/logout/",
        "/accounts/signup/",
        "/admin/login/",
        "/accounts/reauthenticate/",
    ],
)
def test_no_page_leads_to_another_site(address: str, elsewhere: str, settings: Any) -> None:
    settings.MFA_REQUIRED = False
    for client in (Client(), signed_in(person(Role.STAFF))):
        for method in (client.get, client.post):
            answer = method(address, {"next": elsewhere}, follow=False)
            where = answer.get("Location", "/")
            assert re.match(r"/(?![/\\])", where), where


def test_what_a_signed_in_person_saw_stays_in_no_cache(settings: Any) -> None:
    settings.MFA_REQUIRED = False
    for role, address in (
        (Role.CANDIDATE, "/dashboard/"),
        (Role.CANDIDATE, "/portfolio/"),
        (Role.CANDIDATE, "/nowhere/"),
        (Role.STAFF, "/admin/accounts/user/"),
        (Role.SCORER, "/scoring/"),
    ):
        told = signed_in(person(role)).get(address)["Cache-Control"]
        assert {"private", "no-store"} <= set(told.split(", ")), address


def test_a_visitors_page_may_be_cached(client: Client) -> None:
    assert "no-store" not in client.get("/").get("Cache-Control", "")
