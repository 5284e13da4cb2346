"""Mails about the submission window: that it opened, and that it closes in a week, in a day.

Each candidate with something open gets the one that fits the present; after an outage nobody is told
of an opening a day before the end.  Source: the programme's rules, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from candidates import selectors as candidates
from candidates.selectors import CandidacyCard, CohortYearCard
from certification.kernel import outbox
from certification.kernel.models import OutboxMessage
from certification.kernel.windows import Window, spoken

from . import openness
from .models import Entry, EntryTemplate
from .states import ATTEMPTED_ENTRIES

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True)
class _Notice:
    """One mail owed to one candidate."""

    key: str
    candidacy_id: UUID
    year: int
    stage: str
    window: Window
    titles: tuple[str, ...]


def announce_due(now: datetime) -> dict[str, int]:
    """Queue the mails that the windows owe at this moment and that nobody has queued before."""
    queued = 0
    for cohort_year in candidates.cohort_years():
        if cohort_year.window.opens <= now < cohort_year.release_at:
            with transaction.atomic():
                queued += _announce(cohort_year, now)
    return {"queued": queued}


def _announce(cohort_year: CohortYearCard, now: datetime) -> int:
    notices = _notices(cohort_year, now)
    known = set(
        OutboxMessage.objects.filter(dedupe_key__in=[notice.key for notice in notices]).values_list(
            "dedupe_key", flat=True
        )
    )
    fresh = [notice for notice in notices if notice.key not in known]
    persons = candidates.persons([notice.candidacy_id for notice in fresh])
    for notice in fresh:
        person = persons[notice.candidacy_id]
        outbox.queue(
            dedupe_key=notice.key,
            to=person.email,
            kind=f"submission {notice.stage}",
            subject=_subject(notice),
            body=_body(notice, person.full_name),
        )
    return len(fresh)


def _notices(cohort_year: CohortYearCard, now: datetime) -> list[_Notice]:
    cards = candidates.active_candidacies(cohort_year.cohort_id)
    windows = candidates.submission_windows([card.id for card in cards], cohort_year.year) if cards else {}
    present = [card for card in cards if windows[card.id].contains(now)]
    if not present:
        return []
    titles = _titles_to_do(present, cohort_year)
    return [
        _notice(card.id, cohort_year.year, windows[card.id], titles[card.id], now)
        for card in present
        if titles[card.id]
    ]


def _titles_to_do(cards: list[CandidacyCard], cohort_year: CohortYearCard) -> dict[UUID, tuple[str, ...]]:
    """For each candidacy the titles of the entries open this year and not submitted yet."""
    opened = openness.open_entries(cards, year=cohort_year.year)
    submitted = set(
        Entry.objects.filter(
            candidacy_id__in=[card.id for card in cards],
            year=cohort_year.year,
            state__in=sorted(ATTEMPTED_ENTRIES),
        ).values_list("candidacy_id", "template__key")
    )
    templates = EntryTemplate.objects.filter(framework__slug=cohort_year.framework_slug)
    title_of = dict(templates.values_list("key", "title"))
    return {
        card.id: tuple(title_of[key] for key in opened[card.id].entries if (card.id, key) not in submitted)
        for card in cards
    }


def _notice(candidacy_id: UUID, year: int, window: Window, titles: tuple[str, ...], now: datetime) -> _Notice:
    left = window.closes - now
    stage = "opened" if left > _WEEK else "closes in a week" if left > _DAY else "closes in a day"
    # A later deadline is reminded of again; that the window opened is said once.
    ending = "" if stage == "opened" else f":{window.closes.astimezone(UTC):%Y%m%dT%H%M}"
    key = f"submission:{stage.replace(' ', '-')}:{candidacy_id}:{year}{ending}"
    return _Notice(key, candidacy_id, year, stage, window, titles)


def _subject(notice: _Notice) -> str:
    closes = spoken(notice.window.closes, settings.PROGRAMME_ZONE, ending=True)
    if notice.stage == "opened":
        return f"You may submit now, until {closes}"
    return f"Submission closes on {closes}"


def _body(notice: _Notice, name: str) -> str:
    entries = "\n".join(f"- {title}" for title in notice.titles)
    closes = spoken(notice.window.closes, settings.PROGRAMME_ZONE, ending=True)
    page = f"{settings.SITE_URL}{reverse('portfolio:rehearsal')}"
    rehearsal = f"\nTry your line and your camera first, in two minutes: {page}\n"
    return (
        f"Dear {name},\n\n"
        f"The submission window of your year {notice.year} is open until {closes}.\n"
        f"Open to you and not submitted yet:\n{entries}\n\n"
        f"Your entries: {settings.SITE_URL}{reverse('portfolio:entries')}\n"
        f"{rehearsal if notice.stage == 'opened' else ''}"
    )
