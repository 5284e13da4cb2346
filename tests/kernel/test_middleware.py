"""A NUL goes no further than the door; a refusal that no view caught is a page with its sentence."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from certification.kernel.errors import Incomplete, Refusal, WindowClosed
from certification.kernel.middleware import NulMiddleware, RefusalMiddleware

pytestmark = pytest.mark.django_db


def through_the_door(address: str, cookie: str = "") -> HttpResponse:
    request = RequestFactory().get(address)
    request.COOKIES["theme"] = cookie
    return NulMiddleware(lambda request: HttpResponse("passed"))(request)


@pytest.mark.parametrize(
    ("address", "cookie"),
    [("/verify/a%00b/", ""), ("/?number=a%00b", ""), ("/?a%00b=1", ""), ("/?a=1&a=%00", ""), ("/", "a\0b")],
    ids=["path", "query", "name in the query", "second value in the query", "cookie"],
)
def test_a_nul_in_an_address_or_a_cookie_is_refused(address: str, cookie: str) -> None:
    with pytest.raises(BadRequest):
        through_the_door(address, cookie)


def test_an_address_and_a_cookie_without_a_nul_pass() -> None:
    assert through_the_door("/verify/a%20b/?number=%C3%A9", "dark").content == b"passed"


def test_a_nul_in_a_form_is_refused_beside_its_field(client: Client) -> None:
    answer = client.post("/accounts/login/", {"login": "a\0b@example.org", "password": "a\0b"})
    assert answer.status_code == 200
    assert set(answer.context["form"].errors) == {"login", "password"}


def answered(error: Exception) -> HttpResponse | None:
    request: HttpRequest = RequestFactory().get("/portfolio/")
    request.user = AnonymousUser()
    return RefusalMiddleware(lambda request: HttpResponse("passed")).process_exception(request, error)


def test_a_refusal_is_a_page_with_every_sentence_of_it() -> None:
    response = answered(Incomplete("Entry 1 cannot be submitted.", ["A video is missing.", "<b>A form</b>"]))
    assert response is not None
    assert response.status_code == 409
    page = response.content.decode()
    assert "Entry 1 cannot be submitted." in page
    assert "A video is missing." in page
    assert "<b>A form</b>" not in page


def test_another_error_is_left_to_the_server() -> None:
    assert answered(ValueError("broken")) is None


def test_a_request_without_trouble_passes() -> None:
    passed = RefusalMiddleware(lambda request: HttpResponse("passed"))(RequestFactory().get("/"))
    assert passed.content == b"passed"


def test_a_refusal_reads_as_its_sentences() -> None:
    refusal = WindowClosed("Submission closed.", ("Write to the office.",))
    assert isinstance(refusal, Refusal)
    assert str(refusal) == "Submission closed. Write to the office."
    assert refusal.details == ("Write to the office.",)
