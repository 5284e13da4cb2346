"""`script/bench media`: how soon a seek into a two-gigabyte video answers, with authorisation and log.

Each seek is what a browser does when somebody drags the slider: a connection of its own, a link, a range
from a random place to the end, dropped once the picture is there.  The file is out of the system's cache
when the run begins.  Between two seeks stands a request that does nothing, behind the same middleware.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from . import boot

boot.boot()

from accounts.models import User  # noqa: E402
from certification.kernel import clock, reconcile  # noqa: E402
from portfolio.models import MediaView, Preparation, Rendition  # noqa: E402
from portfolio.renditions.models import RenditionKind  # noqa: E402
from portfolio.states import PreparationState  # noqa: E402
from portfolio.uploads.storing import originals  # noqa: E402
from portfolio.viewing.links import link_to  # noqa: E402
from tests.factories import portfolio as make  # noqa: E402

from . import people, site  # noqa: E402
from .videos import make_video  # noqa: E402

MIB = 1024**2
MAY_TAKE_MS = 100
_AT_ONCE = 4
_LOOKED_AT_BYTES = 256 * 1024
# A player asks many times through one link before the page gives it another.
_SEEKS_PER_LINK = 10


@dataclass(slots=True)
class Waits:
    """How long the first byte took, in seconds."""

    seconds: list[float] = field(default_factory=list)

    def percentile_ms(self, percent: int) -> float:
        return round(statistics.quantiles(self.seconds, n=100)[percent - 1] * 1000, 1)

    def told(self, name: str) -> dict[str, float]:
        return {f"{name}_p{percent}_ms": self.percentile_ms(percent) for percent in (50, 95, 99)}


@dataclass(frozen=True, slots=True)
class Film:
    """A video that may be watched: its number, its length in bytes, and whose it is."""

    id: UUID
    size: int
    owner: User


def main() -> None:
    parser = ArgumentParser(prog="script/bench media")
    parser.add_argument("--seeks", type=int, default=300)
    parser.add_argument("--mib", type=int, default=2048, help="size of the video")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as name,
        site.served(
            Path(name) / "site",
            application="tests.load.bench_site",
            web_workers=1,
            queues=(reconcile.QUICK,),
        ) as served,
    ):
        print(json.dumps(_measure(options, served)))


def _measure(options: Namespace, served: site.Site) -> dict[str, Any]:
    film = _film(options.mib * MIB, clock.now())
    cookies = people.Visitor.signed_in(film.owner, served.address).cookies
    _seeks(served, film, cookies, 20, random.Random(0))  # whatever is imported at the first request
    views = MediaView.objects.count()
    _forget_cached(film)
    _note(f"{options.seeks} seeks, one after another")
    alone, empty = _seeks(served, film, cookies, options.seeks, random.Random(1))
    _forget_cached(film)
    _note(f"{options.seeks} seeks of {_AT_ONCE} players at once")
    each = -(-options.seeks // _AT_ONCE)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        both = list(
            pool.map(
                lambda player: _seeks(served, film, cookies, each, random.Random(player)),
                range(2, 2 + _AT_ONCE),
            )
        )
    crowd = Waits([wait for seeks, _ in both for wait in seeks.seconds])
    crowd_empty = Waits([wait for _, nothing in both for wait in nothing.seconds])
    return {
        "mib": film.size // MIB,
        "seeks": len(alone.seconds),
        **alone.told("seek"),
        **empty.told("empty"),
        "players_at_once": _AT_ONCE,
        **crowd.told("seek_at_once"),
        **crowd_empty.told("empty_at_once"),
        "looks_on_record": MediaView.objects.count() - views,
        "requests_on_record": sum(MediaView.objects.values_list("requests", flat=True)),
        "may_take_p95_ms": MAY_TAKE_MS,
        "ok": alone.percentile_ms(95) <= MAY_TAKE_MS,
    }


def _seeks(
    served: site.Site, film: Film, cookies: str, count: int, chance: random.Random
) -> tuple[Waits, Waits]:
    """So many seeks to random places, and as many empty requests between them."""
    seeks, empty, link = Waits(), Waits(), ""
    for number in range(count):
        if number % _SEEKS_PER_LINK == 0:
            link = link_to(viewer=film.owner, rendition_id=film.id, now=clock.now())
        at = chance.randrange(film.size)
        seeks.seconds.append(_first_byte(served, link, {"Cookie": cookies, "Range": f"bytes={at}-"}, 206))
        empty.seconds.append(_first_byte(served, "/empty/", {"Cookie": cookies}, 200))
    return seeks, empty


def _first_byte(served: site.Site, path: str, headers: dict[str, str], status: int) -> float:
    """Seconds from opening a connection to the first byte of the answer's body, or its end."""
    line = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=60)
    began = time.perf_counter()
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    answer.read(1)
    waited = time.perf_counter() - began
    answer.read(_LOOKED_AT_BYTES)
    line.close()
    if answer.status != status:
        raise RuntimeError(f"{path} was answered {answer.status} and not {status}.")
    return waited


def _film(size: int, now: datetime) -> Film:
    """A candidate's evidence with a video of about `size` bytes as scorers will see it."""
    make.a_framework()
    candidacy = make.a_candidate(make.a_cohort(first_year=now.year + 1))
    evidence = make.add(make.a_draft(candidacy, now), now)
    preparation = Preparation.objects.get(evidence=evidence)
    for state in (PreparationState.CHECKING, PreparationState.READY):
        preparation.state, preparation.ended_at = state, now
        preparation.save(update_fields=["state", "ended_at"])
    key = f"renditions/{now:%Y-%m-%d}/film"
    path = Path(originals().path(key))
    path.parent.mkdir(parents=True)
    make_video(path, size=size)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    rendition = Rendition.objects.create(
        preparation=preparation,
        kind=RenditionKind.VIDEO,
        storage_key=key,
        content_type="video/mp4",
        size=path.stat().st_size,
        sha256=sha256,
    )
    return Film(rendition.pk, rendition.size, candidacy.account)


def _forget_cached(film: Film) -> None:
    """Let the next reads of the film come from the disk."""
    with originals().open(Rendition.objects.get(pk=film.id).storage_key, "rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
