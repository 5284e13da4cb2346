"""What a scorer does with a packet, outside the wall; tests/scoring/wall holds the same behind it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from django.db.utils import DatabaseError

from certification.kernel.errors import BadInput, Incomplete, NotAllowed
from certification.kernel.models import AuditEvent
from scoring import services
from scoring.models import Assignment, EvidenceShown, Mark, Reading
from scoring.states import AssignmentState
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> Assignment:
    return make.assignment(make.packet(), make.scorer())


def draft(mine: Assignment, **fields: object) -> None:
    values = {"ratings": {}, "condition": None, "note": "", "now": make.NOW, **fields}
    services.save_draft(scorer_id=mine.scorer_id, assignment_id=mine.pk, **values)  # type: ignore[arg-type]


def test_opening_twice_keeps_the_first_instant(mine: Assignment) -> None:
    for day in (1, 2):
        services.open_assignment(
            scorer_id=mine.scorer_id, assignment_id=mine.pk, now=make.NOW.replace(day=day)
        )
    mine.refresh_from_db()
    assert (mine.state, mine.opened_at) == (AssignmentState.IN_PROGRESS, make.NOW.replace(day=1))


def test_a_draft_may_be_incomplete_and_hold_marks_beside_a_condition(mine: Assignment) -> None:
    draft(
        mine, ratings={"identify": Decimal("3.25")}, condition="no_audio", note="The second clip is silent."
    )
    mine.refresh_from_db()
    assert mine.draft == {
        "ratings": {"identify": "3.25"},
        "condition": "no_audio",
        "note": "The second clip is silent.",
    }
    assert mine.state == AssignmentState.IN_PROGRESS


@pytest.mark.parametrize(
    "fields",
    [
        {"ratings": {"identify": Decimal("3.1")}},
        {"ratings": {"elsewhere": Decimal("3")}},
        {"condition": "too_dull"},
    ],
)
def test_a_draft_with_what_the_entry_does_not_have_is_refused(
    mine: Assignment, fields: dict[str, object]
) -> None:
    with pytest.raises(BadInput):
        draft(mine, **fields)


def test_a_reading_has_its_marks_its_exact_score_and_ends_the_assignment(mine: Assignment) -> None:
    reading = make.read(mine, ratings=make.marks(mine.packet, "3", identify="3.25"))
    mine.refresh_from_db()
    assert reading.score == Fraction("24.25") / 8
    assert Mark.objects.filter(reading=reading).count() == 8
    assert (mine.state, mine.ended_at, mine.draft) == (AssignmentState.SUBMITTED, make.NOW, {})


def test_the_same_marks_sent_twice_are_one_reading(mine: Assignment) -> None:
    assert make.read(mine).pk == make.read(mine).pk
    assert Reading.objects.count() == 1


def test_other_marks_after_submission_are_refused(mine: Assignment) -> None:
    make.read(mine, "3")
    with pytest.raises(NotAllowed):
        make.read(mine, "4")
    with pytest.raises(NotAllowed):
        draft(mine, note="I changed my mind")


def test_every_missing_mark_is_named_and_nothing_is_written(mine: Assignment) -> None:
    with pytest.raises(Incomplete) as refused:
        make.read(mine, ratings={"identify": Decimal(3)})
    assert len(refused.value.details) == 7
    assert not Reading.objects.exists()


def test_a_condition_takes_no_marks_and_gives_no_score(mine: Assignment) -> None:
    with pytest.raises(Incomplete):
        services.submit_reading(
            scorer_id=mine.scorer_id,
            assignment_id=mine.pk,
            ratings=make.marks(mine.packet),
            condition="no_audio",
            note="",
            now=make.NOW,
        )
    reading = make.read(mine, condition="no_audio")
    assert (reading.score, reading.condition) == (None, "no_audio")


def test_a_scorer_who_stepped_aside_can_neither_save_nor_submit(mine: Assignment) -> None:
    for _ in range(2):
        services.recuse(scorer_id=mine.scorer_id, assignment_id=mine.pk, now=make.NOW)
    with pytest.raises(NotAllowed):
        draft(mine)
    with pytest.raises(NotAllowed):
        make.read(mine)
    event = AuditEvent.objects.get(action="stepped aside from a packet")
    assert event.actor_label == mine.scorer.alias


def test_nobody_steps_aside_after_submitting(mine: Assignment) -> None:
    make.read(mine)
    with pytest.raises(NotAllowed):
        services.recuse(scorer_id=mine.scorer_id, assignment_id=mine.pk, now=make.NOW)


def test_another_scorer_cannot_touch_the_assignment(mine: Assignment) -> None:
    other = make.scorer()
    with pytest.raises(NotAllowed):
        services.open_assignment(scorer_id=other.pk, assignment_id=mine.pk, now=make.NOW)


def test_one_showing_is_one_record_and_a_later_one_another(mine: Assignment) -> None:
    file = mine.packet.files.get()
    for hour in (12, 12, 14):
        services.record_shown(
            scorer_id=mine.scorer_id,
            assignment_id=mine.pk,
            file_id=file.pk,
            now=make.NOW.replace(hour=hour),
        )
    assert list(EvidenceShown.objects.values_list("sha256", flat=True)) == [file.sha256] * 2


@pytest.mark.parametrize("model", ["reading", "mark", "shown"])
def test_what_was_read_and_shown_cannot_be_changed(mine: Assignment, model: str) -> None:
    services.record_shown(
        scorer_id=mine.scorer_id, assignment_id=mine.pk, file_id=mine.packet.files.get().pk, now=make.NOW
    )
    reading = make.read(mine)
    rows = {
        "reading": Reading.objects.filter(pk=reading.pk),
        "mark": Mark.objects.filter(reading=reading),
        "shown": EvidenceShown.objects.all(),
    }
    with pytest.raises(DatabaseError, match="pgtrigger"):
        rows[model]._raw_delete("default")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (AssignmentState.SUBMITTED, AssignmentState.IN_PROGRESS),
        (AssignmentState.RECUSED, AssignmentState.ASSIGNED),
        (AssignmentState.SUBMITTED, AssignmentState.RECUSED),
    ],
)
def test_the_database_refuses_a_move_the_table_does_not_have(mine: Assignment, old: str, new: str) -> None:
    rows = Assignment.objects.filter(pk=mine.pk)
    rows.update(state=old, ended_at=make.NOW)
    with pytest.raises(DatabaseError, match="pgtrigger"):
        rows.update(state=new)
