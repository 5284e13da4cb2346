"""An account that has registered stays a candidate's: nobody scores their own work by changing sides."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Role, User
from accounts.services import change_account
from candidates.models import Registration
from certification.kernel.errors import NotAllowed
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", [Role.SCORER, Role.LEAD_SCORER, Role.STAFF, Role.SPONSOR])
def test_the_database_keeps_the_role_of_who_has_registered(role: Role) -> None:
    account = make.draft().account
    with pytest.raises(IntegrityError, match="so its role stays"), transaction.atomic():
        User.objects.filter(pk=account.pk).update(role=role)


def test_staff_are_told_why_in_a_sentence() -> None:
    office = make.account(Role.STAFF, is_superuser=True)
    account = make.draft().account
    with pytest.raises(NotAllowed, match="Open another account"):
        change_account(
            account_id=account.pk, full_name="", timezone="", role=Role.SCORER, is_active=True, by=office
        )
    account.refresh_from_db()
    assert account.role == Role.CANDIDATE


def test_an_account_without_a_registration_may_change_its_role() -> None:
    account = make.account()
    User.objects.filter(pk=account.pk).update(role=Role.SCORER)
    assert User.objects.get(pk=account.pk).role == Role.SCORER


def test_the_name_of_who_has_registered_may_change() -> None:
    account = make.draft().account
    User.objects.filter(pk=account.pk).update(full_name="Another Name")


@pytest.mark.parametrize("role", [Role.SCORER, Role.LEAD_SCORER, Role.STAFF, Role.SPONSOR])
def test_the_database_registers_nobody_with_another_role(role: Role) -> None:
    draft = make.draft()
    stranger = make.account(role)
    with pytest.raises(IntegrityError, match="Only an account with the role"), transaction.atomic():
        Registration.objects.create(cohort=draft.cohort, account=stranger, started_at=draft.started_at)


def test_without_the_trigger_the_role_would_change() -> None:
    account = make.draft().account
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_user DISABLE TRIGGER candidates_account_stays_a_candidate")
    User.objects.filter(pk=account.pk).update(role=Role.SCORER)
    assert User.objects.get(pk=account.pk).role == Role.SCORER
