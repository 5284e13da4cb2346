"""A refusal that no view caught is a page with its sentence; another error stays an error."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from certification.kernel.errors import Incomplete, Refusal, WindowClosed
from certification.kernel.middleware import RefusalMiddleware

pytestmark = pytest.mark.django_db


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
