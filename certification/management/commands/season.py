"""`manage.py season`: play a cohort's whole life in a throwaway database and judge it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from certification.kernel import clock
from certification.kernel.windows import YEARS_OF_CANDIDACY
from certification.season import invariants, play, record, table
from certification.season.draws import drawn_from
from certification.season.rehearsal import (
    LARGEST_SEED,
    MOST_CANDIDATES,
    last_release,
    progress,
    rehearsal,
    whole_number,
)
from certification.season.throwaway import throwaway


class Command(BaseCommand):
    help = "Play a cohort's whole life through the site's own services, in a throwaway database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        # Taken as text, so that a wrong one is answered with a sentence instead of a usage line.
        parser.add_argument("--candidates", default="24", metavar="K")
        parser.add_argument("--years", default="3", metavar="1|2|3")
        parser.add_argument("--seed", default="1", metavar="N", help="the same seed plays the same season")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the record there")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = play.Options(
            candidates=whole_number(options, "candidates", 1, MOST_CANDIDATES),
            years=whole_number(options, "years", 1, YEARS_OF_CANDIDACY),
            seed=whole_number(options, "seed", 0, LARGEST_SEED),
        )
        target: Path | None = options["json"]
        if target is not None:
            _require_writable(target)
        with rehearsal() as folder, throwaway(folder), drawn_from(chosen.seed):
            broken = self._play(chosen, folder, target)
        if broken:
            raise CommandError(f"{broken} invariants are broken; see above.")

    def _play(self, chosen: play.Options, folder: Path, target: Path | None) -> int:
        with progress(chosen) as advance:
            season = play.play(chosen, folder / "files", advance=advance)
        with clock.fixed(last_release(chosen)):
            played = record.record(season)
            verdicts = invariants.judge(invariants.Played(season, played, clock.now()))
        if target is not None:
            target.write_text(json.dumps(played, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.stdout.write(table.render(season, played, verdicts))
        return sum(not verdict.holds for verdict in verdicts)


def _require_writable(target: Path) -> None:
    """Find out before the season is played, not after."""
    existed = target.exists()
    try:
        with target.open("a", encoding="utf-8"):
            pass
        if not existed:
            target.unlink()
    except OSError as problem:
        raise CommandError(f"--json: {target} cannot be written: {problem.strerror}.") from problem
