"""`manage.py faults season`: play a season while its worker is killed and its broker emptied.

What the tests do in a minute, this does for as long as one likes.  The last line is JSON.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from certification.kernel import clock, reconcile
from certification.kernel.windows import YEARS_OF_CANDIDACY
from certification.season import invariants, outage, play, record, table
from certification.season.rehearsal import (
    LARGEST_SEED,
    MOST_CANDIDATES,
    last_release,
    progress,
    rehearsal,
    whole_number,
)
from certification.season.throwaway import throwaway

MOST_KILLS = 10_000
# Mails that the worker queued after the instant of release are due a little later.
_AFTERWARDS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Run:
    """A season played to its end, judged."""

    record: dict[str, Any]
    verdicts: list[invariants.Verdict]
    table: str


class Command(BaseCommand):
    help = "Play a season while its worker is killed and its broker emptied; the last line is JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=("season",))
        parser.add_argument("--kills", default="40", metavar="N", help="how often the worker is killed")
        parser.add_argument("--candidates", default="14", metavar="K")
        parser.add_argument("--years", default="3", metavar="1|2|3")
        parser.add_argument("--seed", default="1", metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        kills = whole_number(options, "kills", 0, MOST_KILLS)
        chosen = play.Options(
            candidates=whole_number(options, "candidates", 1, MOST_CANDIDATES),
            years=whole_number(options, "years", 1, YEARS_OF_CANDIDACY),
            seed=whole_number(options, "seed", 0, LARGEST_SEED),
        )
        try:
            with rehearsal() as folder:
                self._strike(chosen, kills, folder)
        except outage.WorkerSilent as problem:
            raise CommandError(str(problem)) from problem

    def _strike(self, chosen: play.Options, kills: int, folder: Path) -> None:
        with throwaway(folder, clock_travel=True), outage.outages(chosen, folder, kills=kills) as struck:
            disturbed = self._play(chosen, folder, struck)
            done = struck.worker.done()
        with throwaway(folder / "undisturbed"):
            undisturbed = self._play(chosen, folder / "undisturbed", play.converge)
        same = outage.determined(disturbed.record) == outage.determined(undisturbed.record)
        broken = [verdict.title for verdict in disturbed.verdicts if not verdict.holds]
        self.stdout.write(disturbed.table)
        report = {
            "ok": same and not broken,
            "kills": len(struck.struck),
            "in_the_middle_of": Counter(name for names in struck.struck for name in names),
            "worker": done,
            "finished_here": struck.finished_here,
            "same_as_undisturbed": same,
            "invariants": len(disturbed.verdicts),
            "broken": broken,
        }
        self.stdout.write(json.dumps(report))
        if not report["ok"]:
            raise CommandError("The outages changed the season; see above.")

    def _play(self, chosen: play.Options, folder: Path, settle: play.Converge) -> Run:
        with progress(chosen) as advance:
            season = play.play(chosen, folder / "files", settle=settle, advance=advance)
        with clock.fixed(last_release(chosen) + _AFTERWARDS):
            reconcile.run_all()
            played = record.record(season)
            verdicts = invariants.judge(invariants.Played(season, played, clock.now()))
        return Run(played, verdicts, table.render(season, played, verdicts))
