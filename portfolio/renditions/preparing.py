"""Prepare one piece of evidence: scan it, draw it, keep what was drawn.

What makes it safe to be killed at any point: each step's files are stored under keys that are on record,
and then claimed with their rows in one transaction.  A piece that nobody holds is taken up again, and a
step whose rows are there is not done twice.  The originals' decoders run in processes of their own, so a
file that ends one of them costs its own piece a try and no other piece anything.
Source: the programme's rules, sections 5 and 7.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from certification.kernel import bounded, clock
from certification.kernel.errors import BadInput

from ..blinding import terms
from ..blinding.cleaning.results import Finding
from ..states import PREPARING, EvidenceKind, PreparationState, Scan
from ..uploads import scanning
from . import locks, making, moves, notices, stores
from .making import Drawn, Made, Piece
from .models import Captions, Preparation, Rendition, RenditionKind, Sighting, UnclaimedRendition

logger = logging.getLogger(__name__)


class _MustBeMadeAnew(Exception):
    """What an earlier try finished cannot be used any more; whoever is there for long work does it again."""


MOST_FAILURES = 3
_BETWEEN_SIGNS_SECONDS = 2
_LATER = (stores.StoreSilent, scanning.ScannerSilent, bounded.Interrupted, _MustBeMadeAnew)
_NOT_THE_FILES_FAULT = (DatabaseError, InterfaceError, SoftTimeLimitExceeded)


def prepare(preparation_id: UUID, now: datetime) -> PreparationState | None:
    """Prepare one piece as far as it is not.  Returns the state it came to.

    None when there was nothing to do, somebody else does it, or it has to wait: the next sweep goes on.
    """
    with locks.files(preparation_id) as mine:
        if not mine:
            return None
        preparation = _begun(preparation_id)
        if preparation is None:
            return None
        try:
            with tempfile.TemporaryDirectory(prefix="icg-preparing-") as folder:
                return _Work(preparation, Path(folder), now).done()
        except BadInput as refusal:
            return _reject(preparation_id, str(refusal), now)
        except _LATER as reason:
            logger.warning("preparation %s waits: %s", preparation_id, reason)
            return _wait(preparation_id)
        except _NOT_THE_FILES_FAULT:
            raise
        except Exception:  # a decoder fell over the file: the other pieces must not wait for it
            logger.exception("preparation %s failed", preparation_id)
            return _count_failure(preparation_id, now)


@transaction.atomic
def _begun(preparation_id: UUID) -> Preparation | None:
    """The piece, being checked from here on; one that a dead worker left is simply taken up again."""
    preparation = locks.preparation(preparation_id)
    if preparation.state not in PREPARING or preparation.evidence.removed_at is not None:
        return None
    if preparation.state == PreparationState.RECEIVED:
        moves.move(preparation, PreparationState.CHECKING)
    preparation.tries += 1
    preparation.save(update_fields=["tries"])
    return preparation


@transaction.atomic
def _wait(preparation_id: UUID) -> None:
    """Lay it back; this was no try."""
    preparation = locks.preparation(preparation_id)
    tries = max(0, preparation.tries - 1)
    moves.move(preparation, PreparationState.RECEIVED, step="", percent=0, tries=tries)


@transaction.atomic
def _count_failure(preparation_id: UUID, now: datetime) -> PreparationState | None:
    preparation = locks.preparation(preparation_id)
    failures = preparation.failures + 1
    if failures < MOST_FAILURES:
        moves.move(preparation, PreparationState.RECEIVED, step="", percent=0, failures=failures)
        return PreparationState.RECEIVED
    return _reject(
        preparation_id,
        f"“{preparation.evidence.original_name}” stopped the program that reads it, {MOST_FAILURES} times. "
        "Save or export it with another program and upload that instead.",
        now,
    )


@transaction.atomic
def _reject(preparation_id: UUID, problem: str, now: datetime) -> PreparationState:
    """End it with the reason; nothing of it is shown any more."""
    preparation = locks.preparation(preparation_id)
    moves.drop(preparation, RenditionKind)
    preparation.sightings.all().delete()
    moves.end(preparation, PreparationState.REJECTED, clock.agreed(now), problem=problem)
    notices.of_rejected(preparation)
    return PreparationState.REJECTED


class _Progress:
    """Writes down how far a piece is, at most every few seconds; a page that asks needs no more."""

    def __init__(self, preparation_id: UUID) -> None:
        self._preparation_id = preparation_id
        self._written_at: float | None = None

    def __call__(self, step: str, percent: int) -> None:
        tick = time.monotonic()
        if self._written_at is not None and tick - self._written_at < _BETWEEN_SIGNS_SECONDS:
            return
        self._written_at = tick
        self.at_once(step, percent)

    def at_once(self, step: str, percent: int) -> None:
        """Write it down however lately it was."""
        Preparation.objects.filter(pk=self._preparation_id, state=PreparationState.CHECKING).update(
            step=step[:60], percent=max(0, min(99, percent))
        )


class _Work:
    """One piece on its way through the steps."""

    def __init__(self, preparation: Preparation, folder: Path, now: datetime) -> None:
        self._preparation = preparation
        self._evidence = preparation.evidence
        self._folder = folder
        self._now = now
        self._tell = _Progress(preparation.pk)
        self._path: Path | None = None
        entry = self._evidence.entry
        self._identity = terms.identities([(entry.pk, entry.candidacy_id)])[entry.pk]
        self._digest = terms.digest(self._identity)
        self._terms = terms.all_terms(self._identity)

    def done(self) -> PreparationState:
        if self._preparation.terms_sha256 != self._digest:
            self._begin_with_other_terms()
        self._scan()
        if self._evidence.slot.kind == EvidenceKind.VIDEO:
            self._video()
        else:
            self._document()
        while True:  # captions may be changed while the video is converted
            self._captions()
            state = self._finish()
            if state is not None:
                return state

    # ---- the steps ----

    def _begin_with_other_terms(self) -> None:
        """Let go of what was drawn with others.  A converted video shows the same whatever is looked for."""
        stale = set(RenditionKind)
        findings: Sequence[Finding] = ()
        if self._has(RenditionKind.VIDEO):
            stale -= {RenditionKind.VIDEO, RenditionKind.POSTER}
            findings = self._found_again()
        with transaction.atomic():
            preparation = locks.preparation(self._preparation.pk)
            moves.drop(preparation, stale)
            preparation.sightings.all().delete()
            preparation.terms_sha256 = self._digest
            preparation.save(update_fields=["terms_sha256"])
            _claim(preparation, (), findings)

    def _found_again(self) -> Sequence[Finding]:
        finished = self._finished_video()
        try:
            return making.look_again(self._piece(), finished).findings
        except BadInput:
            self._lose_the_video()
            raise _MustBeMadeAnew("the converted video holds what is looked for now") from None

    def _scan(self) -> None:
        """Ask the scanner, unless it has answered already: the file is the same."""
        if self._preparation.scan != Scan.NOT_ASKED:
            return
        self._tell.at_once("Looking for viruses" if settings.CLAMAV_ADDRESS else "Fetching the file", 2)
        result = scanning.scan(self._original())
        self._preparation.scan = result.scan
        self._preparation.save(update_fields=["scan"])
        if result.scan == Scan.INFECTED:
            raise BadInput(
                f"“{self._evidence.original_name}” holds something harmful ({result.detail}), so nobody will "
                "open it. Check your computer for viruses, make the file anew, and upload that."
            )

    def _document(self) -> None:
        if self._has(RenditionKind.DOCUMENT):
            return
        self._tell.at_once("Reading the document", 5)
        drawn = making.document(self._piece(), self._room("document"), self._tell)
        self._keep(drawn, replaces=(RenditionKind.PAGE, RenditionKind.DOCUMENT))

    def _video(self) -> None:
        finished: Path | None = None
        if not self._has(RenditionKind.VIDEO):
            self._tell.at_once("Reading the video", 5)
            drawn = making.video(self._piece(), self._room("video"), self._tell)
            self._keep(drawn, replaces=(RenditionKind.VIDEO, RenditionKind.POSTER))
            finished = drawn.files[0].path
        if not self._has(RenditionKind.POSTER):
            self._tell.at_once("Taking a picture from the video", 95)
            drawn = making.poster(finished or self._finished_video(), self._room("poster"))
            self._keep(drawn, replaces=(RenditionKind.POSTER,))

    def _captions(self) -> None:
        captions = Captions.objects.filter(evidence=self._evidence).first()
        if captions is None or self._has(RenditionKind.CAPTIONS):
            return
        self._tell.at_once("Writing the captions", 97)
        known = terms.known_terms(self._identity)
        drawn = making.captions(captions.text, known, self._terms, self._room("captions"))
        self._keep(drawn, replaces=(RenditionKind.CAPTIONS,), still=lambda: _is_current(captions))

    @transaction.atomic
    def _finish(self) -> PreparationState | None:
        """End it, unless the captions were changed meanwhile."""
        preparation = locks.preparation(self._preparation.pk)
        has_captions = Captions.objects.filter(evidence=self._evidence).exists()
        if has_captions != self._has(RenditionKind.CAPTIONS):
            if not has_captions:
                moves.drop(preparation, [RenditionKind.CAPTIONS])
            return None
        state = PreparationState.UNSCANNABLE if preparation.scan == Scan.SKIPPED else PreparationState.READY
        moves.end(preparation, state, clock.agreed(self._now))
        return state

    # ---- what the steps need ----

    def _has(self, kind: RenditionKind) -> bool:
        return Rendition.objects.filter(preparation=self._preparation, kind=kind).exists()

    def _original(self) -> Path:
        """The original on local disk, fetched when the first step wants it."""
        if self._path is None:
            try:
                self._path = stores.original(self._evidence, self._folder)
            except stores.Damaged as damage:
                logger.error("preparation %s: %s", self._preparation.pk, damage)
                raise BadInput(
                    f"“{self._evidence.original_name}” was damaged in our store, which is no fault of yours. "
                    "Please upload it once more; if you cannot any more, tell the programme office."
                ) from None
        return self._path

    def _piece(self) -> Piece:
        return Piece(
            path=self._original(),
            format=self._evidence.format,
            name=self._evidence.original_name,
            pages=self._evidence.pages,
            seconds=self._evidence.seconds,
            known=terms.known_terms(self._identity),
            terms=self._terms,
        )

    def _room(self, name: str) -> Path:
        room = self._folder / name
        room.mkdir(exist_ok=True)
        return room

    def _finished_video(self) -> Path:
        """The converted video of an earlier try."""
        row = Rendition.objects.get(preparation=self._preparation, kind=RenditionKind.VIDEO)
        path = self._folder / "finished.mp4"
        if not stores.fetch(row.storage_key, row.sha256, path):
            self._lose_the_video()
            raise _MustBeMadeAnew("the converted video is not in the store as it was made")
        return path

    @transaction.atomic
    def _lose_the_video(self) -> None:
        preparation = locks.preparation(self._preparation.pk)
        moves.drop(preparation, [RenditionKind.VIDEO, RenditionKind.POSTER])

    def _keep(
        self,
        drawn: Drawn,
        *,
        replaces: Collection[RenditionKind],
        still: Callable[[], bool] = lambda: True,
    ) -> None:
        """Store the files, then write their rows and sightings, whole or not at all."""
        self._tell.at_once("Storing the copies", 96)
        kept = stores.keep(self._preparation, drawn.files, self._now)
        with transaction.atomic():
            preparation = locks.preparation(self._preparation.pk)
            is_removed = preparation.evidence.removed_at is not None
            if preparation.state != PreparationState.CHECKING or is_removed or not still():
                return  # what was stored stays unclaimed, and is swept
            moves.drop(preparation, replaces)
            _claim(preparation, kept, drawn.findings)


def _is_current(captions: Captions) -> bool:
    return Captions.objects.filter(pk=captions.pk, text=captions.text).exists()


def _claim(preparation: Preparation, kept: Sequence[tuple[Made, str]], findings: Sequence[Finding]) -> None:
    UnclaimedRendition.objects.filter(storage_key__in=[key for _, key in kept]).delete()
    Rendition.objects.bulk_create(
        Rendition(
            preparation=preparation,
            kind=made.kind,
            page_number=made.page_number,
            storage_key=key,
            content_type=made.content_type,
            size=made.size,
            sha256=made.sha256,
            width=made.width,
            height=made.height,
            seconds=made.seconds,
            text=made.text,
        )
        for made, key in kept
    )
    Sighting.objects.bulk_create(
        Sighting(
            preparation=preparation,
            where=finding.where[:120],
            page_number=finding.page,
            kind=finding.kind[:40],
            excerpt=finding.excerpt[:300],
            covered=finding.covered,
        )
        for finding in findings
    )
