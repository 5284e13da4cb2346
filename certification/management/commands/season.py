"""`manage.py season`: play a cohort's whole life in a throwaway database and judge it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.utils import OperationalError
from django.test.utils import override_settings
from django.utils.crypto import get_random_string

from certification.kernel import clock
from certification.kernel.windows import calendar_for
from certification.season import invariants, play, record, table


class Command(BaseCommand):
    help = "Play a cohort's whole life through the site's own services, in a throwaway database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--candidates", type=int, default=24, metavar="K")
        parser.add_argument("--years", type=int, default=3, choices=(1, 2, 3))
        parser.add_argument("--seed", type=int, default=1, metavar="N")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the record there")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["candidates"] <= 5000:
            raise CommandError("--candidates takes a number from 1 to 5000.")
        target: Path | None = options["json"]
        if target is not None and not target.resolve().parent.is_dir():
            raise CommandError(f"--json: the folder {target.resolve().parent} does not exist. Make it first.")
        chosen = play.Options(candidates=options["candidates"], years=options["years"], seed=options["seed"])
        with TemporaryDirectory(prefix="season-") as folder, throwaway(Path(folder)):
            broken = self._play(chosen, Path(folder), target)
        if broken:
            raise CommandError(f"{broken} invariants are broken; see above.")

    def _play(self, chosen: play.Options, folder: Path, target: Path | None) -> int:
        with click.progressbar(
            length=play.steps(chosen),
            label="Playing",
            item_show_func=lambda label: label or "",
            file=sys.stderr,  # the record may go to standard output's pipe
        ) as bar:
            season = play.play(chosen, folder / "files", advance=lambda label: bar.update(1, label))
        from django.conf import settings

        last_release = (
            calendar_for(chosen.first_year, settings.PROGRAMME_ZONE).years[chosen.years - 1].release_at
        )
        with clock.fixed(last_release):
            played = record.record(season)
            verdicts = invariants.judge(season, played, clock.now())
        if target is not None:
            target.write_text(json.dumps(played, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.stdout.write(table.render(season, played, verdicts))
        return sum(1 for _, problems in verdicts if problems)


@contextmanager
def throwaway(folder: Path) -> Iterator[None]:
    """A fresh, migrated database and fresh storages for the block; both are gone after it.

    Raises:
        CommandError: the server does not let this role create a database.
    """
    from django.conf import settings
    from django.core.management import call_command

    connection = connections["default"]
    usual = connection.settings_dict["NAME"]
    name = f"icg_season_{get_random_string(8, 'abcdefghijkmnpqrstuvwxyz')}"
    stores = {
        alias: (
            {**store, "OPTIONS": {**store.get("OPTIONS", {}), "location": str(folder / "media" / alias)}}
            if store["BACKEND"].endswith("FileSystemStorage")
            else store
        )
        for alias, store in settings.STORAGES.items()
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(name)}")
    except OperationalError as refused:
        raise CommandError(
            f"A season needs a database of its own, which could not be made: {refused}"
        ) from refused
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        with override_settings(
            STORAGES=stores, EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend", CLOCK_TRAVEL=False
        ):
            call_command("migrate", verbosity=0)
            yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)} WITH (FORCE)")
