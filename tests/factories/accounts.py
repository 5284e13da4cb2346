"""Accounts as tests of sign-in need them: with a verified address, a password, a second step."""

from __future__ import annotations

from itertools import count
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.http import HttpResponse
from django.test import Client

from accounts.models import Role, User

PASSWORD = "correct horse battery"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_numbers = count(1)


def person(role: str = Role.CANDIDATE, *, second_step: bool = False, **fields: Any) -> User:
    """Somebody whose address is verified; the password is PASSWORD."""
    number = next(_numbers)
    email = fields.pop("email", f"somebody{number}@example.org")
    fields.setdefault("full_name", f"Somebody {number}")
    user = User.objects.create_user(email, PASSWORD, role=role, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    if second_step:
        enrol(user)
    return user


def enrol(user: User) -> None:
    """Give the account a second step, as its page does."""
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)


def code_of(secret: str, *, turn: int = 0) -> str:
    """What the person's device shows now; each of the turns -1, 0 and 1 is taken once."""
    counters = list(yield_hotp_counters_from_time())
    return format_hotp_value(hotp_value(secret, counters[1 + turn]))


def secret_of(user: User) -> str:
    return str(Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP).data["secret"])


def signed_in(user: User) -> Client:
    """A browser in which somebody is signed in, without a second step."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> HttpResponse:
    """Send the sign-in form."""
    response = client.post("/accounts/login/", {"login": email, "password": password, **more})
    assert isinstance(response, HttpResponse)
    return response
