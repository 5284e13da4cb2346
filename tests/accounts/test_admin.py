"""The administration's door, and what staff may do to accounts; every change is on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.models import AuditEvent, OutboxMessage
from tests.factories.accounts import enrol, person, signed_in

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 6, 1, tzinfo=UTC)
LIST = "/admin/accounts/user/"


@pytest.fixture(autouse=True)
def _without_second_step(settings: Settings) -> None:
    settings.MFA_REQUIRED = False


@pytest.fixture
def boss() -> User:
    return person(Role.STAFF, full_name="Olive Office")


@pytest.fixture
def office(boss: User) -> Client:
    return signed_in(boss)


def change(client: Client, user: User, **fields: Any) -> Any:
    given = {"full_name": user.full_name, "timezone": user.timezone, "role": user.role, "is_active": "on"}
    given |= fields
    return client.post(
        reverse("admin:accounts_user_change", args=[user.pk]),
        {name: value for name, value in given.items() if value is not None},
    )


class TestDoor:
    @pytest.mark.parametrize("path", ["/admin/", LIST, "/admin/login/", "/admin/no/such/page/"])
    def test_a_visitor_signs_in_through_the_sites_own_page(self, client: Client, path: str) -> None:
        response = client.get(path, follow=True)
        assert response.request["PATH_INFO"] == "/accounts/login/"
        assert response.request["QUERY_STRING"].startswith("next=%2Fadmin%2F")

    def test_a_password_sent_to_the_administration_itself_signs_nobody_in(
        self, client: Client, boss: User
    ) -> None:
        response = client.post("/admin/login/", {"username": boss.email, "password": "correct horse battery"})
        assert response["Location"].startswith("/accounts/login/")
        assert "_auth_user_id" not in client.session

    @pytest.mark.parametrize("path", ["/admin/", LIST, "/admin/login/", "/admin/no/such/page/"])
    @pytest.mark.parametrize("role", [role for role in Role if role != Role.STAFF])
    def test_for_other_roles_it_does_not_exist(self, role: Role, path: str) -> None:
        response = signed_in(person(role)).get(path, follow=True)
        assert response.status_code == 404

    def test_staff_come_in(self, office: Client) -> None:
        assert office.get("/admin/").status_code == 200

    @pytest.mark.parametrize("model", [Authenticator])
    def test_secrets_of_second_steps_are_shown_to_nobody(self, model: Any) -> None:
        assert not admin.site.is_registered(model)


class TestList:
    @pytest.mark.parametrize("people", [1, 3])
    def test_the_number_of_queries_does_not_grow(
        self, office: Client, django_assert_num_queries: DjangoAssertNumQueries, people: int
    ) -> None:
        for _ in range(people):
            enrol(person())
        office.get(LIST)
        with clock.fixed(NOW), django_assert_num_queries(4):
            assert office.get(LIST).status_code == 200

    @pytest.mark.parametrize(("asked", "shown"), [("on", "ada@"), ("off", "bea@")])
    def test_who_has_a_second_step_can_be_told_apart(self, office: Client, asked: str, shown: str) -> None:
        person(email="ada@example.org", second_step=True)
        person(email="bea@example.org")
        page = office.get(LIST, {"second_step": asked, "q": "example.org", "role__exact": "candidate"}).text
        assert [who for who in ("ada@", "bea@") if who in page] == [shown]


class TestChange:
    def test_a_role_is_given_and_put_on_record(self, office: Client, boss: User) -> None:
        user = person()
        assert change(office, user, role="scorer").status_code == 302
        user.refresh_from_db()
        assert user.role == Role.SCORER
        event = AuditEvent.objects.get(action="changed account")
        assert event.actor_id == boss.pk
        assert event.subject_id == str(user.pk)
        assert event.detail == {"role": {"from": "candidate", "to": "scorer"}}

    def test_saving_without_a_change_leaves_no_record(self, office: Client) -> None:
        assert change(office, person(timezone="Europe/Berlin")).status_code == 302
        assert not AuditEvent.objects.exists()

    def test_an_account_is_closed_and_opened_again(self, office: Client) -> None:
        user = person()
        browser = signed_in(user)
        change(office, user, is_active=None)
        assert browser.get("/accounts/profile/").status_code == 302
        change(office, user)
        user.refresh_from_db()
        assert user.is_active
        assert AuditEvent.objects.filter(action="changed account").count() == 2

    def test_an_address_and_a_password_are_not_the_offices_to_change(self, office: Client) -> None:
        user = person(email="ada@example.org")
        before = user.password
        change(office, user, email="eve@example.org", password="x", is_superuser="on")
        user.refresh_from_db()
        assert (user.email, user.password, user.is_superuser) == ("ada@example.org", before, False)

    @pytest.mark.parametrize("fields", [{"role": "scorer"}, {"is_active": None}])
    def test_nobody_locks_themselves_out(self, office: Client, boss: User, fields: dict[str, Any]) -> None:
        response = change(office, boss, **fields)
        assert response.status_code == 200
        assert "Ask another staff member." in response.text
        boss.refresh_from_db()
        assert (boss.role, boss.is_active) == (Role.STAFF, True)

    @pytest.mark.parametrize("fields", [{"role": "candidate"}, {"is_active": None}])
    def test_staff_cannot_take_an_administrators_access(self, office: Client, fields: dict[str, Any]) -> None:
        root = person(Role.STAFF, is_superuser=True)
        response = change(office, root, **fields)
        assert response.status_code == 200
        assert "Only an administrator" in response.text
        root.refresh_from_db()
        assert root.is_active

    def test_an_administrator_stays_staff(self) -> None:
        one, two = (person(Role.STAFF, is_superuser=True) for _ in range(2))
        response = change(signed_in(one), two, role="candidate")
        assert "stays staff" in response.text

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "EST5EDT", "../etc/passwd"])
    def test_a_zone_that_is_no_place_is_refused(self, office: Client, zone: str) -> None:
        assert change(office, person(), timezone=zone).status_code == 200

    def test_an_account_cannot_be_deleted(self, office: Client) -> None:
        assert office.post(reverse("admin:accounts_user_delete", args=[person().pk])).status_code == 403


class TestNewAccount:
    FIELDS = {"email": "cleo@example.org", "full_name": "Cleo", "timezone": "", "role": "scorer"}

    def test_its_owner_is_asked_to_choose_a_password(self, office: Client, boss: User) -> None:
        assert office.post(f"{LIST}add/", self.FIELDS).status_code == 302
        user = User.objects.get(email="cleo@example.org")
        assert (user.role, user.has_usable_password()) == (Role.SCORER, False)
        invitation = OutboxMessage.objects.get(recipient="cleo@example.org")
        assert "/accounts/password/reset/" in invitation.body
        assert AuditEvent.objects.get(action="opened account").actor_id == boss.pk

    def test_an_address_that_has_an_account_is_refused(self, office: Client) -> None:
        person(email="cleo@example.org")
        response = office.post(f"{LIST}add/", {**self.FIELDS, "email": "CLEO@example.org"})
        assert response.status_code == 200
        assert "There is an account with this e-mail address already." in response.text


class TestResetSecondStep:
    @pytest.fixture
    def reset(self, office: Client) -> Callable[[User], str]:
        def send(user: User) -> str:
            action = {"action": "reset_second_step", "_selected_action": [str(user.pk)]}
            return office.post(LIST, action, follow=True).text

        return send

    def test_it_is_forgotten_recorded_and_told(self, reset: Callable[[User], str], boss: User) -> None:
        user = person(Role.SCORER, second_step=True)
        assert "1 reset." in reset(user)
        assert not Authenticator.objects.filter(user=user).exists()
        assert AuditEvent.objects.get(action="reset second step").actor_id == boss.pk
        assert OutboxMessage.objects.get(recipient=user.email).subject == (
            "Your two-step verification was reset"
        )

    def test_again_it_does_nothing(self, reset: Callable[[User], str]) -> None:
        user = person(Role.SCORER, second_step=True)
        reset(user)
        assert "0 reset." in reset(user)
        assert AuditEvent.objects.filter(action="reset second step").count() == 1

    def test_ones_own_is_not_reset_here(self, reset: Callable[[User], str], boss: User) -> None:
        enrol(boss)
        assert "changed on your account page" in reset(boss)
        assert Authenticator.objects.filter(user=boss).exists()

    def test_an_administrators_is_not_reset_by_staff(self, reset: Callable[[User], str]) -> None:
        root = person(Role.STAFF, is_superuser=True, second_step=True)
        assert "Only an administrator" in reset(root)
        assert Authenticator.objects.filter(user=root).exists()
