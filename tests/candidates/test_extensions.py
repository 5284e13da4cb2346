"""One person's later deadline.  Source: the programme's rules, section 2."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, transaction

from accounts.models import Role
from candidates import selectors, services
from candidates.models import CohortYear, DeadlineExtension
from candidates.states import CandidacyState
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.models import AuditEvent, OutboxMessage
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
CLOSES = datetime(2027, 6, 16, 5, tzinfo=UTC)
LATER = CLOSES + timedelta(days=5)


def extend(candidacy_id: Any, **changes: Any) -> DeadlineExtension:
    given: dict[str, Any] = {
        "year": 1,
        "closes_at": LATER,
        "reason": "In hospital.",
        "now": CLOSES - timedelta(days=1),
    }
    by = changes.pop("by", None) or make.account(Role.STAFF)
    return services.extend_deadline(candidacy_id=candidacy_id, by=by, **(given | changes))


@pytest.mark.parametrize("now", [CLOSES - timedelta(days=30), CLOSES, CLOSES + timedelta(days=2)])
def test_a_deadline_is_extended_before_or_after_it_passed(now: datetime) -> None:
    candidacy = make.candidacy()
    extend(candidacy.pk, now=now)
    window = selectors.submission_window(candidacy, 1)
    assert window.closes == LATER
    assert window.opens == datetime(2027, 5, 1, 5, tzinfo=UTC)
    assert selectors.submission_window(candidacy.pk, 2).closes == datetime(2028, 6, 16, 5, tzinfo=UTC)
    event = AuditEvent.objects.get(action="extended deadline")
    assert event.detail["reason"] == "In hospital."
    assert OutboxMessage.objects.get(kind="deadline extended").recipient == candidacy.account.email


def test_an_extension_is_one_persons_alone() -> None:
    cohort = make.cohort()
    one, other = make.candidacy(in_cohort=cohort), make.candidacy(in_cohort=cohort)
    extend(one.pk)
    assert selectors.submission_window(other, 1).closes == CLOSES


def test_the_latest_of_several_counts() -> None:
    candidacy = make.candidacy()
    extend(candidacy.pk)
    extend(candidacy.pk, closes_at=LATER + timedelta(days=1))
    assert selectors.submission_window(candidacy, 1).closes == LATER + timedelta(days=1)


def test_the_same_extension_twice_is_one() -> None:
    candidacy = make.candidacy()
    assert extend(candidacy.pk) == extend(candidacy.pk)
    assert OutboxMessage.objects.filter(kind="deadline extended").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "  "},
        {"year": 4},
        {"closes_at": CLOSES},
        {"closes_at": CLOSES + timedelta(days=1), "now": CLOSES + timedelta(days=2)},
        {"closes_at": datetime(2027, 11, 1, tzinfo=UTC)},
    ],
    ids=["no reason", "no such year", "not later", "over already", "after the release"],
)
def test_an_extension_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    candidacy = make.candidacy()
    with pytest.raises(BadInput):
        extend(candidacy.pk, **wrong)


def test_only_staff_extend_and_only_a_live_candidacy() -> None:
    candidacy = make.candidacy()
    with pytest.raises(NotAllowed):
        extend(candidacy.pk, by=candidacy.account)
    services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.ENDED, ended_as="incomplete", now=CLOSES
    )
    with pytest.raises(NotAllowed):
        extend(candidacy.pk)


def test_an_extension_is_never_taken_back() -> None:
    extension = extend(make.candidacy().pk)
    with pytest.raises(ProgrammingError), transaction.atomic():
        extension.delete()


def test_windows_of_many_take_the_same_queries(django_assert_num_queries: Any) -> None:
    cohort = make.cohort(grace_minutes=10)
    people = [make.candidacy(in_cohort=cohort) for _ in range(3)]
    extend(people[0].pk)
    for some in (people[:1], people):
        with django_assert_num_queries(2):
            windows = selectors.submission_windows(some, 1)
    assert windows[people[0].pk].closes == LATER
    assert windows[people[1].pk].closes == CLOSES + timedelta(minutes=10)
    with pytest.raises(CohortYear.DoesNotExist):
        selectors.submission_windows(people, 4)


def test_a_year_lasts_until_its_scores_come_out() -> None:
    candidacy = make.candidacy()
    releases = list(candidacy.cohort.years.order_by("number").values_list("release_at", flat=True))
    assert selectors.year_at(candidacy, make.REGISTERING) == 1
    assert selectors.year_at(candidacy, releases[0] - timedelta(microseconds=1)) == 1
    assert selectors.year_at(candidacy, releases[0]) == 2
    assert selectors.year_at(candidacy.pk, releases[2]) is None
    assert [due.year for due in selectors.cohort_years_due(releases[1])] == [1, 2]
    assert len(selectors.cohort_years()) == 3
