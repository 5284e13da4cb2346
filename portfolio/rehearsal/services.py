"""Rehearsing an upload: begin to measure the line, and write down what was found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from candidates import selectors as candidates
from certification.kernel import clock, ids
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.windows import Window, require_open

from ..uploads import trial
from . import clips, limits, rules, tickets
from .models import Rehearsal
from .rules import MB, Line, Sample
from .states import Treatment

# Each piece is chosen so that it takes about a second; a length is part of what is signed.
LADDER = tuple(64 * 1024 * 2**step for step in range(8))
MEASURE_SECONDS = 12
MOST_BYTES = 64 * MB
MOST_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Trial:
    """A measurement about to begin: where pieces of which length may be sent, again and again.

    `ticket` lets what comes of it be written down, once.
    """

    id: UUID
    addresses: Mapping[int, str]
    ticket: str


def begin_trial(*, by: User, now: datetime) -> Trial:
    """Addresses for measuring the line, good for five minutes; they lead where parts of evidence go.

    Raises:
        NotAllowed: nobody's candidacy goes on, or the line was measured too often within this hour.
        WindowClosed: it is too early or too late to rehearse.
    """
    _rehearsing(by, now)
    limits.admit_trial(by.pk, now)
    trial_id = ids.uuid()
    addresses = {length: _address(trial_id, length, now) for length in LADDER}
    return Trial(trial_id, addresses, tickets.ticket(trial_id, by.pk, now))


@transaction.atomic
def record_line(*, by: User, ticket: str, samples: Sequence[Sample], breaks: int, now: datetime) -> Rehearsal:
    """Write down what the browser measured with a ticket of `begin_trial`; twice is once.

    The row has the measurement's own number, so there are never more rows than measurements let in.
    `breaks` says how often the line broke off.

    Raises:
        BadInput: the ticket is none of this person's, or 15 minutes old; nothing was measured and nothing
            broke; or the figures cannot be.
        NotAllowed, WindowClosed: as for `begin_trial`.
    """
    now = clock.agreed(now)
    candidacy_id, _ = _rehearsing(by, now)
    trial_id = tickets.trial_of(ticket, by.pk, now)
    _require_possible(samples, breaks)
    found = {"rehearsed_at": now, "line_breaks": breaks, **_of_line(rules.measured(samples))}
    row, _ = Rehearsal.objects.get_or_create(id=trial_id, candidacy_id=candidacy_id, defaults=found)
    return row


def admit_clip(*, by: User, now: datetime) -> None:
    """Let a clip be sent: asked, and counted, before any byte of it is kept.

    Raises:
        NotAllowed, WindowClosed: as for `begin_trial`; or there were enough of them within this hour.
    """
    _rehearsing(by, now)
    limits.admit_clip(by.pk, now)


def record_clip(*, by: User, path: Path, name: str, line: Line | None, now: datetime) -> Rehearsal:
    """Look at a clip and write down what was found, also when it cannot be used.

    `line` is what its way here showed of the line.  It counts where no script has measured it better.

    Raises:
        NotAllowed, WindowClosed: as for `begin_trial`; or it could not be looked at just now.
    """
    _rehearsing(by, now)
    found: dict[str, Any]
    try:
        clip = clips.found_in(path, name)
        found = {
            "clip_format": clip.format,
            "clip_codec": clip.codec,
            "clip_bytes": clip.bytes,
            "clip_seconds": clip.seconds,
            "clip_width": clip.width,
            "clip_height": clip.height,
            "clip_has_sound": clip.has_sound,
            "clip_treatment": Treatment.KEPT if clip.is_copied else Treatment.CONVERTED,
        }
    except BadInput as refusal:
        found = {"problem": str(refusal)}
    with transaction.atomic():
        now = clock.agreed(now)
        candidacy_id, window = _rehearsing(by, now)
        if line is not None and _was_measured(candidacy_id, window):
            line = None
        return Rehearsal.objects.create(
            candidacy_id=candidacy_id, rehearsed_at=now, **found, **_of_line(line)
        )


def _rehearsing(by: User, now: datetime) -> tuple[UUID, Window]:
    """The candidacy that may rehearse at `now`, and since when and until when."""
    candidacy = candidates.live_candidacy(by)
    year = candidates.year_at(candidacy.id, now) if candidacy else None
    if candidacy is None or year is None:
        raise NotAllowed("Only a candidate with a submission still to come has an upload to rehearse.")
    zone = settings.PROGRAMME_ZONE
    window = rules.rehearsal_window(candidates.submission_window(candidacy.id, year), zone)
    require_open(window, now, what="The rehearsal", zone=zone)
    return candidacy.id, window


def _was_measured(candidacy_id: UUID, window: Window) -> bool:
    """Whether a script measured the line in this window."""
    return Rehearsal.objects.filter(
        candidacy_id=candidacy_id,
        rehearsed_at__gte=window.opens,
        line_bytes__isnull=False,
        clip_format="",
        problem="",
    ).exists()


def _address(trial_id: UUID, length: int, now: datetime) -> str:
    seconds = int(tickets.PIECE_LIFE.total_seconds())
    in_bucket = trial.address(trial_id, now, length=length, seconds=seconds)
    if in_bucket is not None:
        return in_bucket
    token = tickets.for_piece(trial_id, length, now)
    return f"{reverse('portfolio:rehearsal_piece', args=[trial_id, length])}?signature={token}"


def _of_line(line: Line | None) -> dict[str, int]:
    return {"line_bytes": line.bytes, "line_milliseconds": line.milliseconds} if line else {}


def _require_possible(samples: Sequence[Sample], breaks: int) -> None:
    possible = len(samples) <= MOST_SAMPLES and 0 <= breaks <= MOST_SAMPLES and (samples or breaks)
    if not possible or not all(_is_possible(sample) for sample in samples):
        raise BadInput("The measurement did not arrive whole. Measure the line once more.")


def _is_possible(sample: Sample) -> bool:
    an_hour = 3_600_000
    return sample.bytes in LADDER and 0 <= sample.began_ms < an_hour and 0 < sample.took_ms < an_hour
