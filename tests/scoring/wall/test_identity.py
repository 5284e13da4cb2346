"""A scorer's request that reaches for identity is refused by the database, whatever its code says."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection
from django.test import Client

from certification.kernel.blindwall import blinded
from scoring.models import Scorer
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db

# What a scorer's request may read.  A table that is not listed is refused, also one made tomorrow.
READABLE = {
    "kernel.ClockTravel",
    "scoring.Rubric",
    "scoring.RubricEntry",
    "scoring.LookFor",
    "scoring.RuleSetVersion",
    "scoring.Packet",
    "scoring.PacketFile",
    "scoring.Assignment",
    "scoring.Reading",
    "scoring.Mark",
    "scoring.EvidenceShown",
}
EVERY_MODEL = sorted(model._meta.label for model in apps.get_models(include_auto_created=True))
FORBIDDEN = [label for label in EVERY_MODEL if label not in READABLE]


def current_user() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        row = cursor.fetchone()
    assert row is not None
    return str(row[0])


def test_the_list_names_tables_that_exist_and_forbids_every_name_of_a_person() -> None:
    assert set(EVERY_MODEL) >= READABLE
    assert {
        "accounts.User",
        "candidates.Candidacy",
        "portfolio.Entry",
        "portfolio.Blinding",
        "scoring.PacketResult",
        "scoring.Conflict",
        "scoring.Scorer",
        "kernel.AuditEvent",
        "kernel.OutboxMessage",
        "sessions.Session",
    } <= set(FORBIDDEN)


@pytest.mark.parametrize("model", FORBIDDEN)
def test_a_view_that_reads_another_table_is_refused(signed_in: Client, model: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        signed_in.get(f"/behind/reach/{model}/")


@pytest.mark.parametrize("model", FORBIDDEN)
def test_without_the_wall_the_same_view_reads_it(signed_in: Client, model: str) -> None:
    assert signed_in.get(f"/open/reach/{model}/").status_code == 200


@pytest.mark.parametrize("model", sorted(READABLE))
def test_what_scoring_needs_can_be_read(signed_in: Client, model: str) -> None:
    assert signed_in.get(f"/behind/reach/{model}/").status_code == 200


def test_the_wall_shows_a_scorer_no_account_employer_or_district(signed_in: Client, scorer: Scorer) -> None:
    for column in ("account_id", "employer", "district"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            signed_in.post("/behind/run/", {"sql": f"SELECT {column} FROM scoring_scorer"})
    rows = signed_in.post("/behind/run/", {"sql": "SELECT alias FROM scoring_scorer"}).json()["rows"]
    assert rows == [[scorer.alias]]


def test_the_role_is_raised_again_after_a_view_and_after_a_refused_one(signed_in: Client) -> None:
    owner = current_user()
    signed_in.get("/behind/reach/scoring.Packet/")
    assert current_user() == owner
    with pytest.raises(ProgrammingError):
        signed_in.get("/behind/reach/accounts.User/")
    assert current_user() == owner


@pytest.mark.django_db(transaction=True)
def test_the_role_lasts_as_long_as_the_outermost_transaction() -> None:
    owner = current_user()
    with blinded(make.scorer().pk):
        assert current_user() == "icg_blind"
    assert current_user() == owner
    with pytest.raises(ZeroDivisionError), blinded(None):
        raise ZeroDivisionError
    assert current_user() == owner


def test_the_role_itself_can_neither_sign_in_nor_make_anything() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
            " WHERE rolname = 'icg_blind'"
        )
        assert cursor.fetchone() == (False,) * 5
