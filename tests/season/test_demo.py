"""The demo loads once, and a start after the clock was moved on only announces the next cohort."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from candidates.documents import publish_documents
from candidates.models import Cohort
from candidates.services import create_cohort
from certification.kernel import clock
from certification.season import play
from payments.models import PurchaseOrder
from payments.states import PurchaseOrderState
from portfolio.frameworks import load_frameworks
from portfolio.models import Evidence

pytestmark = pytest.mark.django_db


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[play.Options]:
    """What was played; in place of a season there is only its cohort."""
    settings.DEMO = True
    seasons: list[play.Options] = []

    def announce_only(options: play.Options, folder: Path, **_: Any) -> None:
        seasons.append(options)
        load_frameworks()
        publish_documents(clock.now())
        number = options.first_year - 2017
        create_cohort(
            number=number, name=f"Cohort {number}", first_year=options.first_year, framework_slug="two-entry"
        )

    monkeypatch.setattr(play, "play", announce_only)
    return seasons


def test_a_demo_begins_with_last_season_played_and_this_one_open(
    played: list[play.Options], capsys: pytest.CaptureFixture[str]
) -> None:
    with clock.fixed(datetime(2026, 11, 22, tzinfo=UTC)):
        call_command("demo")
        capsys.readouterr()
        call_command("demo")
    addresses = re.findall(r"\S+@\S+", capsys.readouterr().out)
    assert "priya@demo.example" in addresses
    assert len(set(addresses)) == len(addresses)
    assert [options.first_year for options in played] == [2026]
    assert list(Cohort.objects.order_by("number").values_list("first_year", flat=True)) == [2026, 2027]
    assert User.objects.get(email="candidate@demo.example").has_usable_password()
    waiting = PurchaseOrder.objects.get(order__payer__email="district@demo.example")
    assert (waiting.state, waiting.all_seats.count()) == (PurchaseOrderState.REQUESTED, 5)
    begun = Evidence.objects.filter(entry__candidacy__account__email="priya@demo.example")
    assert sorted(begun.values_list("slot__key", flat=True)) == [
        "identify-conversation",
        "peers-goal",
        "written",
    ]


def test_nobody_is_in_the_middle_of_a_portfolio_while_registration_is_closed(
    played: list[play.Options],
) -> None:
    with clock.fixed(datetime(2027, 5, 22, tzinfo=UTC)):
        call_command("demo")
    assert not Evidence.objects.exists()


def test_a_clock_moved_on_replays_nothing(played: list[play.Options]) -> None:
    with clock.fixed(datetime(2026, 11, 22, tzinfo=UTC)):
        call_command("demo")
    with clock.fixed(datetime(2029, 11, 22, tzinfo=UTC)):
        call_command("demo")
    assert len(played) == 1
    assert Cohort.objects.order_by("-number")[0].first_year == 2030


def test_a_real_site_is_left_alone(settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="This is no demo"):
        call_command("demo")
    assert not Cohort.objects.exists()
