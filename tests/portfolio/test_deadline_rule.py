"""One rule for every change: it counts at the instant of the database's clock, once the entry is locked.

Here the process's clock is wrong by hours, the clock does not travel, and the window is open, or over, by
the database's clock alone.  Source: ADR 0015.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from pytest_django import Settings

from candidates.documents import hashes_to_submit_with
from candidates.models import Candidacy, CohortYear
from certification.kernel import clock
from certification.kernel.errors import WindowClosed
from portfolio import sealing, services
from portfolio.consent import services as consent
from portfolio.models import Entry, Receipt
from portfolio.services import Direction, captions
from portfolio.services.uploading import NewFile
from portfolio.states import EntryState
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db

HOURS = timedelta(hours=3)


def database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


@pytest.fixture
def candidacy(settings: Settings) -> Candidacy:
    """A candidate in a window that closes an hour from now, on a real site."""
    make.a_small_framework()
    candidacy = make.a_candidate()
    close(candidacy, database_time() + timedelta(hours=1))
    settings.CLOCK_TRAVEL = False
    return candidacy


def close(candidacy: Candidacy, closes: datetime) -> None:
    for year in CohortYear.objects.filter(cohort=candidacy.cohort):
        shift = timedelta(days=365 * (year.number - 1))
        CohortYear.objects.filter(pk=year.pk).update(
            submission_opens_at=closes - timedelta(days=20) + shift,
            submission_closes_at=closes + shift,
            release_at=closes + timedelta(days=100) + shift,
        )


def acts(candidacy: Candidacy, asked_at: datetime) -> dict[str, Callable[[], object]]:
    """Every change a candidate makes, asked for at an instant that a web server's clock gave."""
    now = database_time()
    draft = make.a_complete_draft(candidacy, now)
    submitted = make.a_submitted_entry(candidacy, now, key="entry-2")
    video = make.a_video(draft, now)
    line = make.a_person(video, now)
    form = make.a_release_form(draft, now)
    by = candidacy.account
    captions.set_captions(
        evidence_id=video.pk,
        by=by,
        file=ContentFile(b"WEBVTT\n\n00:00.000 --> 00:02.000\nWords.\n"),
        name="a.vtt",
        now=now,
    )
    of: dict[str, Any] = {"entry_id": draft.pk, "by": by, "now": asked_at}
    on: dict[str, Any] = {"evidence_id": video.pk, "by": by, "now": asked_at}
    upload = services.create_upload(
        slot_key="notes", file=NewFile("notes.pdf", "application/pdf", 1000), **{**of, "now": now}
    )
    return {
        "add": lambda: make.add(draft, asked_at, content=make.a_pdf(note="new")),
        "remove": lambda: services.remove_evidence(evidence_id=video.pk, by=by, now=asked_at),
        "begin an upload": lambda: services.create_upload(
            slot_key="notes", file=NewFile("more.pdf", "application/pdf", 1000), **of
        ),
        "send a part": lambda: services.address_of_part(upload_id=upload.pk, number=1, by=by, now=asked_at),
        "add a form": lambda: make.a_release_form(draft, asked_at, content=make.a_scan(3)),
        "remove a form": lambda: consent.remove_release_form(form_id=form.pk, **of),
        "add a person": lambda: consent.add_person(person=make.somebody(who="x"), **on),
        "change a person": lambda: consent.change_person(
            person_id=line.pk, by=by, person=make.somebody(who="y"), now=asked_at
        ),
        "copy people": lambda: consent.copy_people(source_id=video.pk, **on),
        "remove a person": lambda: consent.remove_person(person_id=line.pk, by=by, now=asked_at),
        "nobody": lambda: consent.take_back_nobody(**on),
        "move": lambda: services.move_evidence(
            evidence_id=video.pk, by=by, direction=Direction.UP, now=asked_at
        ),
        "add captions": lambda: captions.set_captions(
            file=ContentFile(b"WEBVTT\n\n00:00.000 --> 00:02.000\nOther words.\n"), name="b.vtt", **on
        ),
        "remove captions": lambda: captions.remove_captions(**on),
        "wish": lambda: services.wish_submission_at_close(affirmed=hashes_to_submit_with(now), **of),
        "withdraw": lambda: services.withdraw_entry(entry_id=submitted.pk, by=by, now=asked_at),
    }


ACTS = [
    "add",
    "remove",
    "begin an upload",
    "send a part",
    "add a form",
    "remove a form",
    "add a person",
    "change a person",
    "copy people",
    "remove a person",
    "nobody",
    "move",
    "add captions",
    "remove captions",
    "wish",
    "withdraw",
]


@pytest.mark.parametrize("act", ACTS)
def test_a_fast_clock_refuses_nothing_that_is_in_time(candidacy: Candidacy, act: str) -> None:
    acts(candidacy, database_time() + HOURS)[act]()


@pytest.mark.parametrize("act", ACTS)
def test_a_slow_clock_admits_nothing_that_is_late(candidacy: Candidacy, act: str) -> None:
    late = acts(candidacy, database_time() - HOURS)[act]
    close(candidacy, database_time() - timedelta(minutes=1))
    with pytest.raises(WindowClosed):
        late()


@pytest.mark.parametrize("wrong_by", [HOURS, -HOURS])
def test_a_submission_counts_at_the_databases_instant(candidacy: Candidacy, wrong_by: timedelta) -> None:
    entry = make.a_complete_draft(candidacy, database_time())
    before = database_time()

    receipt = make.submit(entry, before + wrong_by)

    assert before < receipt.submitted_at < database_time()
    close(candidacy, database_time() - timedelta(minutes=1))
    with pytest.raises(WindowClosed):
        services.withdraw_entry(entry_id=entry.pk, by=candidacy.account, now=before - HOURS)


def test_a_sweep_on_a_fast_clock_seals_nothing_early_and_on_a_slow_one_nothing_twice(
    candidacy: Candidacy,
) -> None:
    entry = make.a_submitted_entry(candidacy, database_time())
    assert sealing.seal_due(database_time() + HOURS) == {"sealed": 0, "unused": 0, "waiting": 0}
    close(candidacy, database_time() - timedelta(minutes=1))

    assert sealing.seal_due(database_time()) == {"sealed": 1, "unused": 0, "waiting": 0}

    entry.refresh_from_db()
    assert entry.state == EntryState.SEALED
    assert abs(entry.sealed_at - database_time()) < timedelta(minutes=1)  # type: ignore[operator]


def test_without_the_rule_a_slow_clock_would_submit_late(
    candidacy: Candidacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what the tests above hold is the rule, and nothing else."""
    entry = make.a_complete_draft(candidacy, database_time())
    close(candidacy, database_time() - timedelta(minutes=1))
    monkeypatch.setattr(clock, "agreed", lambda asked_at: asked_at)
    make.submit(entry, database_time() - HOURS)
    assert Receipt.objects.exists()


def test_who_waits_for_the_lock_over_the_close_begins_nothing_again(
    candidacy: Candidacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = make.window_of(candidacy).closes
    before, entry = closes - timedelta(microseconds=1), make.a_draft(candidacy, database_time())
    Entry.objects.filter(pk=entry.pk).update(state=EntryState.UNUSED)
    instants = iter([before, closes])
    monkeypatch.setattr(clock, "agreed", lambda asked_at: next(instants))
    asked: dict[str, Any] = {
        "candidacy_id": candidacy.pk,
        "entry_key": entry.template.key,
        "by": candidacy.account,
        "now": before,
    }
    with pytest.raises(WindowClosed):
        services.start_entry(**asked)
    assert Entry.objects.get(pk=entry.pk).state == EntryState.UNUSED

    monkeypatch.setattr(clock, "agreed", lambda asked_at: before)
    assert services.start_entry(**asked).state == EntryState.DRAFT


def test_what_a_held_clock_says_stands_for_the_databases(candidacy: Candidacy) -> None:
    with clock.fixed(datetime(2020, 1, 1, tzinfo=UTC)):
        assert clock.agreed(clock.now()) == datetime(2020, 1, 1, tzinfo=UTC)
    assert abs(clock.agreed(datetime(2020, 1, 1, tzinfo=UTC)) - database_time()) < timedelta(minutes=1)
    assert Entry.objects.count() == 0
