"""What the public page says of a certificate agrees with what is printed on it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import certificates as factory

pytestmark = pytest.mark.django_db


def test_the_day_is_the_printed_one_wherever_the_visitor_is(client: Client) -> None:
    late = datetime(2027, 11, 1, 3, tzinfo=UTC)  # 31 October, 22:00, in the programme's zone
    certificate = factory.a_certificate(now=late)

    text = client.get(reverse("verify_number", args=[certificate.number])).content.decode()

    assert "<dt>Certified on</dt><dd>31 October 2027</dd>" in text
