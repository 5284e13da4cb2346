"""An original leaves as a download, whole or from where a broken line stopped; each opening is on record."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from certification.kernel.models import AuditEvent
from portfolio.models import Evidence
from portfolio.uploads.storing import originals
from tests.portfolio.viewing.test_links import ask, body_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(evidence: Evidence) -> str:
    return reverse("portfolio:original", args=[evidence.pk])


def test_a_broken_download_goes_on_where_it_stopped(owner: User, evidence: Evidence, url: str) -> None:
    whole = body_of(first := ask(url, owner))
    rest: Any = ask(url, owner, Range="bytes=100-", If_Range=first["ETag"])
    assert (rest.status_code, body_of(rest)) == (206, whole[100:])
    assert AuditEvent.objects.filter(action="opened original").count() == 2


def test_an_original_is_never_shown_inside_a_page(owner: User, url: str) -> None:
    answer = ask(url, owner)
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''written.pdf"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_an_original_the_store_lost_is_absent(owner: User, evidence: Evidence, url: str) -> None:
    originals().delete(evidence.storage_key)
    assert ask(url, owner).status_code == 404
