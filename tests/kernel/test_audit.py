"""The audit trail says who did what to what, and nobody can change it afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import Error, connection, transaction

from accounts.models import Role, User
from certification.kernel import audit, clock
from certification.kernel.models import AuditEvent

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 6, 20, 9, tzinfo=UTC)


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("office@example.org", role=Role.STAFF, full_name="Olive Office")


def test_an_act_is_kept_with_actor_subject_instant_and_detail(staff: User) -> None:
    subject = User.objects.create_user("ada@example.org")
    with clock.fixed(NOW):
        audit.record(actor=staff, action="changed role", subject=subject, detail={"to": "scorer"})
    event = AuditEvent.objects.get()
    assert (event.at, event.actor_id, event.actor_label) == (NOW, staff.pk, "Olive Office")
    assert (event.subject_type, event.subject_id) == ("accounts.User", str(subject.pk))
    assert event.detail == {"to": "scorer"}


def test_the_system_acts_without_an_account() -> None:
    audit.record(actor=None, action="released scores", subject=("portfolio.Release", "2027"))
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.actor_label) == (None, "the system")
    assert (event.subject_type, event.subject_id) == ("portfolio.Release", "2027")


def test_an_act_that_is_rolled_back_did_not_happen(staff: User) -> None:
    with transaction.atomic():
        audit.record(actor=staff, action="looked", subject=staff)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_an_erased_account_leaves_its_acts(staff: User) -> None:
    audit.record(actor=staff, action="looked", subject=staff)
    key: UUID = staff.pk
    staff.delete()
    assert AuditEvent.objects.get().actor_id == key


@pytest.mark.parametrize(
    "sql", ["UPDATE kernel_auditevent SET action = 'nothing'", "DELETE FROM kernel_auditevent"]
)
def test_no_sql_changes_or_removes_an_act(staff: User, sql: str) -> None:
    audit.record(actor=staff, action="looked", subject=staff)
    with pytest.raises(Error, match="annot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert AuditEvent.objects.get().action == "looked"


def test_without_its_trigger_the_same_sql_passes(staff: User) -> None:
    audit.record(actor=staff, action="looked", subject=staff)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_auditevent DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM kernel_auditevent")
        cursor.execute("ALTER TABLE kernel_auditevent ENABLE TRIGGER USER")
    assert not AuditEvent.objects.exists()
