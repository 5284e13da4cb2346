"""One account per address, one role per account; the database holds both."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts.models import BLIND_ROLES, Role, User
from tests.factories.accounts import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("again", ["ada@example.org", "ADA@example.org", "Ada@Example.ORG"])
def test_an_address_is_one_account_however_it_is_written(again: str) -> None:
    person(email="ada@example.org")
    with pytest.raises(IntegrityError, match="account_email_unique"), transaction.atomic():
        User.objects.create_user(again)
    assert User.objects.get_by_natural_key(again).email == "ada@example.org"


def test_an_account_needs_an_address() -> None:
    with pytest.raises(ValueError, match="e-mail"):
        User.objects.create_user("")


def test_an_account_has_one_role_of_those_there_are() -> None:
    assert person().role == Role.CANDIDATE
    with pytest.raises(IntegrityError, match="account_role_known"), transaction.atomic():
        User.objects.create_user("eve@example.org", role="auditor")


@pytest.mark.parametrize("role", [role for role in Role if role != Role.STAFF])
def test_a_superuser_is_staff_and_nothing_else(role: Role) -> None:
    with pytest.raises(IntegrityError, match="account_superuser_is_staff"), transaction.atomic():
        User.objects.create_user("root@example.org", role=role, is_superuser=True)
    root = User.objects.create_superuser("root@example.org", "x")
    with pytest.raises(IntegrityError, match="account_superuser_is_staff"), transaction.atomic():
        User.objects.filter(pk=root.pk).update(role=role)


@pytest.mark.parametrize("role", Role)
def test_what_a_role_means(role: Role) -> None:
    user = person(role)
    assert user.is_staff == (role == Role.STAFF)
    assert user.is_blind == (role in BLIND_ROLES) == (role in (Role.SCORER, Role.LEAD_SCORER))
    assert user.needs_mfa == (role in (Role.SCORER, Role.LEAD_SCORER, Role.STAFF))


def test_a_person_is_called_by_name_or_else_by_address() -> None:
    assert person(full_name="Ada Coach").get_short_name() == "Ada"
    nameless = person(email="bea@example.org", full_name="")
    assert (str(nameless), nameless.get_short_name()) == ("bea@example.org", "bea@example.org")
