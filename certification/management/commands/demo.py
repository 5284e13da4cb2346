"""`manage.py demo`: fill an empty demo with a season that has been, and one that is open."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import click
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Role, User
from candidates.models import Cohort
from candidates.services import create_cohort
from certification.kernel import clock
from certification.season import cast, play, preparing
from payments import offers
from payments import services as payments

PASSWORD = "coaching-demo"  # noqa: S105  (printed on the terminal of every demo)
NEWCOMER = "candidate@demo.example"
SPONSOR = "district@demo.example"
_PLAYED_CANDIDATES = 8

_ACCOUNTS = (
    (NEWCOMER, "candidate, nothing begun"),
    ("{certified}", "candidate, certified last season"),
    (preparing.PERSON.email, "candidate, in the middle of the first entry"),
    ("{continuing}", "candidate, waiting for a retake"),
    (SPONSOR, "sponsor, a purchase order for five coaches with staff"),
    ("office@programme.example", "staff"),
    ("second@programme.example", "staff, second pair of eyes for blinding"),
    ("scorer01@scoring.example", "scorer (so are scorer02 to scorer08)"),
    ("lead01@scoring.example", "lead scorer"),
)


class Command(BaseCommand):
    help = "Load the frameworks, last season (played), the open cohort, and one account per role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", action="store_true", help="only print the accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is no demo: set ICG_DEMO=1 on a database that holds nothing real.")
        if not options["accounts"]:
            self._load()
        self._print_accounts()

    def _load(self) -> None:
        this_season = _season_year()
        # Once only: a demo whose clock was moved on has a past of its own.
        if not Cohort.objects.exists():
            self._play(play.Options(candidates=_PLAYED_CANDIDATES, years=1, first_year=this_season - 1))
        number = this_season - 2017
        cohort = create_cohort(
            number=number, name=f"Cohort {number}", first_year=this_season, framework_slug=cast.FRAMEWORK
        )
        with TemporaryDirectory(prefix="demo-") as folder:
            preparing.begin(cohort, Path(folder), clock.now())
        if not User.objects.filter(email=NEWCOMER).exists():
            User.objects.create_user(NEWCOMER, full_name="Robin Newcomer", role=Role.CANDIDATE)
        if not User.objects.filter(email=SPONSOR).exists():
            _order_seats(User.objects.create_user(SPONSOR, full_name="Dana District", role=Role.SPONSOR))
        _let_everybody_in()

    def _play(self, options: play.Options) -> None:
        """Play last season whole or not at all: a demo broken off half-way starts over."""
        with (
            TemporaryDirectory(prefix="demo-") as folder,
            click.progressbar(
                length=play.steps(options), label="Playing last season", file=sys.stderr
            ) as bar,
            transaction.atomic(),
        ):
            play.play(options, Path(folder), advance=lambda label: bar.update(1))

    def _print_accounts(self) -> None:
        found = {
            "certified": _candidate_email("certified"),
            "continuing": _candidate_email("active"),
        }
        lines = [(address.format(**found), what) for address, what in _ACCOUNTS]
        width = max(len(address) for address, _ in lines)
        self.stdout.write(f"Every account has the password {PASSWORD}\n")
        for address, what in lines:
            self.stdout.write(f"  {address:<{width}}  {what}")


def _order_seats(sponsor: User) -> None:
    """A district orders five seats of the cohort that registers now, or next."""
    now = clock.now()
    for offer in offers.on_sale(now)[:1]:
        payments.request_seats(
            offer_id=offer.id,
            by=sponsor,
            how_many=5,
            details=payments.PurchaseOrderDetails(
                number="PO-2041",
                organisation="Lakeside Unified School District",
                billing_name="Accounts Payable",
                billing_email=SPONSOR,
                billing_address="400 Harbor Road\nLakeside, MN 55101",
            ),
            now=now,
        )


def _season_year() -> int:
    """The first submission year of the cohort that registers now, or registers next."""
    today = clock.now().astimezone(ZoneInfo(settings.PROGRAMME_ZONE))
    return today.year + 1 if today.month >= 2 else today.year


def _candidate_email(state: str) -> str:
    """Somebody of last season."""
    rows = User.objects.filter(candidacies__state=state, candidacies__entries__isnull=False)
    rows = rows.exclude(email=preparing.PERSON.email)
    return rows.order_by("candidacies__number").values_list("email", flat=True).first() or "(none yet)"


def _let_everybody_in() -> None:
    """Give each account without a password the demo's, and count its address as verified."""
    newcomers = [user for user in User.objects.all() if not user.has_usable_password()]
    password = make_password(PASSWORD)
    for user in newcomers:
        user.password = password
    User.objects.bulk_update(newcomers, ["password"])
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in newcomers],
        ignore_conflicts=True,
    )
