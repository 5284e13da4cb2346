"""The sweeps over entries: what they do, that they do it once, and who wins at the closing instant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from candidates.models import Candidacy
from certification.kernel import reconcile
from certification.kernel.errors import Refusal
from certification.kernel.models import OutboxMessage
from portfolio import sealing, services
from portfolio.models import Entry
from portfolio.services import submission
from portfolio.states import EntryState
from tests.factories import portfolio as make

TICK = timedelta(microseconds=1)


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


def state_of(entry: Entry) -> str:
    return Entry.objects.values_list("state", flat=True).get(pk=entry.pk)


# ---- sealing ----


@pytest.mark.django_db
def test_the_sweep_seals_what_was_submitted_and_lays_the_rest_aside(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    submitted = make.a_submitted_entry(candidacy, closes - TICK)
    draft = make.a_draft(candidacy, closes - TICK, key="entry-2")

    assert reconcile.run("submission.seal", closes - TICK) == {"sealed": 0, "unused": 0, "waiting": 0}
    assert reconcile.run("submission.seal", closes) == {"sealed": 1, "unused": 1, "waiting": 0}
    assert (state_of(submitted), state_of(draft)) == (EntryState.SEALED, EntryState.UNUSED)
    assert reconcile.run("submission.seal", closes) == {"sealed": 0, "unused": 0, "waiting": 0}


@pytest.mark.django_db
def test_a_sweep_weeks_late_does_the_same(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_submitted_entry(candidacy, closes - TICK)

    assert reconcile.run("submission.seal", closes + timedelta(weeks=3)) == {
        "sealed": 1,
        "unused": 0,
        "waiting": 0,
    }
    assert state_of(entry) == EntryState.SEALED


@pytest.mark.django_db
def test_sealing_costs_the_same_queries_for_one_and_for_three(
    candidacy: Candidacy, django_assert_max_num_queries: Any
) -> None:
    closes = make.window_of(candidacy).closes
    for person in (candidacy, make.a_candidate(candidacy.cohort), make.a_candidate(candidacy.cohort)):
        make.a_submitted_entry(person, closes - TICK)
    # Per entry: its move and its audit row; the rest is fixed.
    with django_assert_max_num_queries(10 + 3 * 2):
        sealing.seal_due(closes)


# ---- races at the closing instant ----


def side_by_side(*acts: Callable[[], object]) -> list[object]:
    """Run each act in a thread of its own, from one starting gun; results and refusals in order."""
    gun = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            gun.wait(timeout=10)
            results[place] = act()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, Refusal):
            raise result
    return results


@pytest.mark.django_db(transaction=True)
def test_a_submission_that_holds_the_entry_is_sealed_not_laid_aside(
    candidacy: Candidacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_complete_draft(candidacy, closes - timedelta(days=1))
    entry_is_held, original = threading.Event(), submission._require_nothing_missing

    def slowly(*args: Any) -> None:
        entry_is_held.set()
        threading.Event().wait(0.3)
        original(*args)

    monkeypatch.setattr(submission, "_require_nothing_missing", slowly)

    def sweep() -> dict[str, int]:
        assert entry_is_held.wait(10)
        return sealing.seal_due(closes)

    receipt, counts = side_by_side(lambda: make.submit(entry, closes - TICK), sweep)

    assert counts == {"sealed": 1, "unused": 0, "waiting": 0}
    assert receipt == entry.receipts.get()
    assert state_of(entry) == EntryState.SEALED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(6))
def test_submit_withdraw_and_seal_at_the_closing_instant_end_in_one_truth(
    candidacy: Candidacy, attempt: int
) -> None:
    closes = make.window_of(candidacy).closes
    entry = make.a_submitted_entry(candidacy, closes - timedelta(days=1))
    make.a_complete_draft(candidacy, closes - timedelta(days=1), key="entry-2")
    in_time: dict[str, Any] = {"entry_id": entry.pk, "by": candidacy.account, "now": closes - TICK}

    withdrawn, _, _ = side_by_side(
        lambda: services.withdraw_entry(**in_time),
        lambda: make.submit(entry, closes - TICK),
        lambda: sealing.seal_due(closes),
    )
    sealing.seal_due(closes)

    final, receipts = state_of(entry), entry.receipts.count()
    assert final in (EntryState.SEALED, EntryState.UNUSED)
    if isinstance(withdrawn, Refusal):
        assert (final, receipts) == (EntryState.SEALED, 1)
    elif final == EntryState.SEALED:
        assert receipts == 2
    assert sealing.seal_due(closes) == {"sealed": 0, "unused": 0, "waiting": 0}


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_give_one_receipt(candidacy: Candidacy) -> None:
    now = make.window_of(candidacy).opens
    entry = make.a_complete_draft(candidacy, now)

    first, second = side_by_side(
        lambda: make.submit(entry, now),
        lambda: make.submit(entry, now),
    )

    assert first == second == entry.receipts.get()


@pytest.mark.django_db(transaction=True)
def test_beginning_twice_at_once_begins_one_entry(candidacy: Candidacy) -> None:
    now = make.window_of(candidacy).opens

    first, second = side_by_side(
        lambda: make.a_draft(candidacy, now).pk, lambda: make.a_draft(candidacy, now).pk
    )

    assert first == second == Entry.objects.get().pk


# ---- announcing ----


def kinds() -> list[str]:
    return list(OutboxMessage.objects.filter(kind__startswith="submission ").values_list("kind", flat=True))


def announce(now: datetime) -> int:
    counts = reconcile.run("submission.announce", now)
    assert counts is not None
    assert reconcile.run("submission.announce", now) == {"queued": 0}
    return counts["queued"]


@pytest.mark.django_db
def test_the_opening_and_both_reminders_are_mailed_once_each(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)

    assert announce(window.opens - TICK) == 0
    assert announce(window.opens) == 1
    assert announce(window.opens + timedelta(days=3)) == 0
    assert announce(window.closes - timedelta(days=7)) == 1
    assert announce(window.closes - timedelta(days=1)) == 1
    assert announce(window.closes) == 0
    assert kinds() == ["submission opened", "submission closes in a week", "submission closes in a day"]
    last = OutboxMessage.objects.latest("queued_at")
    assert "15 June 2027, 23:59 CDT" in last.subject
    assert "Entry 1: The Impact Cycle" in last.body


@pytest.mark.django_db
def test_after_an_outage_only_the_mail_that_fits_is_sent(candidacy: Candidacy) -> None:
    assert announce(make.window_of(candidacy).closes - timedelta(hours=3)) == 1
    assert kinds() == ["submission closes in a day"]


@pytest.mark.django_db
def test_nobody_is_reminded_of_what_they_submitted(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    make.a_submitted_entry(candidacy, window.opens, key="entry-1")
    assert announce(window.closes - timedelta(days=2)) == 1
    assert "Entry 1" not in OutboxMessage.objects.get(kind="submission closes in a week").body

    make.a_submitted_entry(candidacy, window.opens, key="entry-2")
    assert announce(window.closes - timedelta(hours=2)) == 0
