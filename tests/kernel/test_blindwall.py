"""The wall lowers the database role for a view and its template, and raises it again whatever happens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.template.response import SimpleTemplateResponse
from django.test import RequestFactory

from accounts.models import User
from certification.kernel.blindwall import blind_view, blinded

ADA = UUID(int=1)
BEA = UUID(int=2)


def standing() -> tuple[str, str]:
    """The role the database sees, and the scorer its policies see."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, coalesce(current_setting('icg.scorer', true), '')")
        role, scorer = cursor.fetchone() or ("", "")
    return role, scorer


BLIND = settings.BLIND_ROLE


class TestBlinded:
    @pytest.fixture(autouse=True, params=["inside a transaction", "outside any"])
    def _database(self, request: pytest.FixtureRequest) -> None:
        request.getfixturevalue("db" if request.param == "inside a transaction" else "transactional_db")

    def test_the_role_is_lowered_inside_and_raised_after(self) -> None:
        before = standing()
        with blinded(ADA):
            assert standing() == (BLIND, str(ADA))
        assert standing() == before
        assert before[0] != BLIND

    def test_the_role_is_raised_after_an_error(self) -> None:
        before = standing()
        with pytest.raises(ZeroDivisionError), blinded(ADA):
            raise ZeroDivisionError
        assert standing() == before

    def test_the_role_is_raised_after_a_refusal_of_the_database(self) -> None:
        before = standing()
        with pytest.raises(ProgrammingError, match="permission denied"), blinded(ADA):
            User.objects.exists()
        assert standing() == before

    def test_nobodys_wall_shows_nobodys_rows(self) -> None:
        with blinded(None):
            assert standing() == (BLIND, "")

    def test_a_transaction_inside_keeps_the_role_also_when_it_fails(self) -> None:
        with blinded(ADA):
            with transaction.atomic():
                assert standing() == (BLIND, str(ADA))
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                User.objects.exists()
            assert standing() == (BLIND, str(ADA))

    def test_a_wall_inside_a_wall_falls_back_to_the_outer_one(self) -> None:
        before = standing()
        with blinded(ADA):
            with blinded(BEA):
                assert standing() == (BLIND, str(BEA))
            assert standing() == (BLIND, str(ADA))
            with pytest.raises(ZeroDivisionError), blinded(BEA):
                raise ZeroDivisionError
            assert standing() == (BLIND, str(ADA))
        assert standing() == before


class Reaching:
    """A template's object whose property reads a name: what a careless template would do."""

    @property
    def name(self) -> str:
        return str(User.objects.values_list("full_name", flat=True).first())


class Shown(SimpleTemplateResponse):
    """A page whose template is given as text."""

    def __init__(self, text: str, context: dict[str, Any]) -> None:
        super().__init__(text, context)

    @property
    def rendered_content(self) -> str:
        return Template(str(self.template_name)).render(Context(self.context_data))


def a_request() -> HttpRequest:
    request = RequestFactory().get("/scoring/")
    request.user = SimpleNamespace(pk=ADA)  # type: ignore[assignment]
    return request


def scorer_of(user: Any) -> UUID:
    """Runs before the role is lowered: it may read the account."""
    assert standing()[0] != BLIND
    return UUID(str(user.pk))


@pytest.mark.django_db
class TestBlindView:
    def test_a_view_runs_behind_the_wall_as_one_scorer(self) -> None:
        seen: list[Any] = []

        def view(request: HttpRequest) -> HttpResponse:
            seen.append((standing(), request.scorer_id))  # type: ignore[attr-defined]
            return HttpResponse("fine")

        assert blind_view(scorer_of)(view)(a_request()).status_code == 200
        assert seen == [((BLIND, str(ADA)), ADA)]
        assert standing()[0] != BLIND

    def test_a_view_that_reaches_for_a_name_is_refused(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse(Reaching().name)

        with pytest.raises(ProgrammingError, match="permission denied"):
            blind_view(scorer_of)(view)(a_request())
        assert standing()[0] != BLIND

    def test_a_template_that_reaches_for_a_name_is_refused(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            return Shown("{{ thing.name }}", {"thing": Reaching()})

        with pytest.raises(ProgrammingError, match="permission denied"):
            blind_view(scorer_of)(view)(a_request())

    def test_without_the_wall_the_same_view_and_template_read_it(self) -> None:
        User.objects.create_user("ada@example.org", full_name="Ada Coach")
        assert Reaching().name == "Ada Coach"
        assert Shown("{{ thing.name }}", {"thing": Reaching()}).render().content == b"Ada Coach"

    def test_a_page_leaves_the_wall_rendered(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            return Shown("fine", {})

        response = blind_view(scorer_of)(view)(a_request())
        assert isinstance(response, SimpleTemplateResponse)
        assert response.is_rendered
        assert response.content == b"fine"

    def test_a_view_says_that_it_is_blind(self) -> None:
        assert blind_view(scorer_of)(lambda request: HttpResponse()).is_blind  # type: ignore[attr-defined]
