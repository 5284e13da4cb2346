"""Who may rehearse when, what is written down of it, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, transaction

from candidates import services as candidate_services
from candidates.models import Candidacy
from certification.kernel import clock, ids
from certification.kernel.errors import BadInput, NotAllowed, Refusal, WindowClosed
from certification.season.files import make_mp4
from portfolio.blinding.identifiers import Identity
from portfolio.models import Rehearsal
from portfolio.rehearsal import limits, services, tickets
from portfolio.rehearsal.rules import MB, Line, Sample
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)
STEADY = [Sample(services.LADDER[0], 1000 * second, 1000) for second in range(8)]


def ticket(candidacy: Candidacy, now: datetime) -> str:
    """Of a measurement that was let in at `now`, whether or not it should have been."""
    return tickets.ticket(ids.uuid(), candidacy.account_id, now)


def measure(
    candidacy: Candidacy,
    now: datetime,
    *,
    with_ticket: str | None = None,
    samples: Sequence[Sample] = STEADY,
    breaks: int = 1,
) -> Rehearsal:
    return services.record_line(
        by=candidacy.account,
        ticket=ticket(candidacy, now) if with_ticket is None else with_ticket,
        samples=samples,
        breaks=breaks,
        now=now,
    )


def test_a_line_is_written_down_with_the_instant_and_its_breaks(candidacy: Candidacy, now: datetime) -> None:
    measure(candidacy, now)

    row = Rehearsal.objects.get()
    assert (row.candidacy_id, row.rehearsed_at, row.line_breaks) == (candidacy.pk, now, 1)
    assert row.line_bytes is not None
    assert row.line_milliseconds is not None
    assert 1000 * row.line_bytes / row.line_milliseconds == services.LADDER[0]


def test_it_is_open_from_a_month_before_the_window_until_it_closes(candidacy: Candidacy) -> None:
    window = make.window_of(candidacy)
    opens = window.opens - timedelta(days=30)  # April has thirty

    for instant, sentence in (
        (opens - TICK, "opens on 1 April 2027"),
        (window.closes, "closed on 15 June 2027"),
    ):
        with clock.fixed(instant):
            for attempt in (
                lambda at: measure(candidacy, at),
                lambda at: services.begin_trial(by=candidacy.account, now=at),
                lambda at: services.record_clip(
                    by=candidacy.account, path=Path("/nowhere"), name="a.mp4", line=None, now=at
                ),
            ):
                with pytest.raises(WindowClosed, match=sentence):
                    attempt(instant)
    for instant in (opens, window.closes - TICK):
        with clock.fixed(instant):
            measure(candidacy, instant)
    assert Rehearsal.objects.count() == 2


def test_an_extension_keeps_the_rehearsal_open(candidacy: Candidacy) -> None:
    closes = make.window_of(candidacy).closes
    with clock.fixed(closes):
        candidate_services.extend_deadline(
            candidacy_id=candidacy.pk,
            year=1,
            closes_at=closes + timedelta(days=3),
            reason="Flooded school.",
            by=make.a_staff_member(),
            now=closes,
        )
        measure(candidacy, closes)

    assert Rehearsal.objects.count() == 1


@pytest.mark.parametrize(
    ("samples", "breaks"),
    [
        ([], 0),
        ([Sample(1234, 0, 10)], 0),
        ([Sample(services.LADDER[0], -1, 10)], 0),
        ([Sample(services.LADDER[0], 0, 0)], 0),
        ([Sample(services.LADDER[0], 0, 3_600_000)], 0),
        ([Sample(services.LADDER[0], 0, 10)] * 201, 0),
        ([Sample(services.LADDER[0], 0, 10)], 201),
    ],
)
def test_figures_that_cannot_be_are_refused(
    candidacy: Candidacy, now: datetime, samples: list[Sample], breaks: int
) -> None:
    with pytest.raises(BadInput, match="did not arrive whole"):
        measure(candidacy, now, samples=samples, breaks=breaks)
    assert not Rehearsal.objects.exists()


def test_a_line_that_only_broke_is_on_record_as_that(candidacy: Candidacy, now: datetime) -> None:
    measure(candidacy, now, samples=[], breaks=3)

    row = Rehearsal.objects.get()
    assert (row.line_bytes, row.line_milliseconds, row.line_breaks) == (None, None, 3)


def test_a_measurement_that_was_let_in_is_written_down_once(candidacy: Candidacy, now: datetime) -> None:
    given = services.begin_trial(by=candidacy.account, now=now).ticket
    last = now + tickets.TICKET_LIFE - timedelta(seconds=1)
    for at in (now, last):
        with clock.fixed(at):
            measure(candidacy, at, with_ticket=given)

    assert Rehearsal.objects.get().rehearsed_at == now


def test_without_a_ticket_of_ones_own_nothing_is_written_down(candidacy: Candidacy, now: datetime) -> None:
    own, other = ticket(candidacy, now), ticket(make.a_candidate(candidacy.cohort), now)
    number, _, token = own.partition("/")
    for forged in ("", number, "/" + token, f"{ids.uuid()}/{token}", f"{number}/::", other):
        with pytest.raises(BadInput, match="did not arrive whole"):
            measure(candidacy, now, with_ticket=forged)
    late = now + tickets.TICKET_LIFE
    with clock.fixed(late), pytest.raises(BadInput, match="more than 15 minutes after it began"):
        measure(candidacy, late, with_ticket=own)
    assert not Rehearsal.objects.exists()


def test_a_line_is_measured_so_often_within_an_hour_and_then_again_after_it(
    candidacy: Candidacy, now: datetime
) -> None:
    for _ in range(limits.MOST_TRIALS_AN_HOUR):
        services.begin_trial(by=candidacy.account, now=now)
    with pytest.raises(NotAllowed, match="as often as may be"):
        services.begin_trial(by=candidacy.account, now=now)
    services.begin_trial(by=make.a_candidate(candidacy.cohort).account, now=now)
    services.begin_trial(by=candidacy.account, now=now + timedelta(hours=1))


def test_an_emptied_cache_costs_a_count_and_nothing_else(
    candidacy: Candidacy, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "add", lambda *_: False)

    assert services.begin_trial(by=candidacy.account, now=now).addresses


def test_the_way_of_a_clip_counts_until_a_script_has_measured_the_line(
    candidacy: Candidacy, now: datetime, tmp_path: Path
) -> None:
    coach = Identity(names=("Ada Long",), emails=(), organisations=())
    path = make_mp4(tmp_path / "clip.mp4", identity=coach, seconds=1)

    def tried() -> Rehearsal:
        return services.record_clip(
            by=candidacy.account, path=path, name="clip.mp4", line=Line(2 * MB, 2000), now=now
        )

    assert tried().line_bytes == 2 * MB
    assert tried().line_bytes == 2 * MB
    measure(candidacy, now)
    assert tried().line_bytes is None


def test_who_has_no_submission_to_come_has_nothing_to_rehearse(candidacy: Candidacy, now: datetime) -> None:
    nobody = make.a_staff_member()

    with pytest.raises(Refusal, match="submission still to come"):
        services.begin_trial(by=nobody, now=now)


@pytest.mark.parametrize(
    "half",
    [
        {"line_bytes": 5},
        {"line_milliseconds": 5},
        {"line_bytes": 0, "line_milliseconds": 5},
        {"clip_format": "mp4"},
        {"clip_format": "mp4", "clip_bytes": 5, "clip_seconds": 1, "clip_treatment": "kept"},
        {},
    ],
)
def test_half_a_finding_cannot_be_written(
    candidacy: Candidacy, now: datetime, half: dict[str, int | str]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Rehearsal.objects.create(candidacy=candidacy, rehearsed_at=now, **half)


def test_what_was_found_out_stays_as_it_was(candidacy: Candidacy, now: datetime) -> None:
    row = measure(candidacy, now)

    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Rehearsal.objects.filter(pk=row.pk).update(line_breaks=0)
