"""What the commands that play a season share: their arguments, their quiet, their clean end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, NoReturn

import click
from django.conf import settings
from django.core.management.base import CommandError

from certification.kernel.windows import calendar_for

from . import play
from .throwaway import CannotPrepare

MOST_CANDIDATES = 5000
LARGEST_SEED = 2**32


@contextmanager
def rehearsal() -> Iterator[Path]:
    """A folder for the block; nothing is left of it when it is broken off.

    Raises:
        CommandError: it was broken off, or the database could not be prepared.
    """
    before = signal.signal(signal.SIGTERM, _break_off)
    try:
        with TemporaryDirectory(prefix="season-") as folder:
            yield Path(folder)
    except KeyboardInterrupt:
        raise CommandError(
            "Broken off. The throwaway database and its files are gone.", returncode=130
        ) from None
    except CannotPrepare as problem:
        raise CommandError(str(problem)) from problem
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress(options: play.Options) -> Iterator[play.Advance]:
    """A progress bar on standard error; the report may go into a pipe beside it."""
    with click.progressbar(
        length=play.steps(options),
        label="Playing",
        item_show_func=lambda label: label or "",
        file=sys.stderr,
    ) as bar:
        yield lambda label: bar.update(1, label)


def whole_number(options: dict[str, Any], name: str, least: int, most: int) -> int:
    """The option's value as a number from `least` to `most`.

    Raises:
        CommandError: it is none.
    """
    given = str(options[name])
    number = int(given) if given.isascii() and given.isdecimal() else -1
    if not least <= number <= most:
        raise CommandError(f"--{name} takes a whole number from {least} to {most}, not {given!r}.")
    return number


def last_release(options: play.Options) -> datetime:
    """The instant at which the last year that is played comes out."""
    return calendar_for(options.first_year, settings.PROGRAMME_ZONE).years[options.years - 1].release_at


def _break_off(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
