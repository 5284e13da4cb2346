"""Signed-in candidates in numbers, and their way through registration over HTTP."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.middleware.csrf import _get_new_csrf_string

from accounts.models import Role, User
from candidates.documents import current_documents, publish_documents
from candidates.models import Cohort
from candidates.services import create_cohort
from certification.kernel import clock

REQUESTS_PER_REGISTRATION = 5


def open_cohort() -> Cohort:
    """A cohort that registers now, whatever today is."""
    now = clock.now()
    publish_documents(now)
    cohort = create_cohort(number=1, name="Cohort 1", first_year=now.year + 1, framework_slug="two-entry")
    Cohort.objects.filter(pk=cohort.pk).update(
        registration_opens_at=now - timedelta(days=10), registration_closes_at=now + timedelta(days=30)
    )
    cohort.refresh_from_db()
    return cohort


def candidates(count: int, *, called: str) -> list[User]:
    """Accounts of candidates; nobody signs in with their passwords."""
    unusable, now = make_password(None), clock.now()
    return User.objects.bulk_create(
        User(
            email=f"{called}-{number}@load.example",
            full_name=f"Łucja {called.title()} {number}",
            role=Role.CANDIDATE,
            password=unusable,
            joined_at=now,
        )
        for number in range(count)
    )


def every_affirmation() -> dict[str, Any]:
    """The affirmation form with every box ticked, at the versions that stand."""
    ticked: dict[str, Any] = {}
    for kind, document in current_documents().items():
        ticked |= {kind: "on", f"{kind}-version": document.version}
    return ticked


@dataclass(slots=True)
class Visitor:
    """A candidate's browser: signed in, on one connection."""

    address: str
    cookies: str
    token: str
    connection: http.client.HTTPConnection

    @classmethod
    def signed_in(cls, account: User, address: str) -> Visitor:
        session = SessionStore()
        session[SESSION_KEY] = str(account.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = account.get_session_auth_hash()
        session.create()
        token = _get_new_csrf_string()
        return cls(
            address,
            f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={token}",
            token,
            http.client.HTTPConnection(urlsplit(address).netloc, timeout=60),
        )

    def post(self, path: str, **fields: Any) -> str:
        """Send a form; returns where the answer leads.

        Raises:
            RuntimeError: it leads nowhere, so the form was refused.
        """
        headers = {
            "Cookie": self.cookies,
            "X-CSRFToken": self.token,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self.connection.request("POST", path, urlencode(fields), headers)
        answer = self.connection.getresponse()
        page = answer.read()
        if answer.status != http.HTTPStatus.FOUND:
            raise RuntimeError(f"{path} answered {answer.status}: {page[:300]!r}")
        return answer.headers["Location"]

    def register(self, cohort: Cohort, affirmations: dict[str, Any]) -> str:
        """From “Start registering” to the order to pay, in five requests; returns the order's path."""
        about = self.post(f"/register/start/{cohort.pk}/")
        registration = "/".join(about.split("/")[:3])
        self.post(f"{registration}/about/", name_on_certificate="Łucja Load")
        self.post(
            f"{registration}/your-work/",
            school="Elm Street School",
            district="Elm County",
            country="United States",
            role_title="Instructional coach",
            full_time="yes",
            years_employed="4",
            coaching_percent="80",
        )
        self.post(f"{registration}/affirm/", **affirmations)
        return self.post(f"{registration}/review/")
