"""`script/faults uploads`: large files under bad conditions, on a real site, in two arms.

1. Hundreds of videos, cut into parts, from clients that try again as the browser does.  Connections are
   reset, stall, break off and lose their answers; bits flip; parts come out of order, twice, and from two
   tabs at once; some uploads are cancelled or abandoned.  Web and worker processes are killed, and
   PostgreSQL is stopped and started, again and again.
2. The same on a disk that is full most of the time.

At the end: whatever was acknowledged is there, every file that was accepted is the candidate's to the
byte, and after the sweep the disk holds the evidence on record and nothing else.

Progress goes to standard error; the last line printed is one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from . import boot

# Beside the project's other folders only if TMPDIR says so: a run writes several gigabytes.
FOLDER = Path(tempfile.mkdtemp(prefix="faults-uploads-"))
SERVER = boot.boot_with_a_database_of_its_own(FOLDER / "postgres")

from django.core.files.base import File  # noqa: E402
from django.db import connections  # noqa: E402

from accounts.models import User  # noqa: E402
from candidates.models import Candidacy, Cohort, Registration  # noqa: E402
from certification import embedded  # noqa: E402
from certification.kernel import clock, reconcile  # noqa: E402
from certification.season.files import make_mp4  # noqa: E402
from portfolio.blinding.identifiers import Identity  # noqa: E402
from portfolio.frameworks import load_frameworks  # noqa: E402
from portfolio.models import Entry, EntryTemplate, Evidence, Slot, Upload  # noqa: E402
from portfolio.renditions.models import Rendition, UnclaimedRendition  # noqa: E402
from portfolio.services import start_entry  # noqa: E402
from portfolio.states import UNDER_WAY_UPLOADS, UploadState  # noqa: E402
from portfolio.uploads import storing  # noqa: E402

from . import full_disk, people, site, strikes  # noqa: E402
from .line import Fault  # noqa: E402
from .senders import Book, End, GaveUp, Sender, Sent  # noqa: E402

MIB = 1024 * 1024
CLIENTS = 8
UPLOADS_PER_ENTRY = 4
SLOT = "clips"
# What is made of a file once it is evidence has tests and disturbances of its own.
QUEUES = (reconcile.QUICK,)
Given = TypeVar("Given")
Made = TypeVar("Made")
_LINE_FAULTS = tuple(Fault)
_PATIENCE_SECONDS = 120
# A film that plays and is short; the rest of a file is a box that players skip.
_FILMS = 6
_SOMEBODY = Identity(names=("Łucja Load",), emails=(), organisations=())


def main() -> int:
    options = _options()
    began = time.monotonic()
    _require_room(options)
    try:
        arms = {
            "storm": _storm(options, FOLDER / "storm"),
            "full_disk": _full_disk(options, FOLDER / "full-disk"),
        }
    finally:
        connections.close_all()
        embedded.stop(SERVER)
        shutil.rmtree(FOLDER, ignore_errors=True)
    faults = sum(arm["faults"] for arm in arms.values())
    uploads = sum(arm["uploads"] for arm in arms.values())
    ok = all(arm["ok"] for arm in arms.values())
    summary = {"ok": ok, "uploads": uploads, "faults": faults, "seed": options.seed}
    print(json.dumps(summary | arms | {"seconds": round(time.monotonic() - began, 1)}))
    return 0 if ok else 1


def _options() -> Namespace:
    parser = ArgumentParser(prog="script/faults uploads", description=__doc__)
    parser.add_argument("--uploads", type=int, default=300)
    parser.add_argument("--faults-per-upload", type=int, default=4)
    parser.add_argument("--strike-every", type=int, default=16, metavar="PARTS")
    parser.add_argument("--on-a-full-disk", type=int, default=16, metavar="UPLOADS")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _require_room(options: Namespace) -> None:
    needed = options.uploads * 20 * MIB + 1024 * MIB
    free = shutil.disk_usage(FOLDER).free
    if free < needed:
        shutil.rmtree(FOLDER, ignore_errors=True)
        raise SystemExit(
            f"{FOLDER.parent} has {free // MIB:,} MiB free, and this run writes about {needed // MIB:,}: "
            "set TMPDIR to a folder with more room, or ask for fewer --uploads."
        )


# ---- candidates and their files ----


def _entries(count: int, called: str) -> list[Entry]:
    """Drafts of as many candidates, with a slot that takes many videos."""
    load_frameworks()
    cohort = people.open_cohort()
    _a_slot_for_many()
    return [
        _draft(account, cohort, number)
        for number, account in enumerate(people.candidates(count, called=called))
    ]


def _a_slot_for_many() -> None:
    for template in EntryTemplate.objects.filter(framework__slug="two-entry"):
        Slot.objects.create(
            template=template,
            key=SLOT,
            title="Clips",
            purpose="What happened, as it happened.",
            kind="video",
            required=False,
            min_files=0,
            max_files=20,
            max_minutes=10,
            max_bytes=64 * MIB,
            formats=["mp4"],
            ordinal=90,
        )


def _draft(account: User, cohort: Cohort, number: int) -> Entry:
    now = clock.now()
    registration = Registration.objects.create(
        cohort=cohort,
        account=account,
        started_at=now,
        name_on_certificate=account.full_name,
        school="Elm Street School",
        country="USA",
    )
    candidacy = Candidacy.objects.create(
        number=f"C{cohort.number}-{number:04d}",
        registration=registration,
        account=account,
        cohort=cohort,
        enrolled_at=now,
    )
    return start_entry(candidacy_id=candidacy.pk, entry_key="entry-1", by=account, now=now)


class Films:
    """Short videos that play, made once and padded to whatever length is asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._films = [
            make_mp4(folder / f"{seed}.mp4", identity=_SOMEBODY, seconds=1, seed=seed).read_bytes()
            for seed in range(_FILMS)
        ]

    def of(self, name: str, size: int, chance: random.Random) -> Sent:
        film = self._films[chance.randrange(_FILMS)]
        padding = size - len(film)
        content = film + padding.to_bytes(4, "big") + b"free" + chance.randbytes(padding - 8)
        return Sent(name, content, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Plan:
    """What one candidate does with one file; the same for the same seed."""

    number: int
    size: int
    faults: tuple[Fault, ...]
    two_tabs: bool
    shuffled: bool
    end: End


def _plans(options: Namespace) -> list[Plan]:
    chance = random.Random(options.seed)
    ends = [End.COMPLETE] * 18 + [End.CANCEL, End.ABANDON]
    return [
        Plan(
            number=number,
            size=chance.choice((9, 10, 12, 14, 18, 20, 40 if number % 5 == 0 else 16)) * MIB
            + chance.randrange(MIB),
            faults=tuple(chance.choices(_LINE_FAULTS, k=options.faults_per_upload)),
            two_tabs=number % 8 == 0,
            shuffled=number % 3 == 0,
            end=End.COMPLETE if number % 8 == 0 else chance.choice(ends),
        )
        for number in range(options.uploads)
    ]


# ---- the arms ----


def _storm(options: Namespace, folder: Path) -> dict[str, Any]:
    plans = _plans(options)
    book = Book()
    with site.served(folder, queues=QUEUES) as served:
        films = Films(folder / "films")
        entries = _entries(-(-len(plans) // UPLOADS_PER_ENTRY), "storm")
        _note(f"{len(plans)} files, {len(entries)} candidates")
        striker = strikes.Striker(
            book,
            [
                ("web_process_killed", strikes.kill_a_web_worker(served)),
                ("web_process_killed", strikes.kill_a_web_worker(served)),
                ("worker_killed", strikes.kill_the_worker(served)),
                ("web_process_killed", strikes.kill_a_web_worker(served)),
                ("worker_children_killed", strikes.kill_the_workers_children(served)),
                ("web_process_killed", strikes.kill_a_web_worker(served)),
                ("web_server_killed", strikes.kill_the_web_server(served)),
                ("web_process_killed", strikes.kill_a_web_worker(served)),
                ("database_restarted", strikes.restart_the_database(SERVER)),
            ],
        )
        book.after_each = _striking(striker, options.strike_every)
        bells = strikes.Bells(served)
        visitors = [people.Visitor.signed_in(entry.candidacy.account, served.address) for entry in entries]

        def send(plan: Plan) -> list[tuple[str, Sent]]:
            chance = random.Random(f"{options.seed}-{plan.number}")
            file = films.of(f"clip-{plan.number}.mp4", plan.size, chance)
            return _send(plan, file, visitors, entries, book, options.seed)

        sent = _all_at_once(send, plans, CLIENTS)
        striker.stop()
        report = _report(served, book, plans, sent, bells)
    report["ok"] = report["ok"] and report["uploads"] >= options.uploads
    return report


def _full_disk(options: Namespace, folder: Path) -> dict[str, Any]:
    """Files arrive on a disk that has room for them, but not always: somebody else fills it and frees it."""
    chance = random.Random(options.seed)
    sizes = [chance.randrange(40, 63) * MIB for _ in range(options.on_a_full_disk)]
    plans = [
        Plan(number, size, (), two_tabs=False, shuffled=False, end=End.COMPLETE)
        for number, size in enumerate(sizes)
    ]
    book = Book()
    with (
        full_disk.disk(folder / "media", sum(sizes) + 160 * MIB) as disk,
        site.served(folder, queues=QUEUES) as served,
    ):
        films = Films(folder / "films")
        entries = _entries(-(-len(plans) // UPLOADS_PER_ENTRY), "full")
        visitors = [people.Visitor.signed_in(entry.candidacy.account, served.address) for entry in entries]
        _note(f"{len(plans)} files, {disk.how}")
        bells = strikes.Bells(served)

        def send(plan: Plan) -> list[tuple[str, Sent]]:
            file = films.of(
                f"full-{plan.number}.mp4", plan.size, random.Random(f"{options.seed}-f{plan.number}")
            )
            return _send(plan, file, visitors, entries, book, options.seed)

        with disk.full_now_and_then(served, book):
            sent = _all_at_once(send, plans, CLIENTS // 2)
        report = _report(served, book, plans, sent, bells)
    report["how"] = disk.how
    report["parts_refused_for_want_of_room"] = sum(
        count for status, count in book.answers.items() if status >= 500
    )
    report["ok"] = report["ok"] and report["parts_refused_for_want_of_room"] > 0
    return report


def _striking(striker: strikes.Striker, every: int) -> Callable[[int], None]:
    def after_each(done: int) -> None:
        if done % every == 0:
            striker.strike()
            _note(f"{done} parts acknowledged")

    return after_each


def _send(
    plan: Plan,
    file: Sent,
    visitors: Sequence[people.Visitor],
    entries: Sequence[Entry],
    book: Book,
    seed: int,
) -> list[tuple[str, Sent]]:
    """Send one file, from one tab or from two; returns the uploads that came of it."""
    place = plan.number // UPLOADS_PER_ENTRY

    def tab(number: int) -> tuple[str, Sent]:
        sender = Sender(
            visitor=visitors[place],
            sign_path=f"/portfolio/entries/{entries[place].pk}/slots/{SLOT}/uploads/sign/",
            file=file,
            book=book,
            chance=random.Random(f"{seed}-{plan.number}-{number}"),
            faults=list(plan.faults[number::2] if plan.two_tabs else plan.faults),
            shuffled=plan.shuffled,
            end=plan.end,
            patience_seconds=_PATIENCE_SECONDS,
        )
        try:
            return sender.run(), file
        except GaveUp as gave_up:
            book.note(book.problems, f"gave up: {gave_up}")
            return "", file

    if not plan.two_tabs:
        return [tab(0)]
    book.happened("two_tabs")
    return _all_at_once(tab, [0, 1], 2)


# ---- what must hold ----


def _report(
    served: site.Site,
    book: Book,
    plans: Sequence[Plan],
    sent: Sequence[Sequence[tuple[str, Sent]]],
    bells: strikes.Bells,
) -> dict[str, Any]:
    connections.close_all()  # the database was restarted under this one
    waited = _wait_until_checked()
    bells.stop()
    served.worker.kill()
    wrong = _wrong_digests(plans, sent)
    before = _listed()
    swept = _sweep()
    kept = Evidence.objects.filter(removed_at__isnull=True)
    on_record = {*kept.values_list("storage_key", flat=True), *_renditions()}
    on_disk = _listed()
    left_over = sorted(path.name for path in (served.folder / "scratch").glob("icg-upload-*"))
    report = {
        "uploads": len(plans),
        "faults": sum(book.faults.values()),
        "faults_by_kind": dict(sorted(book.faults.items())),
        "parts_acknowledged": book.acknowledged,
        "bytes_acknowledged": book.acknowledged_bytes,
        "parts_answered": {str(status): count for status, count in sorted(book.answers.items())},
        "acknowledged_parts_lost": len(book.lost),
        "files_taken": Evidence.objects.count(),
        "wrong_digests_finalised": len(wrong),
        "wrongly_refused": len(book.refused),
        "still_under_way": Upload.objects.filter(state__in=UNDER_WAY_UPLOADS).count(),
        "objects_before_the_sweep": len(before),
        "swept": swept,
        "objects_without_a_row": len(on_disk - on_record),
        "rows_without_an_object": len(on_record - on_disk),
        "temporary_files_left": len(left_over),
        "seconds_until_all_were_checked": waited,
        "problems": [*book.problems, *book.lost, *book.refused, *wrong, *left_over][:20],
    }
    report["ok"] = (
        not report["problems"]
        and report["still_under_way"] == 0
        and report["objects_without_a_row"] == report["rows_without_an_object"] == 0
    )
    return report


def _wait_until_checked() -> float:
    """Until the worker has decided about everything that arrived; on its own, with beat's bells."""
    began = time.monotonic()
    while Upload.objects.filter(state=UploadState.COMPLETING).exists():
        if time.monotonic() - began > _PATIENCE_SECONDS:
            break
        time.sleep(0.2)
    return round(time.monotonic() - began, 1)


def _wrong_digests(plans: Sequence[Plan], sent: Sequence[Sequence[tuple[str, Sent]]]) -> list[str]:
    """Files that are not, to the byte, what their candidates sent: by record, and as stored."""
    wrong = []
    for plan, uploads in zip(plans, sent, strict=True):
        for key, file in uploads:
            upload = Upload.objects.select_related("evidence").filter(pk=key).first() if key else None
            if upload is None or plan.end is not End.COMPLETE:
                continue
            if upload.evidence is None or not upload.sha256 == upload.evidence.sha256 == file.sha256:
                wrong.append(f"{file.name} ({key}) is {upload.state} with {upload.sha256[:12]}")
    for evidence in Evidence.objects.all():
        with storing.originals().open(evidence.storage_key) as stored:
            if _digest_of(stored) != evidence.sha256:
                wrong.append(f"{evidence.original_name} is stored with other bytes than it is recorded with")
    return wrong


def _digest_of(stored: File) -> str:
    digest = hashlib.sha256()
    for chunk in stored.chunks(MIB):
        digest.update(chunk)
    return digest.hexdigest()


def _renditions() -> Iterator[str]:
    """What was made of evidence, or was about to be when its maker was killed."""
    for made in (Rendition, UnclaimedRendition):
        yield from made.objects.values_list("storage_key", flat=True)


def _sweep() -> dict[str, int]:
    """A week and a day later, then once more: what is given up in the one is freed in the other."""
    total: dict[str, int] = {}
    for days in (9, 12):
        counts = reconcile.run("uploads.sweep", clock.now() + timedelta(days=days)) or {}
        total = {name: total.get(name, 0) + count for name, count in counts.items()}
    return total


def _listed() -> set[str]:
    """Every file under the store of originals, hidden ones included."""
    root = Path(storing.originals().path(""))
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def _all_at_once(act: Callable[[Given], Made], given: Sequence[Given], clients: int) -> list[Made]:
    def run(one: Given) -> Made:
        try:
            return act(one)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, given))


def _note(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
