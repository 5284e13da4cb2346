"""Recovery codes are shown once; whoever comes back is told so, and where to go on."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.accounts import enrol, person, sign_in

pytestmark = pytest.mark.django_db
PAGE = "/accounts/2fa/recovery-codes/"


def test_the_first_look_shows_the_codes_and_leads_on_the_second_says_why_there_are_none(
    client: Client,
) -> None:
    user = person()
    sign_in(client, user.email)
    enrol(user)

    first, second = (client.get(PAGE).content.decode() for _ in range(2))

    assert first.count("<li><code>") == 10
    assert 'href="/dashboard/">I have kept them' in first
    assert "<li><code>" not in second
    assert "They were shown once" in second
    assert "Make new codes" in second
