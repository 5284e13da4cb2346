"""Recovery codes are shown once; whoever comes back is told so, and where to go on."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.accounts import PASSWORD, code_of, person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
SET_UP = "/accounts/2fa/totp/activate/"
CODES = "/accounts/2fa/recovery-codes/"


def test_the_first_look_shows_the_codes_and_leads_on_the_second_says_why_there_are_none(
    client: Client,
) -> None:
    sign_in(client, person().email)
    client.post(client.get(SET_UP)["Location"], {"password": PASSWORD})
    client.get(SET_UP)
    client.post(SET_UP, {"code": code_of(client.session["mfa.totp.secret"])})

    first, second = (client.get(CODES).content.decode() for _ in range(2))

    assert first.count("<li><code>") == 10
    assert 'href="/dashboard/">I have kept them' in first
    assert "<li><code>" not in second
    assert "They were shown once" in second
    assert "Make new codes" in second
