"""A cohort's whole life, played through the services and reconcilers the site uses.

The clock travels; people act at the instants a calendar gives them; after each act the reconcilers
converge, exactly as beat would make them.  Nothing is written behind a service's back.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.test.utils import override_settings
from PIL import Image

from candidates.documents import hashes_to_submit_with
from candidates.models import Candidacy
from candidates.selectors import submission_window
from candidates.states import CandidacyState
from certification.kernel import clock, reconcile
from certification.kernel.errors import WindowClosed
from certification.kernel.windows import CandidacyYear, calendar_for
from portfolio import services as portfolio
from portfolio.consent import services as consent
from portfolio.models import Entry, EntryScore, Slot
from portfolio.states import EntryState, EvidenceKind
from scoring.states import AssignmentRole

from . import cast, judging, plan, registering

_INSTANT = timedelta(microseconds=1)

Advance = Callable[[str], None]
Converge = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What is played: how many candidates, over how many years, from which seed and first year.

    The candidates take the `fates` in turn.
    """

    candidates: int = 24
    years: int = 3
    seed: int = 1
    first_year: int = 2027
    fates: tuple[plan.Fate, ...] = tuple(plan.Fate)


@dataclass(slots=True)
class Season:
    """A played season: the stage, and what was observed at the instants that matter."""

    options: Options
    stage: cast.Stage
    open_entries: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    observations: list[tuple[str, bool]] = field(default_factory=list)

    def observe(self, what: str, *, holds: bool) -> None:
        """Remember whether something that must hold held at its instant."""
        self.observations.append((what, holds))


def converge(now: datetime) -> None:
    """Let every reconciler run until nothing changes any more."""
    reconcile.run_all(now)


def steps(options: Options) -> int:
    """How many times `play` advances, for a progress bar."""
    return 3 + 5 * options.years


def rests(options: Options) -> int:
    """How many times `play` lets the reconcilers converge."""
    return 4 + 8 * options.years


# Played people pay with play money, also in a demo that has a provider for its visitors.
@override_settings(PAYMENT_SANDBOX=True)
def play(
    options: Options, folder: Path, *, settle: Converge = converge, advance: Advance = lambda label: None
) -> Season:
    """Play the whole season in the current database and storages.

    Args:
        folder: where candidates keep their files.
        settle: what makes the reconcilers converge after each act; an outage passes one that kills workers.
        advance: called with a label after each act.
    """
    calendar = calendar_for(options.first_year, settings.PROGRAMME_ZONE)
    opening = calendar.registration.opens
    people = plan.people(options.candidates, options.seed, options.fates)

    with _at(opening - timedelta(days=14)) as now:
        stage = cast.set_stage(
            people, seed=options.seed, first_year=options.first_year, folder=folder, now=now
        )
        season = Season(options, stage)
        settle(now)
    advance("cohort announced")

    with _at(opening - _INSTANT) as now:
        season.observe(
            "registration a microsecond before 1 November is refused",
            holds=_is_closed(lambda: registering.start(stage, stage.players[0], now)),
        )
    with _at(opening + timedelta(days=4)) as now:
        for player in stage.players:
            registering.register(stage, player, now)
        settle(now)
    with _at(opening + timedelta(days=6)) as now:
        registering.settle_pending(stage, now)
        settle(now)
    advance("registered and paid")

    with _at(calendar.registration.closes) as now:
        season.observe(
            "registration at 1 February 00:00 is refused",
            holds=_is_closed(lambda: registering.start_late(stage, now)),
        )
        settle(now)
    registering.find_candidacies(stage)
    advance("registration closed")

    for year in calendar.years[: options.years]:
        _play_year(season, year, settle, advance)
    return season


def _play_year(season: Season, year: CandidacyYear, settle: Converge, advance: Advance) -> None:
    opens, closes = year.submission.opens, year.submission.closes
    with _at(opens - _INSTANT) as now:
        settle(now)
        _note_open_entries(season, year.number, opens)
        _prepare(season, year.number, now)
        _try_to_submit_early(season, year.number, now)
    advance(f"year {year.number}: portfolios built")

    with _at(closes - _INSTANT) as now:
        for entry in _entries(year.number, EntryState.DRAFT):
            _submit(entry, now)
        settle(now)
    with _at(closes) as now:
        _try_to_withdraw_late(season, year.number, now)
        settle(now)
    advance(f"year {year.number}: submitted and sealed")

    with _at(closes + timedelta(days=7)) as now:
        for refused in judging.check_and_sign_off(season.stage, now):
            season.observe("the checker may not sign off their own check", holds=refused)
        settle(now)
    advance(f"year {year.number}: blinded")

    with _at(closes + timedelta(days=40)) as now:
        _score(season, AssignmentRole.SCORER, now)
        settle(now)
    with _at(closes + timedelta(days=60)) as now:
        _score(season, AssignmentRole.ADJUDICATOR, now)
        settle(now)
    advance(f"year {year.number}: scored and adjudicated")

    with _at(year.release_at - _INSTANT) as now:
        settle(now)
        season.observe(
            f"year {year.number}: nothing is released a microsecond before 31 October, 09:00",
            holds=not EntryScore.objects.filter(entry__year=year.number).exists(),
        )
    with _at(year.release_at) as now:
        settle(now)
    advance(f"year {year.number}: scores released")


def _score(season: Season, role: AssignmentRole, now: datetime) -> None:
    for as_signed_off in judging.score(season.stage, role, now):
        season.observe("what a scorer is shown is, to the byte, what was signed off", holds=as_signed_off)


def _note_open_entries(season: Season, year: int, opens: datetime) -> None:
    for player in season.stage.players:
        if player.candidacy_id is None:
            continue
        candidacy = Candidacy.objects.get(pk=player.candidacy_id)
        if candidacy.state == CandidacyState.ACTIVE:
            season.open_entries[player.person.alias, year] = tuple(
                portfolio.open_entries_for(candidacy, opens).entries
            )


def _prepare(season: Season, year: int, now: datetime) -> None:
    slots: dict[str, list[Slot]] = {}
    for slot in Slot.objects.filter(template__framework__slug=cast.FRAMEWORK).select_related("template"):
        slots.setdefault(slot.template.key, []).append(slot)
    for player in season.stage.players:
        if player.candidacy_id is None:
            continue
        for key in player.person.script.years.get(year, {}):
            entry = portfolio.start_entry(
                candidacy_id=player.candidacy_id, entry_key=key, by=player.account, now=now
            )
            for slot in slots[key]:
                if slot.required:
                    _fill(player, entry, slot, now)


def _fill(player: cast.Player, entry: Entry, slot: Slot, now: datetime) -> None:
    for number in range(slot.min_files):
        if slot.kind == EvidenceKind.VIDEO:
            path = player.video(f"Classroom clip {number + 1}")
        else:
            as_docx = "docx" in slot.formats and slot.ordinal % 2 == 0
            path = player.document(f"Written pieces {number + 1}", "docx" if as_docx else "pdf")
        with path.open("rb") as file:
            portfolio.add_evidence(
                entry_id=entry.pk,
                slot_key=slot.key,
                by=player.account,
                file=File(file, name=path.name),
                name=f"{slot.ordinal}-{number} {path.name}",
                now=now,
            )


def _submit(entry: Entry, now: datetime) -> None:
    """Everything is affirmed, and everybody in the videos is covered by one form for the whole cycle."""
    by = entry.candidacy.account
    videos = list(entry.evidence.filter(removed_at__isnull=True, slot__kind=EvidenceKind.VIDEO))
    if videos:
        form = consent.add_release_form(
            entry_id=entry.pk,
            by=by,
            file=ContentFile(_signed_form()),
            name="release.png",
            title="Release of the teacher and the class",
            now=now,
        )
        for video in videos:
            consent.add_person(
                evidence_id=video.pk,
                by=by,
                person=consent.NewPerson(
                    who="the teacher and the class",
                    minors=True,
                    release_form_id=form.pk,
                    for_scoring=True,
                    for_training=False,
                    for_research=False,
                    until_on=None,
                ),
                now=now,
            )
    portfolio.submit_entry(entry_id=entry.pk, by=by, affirmed=hashes_to_submit_with(now), now=now)


@cache
def _signed_form() -> bytes:
    """A scan of a form, as small as a picture can be."""
    out = io.BytesIO()
    Image.new("L", (32, 32), 255).save(out, "PNG")
    return out.getvalue()


def _entries(year: int, state: EntryState) -> list[Entry]:
    rows = Entry.objects.filter(year=year, state=state).select_related("candidacy__account")
    return list(rows.order_by("candidacy__number", "template__ordinal"))


def _try_to_submit_early(season: Season, year: int, now: datetime) -> None:
    entry = next(iter(_entries(year, EntryState.DRAFT)), None)
    if entry is None:
        return
    by = entry.candidacy.account
    season.observe(
        f"year {year}: submitting a microsecond before 1 May is refused",
        holds=_is_closed(
            partial(
                portfolio.submit_entry, entry_id=entry.pk, by=by, affirmed=hashes_to_submit_with(now), now=now
            )
        ),
    )


def _try_to_withdraw_late(season: Season, year: int, now: datetime) -> None:
    entry = next(iter(_entries(year, EntryState.SUBMITTED)), None)
    if entry is None:
        return
    by = entry.candidacy.account
    season.observe(
        f"year {year}: withdrawing at 16 June 00:00 is refused",
        holds=now >= submission_window(entry.candidacy, year).closes
        and _is_closed(partial(portfolio.withdraw_entry, entry_id=entry.pk, by=by, now=now)),
    )


@contextmanager
def _at(instant: datetime) -> Iterator[datetime]:
    with clock.fixed(instant):
        yield clock.now()


def _is_closed(act: Callable[[], object]) -> bool:
    try:
        act()
    except WindowClosed:
        return True
    return False
