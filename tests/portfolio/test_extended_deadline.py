"""A deadline moved by staff: what they type is what the candidate reads, and what holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from candidates.forms import ExtensionForm
from candidates.services import extend_deadline
from certification.kernel import clock
from certification.kernel.errors import WindowClosed
from portfolio.models import Entry, Receipt
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db

GRANTED = datetime(2027, 6, 20, tzinfo=UTC)
NEXT_MINUTE = datetime(2027, 6, 26, 5, tzinfo=UTC)  # 26 June, 00:00 in the programme's zone


@pytest.fixture
def entry() -> Entry:
    """Ready to be submitted, by somebody who may until and including 25 June, 23:59."""
    make.a_small_framework()
    candidacy = make.a_candidate()
    entry = make.a_complete_draft(candidacy, make.window_of(candidacy).opens)
    typed = {"year": "1", "closes_at_0": "2027-06-25", "closes_at_1": "23:59", "reason": "Illness"}
    form = ExtensionForm(typed, candidacy=candidacy)
    assert form.is_valid()
    extend_deadline(candidacy_id=candidacy.pk, by=make.a_staff_member(), now=GRANTED, **form.cleaned_data)
    return entry


def test_the_candidate_reads_the_minute_that_staff_typed(entry: Entry) -> None:
    client = Client()
    client.force_login(entry.candidacy.account)
    with clock.fixed(GRANTED):
        shown = client.get(reverse("portfolio:entry", args=[entry.pk])).text
    assert "25 June 2027, 23:59 CDT" in shown


@pytest.mark.parametrize("before", [timedelta(minutes=1), timedelta(microseconds=1)])
def test_the_whole_last_minute_is_admitted(entry: Entry, before: timedelta) -> None:
    with clock.fixed(NEXT_MINUTE - before):
        assert make.submit(entry, NEXT_MINUTE - before)


def test_the_next_minute_is_not(entry: Entry) -> None:
    with clock.fixed(NEXT_MINUTE), pytest.raises(WindowClosed, match="25 June 2027, 23:59 CDT"):
        make.submit(entry, NEXT_MINUTE)
    assert not Receipt.objects.exists()
