"""Whom to write to: one setting, which every page that names the address takes it from."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path
from django.views.defaults import permission_denied

from certification.environment import BASE_DIR
from certification.urls import handler500 as handler500

pytestmark = pytest.mark.django_db

ADDRESS = "office@programme.example"
LINK = f'<a href="mailto:{ADDRESS}">{ADDRESS}</a>'


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault")


broken.login_required = False  # type: ignore[attr-defined]

urlpatterns = [path("broken/", broken), path("", include("certification.urls"))]


@pytest.fixture(autouse=True)
def _another_address(settings: Any) -> None:
    settings.CONTACT_EMAIL = ADDRESS


def test_the_foot_of_every_page_names_the_programmes_address(client: Client) -> None:
    assert LINK in client.get("/").text
    assert LINK in client.get("/nowhere/").text


def test_a_page_that_may_not_be_seen_names_the_programmes_address() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    answer = permission_denied(request, PermissionDenied())
    assert answer.content.decode().count(LINK) == 2


@pytest.mark.urls(__name__)
def test_a_page_that_failed_names_the_programmes_address() -> None:
    answer = Client(raise_request_exception=False).get("/broken/")
    assert answer.status_code == 500
    assert LINK in answer.text


def test_no_template_has_an_address_typed_in() -> None:
    pages = (BASE_DIR / "templates").rglob("*.html")
    assert [page.name for page in pages if re.search(r"@[\w-]+\.[a-z]{2,}", page.read_text())] == []
