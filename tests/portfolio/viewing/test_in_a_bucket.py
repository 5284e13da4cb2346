"""Where files lie in a bucket that signs addresses, ours check and log, and the bucket sends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from accounts.models import User
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from portfolio.models import Evidence, MediaView, Rendition
from portfolio.renditions.models import RenditionKind
from portfolio.viewing.links import link_to
from tests.factories.viewing import a_rendition
from tests.fakes.buckets import Peer
from tests.portfolio.viewing.test_links import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(settings: Any, rendition: Rendition) -> str:
    """Nothing listens there: signing an address asks nobody."""
    settings.STORAGES = {**settings.STORAGES, "identity": Peer("http://127.0.0.1:9").storage}
    return "127.0.0.1:9"


@pytest.fixture
def link(owner: User, rendition: Rendition, now: datetime) -> str:
    return link_to(viewer=owner, rendition_id=rendition.pk, now=now)


def led_to(answer: Any, bucket: str) -> dict[str, str]:
    """What the address says that the answer leads to."""
    assert answer.status_code == 302
    address = urlsplit(answer["Location"])
    assert address.netloc == bucket
    return {name: value for name, (value,) in parse_qs(address.query).items()}


def test_the_bucket_sends_what_we_checked_and_logged(
    bucket: str, link: str, owner: User, rendition: Rendition
) -> None:
    answer = ask(link, owner, Range="bytes=0-9")
    said = led_to(answer, bucket)
    assert rendition.storage_key in answer["Location"]
    assert (said["response-content-type"], said["response-content-disposition"]) == ("image/jpeg", "inline")
    assert "X-Amz-Signature" in said
    assert answer["Cache-Control"] == "private, no-store"
    assert MediaView.objects.get().requests == 1


def test_the_buckets_address_ends_with_ours(bucket: str, link: str, owner: User, now: datetime) -> None:
    assert led_to(ask(link, owner), bucket)["X-Amz-Expires"] == "300"
    with clock.fixed(now + timedelta(minutes=4, seconds=50)):
        assert led_to(ask(link, owner), bucket)["X-Amz-Expires"] == "10"


def test_nobody_else_is_led_there(bucket: str, link: str, now: datetime, django_user_model: Any) -> None:
    from tests.factories.portfolio import a_candidate

    assert ask(link, a_candidate().account).status_code == 404


def test_an_original_is_a_download_there_too(bucket: str, owner: User, evidence: Evidence) -> None:
    said = led_to(ask(reverse("portfolio:original", args=[evidence.pk]), owner), bucket)
    assert said["response-content-type"] == "application/octet-stream"
    assert said["response-content-disposition"] == "attachment; filename*=utf-8''written.pdf"
    assert AuditEvent.objects.filter(action="opened original").count() == 1


def test_captions_come_from_us(
    owner: User, evidence: Evidence, now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A player shows captions of another origin only to a page that asks for them in another way."""
    captions = a_rendition(
        evidence, now, kind=RenditionKind.CAPTIONS, content_type="text/vtt", body=b"WEBVTT\n"
    )
    from portfolio.uploads.storing import originals

    monkeypatch.setattr(originals(), "querystring_auth", True, raising=False)
    answer = ask(link_to(viewer=owner, rendition_id=captions.pk, now=now), owner)
    assert b"".join(answer) == b"WEBVTT\n"


def test_a_head_is_answered_here(bucket: str, link: str, owner: User) -> None:
    answer = ask(link, owner, "head")
    assert (answer.status_code, answer["Content-Length"]) == (200, "10240")
