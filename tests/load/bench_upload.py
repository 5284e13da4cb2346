"""`script/bench upload`: how fast a large file gets onto the disk, beside `@tus/server` and `cp`.

One gibibyte of real video over loopback into the site as it is served, one part after another as the
browser sends them.  Two instants are told: when every part is acknowledged, which means on disk under its
digest and on record; and when the whole is evidence: put together, its SHA-256 known, decoded and under its
key.  The tus server only writes, so its time is told alone, and with the fsync and the SHA-256 it lacks.
The arms take turns in the same run; the ratios are what travels from one machine to another.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.fakes import buckets

from . import boot

boot.boot()

from django.core.files.storage import storages  # noqa: E402
from django.urls import reverse  # noqa: E402

from certification.environment import BASE_DIR  # noqa: E402
from certification.kernel import clock, reconcile  # noqa: E402
from portfolio.models import Slot, Upload  # noqa: E402
from portfolio.states import UploadState  # noqa: E402
from portfolio.uploads import rules  # noqa: E402
from portfolio.uploads.multipart import S3Parts  # noqa: E402
from tests.factories import portfolio as make  # noqa: E402

from . import memory, people, sending, site  # noqa: E402
from .videos import make_video  # noqa: E402

GIB, MIB = 1024**3, 1024**2
SLOT = "film"
MAY_GROW_MIB = 64
TARGET = 0.8
_SMALL_BYTES = 24 * MIB
_TAKEN_WITHIN_SECONDS = 600
_SIGNED = 200


@dataclass(slots=True)
class Arm:
    """Seconds of one way to get the file onto the disk, one a round, by what they are counted to."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **counted: float) -> None:
        for name, value in counted.items():
            self.seconds.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])


class Candidates:
    """Fresh candidates with an empty slot for a film, as many as are asked for."""

    def __init__(self) -> None:
        make.a_framework()
        self._cohort = make.a_cohort(first_year=clock.now().year + 1)
        self._numbers = itertools.count(1)

    def sender(self, address: str) -> sending.Sender:
        candidacy = make.a_candidate(self._cohort, email=f"sender{next(self._numbers)}@load.example")
        entry = make.a_draft(candidacy, clock.now())
        Slot.objects.get_or_create(
            template=entry.template,
            key=SLOT,
            defaults={
                "title": "Film",
                "purpose": "One lesson.",
                "kind": "video",
                "required": False,
                "max_minutes": 90,
                "max_bytes": 6 * GIB,
                "formats": ["mp4"],
                "ordinal": 90,
            },
        )
        visitor = people.Visitor.signed_in(candidacy.account, address)
        return sending.Sender(visitor, reverse("portfolio:sign_upload", args=[entry.pk, SLOT]))


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as name:
        folder = Path(name)
        _require_room(folder, options)
        report = _speed(options, folder) | _memory(options, folder) | _presigning(folder)
    print(json.dumps(report))


def _options() -> Namespace:
    parser = ArgumentParser(prog="script/bench upload")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mib", type=int, default=1024, help="size of the file of each round")
    parser.add_argument(
        "--large-mib", type=int, default=5 * 1024, help="size of the file that memory is seen at"
    )
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    return parser.parse_args()


def _require_room(folder: Path, options: Namespace) -> None:
    needed = (3 * options.large_mib + 2 * options.mib) * MIB
    free = psutil.disk_usage(str(folder)).free
    if free < needed:
        raise SystemExit(
            f"{folder.parent} has {free // MIB:,} MiB free, and this run needs {needed // MIB:,}: "
            "name a --folder with more room, or ask for fewer --large-mib."
        )


# ---- how fast ----


def _speed(options: Namespace, folder: Path) -> dict[str, Any]:
    film = make_video(folder / "film.mp4", size=options.mib * MIB)
    digests = sending.digests_of(film, rules.part_bytes_for(film.stat().st_size))
    whole = _sha256(film)
    ours, tus, copied = Arm(), Arm(), Arm()
    signs: list[float] = []
    puts: list[float] = []
    with _site(folder / "site") as served, _tus(folder / "tus") as (address, kept):
        candidates = Candidates()

        def send_ours() -> None:
            sent, taken, sha256 = _sent(served, candidates, film, digests)
            if sha256 != whole:
                raise RuntimeError("The site's digest of the whole is not the file's.")
            ours.add(acknowledged=sent.seconds, evidence=taken)
            signs.extend(sent.sign)
            puts.extend(sent.put)

        def send_to_tus() -> None:
            began = time.perf_counter()
            file = kept / sending.send_by_tus(address, film).key
            written = time.perf_counter() - began
            _fsync(file)
            synced = time.perf_counter() - began
            if _sha256(file) != whole:
                raise RuntimeError("What tus keeps is not the file.")
            tus.add(written=written, synced=synced, synced_and_hashed=time.perf_counter() - began)
            file.unlink()

        def copy() -> None:
            target = folder / "copy"
            began = time.perf_counter()
            subprocess.run(["cp", "--reflink=never", film, target], check=True)
            _fsync(target)
            subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)
            copied.add(synced_and_hashed=time.perf_counter() - began)
            target.unlink()

        for number in range(options.rounds):
            arms: list[Callable[[], None]] = [send_ours, send_to_tus, copy]
            for arm in arms[number % 3 :] + arms[: number % 3]:
                arm()
                os.sync()  # what an arm left to the disk is no other arm's burden
            _note(f"round {number + 1} of {options.rounds}: {_last(ours, tus, copied)}")
    film.unlink()
    return _told(
        options, film_bytes=options.mib * MIB, ours=ours, tus=tus, copied=copied, signs=signs, puts=puts
    )


def _told(
    options: Namespace,
    *,
    film_bytes: int,
    ours: Arm,
    tus: Arm,
    copied: Arm,
    signs: list[float],
    puts: list[float],
) -> dict[str, Any]:
    like_for_like = tus.median("synced_and_hashed")
    ratio = like_for_like / ours.median("evidence")
    return {
        "mib": film_bytes // MIB,
        "rounds": options.rounds,
        "acknowledged_s": round(ours.median("acknowledged"), 2),
        "evidence_s": round(ours.median("evidence"), 2),
        "tus_written_s": round(tus.median("written"), 2),
        "tus_synced_s": round(tus.median("synced"), 2),
        "tus_synced_and_hashed_s": round(like_for_like, 2),
        "cp_synced_and_hashed_s": round(copied.median("synced_and_hashed"), 2),
        "acknowledged_to_tus_written": round(tus.median("written") / ours.median("acknowledged"), 2),
        "acknowledged_to_tus_synced_and_hashed": round(like_for_like / ours.median("acknowledged"), 2),
        "evidence_to_tus_synced_and_hashed": round(ratio, 2),
        "evidence_to_cp_synced_and_hashed": round(
            copied.median("synced_and_hashed") / ours.median("evidence"), 2
        ),
        "target": TARGET,
        "part_mib": round(rules.part_bytes_for(film_bytes) / MIB, 1),
        "sign_p50_ms": round(statistics.median(signs) * 1000, 1),
        "put_p50_ms": round(statistics.median(puts) * 1000, 1),
    }


# ---- in how much memory ----


def _memory(options: Namespace, folder: Path) -> dict[str, Any]:
    """The most that web and worker hold for a very large file, beside what they hold for a small one."""
    small = make_video(folder / "small.mp4", size=_SMALL_BYTES)
    large = make_video(folder / "large.mp4", size=options.large_mib * MIB)
    digests = {
        path: sending.digests_of(path, rules.part_bytes_for(path.stat().st_size)) for path in (small, large)
    }
    peaks: list[memory.Peaks] = []
    with _site(folder / "site") as served:
        candidates = Candidates()
        groups = {"web": served.web_processes, "worker": served.worker.processes}
        for path in (small, small, large):  # the first one imports what there is to import
            with memory.watched(groups) as seen:
                _, _, sha256 = _sent(served, candidates, path, digests[path])
            peaks.append(seen)
            _note(f"{path.name}: {seen.mib}")
        if sha256 != _sha256(large):
            raise RuntimeError("The site's digest of the large file is not the file's.")
    small.unlink()
    large.unlink()
    told: dict[str, Any] = {"large_mib": options.large_mib}
    for name in groups:
        told[f"{name}_small_mib"] = round(peaks[1].mib[name], 1)
        told[f"{name}_large_mib"] = round(peaks[2].mib[name], 1)
        told[f"{name}_growth_mib"] = round(peaks[2].mib[name] - peaks[1].mib[name], 1)
    return told | {"may_grow_mib": MAY_GROW_MIB}


# ---- what a part costs the site when a bucket takes it ----


def _presigning(folder: Path) -> dict[str, Any]:
    """A question where to send a part, beside one for nothing at all, and beside the signing alone."""
    with buckets.moto() as peer, _in_buckets(peer), _site(folder / "site") as served:
        sender = Candidates().sender(served.address)
        key = sender.begin("film.mp4", GIB)["key"]
        parts = rules.part_count(GIB, rules.part_bytes_for(GIB))
        asked = [sender.sign_part(key, 1 + number % parts) for number in range(_SIGNED)]
        nothing = [sender.nothing() for _ in range(_SIGNED)]
        upload = Upload.objects.get(pk=key)
        store = S3Parts(storages.create_storage(peer.storage))
        alone = []
        for number in range(_SIGNED):
            began = time.perf_counter()
            store.link(upload, 1 + number % parts, 900)
            alone.append(time.perf_counter() - began)
    return {
        "presigned_part_p50_ms": round(statistics.median(asked) * 1000, 2),
        "empty_request_p50_ms": round(statistics.median(nothing) * 1000, 2),
        "presigning_alone_p50_ms": round(statistics.median(alone) * 1000, 2),
    }


@contextmanager
def _in_buckets(peer: buckets.Peer) -> Iterator[None]:
    """The site that starts inside keeps its originals in the peer's bucket."""
    options = peer.storage["OPTIONS"]
    named = {"S3_ENDPOINT_URL": peer.endpoint}
    # As for a provider that is not AWS.
    for direction in ("REQUEST_CHECKSUM_CALCULATION", "RESPONSE_CHECKSUM_VALIDATION"):
        named[f"AWS_{direction}"] = "when_required"
    for store in ("IDENTITY", "BLIND", "CERTIFICATES"):
        named |= {
            f"{store}_BUCKET": options["bucket_name"] if store == "IDENTITY" else f"bench-{store.lower()}",
            f"{store}_ACCESS_KEY_ID": options["access_key"] if store == "IDENTITY" else f"key-{store}",
            f"{store}_SECRET_ACCESS_KEY": options["secret_key"],
        }
    os.environ |= named
    try:
        yield
    finally:
        for name in named:
            del os.environ[name]


# ---- the site, the tus server, and what both are asked ----


@contextmanager
def _site(folder: Path) -> Iterator[site.Site]:
    """The site as Procfile serves it, one web process with its threads; the worker does quick work only.

    What scorers will see of the film is made by another worker, which would be measured along.
    """
    with site.served(
        folder, application="tests.load.bench_site", web_workers=1, queues=(reconcile.QUICK,)
    ) as served:
        yield served
    shutil.rmtree(folder)


@contextmanager
def _tus(folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of a tus server, and where it keeps its files."""
    command = ["node", str(BASE_DIR / "tests" / "load" / "tus.mjs"), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("The tus server did not start: run `npm ci` in the project's folder.")
        yield f"http://127.0.0.1:{port}", folder
    finally:
        process.kill()
        process.wait()


def _sent(
    served: site.Site, candidates: Candidates, film: Path, digests: list[str]
) -> tuple[sending.Sent, float, str]:
    """How it was sent, the seconds until it was evidence, and its digest by the site's own record."""
    sender = candidates.sender(served.address)
    began = time.perf_counter()
    sent = sender.send(film, digests)
    while time.perf_counter() < began + _TAKEN_WITHIN_SECONDS:
        upload = Upload.objects.get(pk=sent.key)
        if upload.state != UploadState.COMPLETING:
            break
        time.sleep(0.02)
    if upload.state != UploadState.TAKEN:
        raise RuntimeError(f"The upload is {upload.state}: {upload.problem} See {served.folder}.")
    return sent, time.perf_counter() - began, upload.sha256


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last(*arms: Arm) -> str:
    return "; ".join(
        ", ".join(f"{name} {values[-1]:.2f} s" for name, values in arm.seconds.items()) for arm in arms
    )


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
