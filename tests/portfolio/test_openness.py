"""What is open in which year, read from the database: scores, scores still out, extensions, ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from candidates import selectors as candidates
from candidates import services as candidate_services
from candidates.models import Candidacy
from candidates.states import CandidacyState
from certification.kernel import clock
from certification.kernel.errors import NotAllowed
from portfolio import sealing, selectors, services
from portfolio.consent import services as consent
from portfolio.models import Entry, EntryScore, Release
from portfolio.states import EntryState
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


def release_at(candidacy: Candidacy, year: int) -> datetime:
    at: datetime = candidacy.cohort.years.get(number=year).release_at
    return at


def score(entry: Entry, points: str, released_at: datetime) -> None:
    """Release one sealed entry with a score."""
    release, _ = Release.objects.get_or_create(
        due_at=released_at, defaults={"released_at": released_at, "entries": 1, "decisions": 1}
    )
    EntryScore.objects.create(entry=entry, release=release, score=Fraction(points), rule_set_digest="0" * 64)
    Entry.objects.filter(pk=entry.pk).update(state=EntryState.RELEASED)


def submitted(candidacy: Candidacy, year: int, *keys: str) -> list[Entry]:
    window = make.window_of(candidacy, year)
    entries = [make.a_submitted_entry(candidacy, window.opens, key=key) for key in keys]
    sealing.seal_due(window.closes)
    return entries


def test_in_the_first_year_everything_is_open(candidacy: Candidacy) -> None:
    opened = services.open_entries_for(candidacy, candidacy.enrolled_at)

    assert opened.entries == ("entry-1", "entry-2")
    assert opened.retakes == ()


def test_a_scored_entry_is_closed_in_year_two_and_the_other_must_be_submitted(candidacy: Candidacy) -> None:
    (entry,) = submitted(candidacy, 1, "entry-1")
    release = release_at(candidacy, 1)
    score(entry, "1.5", release)

    opened = services.open_entries_for(candidacy.pk, release)

    assert opened.entries == ("entry-2",)
    assert "retakes open in year 3" in opened.reasons["entry-1"]
    with pytest.raises(NotAllowed, match="retakes open in year 3"):
        make.a_draft(candidacy, release)
    (attempt,) = overview(candidacy, release).entries[0].earlier
    assert (attempt.year, attempt.label) == (1, "Scored")
    assert attempt.url == reverse("portfolio:report", args=[entry.pk])
    assert [receipt.number for receipt in attempt.receipts] == [entry.receipts.get().number]


def test_a_retake_in_year_three_is_an_attempt_of_its_own_marked_as_one(candidacy: Candidacy) -> None:
    first, second = submitted(candidacy, 1, "entry-1", "entry-2")
    score(first, "1.5", release_at(candidacy, 1))
    score(second, "3", release_at(candidacy, 1))

    retake = make.a_draft(candidacy, release_at(candidacy, 2))

    assert (retake.year, retake.is_retake) == (3, True)
    assert retake.pk != first.pk


def test_an_entry_without_its_score_is_neither_retaken_nor_missed(candidacy: Candidacy) -> None:
    first, _ = submitted(candidacy, 1, "entry-1", "entry-2")
    score(first, "1.5", release_at(candidacy, 1))

    opened = services.open_entries_for(candidacy, release_at(candidacy, 2))

    assert opened.entries == ()
    assert opened.reasons["entry-2"] == "Entry 2 was submitted, and its score is not out yet."
    assert "once Entry 2 has its score" in opened.reasons["entry-1"]


def test_never_submitted_by_the_end_of_year_two_is_too_late_unless_staff_extend(candidacy: Candidacy) -> None:
    year_three = release_at(candidacy, 2)
    assert services.open_entries_for(candidacy, year_three).entries == ()

    candidate_services.extend_deadline(
        candidacy_id=candidacy.pk,
        year=3,
        closes_at=make.window_of(candidacy, 3).closes + timedelta(days=1),
        reason="Parental leave",
        by=make.a_staff_member(),
        now=year_three - timedelta(days=9),
    )

    assert services.open_entries_for(candidacy, year_three).entries == ("entry-1", "entry-2")
    assert make.a_draft(candidacy, year_three).is_retake is False


@pytest.mark.parametrize("state", [CandidacyState.ENDED, CandidacyState.CERTIFIED])
def test_nothing_is_open_once_the_candidacy_is_over(candidacy: Candidacy, state: CandidacyState) -> None:
    now = make.window_of(candidacy).opens
    candidate_services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=state, ended_as="incomplete", now=now
    )

    assert services.open_entries_for(candidacy.pk, now).entries == ()


def test_a_page_without_an_open_entry_asks_nobody_to_prepare_or_to_rehearse(candidacy: Candidacy) -> None:
    (entry,) = submitted(candidacy, 1, "entry-1")
    score(entry, "3", release_at(candidacy, 1))
    now = release_at(candidacy, 1)
    client = Client()
    client.force_login(candidacy.account)
    invitations = ("You may prepare now", reverse("portfolio:rehearsal"), "To be confirmed")

    with clock.fixed(now):
        page = client.get(reverse("portfolio:entries")).content.decode()
    assert all(invitation in page for invitation in invitations)

    candidate_services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.CERTIFIED, ended_as="certified", now=now
    )
    with clock.fixed(now):
        page = client.get(reverse("portfolio:entries")).content.decode()
    assert "No entry is open to you this year." in page
    assert not any(invitation in page for invitation in invitations)
    assert reverse("portfolio:receipt", args=[entry.receipts.get().number]) in page


def test_after_the_last_release_nothing_is_open(candidacy: Candidacy) -> None:
    assert services.open_entries_for(candidacy, release_at(candidacy, 3)).entries == ()


# ---- the dashboard's card ----


def overview(candidacy: Candidacy, now: datetime) -> selectors.CandidateOverview:
    return selectors.candidate_overview(candidacy.pk, now)


def test_the_overview_follows_an_entry_through_its_year(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    shown = overview(candidacy, candidacy.enrolled_at).entries[0]
    assert (shown.action, shown.is_open, shown.may_prepare) == ("Start preparing", False, True)

    entry = make.a_draft(candidacy, candidacy.enrolled_at)
    shown = overview(candidacy, candidacy.enrolled_at).entries[0]
    assert (shown.action, shown.filled, shown.required, shown.state_label) == (
        "Add evidence",
        0,
        1,
        "In preparation",
    )

    make.add(entry, candidacy.enrolled_at)
    assert overview(candidacy, candidacy.enrolled_at).entries[0].action == "Look it over"
    shown = overview(candidacy, window.opens).entries[0]
    assert (shown.action, shown.is_open, shown.closes_at) == ("Review and submit", True, window.closes)

    make.submit(entry, window.opens)
    shown = overview(candidacy, window.opens).entries[0]
    assert (shown.state, shown.action, len(shown.receipts)) == (
        EntryState.SUBMITTED,
        "See what you submitted",
        1,
    )
    assert [entry.key for entry in overview(candidacy, window.opens).to_do] == ["entry-2"]


def test_after_the_deadline_the_overview_is_honest_before_any_sweep_ran(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    make.a_submitted_entry(candidacy, window.opens, key="entry-1")
    make.a_complete_draft(candidacy, window.opens, key="entry-2")

    scored, unused = overview(candidacy, window.closes).entries

    assert (scored.state_label, unused.state_label) == ("Being scored", "Not submitted")
    assert (scored.is_open, unused.is_open, unused.may_prepare) == (False, False, False)
    assert "window of year 1 is over" in unused.reason


def test_the_overview_costs_the_same_for_one_draft_with_videos_and_for_two(
    candidacy: Candidacy, django_assert_num_queries: Any
) -> None:
    now = make.window_of(candidacy).opens
    card = candidates.candidacy_card(candidacy.pk)
    assert card is not None
    for key in ("entry-1", "entry-2"):
        video = make.a_video(make.a_complete_draft(candidacy, now, key=key), now)
        consent.add_person(evidence_id=video.pk, by=candidacy.account, person=make.somebody(), now=now)
        with django_assert_num_queries(18):  # three of them for the consent ledgers of the drafts
            shown = selectors.candidate_overview(card, now)
        assert [entry.action for entry in shown.entries if entry.entry_id][-1] == "Say who is seen"


def test_the_overview_costs_the_same_for_two_entries_and_for_seven(django_assert_num_queries: Any) -> None:
    make.a_small_framework()
    two = make.a_candidate(make.a_cohort(number=10))
    seven = make.a_candidate(make.a_cohort(number=11, framework_slug="pilot-seven"))
    now = make.window_of(two).opens
    for key in ("entry-1", "entry-2"):
        make.a_draft(two, now, key=key)
    make.a_draft(seven, now, key="data")
    cards = [candidates.candidacy_card(person.pk) for person in (two, seven)]

    for card in cards:
        assert card is not None
        with django_assert_num_queries(15):  # one for the videos of drafts
            selectors.candidate_overview(card, now)
