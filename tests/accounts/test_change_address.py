"""Changing the address somebody signs in with: the old one holds until the new one is confirmed."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from tests.factories.accounts import person, signed_in

pytestmark = pytest.mark.django_db
PAGE = "/accounts/email/"


def page(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_a_new_address_replaces_the_old_one_once_its_link_is_opened() -> None:
    user = person(email="old@example.org")
    client = signed_in(user)

    client.post(PAGE, {"action_add": "", "email": "new@example.org"})

    assert "Open the link we sent to new@example.org" in page(client)
    assert "Until then everything stays with old@example.org" in page(client)
    user.refresh_from_db()
    assert user.email == "old@example.org"

    link = re.search(r"https?://\S+(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert mail.outbox[-1].to == ["new@example.org"]
    assert link is not None
    client.post(link[1])

    user.refresh_from_db()
    assert user.email == "new@example.org"
    assert "Until then everything stays" not in page(client)
    assert EmailAddress.objects.get(user=user).email == "new@example.org"


def test_a_change_can_be_called_off() -> None:
    user = person(email="old@example.org")
    client = signed_in(user)
    client.post(PAGE, {"action_add": "", "email": "new@example.org"})

    client.post(PAGE, {"action_remove": "", "email": "new@example.org"})

    assert "Keep the old address" not in page(client)
    assert EmailAddress.objects.get(user=user).email == "old@example.org"


def test_a_mistyped_address_is_told_beside_its_field() -> None:
    text = signed_in(person()).post(PAGE, {"action_add": "", "email": "new@"}).content.decode()

    assert 'id="id_email_error"' in text
    assert 'value="new@"' in text
