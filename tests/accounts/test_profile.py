"""A person's own page: name and time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.zones import zone_choices
from tests.factories.accounts import person, signed_in

pytestmark = pytest.mark.django_db

PROFILE = "/accounts/profile/"


def test_a_visitor_signs_in_first(client: Client) -> None:
    assert client.get(PROFILE)["Location"] == f"/accounts/login/?next={PROFILE}"


def test_name_and_zone_are_kept_and_shown() -> None:
    user = person(full_name="Ada")
    browser = signed_in(user)
    answer = browser.post(PROFILE, {"full_name": "Ada Coach", "timezone": "Pacific/Auckland"})
    assert answer["Location"] == PROFILE
    user.refresh_from_db()
    assert (user.full_name, user.timezone) == ("Ada Coach", "Pacific/Auckland")
    page = browser.get(PROFILE).text
    assert 'value="Ada Coach"' in page
    assert '<option value="Pacific/Auckland" selected>' in page


def test_a_mistake_keeps_what_was_typed_and_changes_nothing() -> None:
    user = person(full_name="Ada", timezone="Europe/Berlin")
    answer = signed_in(user).post(PROFILE, {"full_name": "Ada Coach", "timezone": "Mars/Olympus"})
    assert answer.status_code == 200
    assert 'value="Ada Coach"' in answer.text
    user.refresh_from_db()
    assert (user.full_name, user.timezone) == ("Ada", "Europe/Berlin")


def test_a_person_changes_no_role_here() -> None:
    user = person()
    signed_in(user).post(
        PROFILE, {"full_name": "Ada", "timezone": "", "role": "staff", "email": "e@example.org"}
    )
    before = user.email
    user.refresh_from_db()
    assert (user.role, user.email) == ("candidate", before)


def test_every_zone_offered_is_a_place_with_clocks() -> None:
    zones = [zone for _, places in zone_choices() for zone, _ in places]
    assert {"America/Chicago", "Europe/Berlin", "Asia/Kolkata"} <= set(zones)
    assert len(zones) == len(set(zones)) > 300
    assert all(ZoneInfo(zone) for zone in zones)
    assert "America/Argentina/Ushuaia" in zones
    assert "EST5EDT" not in zones
